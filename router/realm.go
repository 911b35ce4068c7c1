package router

import (
	"cmp"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/internal/handshake"
	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// realm is the core of one realm behind its two locks.
type realm struct {
	// immutable after newRealm

	name       string
	router     *Router
	policy     *handshake.Policy
	authorizer auth.Authorizer

	trustLevels         bool
	strictRequestIDs    bool
	unannouncedProgress bool
	histories           *histories // nil: none
	slowSubscribers     SlowSubscribers

	dealerMu sync.Mutex

	// guarded by dealerMu

	dealer *routing.Dealer
	epoch  uint64      // counts deliveries, to mark the queues that one has taken
	timer  *time.Timer // fires at armed
	armed  time.Time   // zero: the timer is not set
	closed bool

	newsMu sync.Mutex

	// guarded by newsMu

	news []news // from the dealer to the broker, in the order of the dealer's steps

	brokerMu sync.Mutex

	// guarded by brokerMu

	broker *routing.Broker // Forbids needs no lock

	// atomic

	dropped    atomic.Uint64 // events that subscribers lost
	unprepared atomic.Uint64 // large payloads that were converted or copied under a lock
}

// newRealm returns a running realm. It fails if the realm's histories cannot be opened.
func newRealm(r *Router, c *RealmConfig) (*realm, error) {
	rl := &realm{
		name:                c.Name,
		router:              r,
		authorizer:          c.Authorizer,
		trustLevels:         c.TrustLevels,
		strictRequestIDs:    c.StrictRequestIDs,
		unannouncedProgress: c.UnannouncedProgress,
		slowSubscribers:     c.SlowSubscribers,
		policy:              &handshake.Policy{Realm: c.Name, Roles: announced(c), Agent: r.config.Agent, Anonymous: c.AnonymousRole},
		dealer: routing.NewDealer(routing.DealerConfig{
			URIRule:                c.URIs,
			Random:                 rand.Uint64,
			MaxCalls:               c.MaxPendingCalls,
			MaxInvocations:         c.MaxInvocations,
			MaxQueuedCalls:         c.MaxQueuedCalls,
			MaxQueuedBytes:         c.MaxQueuedBytes,
			MaxKeptBytes:           c.MaxKeptBytes,
			ResumedAtOnce:          turnBytes,
			MaxRegistrations:       cmp.Or(c.MaxRegistrations, defaultPerSession),
			DefaultTimeout:         c.DefaultCallTimeout,
			MaxTimeout:             c.MaxCallTimeout,
			ProgressNeedsCanceling: c.ProgressNeedsCanceling,
			Sharding:               c.Sharding,
			Rerouting:              true,
		}),
		broker: routing.NewBroker(routing.BrokerConfig{
			URIRule:          c.URIs,
			Random:           rand.Uint64,
			MaxSubscriptions: cmp.Or(c.MaxSubscriptions, defaultPerSession),
			Sharding:         c.Sharding,
			SilentRevocation: c.SilentRevocation,
			MaxRetained:      c.Retention.limit(),
			MaxRetainedBytes: c.Retention.MaxBytes,
			MaxReplayed:      c.Retention.MaxReplayed,
			MaxRestricted:    c.Retention.MaxRestricted,
			MaxReplayedBytes: r.config.QueueLimit / 2, // lest the subscriber lose what it asked for
		}),
	}
	for _, t := range c.Retention.Except {
		if err := rl.broker.NeverRetain(t.Match, t.Topic); err != nil {
			return nil, fmt.Errorf("router: what realm %q does not retain: %s %q: %w", c.Name, t.Match, t.Topic, err)
		}
	}
	var err error
	if rl.histories, err = openHistories(r, c, rl.broker); err != nil {
		return nil, err
	}
	rl.timer = time.AfterFunc(time.Hour, rl.expire)
	rl.timer.Stop()
	return rl, nil
}

// announced returns the roles and features of the router in a realm: exactly those that work there (FEA-01).
func announced(c *RealmConfig) wamp.Roles {
	var roles wamp.Roles
	roles.Announce(wamp.RoleBroker,
		wamp.FeaturePatternBasedSubscription,
		wamp.FeaturePublisherExclusion,
		wamp.FeaturePublisherIdentification,
		wamp.FeatureSubscriberBlackWhiteListing,
		wamp.FeaturePayloadPassthruMode,
		wamp.FeatureSubscriptionMetaAPI,
		wamp.FeatureSubscriptionRevocation,
		wamp.FeatureSessionMetaAPI,
	)
	roles.Announce(wamp.RoleDealer,
		wamp.FeatureSessionMetaAPI, // SMA-01: on both
		wamp.FeatureTestamentMetaAPI,
		wamp.FeaturePatternBasedRegistration,
		wamp.FeatureSharedRegistration,
		wamp.FeatureCallerIdentification,
		wamp.FeatureCallCanceling,
		wamp.FeatureCallTimeout,
		wamp.FeatureProgressiveCallResults,
		wamp.FeatureProgressiveCallInvocations,
		wamp.FeatureRegistrationMetaAPI,
		wamp.FeatureRegistrationRevocation,
		wamp.FeatureCallReroute,
		wamp.FeaturePayloadPassthruMode,
	)
	if c.Sharding {
		roles.Announce(wamp.RoleDealer, wamp.FeatureShardedRegistration)
		roles.Announce(wamp.RoleBroker, wamp.FeatureShardedSubscription)
	}
	if !c.Retention.Off {
		roles.Announce(wamp.RoleBroker, wamp.FeatureEventRetention)
	}
	if len(c.History.Topics) > 0 {
		roles.Announce(wamp.RoleBroker, wamp.FeatureEventHistory)
	}
	if c.TrustLevels {
		roles.Announce(wamp.RoleDealer, wamp.FeatureCallTrustLevels)
		roles.Announce(wamp.RoleBroker, wamp.FeaturePublicationTrustLevels)
	}
	return roles
}

// addSession makes the session known in the realm, before its first message comes.
func (rl *realm) addSession(w *worker, s *session) {
	rl.dealerMu.Lock()
	rl.dealer.AddSession(&s.core)
	rl.dealerMu.Unlock()
	rl.brokerMu.Lock()
	defer rl.brokerMu.Unlock()
	rl.broker.AddSession(w.now, &s.core, &w.out)
	rl.deliverBroker(w, &w.out)
}

// removeSession takes the session out of the realm and settles its calls (SES-20). Nothing reaches the session, and
// nothing that it sends is routed, once this returns.
func (rl *realm) removeSession(w *worker, s *session, quiet bool) {
	w.departing, w.departure = s, routing.Departure{Quiet: quiet}
	if !quiet {
		w.departure.Will = rl.will(w, s)
	}
	rl.dealerMu.Lock()
	rl.dealer.RemoveSession(w.now, &s.core, &w.out)
	rl.deliverDealer(w)
}

// will returns the testaments of a session that the authorizer still allows (TES-11). No lock is held while it decides.
func (rl *realm) will(w *worker, s *session) []routing.Bequest {
	rl.brokerMu.Lock()
	left := rl.broker.Testaments(&s.core)
	rl.brokerMu.Unlock()
	var will []routing.Bequest
	for _, m := range left {
		g := s.grantPublish(w, m.Topic)
		if why := rl.broker.Forbids(m, g); why != "" {
			s.peer.log(slog.LevelInfo, "testament dropped", "realm", rl.name, "session", s.core.ID, "uri", m.Topic, "err", why)
			continue
		}
		will = append(will, routing.Bequest{Publish: s.encoded(m), Grant: g})
	}
	return will
}

// encoded returns the publication with its payload as the session would have sent it, so that nothing more than with any
// other is to be done with it under a lock.
func (s *session) encoded(m *wamp.Publish) *wamp.Publish {
	p, err := payload.Encode(s.speaks, &m.Payload)
	if err != nil || m.Payload.Empty() {
		return m
	}
	return &wamp.Publish{Options: m.Options, Topic: m.Topic, Payload: p}
}

// armLocked sees to it that the realm's timer fires at the dealer's next deadline, or before. A deadline that moves
// away leaves the timer alone: it fires once in vain, which costs less than setting it again with every call.
func (rl *realm) armLocked(now time.Time) {
	next, some := rl.dealer.NextDeadline()
	if !some || rl.closed || !rl.armed.IsZero() && !next.Before(rl.armed) {
		return
	}
	rl.armed = next
	rl.timer.Reset(next.Sub(now))
}

// expire runs when a call's time is over.
func (rl *realm) expire() {
	w := takeWorker()
	defer w.release()
	rl.dealerMu.Lock()
	if rl.closed {
		rl.dealerMu.Unlock()
		return
	}
	rl.armed = time.Time{}
	rl.dealer.Expire(w.now, &w.out)
	rl.deliverDealer(w)
	w.finish()
}

// close stops the realm's timer and closes its histories. No session is left.
func (rl *realm) close() error {
	rl.dealerMu.Lock()
	rl.closed = true
	rl.timer.Stop()
	rl.dealerMu.Unlock()
	if rl.histories == nil {
		return nil
	}
	return rl.histories.store.Close()
}
