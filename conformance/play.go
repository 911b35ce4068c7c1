package conformance

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/tandemrouter/tandem/wamp"
)

// ErrNotApplicable says that a target lacks what a case needs: a realm, a transport or a serializer.
var ErrNotApplicable = errors.New("conformance: not applicable")

// play is one run of a case.
type play struct {
	open  func(*Wire) (*conn, error) // opens a connection, without a handshake
	wires []Wire                     // that the peers take in turn
	vars  vars
	peers []*peer // in the order in which the script mentions them
}

// Run puts the target through the case. The error says at which line the router did something else than the case
// wants, and on which wires; or it is ErrNotApplicable, or what the network or ctx said when a connection was opened.
// When Run returns, the router has been made to forget all sessions of the case. How long Run takes is bounded by the
// target's timeout.
func (c *Case) Run(ctx context.Context, target *Target) error {
	full := target.withDefaults()
	wires, err := c.wiresOf(full)
	if err != nil {
		return err
	}
	p := &play{wires: wires, vars: full.vars()}
	p.open = func(w *Wire) (*conn, error) { return w.dial(ctx, full.Timeout) }
	defer p.clear()
	for i := range c.steps {
		s := &c.steps[i]
		if err := s.do(p); err != nil {
			return fmt.Errorf("%s:%d: %s: %w (%s)", c.file, s.line, s.text, err, p.cast())
		}
	}
	if err := p.silence(); err != nil {
		return fmt.Errorf("%s: at the end: %w (%s)", c.Name, err, p.cast())
	}
	return nil
}

// wiresOf returns the target's wires on which the case can be played. Which of them is the first depends on the case,
// so that the cases together see every wire in every part.
func (c *Case) wiresOf(target *Target) ([]Wire, error) {
	for _, key := range c.needs {
		if target.Realms[key] == "" {
			return nil, fmt.Errorf("%w: needs the realm %q", ErrNotApplicable, key)
		}
	}
	wires := slices.DeleteFunc(slices.Clone(target.Wires), func(w Wire) bool { return !w.isOneOf(c.only) })
	if len(wires) == 0 {
		return nil, fmt.Errorf("%w: needs %s", ErrNotApplicable, strings.Join(c.only, " "))
	}
	hash := fnv.New32()
	_, _ = hash.Write([]byte(c.Name)) // never fails
	first := hash.Sum32() % uint32(len(wires))
	return slices.Concat(wires[first:], wires[:first]), nil
}

// peer returns the peer of that name, a new one if the script has not mentioned it before.
func (p *play) peer(name string) *peer {
	for _, who := range p.peers {
		if who.name == name {
			return who
		}
	}
	who := &peer{name: name, wire: p.wires[len(p.peers)%len(p.wires)]}
	p.peers = append(p.peers, who)
	return who
}

// place puts the peer on a wire that is one of those.
func (p *play) place(who *peer, words []string) error {
	i := slices.IndexFunc(p.wires, func(w Wire) bool { return w.isOneOf(words) })
	if i < 0 {
		return fmt.Errorf("%w: needs %s", ErrNotApplicable, strings.Join(words, " "))
	}
	who.wire = p.wires[i]
	return nil
}

// cast tells which wires the peers are on, and what has come to them and was not asked for.
func (p *play) cast() string {
	var list []string
	for _, who := range p.peers {
		text := who.name + ": " + who.wire.String()
		for _, m := range who.unasked() {
			text += ", has got " + format(m)
		}
		list = append(list, text)
	}
	return strings.Join(list, "; ")
}

// dial opens the connection, and leaves the handshake to the script.
func (p *play) dial(who *peer) (err error) {
	who.raw = true
	who.conn, err = p.open(&who.wire)
	return err
}

// connect opens the connection with its handshake, if it has not been opened.
func (p *play) connect(who *peer) error {
	if who.conn != nil {
		return nil
	}
	if err := p.dial(who); err != nil {
		return err
	}
	who.raw = false
	return who.conn.framing.handshake(who.conn)
}

// upgrade asks for a WebSocket connection. The answer is a status and the subprotocol that was chosen.
func (p *play) upgrade(who *peer, offered string, answer any) error {
	if err := p.dial(who); err != nil {
		return err
	}
	w, ok := who.conn.framing.(*webSocket)
	if !ok {
		return errors.New("only a WebSocket can be asked for")
	}
	status, chosen, err := w.upgrade(who.conn, offered)
	if err != nil {
		return err
	}
	return p.vars.compare(answer, wamp.List{int64(status), chosen})
}

// join opens a session. $A is then its ID, $A.authid and $A.authrole are who it is.
func (p *play) join(who *peer, hello wamp.List) error {
	message, err := p.vars.fill(hello)
	if err != nil {
		return err
	}
	if err := who.send(message); err != nil {
		return err
	}
	m, err := who.next()
	if err != nil {
		return err
	}
	welcome := wamp.List{int64(wamp.TypeWelcome), variable(who.name), wamp.Dict{restKey: others{}}}
	if err := p.vars.compare(welcome, m); err != nil {
		return err
	}
	details := m[2].(wamp.Dict)
	p.vars[who.name+".authid"], p.vars[who.name+".authrole"] = details["authid"], details["authrole"]
	return nil
}

// expect wants that a certain message comes next.
func (p *play) expect(who *peer, want any) error {
	m, err := who.next()
	if err != nil {
		return err
	}
	return p.vars.compare(want, m)
}

// nothing wants that no message has come to the peer, whatever the others have caused. First the router has to prove
// that it is done with what the others sent, and then that nothing is on its way to this one.
func (p *play) nothing(who *peer) error {
	if !who.live {
		return errors.New("has no session that could prove it")
	}
	for _, other := range p.peers {
		if other != who {
			if err := other.barrier(); err != nil {
				return err
			}
		}
	}
	if err := who.barrier(); err != nil {
		return err
	}
	return who.empty()
}

// silence wants that nobody gets anything more.
func (p *play) silence() error {
	for range min(2, len(p.peers)) { // what one caused in the first round shows with another in the second
		for _, who := range p.peers {
			if err := who.barrier(); err != nil {
				return err
			}
		}
	}
	for _, who := range p.peers {
		if err := who.empty(); err != nil {
			return err
		}
	}
	return nil
}

// clear ends all sessions, and waits until the router has ended them too.
func (p *play) clear() {
	for _, who := range p.peers {
		who.leave()
	}
}
