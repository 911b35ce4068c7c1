package cli

import (
	"context"
	"log/slog"

	"github.com/tandemrouter/tandem/internal/bench"
	"github.com/tandemrouter/tandem/internal/config"
	"github.com/tandemrouter/tandem/internal/server"
)

type benchChildCmd struct {
	Role string `arg:"" enum:"router,relay" help:"router or relay."`
}

// anyPort is an address that nobody else can reach.
const anyPort = "127.0.0.1:0"

// Run runs until the standard input ends.
func (c *benchChildCmd) Run(ctx context.Context, p *program) error {
	if c.Role == "relay" {
		return bench.ChildRelay(ctx, p.In, p.Out)
	}
	return childRouter(p)
}

// childRouter runs the router as `tandem dev` does.
func childRouter(p *program) error {
	log := slog.New(slog.NewTextHandler(p.Err, &slog.HandlerOptions{Level: slog.LevelError}))
	c := config.Development(anyPort, "", defaultRealm)
	c.Limits.Registrations = 1 << 30 // few callees stand for many
	s, err := server.New(c, "tandem/"+p.version, log)
	if err != nil {
		return err
	}
	if err := s.Start(); err != nil {
		return err
	}
	address := s.Addrs()[0].String()
	err = bench.Answer(p.In, p.Out, bench.Addresses{RawSocket: "tcp://" + address, WebSocket: "ws://" + address + "/ws"})
	abrupt, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.Stop(abrupt) // nobody is there to say goodbye to
	return err
}
