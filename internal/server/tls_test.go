package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/internal/config"
	"github.com/tandemrouter/tandem/internal/server"
)

// startTLS runs a server with a certificate of its own, and returns the pool that trusts it.
func startTLS(t *testing.T) (*server.Server, *x509.CertPool) {
	t.Helper()
	listener := tcp("secure")
	var trusted *x509.CertPool
	listener.TLS, trusted = certificate(t)
	return start(t, listener), trusted
}

// certificate writes a certificate for 127.0.0.1 and its key.
func certificate(t *testing.T) (*config.TLS, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files := &config.TLS{
		CertFile: writePEM(t, "CERTIFICATE", cert),
		KeyFile:  writePEM(t, "PRIVATE KEY", private),
	}
	parsed, err := x509.ParseCertificate(cert)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return files, pool
}

func writePEM(t *testing.T, kind string, der []byte) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Both protocols work over TLS, on one port.
func TestRS16_WS12_TLS(t *testing.T) {
	s, trusted := startTLS(t)
	for _, url := range []string{"wss://" + address(s) + "/ws", "tcps://" + address(s)} {
		session := join(t, url, client.Config{TLS: &tls.Config{RootCAs: trusted}})
		register(t, session, "com.example."+url[:3])
		call(t, session, "com.example."+url[:3])
	}
}

func TestTLSPortServesNothingInClear(t *testing.T) {
	s, _ := startTLS(t)
	for _, text := range []string{"\x7f\xf3\x00\x00\x00\x00\x00\x00", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"} {
		if answer := say(t, s, text); statusOf(answer) != 0 || len(answer) > 0 && answer[0] == rawSocket {
			t.Errorf("%q was answered with %q", text, answer)
		}
	}
}

const rawSocket = 0x7f

func TestClientRefusesACertificateThatNobodyVouchesFor(t *testing.T) {
	s, _ := startTLS(t)
	if _, err := client.Connect(t.Context(), "tcps://"+address(s), client.Config{Realm: realm}); err == nil {
		t.Error("connected")
	}
}
