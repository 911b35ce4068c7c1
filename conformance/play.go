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
	target *Target
	wires  []Wire // those that the next peers take, in turn
	vars   vars
	peers  []*peer // in the order in which the script mentions them
}

// Run puts the target through the case. The error says at which line the router did something else than the case
// wants, and on which wires; or it is ErrNotApplicable, or what ctx said. When Run returns, the router has been made to
// forget all sessions of the case.
//
// The context is for connecting only; how long Run takes is bounded by the target's timeout.
func (c *Case) Run(ctx context.Context, target *Target) error {
	p, err := c.stage(target)
	if err != nil {
		return err
	}
	defer p.clear()
	for i := range c.steps {
		s := &c.steps[i]
		if err := s.act(ctx, p); err != nil {
			return fmt.Errorf("%s:%d: %s: %w (%s)", c.file, s.line, s.text, err, p.cast())
		}
	}
	if err := p.silence(); err != nil {
		return fmt.Errorf("%s: %s: at the end: %w (%s)", c.file, c.Name, err, p.cast())
	}
	return nil
}

// stage prepares a run. Which wire the first session takes depends on the case, so that the cases together see all.
func (c *Case) stage(target *Target) (*play, error) {
	full := *target
	if full.MaxMessageSize == 0 {
		full.MaxMessageSize = defaultMaxMessageSize
	}
	if full.Timeout == 0 {
		full.Timeout = defaultTimeout
	}
	p := &play{target: &full, vars: vars{"realm": full.Realm, "max": full.MaxMessageSize}}
	for key, name := range full.Realms {
		p.vars["realm."+key] = name
	}
	for _, key := range c.needs {
		if full.Realms[key] == "" {
			return nil, fmt.Errorf("%w: needs the realm %q", ErrNotApplicable, key)
		}
	}
	for _, w := range full.Wires {
		if c.allows(&w) {
			p.wires = append(p.wires, w)
		}
	}
	if len(p.wires) == 0 {
		return nil, fmt.Errorf("%w: only on %s", ErrNotApplicable, strings.Join(c.only, " "))
	}
	sum := fnv.New32()
	_, _ = sum.Write([]byte(c.Name))
	first := int(sum.Sum32() % uint32(len(p.wires)))
	p.wires = slices.Concat(p.wires[first:], p.wires[:first])
	return p, nil
}

// allows reports whether the case can be played on the wire. Of the transports and of the serializers that it names
// one must fit.
func (c *Case) allows(w *Wire) bool {
	return c.allowsOne(w.transport(), "websocket", "rawsocket") &&
		c.allowsOne(w.Serializer.String(), "json", "msgpack", "cbor")
}

func (c *Case) allowsOne(word string, all ...string) bool {
	named := slices.ContainsFunc(all, func(w string) bool { return slices.Contains(c.only, w) })
	return !named || slices.Contains(c.only, word)
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
func (p *play) dial(ctx context.Context, who *peer) (err error) {
	who.raw = true
	who.conn, err = who.wire.dial(ctx, p.target.Timeout)
	return err
}

// connect opens the connection with its handshake, if it is not open.
func (p *play) connect(ctx context.Context, who *peer) error {
	if who.conn != nil {
		return nil
	}
	if err := p.dial(ctx, who); err != nil {
		return err
	}
	who.raw = false
	return who.conn.framing.handshake(who.conn)
}

// upgrade asks for a WebSocket connection and wants a certain answer: words are the subprotocols that are offered, the
// status and the subprotocol that is chosen.
func (p *play) upgrade(ctx context.Context, who *peer, words wamp.List) error {
	if err := p.dial(ctx, who); err != nil {
		return err
	}
	w, ok := who.conn.framing.(*webSocket)
	offered, isText := words[0].(string)
	if !ok || !isText {
		return errors.New("only a WebSocket can be asked for, with texts")
	}
	status, chosen, err := w.upgrade(who.conn, offered)
	if err != nil {
		return err
	}
	return differ(p.vars.match("answer", words[1:], wamp.List{int64(status), chosen}))
}

// join opens a session. $A is then its ID, $A.authid and $A.authrole are who it is.
func (p *play) join(ctx context.Context, who *peer, realm variable, roles wamp.Dict) error {
	name, err := p.vars.fill(realm)
	if err == nil {
		err = p.connect(ctx, who)
	}
	if err != nil {
		return err
	}
	if err := who.send(wamp.List{int64(wamp.TypeHello), name, wamp.Dict{"roles": roles}}); err != nil {
		return err
	}
	m, err := who.next()
	if err != nil {
		return err
	}
	delete(p.vars, who.name)
	want := wamp.List{int64(wamp.TypeWelcome), variable(who.name), wamp.Dict{restKey: others{}}}
	if diff := p.vars.match("message", want, m); diff != "" {
		return fmt.Errorf("got %s: %s", format(m), diff)
	}
	details := m[2].(wamp.Dict)
	p.vars[who.name+".authid"], p.vars[who.name+".authrole"] = details["authid"], details["authrole"]
	return nil
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
	for range 2 { // what one caused in the first round shows with another in the second
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

// differ makes an error of a difference.
func differ(diff string) error {
	if diff == "" {
		return nil
	}
	return errors.New(diff)
}
