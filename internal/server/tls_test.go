package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/internal/config"
	"github.com/tandemrouter/tandem/internal/server"
	"github.com/tandemrouter/tandem/internal/wamptest"
)

// startTLS runs a server with a certificate of its own, and returns the pool that trusts it.
func startTLS(t *testing.T) (*server.Server, *x509.CertPool) {
	t.Helper()
	listener := tcp("secure")
	var trusted *x509.CertPool
	listener.TLS, trusted = certificate(t)
	return start(t, listener), trusted
}

// certificate returns a certificate for 127.0.0.1, and the pool that trusts it.
func certificate(t *testing.T) (*config.TLS, *x509.CertPool) {
	t.Helper()
	var files config.TLS
	files.CertFile, files.KeyFile = wamptest.Certificate(t)
	cert, err := os.ReadFile(files.CertFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return &files, pool
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
