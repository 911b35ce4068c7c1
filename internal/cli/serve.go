package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tandemrouter/tandem/internal/config"
	"github.com/tandemrouter/tandem/internal/server"
	"github.com/tandemrouter/tandem/wamp"
)

// stopTimeout is how long a stopping router waits for its peers.
const stopTimeout = 10 * time.Second

type serveCmd struct {
	Config string `short:"c" placeholder:"FILE" help:"The configuration file (YAML)."`
	Debug  bool   `help:"Log what sessions come and go."`
}

// Run serves until the program is told to stop.
func (c *serveCmd) Run(ctx context.Context, p *program) error {
	conf, err := loadConfig("serve", c.Config)
	if err != nil {
		return err
	}
	return serve(ctx, p, conf, c.Debug, func(addrs []net.Addr) {
		for i, addr := range addrs {
			l := &conf.Listeners[i]
			fmt.Fprintf(p.Out, "listening on %s (%s)\n  clients connect to %s\n", addr, l.Name, strings.Join(urlsOf(l, addr), ", "))
		}
	})
}

// urlsOf returns the URLs at which clients on this machine reach a listener.
func urlsOf(l *config.Listener, addr net.Addr) []string {
	if l.Network == "unix" {
		if !l.RawSocket {
			return []string{addr.String()} // with WebSocket, for which nobody has a URL
		}
		return []string{"unix://" + addr.String()}
	}
	secure := ""
	if l.TLS != nil {
		secure = "s"
	}
	address := reachable(addr)
	var urls []string
	if l.WebSocket {
		urls = append(urls, "ws"+secure+"://"+address+"/ws")
	}
	if l.RawSocket {
		urls = append(urls, "tcp"+secure+"://"+address)
	}
	return urls
}

// reachable returns the address, or that of this machine's loopback if it stands for all addresses.
func reachable(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("localhost", strconv.Itoa(tcp.Port))
	}
	return addr.String()
}

type devCmd struct {
	Listen string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"The loopback address to listen on (${default})."`
	Unix   string `placeholder:"PATH" help:"Also listen on this Unix socket."`
	Realm  string `default:"realm1" help:"The realm."`
	Debug  bool   `help:"Log what sessions come and go."`
}

// Run serves until the program is told to stop.
func (c *devCmd) Run(ctx context.Context, p *program) error {
	const why = "the development router allows everybody everything and so listens on loopback only; " +
		`for other addresses write a configuration file and use "tandem serve"`
	if err := checkLoopback(c.Listen, why); err != nil {
		return err
	}
	if !wamp.LooseURI.ValidURI(c.Realm) {
		return exit(exitUsage, "--realm %q: a realm's name is made of components without white space and '#', joined by dots", c.Realm)
	}
	conf := config.Development(c.Listen, c.Unix, c.Realm)
	return serve(ctx, p, conf, c.Debug, func(addrs []net.Addr) { c.announce(p, addrs) })
}

// checkLoopback refuses addresses that others can reach, and says why.
func checkLoopback(address, why string) error {
	host, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return exit(exitUsage, "--listen %s: write host:port, such as 127.0.0.1:8080", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return exit(exitUsage, "--listen %s: %s", address, why)
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
	name := invokedAs(os.Args[0])
	fmt.Fprintf(p.Out, "  %s register com.example.hello --reply '\"hello {{arg 0}}\"'%s\n", name, flags)
	fmt.Fprintf(p.Out, "  %s call com.example.hello Ann%s\n\n", name, flags)
}

// invokedAs returns what to write to run the program again: the path with which it was started, if that is one.
func invokedAs(started string) string {
	base := strings.TrimSuffix(filepath.Base(started), ".exe")
	if base != "tandem" || strings.ContainsAny(started, " '\"$") {
		return "tandem"
	}
	return started
}

// clientFlags returns what the client commands need because their defaults do not fit.
func (c *devCmd) clientFlags(address string) string {
	var flags strings.Builder
	if url := "ws://" + address + "/ws"; url != defaultURL {
		flags.WriteString(" --url " + url)
	}
	if c.Realm != defaultRealm {
		flags.WriteString(" --realm " + quoted(c.Realm))
	}
	return flags.String()
}

var plainWord = regexp.MustCompile(`^[\w./:-]+$`)

// quoted returns the word as a shell wants it.
func quoted(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// serve runs a router until the program is told to stop.
func serve(ctx context.Context, p *program, conf *config.Config, debug bool, ready func([]net.Addr)) error {
	level := slog.LevelInfo
	if debug {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(p.Err, &slog.HandlerOptions{Level: level}))
	s, err := server.New(conf, "tandem/"+p.version, log)
	if err != nil {
		return exit(exitConfig, "the configuration cannot be used:\n%w", err)
	}
	if err := s.Start(); err != nil {
		return exit(exitUnreachable, "cannot listen: %w%s", err, whoListens(err))
	}
	ready(s.Addrs())
	<-ctx.Done()
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

// whoListens is a hint for the usual reasons why a router cannot listen.
func whoListens(err error) string {
	var listening *net.OpError
	unix := errors.As(err, &listening) && listening.Net == "unix"
	switch {
	case errors.Is(err, syscall.EADDRINUSE) && unix:
		return "\n  another program listens there, perhaps another router, or a file has that name"
	case errors.Is(err, syscall.EADDRINUSE):
		return "\n  another program listens there, perhaps another router; port 0 finds a free port"
	case errors.Is(err, fs.ErrNotExist) && unix:
		return "\n  the directory is not there"
	case errors.Is(err, fs.ErrPermission):
		return "\n  this user may not; ports below 1024 are often reserved"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "\n  no network interface of this machine has that address"
	default:
		return ""
	}
}
