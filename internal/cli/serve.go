package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/tandemrouter/tandem/internal/config"
	"github.com/tandemrouter/tandem/internal/server"
)

// stopTimeout is how long a stopping router waits for its peers.
const stopTimeout = 10 * time.Second

type serveCmd struct {
	Config string `short:"c" required:"" placeholder:"FILE" help:"The configuration file (YAML)."`
	Debug  bool   `help:"Log what sessions come and go."`
}

// Run serves until the program is told to stop.
func (c *serveCmd) Run(p *program) error {
	conf, err := config.Load(c.Config)
	if err != nil {
		return &exitError{exitConfig, err}
	}
	return serve(p, conf, c.Debug, func(addrs []net.Addr) {
		for i, addr := range addrs {
			fmt.Fprintf(p.Out, "listening on %s (%s)\n", addr, conf.Listeners[i].Name)
		}
	})
}

type devCmd struct {
	Listen string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"The loopback address to listen on (${default})."`
	Unix   string `placeholder:"PATH" help:"Also listen on this Unix socket."`
	Realm  string `default:"realm1" help:"The realm (${default})."`
	Debug  bool   `help:"Log what sessions come and go."`
}

// Run serves until the program is told to stop.
func (c *devCmd) Run(p *program) error {
	if err := checkLoopback(c.Listen); err != nil {
		return err
	}
	conf := config.Development(c.Listen, c.Unix, c.Realm)
	return serve(p, conf, c.Debug, func(addrs []net.Addr) { c.announce(p, addrs) })
}

// checkLoopback refuses addresses that others can reach: in a router for development everybody may do everything.
func checkLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return exit(exitUsage, "--listen %s: write host:port, such as 127.0.0.1:8080", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return exit(exitUsage, "--listen %s: the development router allows everybody everything and so listens on "+
			"loopback only; for other addresses write a configuration file and use \"tandem serve\"", address)
	}
	return nil
}

// announce prints where the router is and what to try first.
func (c *devCmd) announce(p *program, addrs []net.Addr) {
	address := addrs[0].String()
	fmt.Fprintf(p.Out, "Tandem %s for development: loopback only, in memory, everybody may do everything.\n\n", p.version)
	fmt.Fprintf(p.Out, "  WebSocket   ws://%s/ws\n  RawSocket   tcp://%s\n", address, address)
	if c.Unix != "" {
		fmt.Fprintf(p.Out, "  Unix        unix://%s\n", c.Unix)
	}
	flags := c.clientFlags(address)
	fmt.Fprintf(p.Out, "  Realm       %s\n\nTry, in two other terminals:\n\n", c.Realm)
	fmt.Fprintf(p.Out, "  tandem register com.example.hello --reply '\"hello {{arg 0}}\"'%s\n", flags)
	fmt.Fprintf(p.Out, "  tandem call com.example.hello Ann%s\n\n", flags)
}

// clientFlags returns what the client commands need because their defaults do not fit.
func (c *devCmd) clientFlags(address string) string {
	var flags strings.Builder
	if url := "ws://" + address + "/ws"; url != defaultURL {
		flags.WriteString(" --url " + url)
	}
	if c.Realm != defaultRealm {
		flags.WriteString(" --realm " + c.Realm)
	}
	return flags.String()
}

// serve runs a router until the program is told to stop.
func serve(p *program, conf *config.Config, debug bool, ready func([]net.Addr)) error {
	level := slog.LevelInfo
	if debug {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(p.Err, &slog.HandlerOptions{Level: level}))
	s, err := server.New(conf, "tandem/"+p.version, log)
	if err != nil {
		return &exitError{exitConfig, err}
	}
	if err := s.Start(); err != nil {
		return &exitError{exitUnreachable, err}
	}
	ready(s.Addrs())
	<-p.ctx.Done()
	return stop(s, log)
}

func stop(s *server.Server, log *slog.Logger) error {
	log.Info("stopping: sessions are closed")
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	err := s.Stop(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return exit(exitTimeout, "some peers did not leave in time and were cut off")
	}
	return err
}
