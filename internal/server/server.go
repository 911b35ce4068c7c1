package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"github.com/tandemrouter/tandem/internal/config"
	"github.com/tandemrouter/tandem/router"
)

// Server is a router with its listeners. Start and Stop are called once each, in that order.
type Server struct {
	// immutable after New

	config *config.Config
	log    *slog.Logger
	router *router.Router
	tls    []*tls.Config // of the listeners; nil for a plain one
	listen func(*config.Listener) (net.Listener, error)

	ballast []byte // only there to be there

	// owned by the caller of Start and Stop

	ports []*port

	wg sync.WaitGroup // of everything that serves a connection
	mu sync.Mutex

	// guarded by mu

	stopping bool
}

// New returns a server for the configuration, not yet listening. agent is what the router calls itself. It fails if
// the configuration cannot work, because a certificate cannot be used or a realm's name is not valid.
func New(c *config.Config, agent string, log *slog.Logger) (*Server, error) {
	s := &Server{config: c, log: log, listen: listen, ballast: ballast()}
	for i := range c.Listeners {
		secure, err := loadTLS(&c.Listeners[i])
		if err != nil {
			return nil, fmt.Errorf("listener %q: %w", c.Listeners[i].Name, err)
		}
		s.tls = append(s.tls, secure)
	}
	var err error
	s.router, err = router.New(routerConfig(c, agent, log))
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Start listens on every configured address. If one cannot be listened on, none is, and the server is stopped.
func (s *Server) Start() error {
	for i := range s.config.Listeners {
		p, err := s.open(i)
		if err != nil {
			_ = s.Stop(context.Background())
			return err
		}
		s.ports = append(s.ports, p)
	}
	for _, p := range s.ports {
		s.wg.Go(p.acceptAll)
		s.wg.Go(p.serveHTTP)
	}
	return nil
}

// Addrs returns the addresses that the server listens on, in the order of the configuration. They tell the port that
// was found for port 0.
func (s *Server) Addrs() []net.Addr {
	addrs := make([]net.Addr, len(s.ports))
	for i, p := range s.ports {
		addrs[i] = p.listener.Addr()
	}
	return addrs
}

// Stop stops listening, ends all sessions with GOODBYE and waits for the peers (SES-25). When ctx is done it closes
// what is left, and returns the context's error.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	var errs []error
	for _, p := range s.ports {
		errs = append(errs, p.close())
	}
	errs = append(errs, s.router.Shutdown(ctx))
	s.wg.Wait()
	return errors.Join(errs...)
}

// enter makes Stop wait until leave is called. It reports false if the server stops already. It is for goroutines
// that the server has not started itself.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopping {
		s.wg.Add(1)
	}
	return !s.stopping
}

func (s *Server) leave() { s.wg.Done() }

// open opens the socket of the i-th listener.
func (s *Server) open(i int) (*port, error) {
	c := &s.config.Listeners[i]
	l, err := s.listen(c)
	if err != nil {
		return nil, fmt.Errorf("listener %q: %w", c.Name, err)
	}
	if s.tls[i] != nil {
		l = tls.NewListener(l, s.tls[i])
	}
	return newPort(s, c, l), nil
}
