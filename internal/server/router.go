package server

import (
	"log/slog"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/internal/config"
	"github.com/tandemrouter/tandem/router"
)

// routerConfig says in the router's words what the configuration file says.
func routerConfig(c *config.Config, agent string, log *slog.Logger) router.Config {
	rc := router.Config{
		Agent:          agent,
		Logger:         log,
		QueueLimit:     c.Limits.QueueSize,
		MaxMessageSize: c.Limits.MaxMessageSize,
		MaxConnections: c.Limits.Connections,
	}
	for i := range c.Realms {
		realm := &c.Realms[i]
		rc.Realms = append(rc.Realms, router.RealmConfig{
			Name:             realm.Name,
			URIs:             realm.URIs,
			AnonymousRole:    realm.AnonymousRole,
			Authorizer:       auth.Roles(realm.Roles),
			MaxPendingCalls:  c.Limits.PendingCalls,
			MaxRegistrations: c.Limits.Registrations,
			MaxSubscriptions: c.Limits.Subscriptions,
			MaxQueuedCalls:   c.Limits.QueuedCalls,
			MaxQueuedBytes:   c.Limits.QueuedBytes,
			MaxKeptBytes:     c.Limits.KeptBytes,

			DefaultCallTimeout: realm.DefaultCallTimeout,
			MaxCallTimeout:     realm.MaxCallTimeout,

			SlowSubscribers: slowSubscribers[realm.SlowSubscribers],
			Retention:       retentionConfig(&realm.Retention),
			History:         historyConfig(&realm.History),

			StrictRequestIDs:       realm.StrictRequestIDs,
			ProgressNeedsCanceling: realm.ProgressNeedsCanceling,
			UnannouncedProgress:    realm.UnannouncedProgress,
			Sharding:               realm.Sharding,
			SilentRevocation:       realm.SilentRevocation,
			TrustLevels:            trustLevels(realm.Roles),
		})
	}
	return rc
}

func retentionConfig(r *config.Retention) router.RetentionConfig {
	rr := router.RetentionConfig{
		Off: r.Off, MaxEvents: r.Events, MaxBytes: r.Size, MaxReplayed: r.Replay, MaxRestricted: r.Restricted,
	}
	for _, t := range r.Except {
		rr.Except = append(rr.Except, router.TopicPattern(t))
	}
	return rr
}

func historyConfig(h *config.History) router.HistoryConfig {
	rh := router.HistoryConfig{MaxBytes: h.Size, MaxResult: h.Result, File: h.File, Durable: h.Durable}
	for _, t := range h.Topics {
		rh.Topics = append(rh.Topics, router.HistoryTopic{
			Topic: t.Topic, Match: t.Match, MaxEvents: t.Events, MaxBytes: t.Size, MaxAge: t.Age,
		})
	}
	return rh
}

var slowSubscribers = [...]router.SlowSubscribers{
	config.Disconnect: router.Disconnect,
	config.DropNew:    router.DropNew,
	config.DropOld:    router.DropOld,
}

// trustLevels reports whether any role has a trust level: only then are they announced (CTL-03).
func trustLevels(roles map[string]auth.Permissions) bool {
	for _, p := range roles {
		if p.HasTrustLevel {
			return true
		}
	}
	return false
}
