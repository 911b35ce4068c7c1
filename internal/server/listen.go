package server

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/tandemrouter/tandem/internal/config"
	"github.com/tandemrouter/tandem/transport"
)

// listen opens the listener's socket. A Unix socket that a dead process left behind is replaced.
func listen(c *config.Listener) (net.Listener, error) {
	l, err := transport.Listen(c.Network, c.Address)
	if err == nil || c.Network != "unix" || !abandoned(c.Address) {
		return l, err
	}
	if err := os.Remove(c.Address); err != nil {
		return nil, err
	}
	return transport.Listen(c.Network, c.Address)
}

// abandoned reports whether the path is a socket on which nobody listens. A socket that does not answer for another
// reason, because its owner is busy or lets nobody in, is not abandoned.
func abandoned(path string) bool {
	info, err := os.Stat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return false
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// loadTLS reads the listener's certificate. It returns nil if the listener is plain.
func loadTLS(c *config.Listener) (*tls.Config, error) {
	if c.TLS == nil {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(c.TLS.CertFile, c.TLS.KeyFile)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
}
