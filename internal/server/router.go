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
	for _, realm := range c.Realms {
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

			Retention: router.RetentionConfig{
				Off:         realm.Retention.Off,
				MaxEvents:   realm.Retention.Events,
				MaxBytes:    realm.Retention.Size,
				MaxReplayed: realm.Retention.Replay,
			},

			StrictRequestIDs:       realm.StrictRequestIDs,
			ProgressNeedsCanceling: realm.ProgressNeedsCanceling,
			UnannouncedProgress:    realm.UnannouncedProgress,
			Sharding:               realm.Sharding,
			TrustLevels:            trustLevels(realm.Roles),
		})
	}
	return rc
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
