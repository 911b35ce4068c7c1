package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"testing"
	"time"
)

// certificate writes a certificate for 127.0.0.1 that nobody has signed but itself, and its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	public, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, block("CERTIFICATE", public)), writeFile(t, block("PRIVATE KEY", encoded))
}

func block(kind string, content []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}))
}

// A router with a certificate of one's own can be reached, and whoever does not trust it learns what to do.
func TestCertificateOfOnesOwn(t *testing.T) {
	cert, key := certificate(t)
	r := launch(t, "serve", "-c", writeFile(t, fmt.Sprintf(
		"listeners: {main: {address: \"127.0.0.1:0\", tls: {cert: %q, key: %q}}}\n"+
			"realms: {realm1: {anonymous: g, roles: {g: {allow: [call]}}}}\n", cert, key)))
	r.out.await(t, "(main)")
	for _, url := range []string{"wss://" + address(r) + "/ws", "tcps://" + address(r)} {
		call := []string{"call", "--url", url, "wamp.session.count"}
		tandem(t, append(call, "--ca", cert)...).expect(t, exitOK, "1\n", "")
		tandem(t, call...).expect(t, exitUnreachable, "", "--ca FILE trusts one more")
		tandem(t, append(call, "--ca", key)...).expect(t, exitUsage, "", "there is no certificate in PEM")
		tandem(t, append(call, "--ca", cert+".missing")...).expect(t, exitUsage, "", cert+".missing")
	}
	plain := "ws://" + address(r) + "/ws"
	tandem(t, "call", "--url", plain, "wamp.session.count").expect(t, exitUnreachable, "", "cannot reach a router")
}
