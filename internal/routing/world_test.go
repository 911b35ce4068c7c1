package routing_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// world is a realm with its dealer, broker, sessions and clock, and does for them what the shell does.
type world struct {
	dealerConfig routing.DealerConfig
	brokerConfig routing.BrokerConfig
	dealer       *routing.Dealer
	broker       *routing.Broker
	now          time.Time
	sessions     []*routing.Session // all that ever joined
	left         map[*routing.Session]bool
	law          func(topic string) routing.Grant // what the authorizer says of testaments
	out          routing.Outbox
	run          [2]wamp.Message
	vacancies    bool // what waited for the effect of one message comes by way of a vacancy
}

// newWorld returns a realm whose dealer and broker each have a source of random numbers. The configurations can be
// changed until somebody joins.
func newWorld(source func() (random func() uint64)) *world {
	return &world{
		dealerConfig: routing.DealerConfig{Random: source()},
		brokerConfig: routing.BrokerConfig{Random: source()},
		now:          time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		left:         map[*routing.Session]bool{},
		law:          func(string) routing.Grant { return routing.Grant{Allowed: true} },
	}
}

func (w *world) join(s *routing.Session) {
	if w.dealer == nil {
		w.dealer, w.broker = routing.NewDealer(w.dealerConfig), routing.NewBroker(w.brokerConfig)
		routing.ForeseeAlways(w.dealer)
	}
	w.sessions = append(w.sessions, s)
	w.dealer.AddSession(s)
	w.broker.AddSession(w.now, s, &w.out)
}

// session returns the session with the given ID, or nil.
func (w *world) session(id wamp.ID) *routing.Session {
	for _, s := range w.sessions {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// handle gives a session's message to the part of the core that it is for. The dealer foresees it, and another of its kind;
// and to whom the payload goes is compared with what the core said before.
func (w *world) handle(from *routing.Session, m wamp.Message, g routing.Grant) error {
	w.run[0], w.run[1] = m, m
	w.dealer.Foresee(w.run[:])
	f := w.foretell(from, m, g)
	before := len(w.out.Sends)
	call, isCall := m.(*wamp.Call)
	vacancies := w.vacancies && !(isCall && wamp.Reserved(call.Procedure)) // what such a call orders is not the last effect
	if vacancies {
		routing.ResumeAtOnce(w.dealer, 1)
		defer routing.ResumeAtOnce(w.dealer, 0)
	}
	if err := w.step(from, m, g); err != nil {
		return err
	}
	err := f.check(m, w.out.Sends[before:], vacancies)
	w.fill()
	return err
}

func (w *world) step(from *routing.Session, m wamp.Message, g routing.Grant) error {
	switch m := m.(type) {
	case *wamp.Register:
		w.dealer.Register(w.now, from, m, g, &w.out)
	case *wamp.Unregister:
		w.dealer.Unregister(w.now, from, m, &w.out)
	case *wamp.Call:
		if routing.AnsweredByBroker(m.Procedure) {
			w.broker.Call(w.now, from, m, g, &w.out)
		} else {
			w.dealer.Call(w.now, from, m, g, &w.out)
		}
	case *wamp.Cancel:
		w.dealer.Cancel(w.now, from, m, &w.out)
	case *wamp.Yield:
		w.dealer.Yield(w.now, from, m, &w.out)
	case *wamp.Error:
		w.dealer.Error(w.now, from, m, &w.out)
	case *wamp.Subscribe:
		w.broker.Subscribe(w.now, from, m, g, &w.out)
	case *wamp.Unsubscribe:
		w.broker.Unsubscribe(w.now, from, m, &w.out)
	case *wamp.Publish:
		w.broker.Publish(w.now, from, m, g, &w.out)
	default:
		return fmt.Errorf("%s is not for the core", m.Type())
	}
	return nil
}

func (w *world) leave(s *routing.Session) { w.leaveAs(s, false) }

// leaveAs takes a session out of the realm.
func (w *world) leaveAs(s *routing.Session, quiet bool) {
	how := routing.Departure{Quiet: quiet}
	for _, m := range w.broker.Testaments(s) {
		how.Will = append(how.Will, routing.Bequest{Publish: m, Grant: w.law(m.Topic)})
	}
	w.left[s] = true
	before := len(w.out.Meta)
	w.dealer.RemoveSession(w.now, s, &w.out)
	how.Dealt = slices.Clone(w.out.Meta[before:])
	earlier := slices.Clone(w.out.Meta[:before])
	w.out.Meta = nil
	w.broker.RemoveSession(w.now, s, how, &w.out)
	w.broker.PublishMeta(w.out.Meta, &w.out)
	w.out.Meta = earlier
}

// kill ends a session that another one ordered to end.
func (w *world) kill(k *routing.Killed) {
	w.out.Sends = append(w.out.Sends, routing.Send{To: k.Session, Msg: &k.Goodbye})
	w.leaveAs(k.Session, k.Quiet)
}

// advance lets time pass, as much as it takes for the calls to time out that do.
func (w *world) advance(d time.Duration) {
	w.now = w.now.Add(d)
	if deadline, ok := w.dealer.NextDeadline(); ok && !deadline.After(w.now) {
		w.dealer.Expire(w.now, &w.out)
	}
}

// fill gives vacancies to calls that wait.
func (w *world) fill() {
	for i := 0; i < len(w.out.Vacancies); i++ {
		w.dealer.Fill(w.now, w.out.Vacancies[i], &w.out)
	}
	w.out.Vacancies = w.out.Vacancies[:0]
}

// settle ends the step: sessions that got an ABORT leave, and the broker publishes the router's own events. It returns
// everything that the step sent, good until the next one, and what is wrong with the state of the realm.
func (w *world) settle() ([]routing.Send, error) {
	for i := 0; i < len(w.out.Sends); i++ {
		to, m := w.out.Sends[i].To, w.out.Sends[i].Msg
		if w.left[to] {
			return w.out.Sends, fmt.Errorf("%s to session %d, which has left", m.Type(), to.ID)
		}
		if m.Type() == wamp.TypeAbort {
			w.leave(to)
		}
	}
	w.broker.PublishMeta(w.out.Meta, &w.out)
	for i := range w.out.Killed {
		w.kill(&w.out.Killed[i])
	}
	return w.out.Sends, w.audit()
}

// quit lets everybody leave and returns what stayed behind.
func (w *world) quit() error {
	for _, s := range w.sessions {
		w.leave(s)
	}
	w.out.Reset()
	n, calls, subscribers := w.dealer.Registrations(), w.dealer.PendingCalls(), w.broker.Subscribers()
	if n != 0 || calls != 0 || subscribers != 0 {
		return fmt.Errorf("all left, but %d registrations, %d calls, %d subscribers", n, calls, subscribers)
	}
	if deadline, ok := w.dealer.NextDeadline(); ok {
		return fmt.Errorf("all left, but a call times out at %v", deadline)
	}
	return w.audit()
}

// audit returns what is wrong in the books of the dealer and the broker.
func (w *world) audit() error {
	if err := routing.CheckDealer(w.dealer, w.sessions); err != nil {
		return err
	}
	return routing.CheckBroker(w.broker, w.sessions)
}
