package routing

import (
	"slices"

	"github.com/tandemrouter/tandem/wamp"
)

// What a session may leave behind if BrokerConfig does not say (TES-14).
const (
	DefaultMaxTestaments     = 100
	DefaultMaxTestamentBytes = 512 << 10
)

// testaments are the publications that a session leaves behind, by scope. A session cannot be resumed here, so both are
// published when it ends, the detached ones first (TES-05, TES-06).
type testaments struct {
	detached  []testament
	destroyed []testament
}

type testament struct {
	publish *wamp.Publish
	size    int
}

func (t *testaments) count() int { return len(t.detached) + len(t.destroyed) }

func (t *testaments) size() int {
	sum := 0
	for _, one := range t.detached {
		sum += one.size
	}
	for _, one := range t.destroyed {
		sum += one.size
	}
	return sum
}

// Bequest is a testament that may be published, and what the authorizer says of it.
type Bequest struct {
	Publish *wamp.Publish
	Grant   Grant
}

// Testaments returns what a session leaves behind, in the order of publication, for the shell to have it authorized
// before it removes the session (TES-11). The messages are only to be read.
func (b *Broker) Testaments(s *Session) []*wamp.Publish {
	var list []*wamp.Publish
	if left := s.broker.testaments; left != nil {
		for _, t := range slices.Concat(left.detached, left.destroyed) {
			list = append(list, t.publish)
		}
	}
	return list
}

// Forbids says why a testament must not be published under this grant, and nothing if it may (TES-11). It reads only what
// never changes, and so needs no lock.
func (b *Broker) Forbids(m *wamp.Publish, g Grant) (why string) { return b.checkPublish(m, g).text }

// addTestament keeps a publication of the calling session for its end (TES-01, TES-04).
func (b *Broker) addTestament(c *metaCall, _ *Outbox) (wamp.List, refusal) {
	m, no := c.testament()
	if no.refuses() {
		return nil, no
	}
	if no := b.checkTestament(m, c.grant.Topic); no.refuses() {
		return nil, no
	}
	left := c.caller.broker.testaments
	if left == nil {
		left = new(testaments)
	}
	bucket, no := left.scope(c)
	if no.refuses() {
		return nil, no
	}
	t := testament{m, publishSize(m)}
	if no := b.checkRoom(left, t.size); no.refuses() {
		return nil, no
	}
	*bucket = append(*bucket, t)
	c.caller.broker.testaments = left
	return nil, refusal{}
}

// checkRoom says whether a session may not have one testament more, of that size (TES-14).
func (b *Broker) checkRoom(left *testaments, size int) refusal {
	switch {
	case left.count() >= b.config.MaxTestaments:
		return refusal{wamp.ErrInvalidArgument, "the session has as many testaments as it may"}
	case left.size()+size > b.config.MaxTestamentBytes:
		return refusal{wamp.ErrInvalidArgument, "the session's testaments would take up more than they may"}
	default:
		return refusal{}
	}
}

// publishSize returns about how many bytes it takes to keep a publication.
func publishSize(m *wamp.Publish) int {
	a := newAudience(nil, &m.Options)
	return len(m.Topic) + len(m.Options.RKey) + payloadSize(&m.Payload) + sizeOfPassthru(m.Options.PPT) + a.size()
}

// checkTestament says whether the publication would be refused if it were made now (TES-10, TES-11).
func (b *Broker) checkTestament(m *wamp.Publish, g *Grant) refusal {
	if g == nil {
		g = new(Grant)
	}
	return b.checkPublish(m, *g)
}

// flushTestaments drops what the calling session would leave behind in a scope (TES-02, TES-06).
func (b *Broker) flushTestaments(c *metaCall, _ *Outbox) (wamp.List, refusal) {
	left := c.caller.broker.testaments
	if left == nil {
		left = new(testaments)
	}
	bucket, no := left.scope(c)
	if no.refuses() {
		return nil, no
	}
	*bucket = nil
	return nil, refusal{}
}

// scope returns the testaments of the scope that the call names (TES-03).
func (t *testaments) scope(c *metaCall) (*[]testament, refusal) {
	switch v := c.kwargs["scope"]; v {
	case nil, "destroyed":
		return &t.destroyed, refusal{}
	case "detached":
		return &t.detached, refusal{}
	default:
		return nil, badArgument("destroyed or detached as scope")
	}
}

// testament makes a PUBLISH of a topic, arguments and keyword arguments, which may be missing or null (TES-13).
func (c *metaCall) testament() (*wamp.Publish, refusal) {
	topic, isText := c.text()
	args, isList := optional[wamp.List](c, 1)
	kwargs, isDict := optional[wamp.Dict](c, 2)
	if !isText || !isList || !isDict {
		return nil, badArgument("a topic, a list of arguments and a dictionary of keyword arguments")
	}
	m := &wamp.Publish{Topic: topic, Payload: wamp.Payload{Args: args, Kwargs: kwargs}}
	options, given := c.kwargs["publish_options"]
	if !given || options == nil {
		return m, refusal{}
	}
	dict, ok := options.(wamp.Dict)
	if !ok || !readPublishOptions(dict, &m.Options) {
		return nil, badArgument("the options of a PUBLISH as publish_options")
	}
	return m, refusal{}
}

// optional returns the positional argument at i, which may be missing or null.
func optional[T any](c *metaCall, i int) (v T, ok bool) {
	if i >= len(c.args) || c.args[i] == nil {
		return v, true
	}
	v, ok = c.args[i].(T)
	return v, ok
}

// readPublishOptions reads the options that mean something in a testament. Those to acknowledge and to exclude the
// publisher do not: it is gone (TES-09).
func readPublishOptions(d wamp.Dict, o *wamp.PublishOptions) bool {
	var r wamp.Receivers
	var p wamp.Passthru
	ok := readOption(d, "disclose_me", &o.DiscloseMe) && readOption(d, "retain", &o.Retain) && readOption(d, "rkey", &o.RKey) &&
		readIDs(d, "exclude", &r.Exclude) && readTexts(d, "exclude_authid", &r.ExcludeAuthID) &&
		readTexts(d, "exclude_authrole", &r.ExcludeAuthRole) &&
		readIDs(d, "eligible", &r.Eligible) && readTexts(d, "eligible_authid", &r.EligibleAuthID) &&
		readTexts(d, "eligible_authrole", &r.EligibleAuthRole) &&
		readOption(d, "ppt_scheme", &p.Scheme) && readOption(d, "ppt_serializer", &p.Serializer) &&
		readOption(d, "ppt_cipher", &p.Cipher) && readOption(d, "ppt_keyid", &p.KeyID)
	o.Receivers = &r
	if p.Scheme != "" {
		o.PPT = &p
	}
	return ok
}

// readOption reads an option that may be missing or null.
func readOption[T any](d wamp.Dict, key string, dst *T) bool {
	v, given := d[key]
	if !given || v == nil {
		return true
	}
	var ok bool
	*dst, ok = v.(T)
	return ok
}

func readTexts(d wamp.Dict, key string, dst *[]string) bool {
	v, given := d[key]
	if !given || v == nil {
		return true
	}
	var ok bool
	*dst, ok = textsIn(v)
	return ok
}

// readIDs reads a list that is not nil if it is there, be it empty (BWL-03).
func readIDs(d wamp.Dict, key string, dst *[]wamp.ID) bool {
	v, given := d[key]
	if !given || v == nil {
		return true
	}
	list, ok := v.(wamp.List)
	if !ok {
		return false
	}
	*dst = make([]wamp.ID, len(list))
	for i, item := range list {
		if (*dst)[i], ok = idIn(item); !ok {
			return false
		}
	}
	return true
}

// About what a dictionary takes besides what is in it, and each entry of a large one.
const (
	dictSize  = 320
	entrySize = 64
)

// weigh returns about how many bytes a value takes that was read from a message.
func weigh(v any) int {
	const word = 16
	switch v := v.(type) {
	case string:
		return word + len(v)
	case []byte:
		return word + len(v)
	case wamp.List:
		sum := word
		for _, item := range v {
			sum += weigh(item)
		}
		return sum
	case wamp.Dict:
		sum := word
		if len(v) > 0 {
			sum += dictSize
		}
		for key, item := range v { // order: only a sum
			sum += entrySize + len(key) + weigh(item)
		}
		return sum
	default:
		return word
	}
}

// publishWill publishes what a session left behind (TES-05).
func (b *Broker) publishWill(from *Session, will []Bequest, out *Outbox) {
	for _, w := range will {
		if no := b.checkPublish(w.Publish, w.Grant); no.refuses() {
			continue // TES-11: not any more, see Forbids
		}
		p := newPublication(wamp.RandomID(b.config.Random()), from, w.Publish, w.Grant)
		p.audience.excluded = nil // PEX-05
		b.deliver(&p, out)
	}
}
