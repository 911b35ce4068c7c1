package config

import "github.com/tandemrouter/tandem/auth"

// Development returns the configuration of a router for development: one realm in which everybody may do everything,
// at a TCP address and, unless the path is empty, a Unix socket.
func Development(address, unixPath, realm string) *Config {
	everything := auth.Permissions{Call: true, Register: true, Publish: true, Subscribe: true, Administer: true}
	c := &Config{
		Listeners: []Listener{{Name: "dev", Network: "tcp", Address: address, WebSocket: true, RawSocket: true}},
		Realms: []Realm{{
			Name:          realm,
			AnonymousRole: "anonymous",
			Roles:         map[string]auth.Permissions{"anonymous": everything},
		}},
	}
	if unixPath != "" {
		c.Listeners = append(c.Listeners,
			Listener{Name: "unix", Network: "unix", Address: unixPath, WebSocket: true, RawSocket: true})
	}
	return c
}
