package routing

import (
	"cmp"
	"strings"
	"time"

	"github.com/tandemrouter/tandem/internal/pattern"
	"github.com/tandemrouter/tandem/wamp"
)

// DefaultMaxSubscriptions is how many subscriptions a session may hold if BrokerConfig does not say (FLW-08).
const DefaultMaxSubscriptions = 1_048_576

// BrokerConfig says how the broker of a realm works.
type BrokerConfig struct {
	URIRule          wamp.URIRule  // which topics are valid (URI-05)
	Random           func() uint64 // uniformly random bits, for publication IDs (IDS-02) and the secret of hash tables
	MaxSubscriptions int           // that one session may hold; 0 means DefaultMaxSubscriptions (FLW-08)
	Sharding         bool          // whether nkey and rkey mean anything (SSB-01)

	MaxRetained      int // events; 0 means DefaultMaxRetained, less than 0 that none are retained (RET-02)
	MaxRetainedBytes int // that the retained events take up; 0 means DefaultMaxRetainedBytes
	MaxRestricted    int // events of one topic that not everybody may have; 0 means DefaultMaxRestricted, less none (RET-05)
	MaxReplayed      int // events that one SUBSCRIBE is answered with; 0 means DefaultMaxReplayed (RET-07)
	MaxReplayedBytes int // that these events take up, give or take one; 0 means DefaultMaxReplayedBytes

	// What a session may leave behind (TES-14); 0 means DefaultMaxTestaments and DefaultMaxTestamentBytes.
	MaxTestaments     int
	MaxTestamentBytes int

	SilentRevocation bool // who loses a subscription is not told, whatever it announced (SRV-05)
}

// Broker routes the publications of a realm to its subscribers. It is not safe for concurrent use: the shell holds
// the broker's lock around every method. Messages are only read, and nothing of them is kept beyond a step; what a
// step puts into the outbox may share memory with its message.
type Broker struct {
	config           BrokerConfig
	topics           pattern.Index[*subscription]
	subscriptions    map[wamp.ID]*subscription
	nextSubscription wamp.ID
	sessions         map[wamp.ID]*Session
	subscribers      int                // of all subscriptions
	memberships      tables[membership] // of sessions, by subscription ID
	matches          []*subscription    // scratch of one publication, kept so that none allocates
	retention        retention
}

// brokerState is what the broker knows of a session. A session without subscriptions holds no memory.
type brokerState struct {
	left        bool // the session is gone: its messages are ignored
	memberships table[membership]
	testaments  *testaments      // nil: none
	listed      table[*retained] // what is retained for lists of sessions with this one among them (RET-14)
}

// NewBroker returns a broker without subscriptions. The configuration must have a source of random numbers.
func NewBroker(c BrokerConfig) *Broker {
	c.MaxSubscriptions = cmp.Or(c.MaxSubscriptions, DefaultMaxSubscriptions)
	c.MaxTestaments = cmp.Or(c.MaxTestaments, DefaultMaxTestaments)
	c.MaxTestamentBytes = cmp.Or(c.MaxTestamentBytes, DefaultMaxTestamentBytes)
	c.MaxRetained = cmp.Or(c.MaxRetained, DefaultMaxRetained)
	c.MaxRetainedBytes = cmp.Or(c.MaxRetainedBytes, DefaultMaxRetainedBytes)
	c.MaxRestricted = cmp.Or(c.MaxRestricted, DefaultMaxRestricted)
	c.MaxReplayed = cmp.Or(c.MaxReplayed, DefaultMaxReplayed)
	c.MaxReplayedBytes = cmp.Or(c.MaxReplayedBytes, DefaultMaxReplayedBytes)
	memberships := newTables[membership](c.Random)
	return &Broker{
		config:           c,
		topics:           pattern.New[*subscription](memberships.secret),
		subscriptions:    make(map[wamp.ID]*subscription),
		nextSubscription: 1,
		sessions:         make(map[wamp.ID]*Session),
		memberships:      memberships,
		retention:        newRetention(memberships.secret),
	}
}

// AddSession makes a session that joined the realm known to the procedures of the meta API, and tells who wants to hear
// of it. It comes after WELCOME and before the session's first message (SMA-17). One that has left meanwhile stays out.
func (b *Broker) AddSession(_ time.Time, s *Session, out *Outbox) {
	if s.broker.left {
		return
	}
	b.sessions[s.ID] = s
	b.publishMeta(&MetaEvent{topic: topicOnJoin, who: s}, out)
}

// Call answers a CALL of a procedure of the session or subscription meta API, or of testaments.
func (b *Broker) Call(now time.Time, from *Session, m *wamp.Call, g Grant, out *Outbox) {
	if from.broker.left {
		return
	}
	if text := unannounced(from, &m.Options); text != "" {
		out.violation(from, text)
		return
	}
	if no := b.answer(now, from, m, g, out); no.refuses() {
		out.refuse(from, wamp.TypeCall, m.Request, no.uri, no.text)
	}
	b.tell(out)
}

func (b *Broker) answer(now time.Time, from *Session, m *wamp.Call, g Grant, out *Outbox) refusal {
	if !b.config.URIRule.ValidURI(m.Procedure) {
		return refusal{wamp.ErrInvalidURI, "the procedure is not a valid URI"} // URI-03
	}
	if no := checkIdentity(m, &g); no.refuses() {
		return no
	}
	api := sessionAPI
	if strings.HasPrefix(m.Procedure, subscriptionPrefix) {
		api = subscriptionAPI
	}
	return api.answer(b, now, from, m, g, out)
}

// Subscribe answers a SUBSCRIBE with SUBSCRIBED or ERROR (PUB-01). A session that already holds the subscription is
// told its ID again (PUB-03).
func (b *Broker) Subscribe(now time.Time, from *Session, m *wamp.Subscribe, g Grant, out *Outbox) {
	if from.broker.left {
		return
	}
	sub, no := b.obtain(now, from, m, g)
	if no.refuses() {
		out.refuse(from, wamp.TypeSubscribe, m.Request, no.uri, no.text)
		return
	}
	joins := !b.holds(from, sub)
	b.enter(from, sub, b.nkey(m))
	out.send(from, &wamp.Subscribed{Request: m.Request, Subscription: sub.id}) // UMA-05
	if m.Options.GetRetained {
		b.replay(from, sub, out) // before anything live (RET-13)
	}
	if joins {
		out.tellSubscribed(from, sub)
	}
	b.tell(out)
}

// Unsubscribe answers an UNSUBSCRIBE with UNSUBSCRIBED, or with ERROR if the session does not hold the subscription
// (PUB-04, PUB-05). No event of the subscription goes to the session afterwards (PUB-12).
func (b *Broker) Unsubscribe(_ time.Time, from *Session, m *wamp.Unsubscribe, out *Outbox) {
	if from.broker.left {
		return
	}
	held, _ := b.memberships.get(&from.broker.memberships, m.Subscription)
	if held.subscription == nil {
		const text = "no such subscription of this session"
		out.refuse(from, wamp.TypeUnsubscribe, m.Request, wamp.ErrNoSuchSubscription, text)
		return
	}
	b.withdraw(from, held)
	out.send(from, &wamp.Unsubscribed{Request: m.Request}) // UMA-05
	out.tellUnsubscribed(from, held.subscription)
	b.tell(out)
}

// Publish sends the publication to every subscriber of every matching subscription (PBS-03), after the PUBLISHED or
// instead of the ERROR that answers it if the publisher asked for an acknowledgement. One that did not ask learns
// nothing (PUB-06).
//
// The events of one subscription are one message in consecutive sends. Subscriptions follow one another in the
// order exact, prefixes by increasing length, wildcards as they were created (PBS-08).
func (b *Broker) Publish(_ time.Time, from *Session, m *wamp.Publish, g Grant, out *Outbox) {
	if from.broker.left {
		return
	}
	if m.Options.PPT != nil && !from.Roles.Supports(wamp.RolePublisher, wamp.FeaturePayloadPassthruMode) {
		out.violation(from, "PUBLISH with ppt_scheme, but payload_passthru_mode was not announced") // PPT-03
		return
	}
	if no := b.checkPublish(m, g); no.refuses() {
		if m.Options.Acknowledge {
			out.refuse(from, wamp.TypePublish, m.Request, no.uri, no.text)
		}
		return
	}
	id := wamp.RandomID(b.config.Random())
	if m.Options.Acknowledge {
		out.acknowledge(from, m.Request, id) // before the events (PUB-16)
	}
	p := newPublication(id, from, m, g)
	b.deliver(&p, out)
}

// Subscriptions returns the number of subscriptions in the realm. Sessions share those to the same topic with the
// same match policy (PUB-02).
func (b *Broker) Subscriptions() int {
	return b.topics.Len(pattern.Exact) + b.topics.Len(pattern.Prefix) + b.topics.Len(pattern.Wildcard)
}

// Subscribers returns the number of subscribers of all subscriptions together: a session counts once for each
// subscription that it holds.
func (b *Broker) Subscribers() int { return b.subscribers }

// obtain returns the subscription that the message asks for, a new one if there is none, or the reason not to.
func (b *Broker) obtain(now time.Time, from *Session, m *wamp.Subscribe, g Grant) (*subscription, refusal) {
	match := m.Options.Match
	if !b.config.URIRule.ValidPattern(m.Topic, match) {
		return nil, refusal{wamp.ErrInvalidURI, "the topic is not a valid URI or pattern"} // URI-03
	}
	if no := g.refusal(); no.refuses() {
		return nil, no
	}
	sub, exists := b.topics.Get(pattern.Kind(match), m.Topic)
	switch {
	case exists && b.holds(from, sub):
		return sub, refusal{}
	case from.broker.memberships.len() >= b.config.MaxSubscriptions:
		return nil, refusal{wamp.ErrNotAuthorized, "the session holds as many subscriptions as it may"}
	case exists:
		return sub, refusal{}
	default:
		return b.create(now, uint64(from.ID), match, m.Topic)
	}
}

// create adds a subscription that has no subscriber yet, on the account of an owner of patterns. IDs count up and so never
// come back: an UNSUBSCRIBE that comes late cannot hit another subscription. They begin with 1, since a small number makes
// for short events.
func (b *Broker) create(now time.Time, owner uint64, match wamp.MatchPolicy, topic string) (*subscription, refusal) {
	sub := &subscription{id: b.nextSubscription, match: match, topic: strings.Clone(topic), created: now.UnixMilli()}
	if err := b.topics.InsertFor(owner, pattern.Kind(match), sub.topic, sub); err != nil {
		return nil, patternRefusal(err)
	}
	b.subscriptions[sub.id] = sub
	b.nextSubscription = sub.id.Next()
	return sub, refusal{}
}
