package config

import "fmt"

// anonymousOnPlaintext is the word with which a person says that they want what exposed refuses.
const anonymousOnPlaintext = "anonymous-on-plaintext"

func (r *reader) iKnow(v value) {
	for _, item := range r.items(v) {
		if _, ok := r.word(item, []string{anonymousOnPlaintext}); ok {
			r.known = true
		}
	}
}

// exposed refuses what nobody should do without knowing it: others reach the router without TLS, and whoever they are
// they may register or publish.
func (r *reader) exposed(c *Config) {
	if r.known {
		return
	}
	for i := range c.Realms {
		realm := &c.Realms[i]
		if role := realm.Roles[realm.AnonymousRole]; role.Register || role.Publish {
			r.expose(realm.Name)
			return
		}
	}
}

func (r *reader) expose(realm string) {
	for _, address := range r.plain {
		r.add(address, fmt.Sprintf("others reach this address without TLS, and realm %s lets anybody register or publish", realm),
			"listen on 127.0.0.1, or add tls, or take these rights from its anonymous role; "+
				"whoever wants it like that writes i_know: ["+anonymousOnPlaintext+"] into the file")
	}
}
