package router

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/internal/history"
	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

const procedureGetEvents = "wamp.subscription.get_events"

// commitTimeout is how long a publisher waits for the disk.
const commitTimeout = 30 * time.Second

// histories are what a realm remembers of the publications to some of its topics (requirements 2.32).
type histories struct {
	// immutable after openHistories

	store     history.Store
	durable   bool // an acknowledged publication is safe
	maxResult int

	// guarded by brokerMu

	newest time.Time // of all events
}

// openHistories opens the store of a realm, or returns nil if nothing is to be remembered. The broker keeps a subscription
// for each history (EVH-13).
func openHistories(r *Router, c *RealmConfig, b *routing.Broker) (*histories, error) {
	if len(c.History.Topics) == 0 {
		return nil, nil
	}
	h := &histories{durable: c.History.Durable, maxResult: c.History.MaxResult}
	bounds := history.Config{Realm: c.Name, MaxBytes: c.History.MaxBytes, Topics: make(map[history.Key]history.Limits)}
	for _, t := range c.History.Topics {
		key := history.Key{Match: t.Match, Topic: t.Topic}
		if _, err := b.Hold(time.Now(), t.Match, t.Topic, key); err != nil {
			return nil, fmt.Errorf("router: history of %s %q in realm %q: %w", t.Match, t.Topic, c.Name, err)
		}
		bounds.Topics[key] = history.Limits{MaxEvents: t.MaxEvents, MaxBytes: t.MaxBytes, MaxAge: t.MaxAge}
	}
	if c.History.File == "" {
		h.store = history.NewRing(bounds)
		return h, nil
	}
	var err error
	if h.store, err = history.Open(c.History.File, bounds, r.config.Logger); err != nil {
		return nil, fmt.Errorf("router: realm %q: %w", c.Name, err)
	}
	return h, nil
}

// pendingCommit is a publication that is on its way to the disk.
type pendingCommit struct {
	publication wamp.ID
	commit      *history.Commit
}

// keepLocked writes down what a broker's step has for the histories. It is called with brokerMu held, so that the order is
// that of the broker (EVH-02).
func (rl *realm) keepLocked(w *worker, out *routing.Outbox) {
	clear(w.commits)
	w.commits = w.commits[:0]
	for i := range out.Kept {
		k := &out.Kept[i]
		key := k.History.(history.Key) //nolint:forcetypeassert // it is what Hold got
		commit := rl.histories.store.Append(key, pastEvent(rl.histories.timeLocked(w.now), k))
		if commit != nil && rl.histories.durable {
			w.commits = append(w.commits, pendingCommit{k.Event.Publication, commit})
		}
	}
}

// timeLocked returns the time for an event. A worker may have read the clock a while ago, because an authorizer took its
// time; but no event is older than the one before it, or who pages through a history by time would miss it.
func (h *histories) timeLocked(now time.Time) time.Time {
	if now.After(h.newest) {
		h.newest = now
	}
	return h.newest
}

func pastEvent(now time.Time, k *routing.Kept) *history.Event {
	e := &history.Event{
		Time:        now,
		Publication: k.Event.Publication,
		Topic:       k.Topic,
		Details:     k.Event.Details,
		Payload:     k.Event.Payload,
	}
	if r := k.For; r != nil {
		e.Audience = history.Audience{
			EligibleAuthID:   r.EligibleAuthID,
			EligibleAuthRole: r.EligibleAuthRole,
			ExcludeAuthID:    r.ExcludeAuthID,
			ExcludeAuthRole:  r.ExcludeAuthRole,
		}
	}
	if e.Payload.Serializer == wamp.NoSerializer && !e.Payload.Empty() { // a testament, of a serializer that can all that
		if encoded, err := payload.Encode(wamp.CBOR, &e.Payload); err == nil {
			e.Payload = encoded
		}
	}
	return e
}

// promise is a PUBLISHED that must not be sent before its publication is safe.
type promise struct {
	to        *session
	published wamp.Published
	commits   []*history.Commit // one for each history that the publication is in, or fewer
}

// promise takes the message back if it is a PUBLISHED that has to wait.
func (w *worker) promise(send *routing.Send) bool {
	m, ok := send.Msg.(*wamp.Published)
	if !ok {
		return false
	}
	var commits []*history.Commit
	for _, c := range w.commits {
		if c.publication == m.Publication {
			commits = append(commits, c.commit)
		}
	}
	if commits != nil {
		w.promises = append(w.promises, promise{send.To.Shell.(*session), *m, commits})
	}
	return commits != nil
}

// keepPromises waits for the disk, and answers the publishers. What they published before is on its way to the
// subscribers meanwhile. It is called without locks.
func (w *worker) keepPromises() {
	if len(w.promises) == 0 {
		return
	}
	w.flush()
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	for i := range w.promises {
		w.promises[i].keep(ctx, w)
	}
	clear(w.promises)
	w.promises = w.promises[:0]
}

func (p *promise) keep(ctx context.Context, w *worker) {
	var err error
	for _, c := range p.commits {
		err = errors.Join(err, c.Wait(ctx))
	}
	if err != nil {
		p.to.refuse(w, wamp.TypePublish, p.published.Request, wamp.ErrRuntimeError,
			"the event was sent to its subscribers, but is not in the history")
		return
	}
	_ = p.to.reply(w, &p.published)
}

// reply sends an answer that the shell itself makes, unless the session has ended. The error is the queue's; what must
// not be lost is settled.
func (s *session) reply(w *worker, m wamp.Message) error {
	if s.ended.Load() {
		return nil
	}
	if p := wamp.PayloadOf(m); w.unprepared(s, p) {
		w.payloads.Prepare(p, s.speaks)
	}
	q := s.peer.queue
	q.Lock()
	defer q.Unlock()
	result, refusable := m.(*wamp.Result)
	var err error
	if refusable {
		err = w.putOne(s, m, &result.Payload, true)
	} else {
		err = w.put(s, m)
	}
	if !refusable && errors.Is(err, transport.ErrQueueFull) {
		w.expel(s, noRoomForReply)
	}
	if err == nil && q.TouchLocked() {
		w.touched = append(w.touched, q)
	}
	return err
}

func (s *session) refuse(w *worker, t wamp.MessageType, request wamp.ID, uri wamp.ErrorURI, text string) {
	_ = s.reply(w, &wamp.Error{
		RequestType: t, Request: request, URI: uri,
		Payload: wamp.Payload{Args: wamp.List{text}},
	})
}

// getEvents answers a CALL of wamp.subscription.get_events. No lock is held while it reads the history and asks the
// authorizer.
func (s *session) getEvents(w *worker, m *wamp.Call, g routing.Grant) {
	result, err := s.findEvents(w, m, g)
	if err == nil {
		err = s.reply(w, result)
	}
	var refusal *wamp.Error
	switch {
	case err == nil, errors.Is(err, transport.ErrQueueClosed):
		return
	case !errors.As(err, &refusal):
		refusal = wamp.Errorf(wamp.ErrUnavailable, "%v", err)
	}
	refusal.RequestType, refusal.Request = wamp.TypeCall, m.Request
	_ = s.reply(w, refusal)
}

func (s *session) findEvents(w *worker, m *wamp.Call, g routing.Grant) (*wamp.Result, error) {
	if err := checkGetEvents(m, g); err != nil {
		return nil, err
	}
	id, err := subscriptionIn(m.Payload.Args)
	if err != nil {
		return nil, err
	}
	q, err := history.ParseQuery(m.Payload.Kwargs)
	if err != nil {
		return nil, wamp.Errorf(wamp.ErrInvalidArgument, "%v", err)
	}
	key, err := s.historyOf(w, id)
	if err != nil {
		return nil, err
	}
	found := history.Selection{}
	if key != nil {
		if found, err = s.selectEvents(*key, &q); err != nil {
			return nil, err
		}
	}
	result := &wamp.Result{Request: m.Request, Payload: s.eventsPayload(id, found)}
	// Encoded here and not into the queue, whose lock those wait for who have events for the session.
	if encoded, err := payload.Encode(s.speaks, &result.Payload); err == nil {
		result.Payload = encoded
	}
	return result, nil
}

func checkGetEvents(m *wamp.Call, g routing.Grant) error {
	switch {
	case g.Failed:
		return wamp.Errorf(wamp.ErrAuthorizationFailed, "%s", g.Text)
	case !g.Allowed:
		return wamp.Errorf(wamp.ErrNotAuthorized, "%s", g.Text)
	case m.Options.Progress:
		return wamp.Errorf(wamp.ErrFeatureNotSupported, "the router takes no call in parts") // MET-04
	case m.Options.PPT != nil:
		return wamp.Errorf(wamp.ErrInvalidArgument, "the router does not look into passed-through payloads") // PPT-12
	default:
		return nil
	}
}

func subscriptionIn(args wamp.List) (wamp.ID, error) {
	if len(args) > 0 {
		if id, ok := history.ParseID(args[0]); ok {
			return id, nil
		}
	}
	return 0, wamp.Errorf(wamp.ErrInvalidArgument, "want a subscription ID") // MET-02
}

// historyOf returns the key of the subscription's history, or nil if it has none, provided that the session may
// subscribe to the same (EVH-11).
func (s *session) historyOf(w *worker, id wamp.ID) (*history.Key, error) {
	rl := s.realm
	rl.brokerMu.Lock()
	topic, match, handle, found := rl.broker.Held(id)
	rl.brokerMu.Unlock()
	if !found {
		return nil, wamp.Errorf(wamp.ErrNoSuchSubscription, "no such subscription") // EVH-12
	}
	w.request.Action, w.request.URI, w.request.Match = auth.ActionSubscribe, topic, match
	switch g := s.decide(&w.request); {
	case g.Failed:
		return nil, wamp.Errorf(wamp.ErrAuthorizationFailed, "%s", g.Text)
	case !g.Allowed:
		return nil, wamp.Errorf(wamp.ErrNotAuthorized, "%s", g.Text)
	}
	key, held := handle.(history.Key)
	if !held {
		return nil, nil
	}
	return &key, nil
}

func (s *session) selectEvents(key history.Key, q *history.Query) (history.Selection, error) {
	h := s.realm.histories
	found, err := history.Select(s.peer.router.ctx, h.store, key, q, history.Terms{
		Admits:    func(e *history.Event) bool { return e.Audience.Admits(s.who.AuthID, s.who.AuthRole) },
		MaxEvents: h.maxResult,
		MaxBytes:  s.maxResultBytes(),
	})
	if errors.Is(err, context.Canceled) {
		return found, wamp.Errorf(wamp.ErrCanceled, "the router shuts down")
	}
	if err != nil {
		s.peer.log(slog.LevelError, "event history not read", "realm", s.realm.name, "session", s.core.ID, "err", err)
		return found, wamp.Errorf(wamp.ErrUnavailable, "the event history cannot be read")
	}
	return found, nil
}

// maxResultBytes is how large an answer may be, so that the peer takes it and its queue has room for more (EVH-15).
func (s *session) maxResultBytes() int {
	c := &s.peer.router.config
	size := min(c.MaxMessageSize, c.QueueLimit/2)
	if most := s.peer.conn.Info().MaxSend; most > 0 {
		size = min(size, most)
	}
	return size
}

// resultHead is more than a RESULT takes besides its events.
const resultHead = 128

// eventsPayload returns the events as they are on the wire, as many as fit (EVH-05, EVH-07).
func (s *session) eventsPayload(id wamp.ID, found history.Selection) wamp.Payload {
	args := make(wamp.List, 0, len(found.Events))
	room := s.maxResultBytes() - resultHead
	to := s.peer.conn.Info().Serializer
	for i, e := range found.Events {
		dict, size := eventDict(id, e, to, room, i == 0)
		if room -= size + 1; room < 0 {
			found.LimitReached = true
			break
		}
		args = append(args, dict)
	}
	return wamp.Payload{Args: args, Kwargs: wamp.Dict{"is_limit_reached": found.LimitReached}}
}

// eventDict returns an event as an entry of the answer, and its size in the receiver's serializer (EVH-06). What that
// cannot express is left out, and so is the payload of an event that has to fit but does not: the caller learns of the
// event, and can ask for those behind it.
func eventDict(id wamp.ID, e *history.Event, to wamp.Serializer, room int, mustFit bool) (wamp.Dict, int) {
	dict := wamp.Dict{
		"timestamp":    e.Time.UTC().Format("2006-01-02T15:04:05.000Z"),
		"subscription": uint64(id),
		"publication":  uint64(e.Publication),
		"details":      detailsDict(&e.Details),
	}
	if args, kwargs, err := payload.Decode(&e.Payload); err == nil {
		setUnless(dict, "args", args, args == nil)
		setUnless(dict, "kwargs", kwargs, kwargs == nil)
	}
	b, err := payload.AppendValue(nil, to, dict)
	if err != nil || mustFit && len(b) >= room {
		delete(dict, "args")
		delete(dict, "kwargs")
		b, _ = payload.AppendValue(nil, to, dict)
	}
	return dict, len(b)
}

// detailsDict returns the details as an EVENT has them.
func detailsDict(d *wamp.EventDetails) wamp.Dict {
	dict := wamp.Dict{}
	setUnless(dict, "topic", d.Topic, d.Topic == "")
	if d.Publisher != 0 {
		dict["publisher"] = uint64(d.Publisher)
		dict["publisher_authid"], dict["publisher_authrole"] = d.PublisherAuthID, d.PublisherAuthRole
	}
	setUnless(dict, "trustlevel", d.TrustLevel, !d.HasTrustLevel)
	if p := d.PPT; p != nil {
		dict["ppt_scheme"] = p.Scheme
		setUnless(dict, "ppt_serializer", p.Serializer, p.Serializer == "")
		setUnless(dict, "ppt_cipher", p.Cipher, p.Cipher == "")
		setUnless(dict, "ppt_keyid", p.KeyID, p.KeyID == "")
	}
	return dict
}

func setUnless(dict wamp.Dict, key string, v any, absent bool) {
	if !absent {
		dict[key] = v
	}
}
