package server

import (
	"context"
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

	// owned by the caller of Start and Stop

	ports []*port

	wg sync.WaitGroup // of everything that serves a connection
}

// New returns a server for the configuration, not yet listening. agent is what the router calls itself.
func New(c *config.Config, agent string, log *slog.Logger) (*Server, error) {
	r, err := router.New(routerConfig(c, agent, log))
	if err != nil {
		return nil, err
	}
	return &Server{config: c, log: log, router: r}, nil
}

// Start listens on every configured address. If one cannot be listened on, none is.
func (s *Server) Start() error {
	for i := range s.config.Listeners {
		p, err := s.open(&s.config.Listeners[i])
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

// Stop stops listening, ends all sessions with GOODBYE and waits for the peers. When ctx is done it closes what is
// left, and returns the context's error.
func (s *Server) Stop(ctx context.Context) error {
	var errs []error
	for _, p := range s.ports {
		errs = append(errs, p.close())
	}
	errs = append(errs, s.router.Shutdown(ctx))
	for _, p := range s.ports {
		errs = append(errs, p.http.Close())
	}
	s.wg.Wait()
	return errors.Join(errs...)
}

// Router returns the running router.
func (s *Server) Router() *router.Router { return s.router }

func (s *Server) open(c *config.Listener) (*port, error) {
	l, err := listen(c)
	if err != nil {
		return nil, fmt.Errorf("listener %q: %w", c.Name, err)
	}
	return newPort(s, c, l), nil
}
