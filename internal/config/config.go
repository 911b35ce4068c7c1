package config

import (
	"cmp"
	"io"
	"os"
	"slices"
)

// Config is what a configuration file says. Zero values mean the router's defaults.
type Config struct {
	Listeners []Listener
	Realms    []Realm
	Limits    Limits
}

// Load reads the file. If anything in it is wrong the error is an *Error that says all of it.
func Load(file string) (*Config, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, err
	}
	return Parse(file, text)
}

// Parse reads the text of a configuration file; the name is for the error, as Load has it.
func Parse(file string, text []byte) (*Config, error) {
	var r reader
	c := new(Config)
	if root, ok := r.parse(text); ok {
		r.config(root, c)
	}
	unsafe := false
	if len(r.problems) == 0 {
		r.exposed(c)
		unsafe = len(r.problems) > 0
	}
	if len(r.problems) == 0 {
		return c, nil
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return nil, &Error{File: file, Problems: r.problems, Unsafe: unsafe}
}

func (r *reader) config(v value, c *Config) {
	ok := r.fields(v,
		field{"listeners", func(v value) { r.listeners(v, c) }},
		field{"realms", func(v value) { r.realms(v, c) }},
		field{"limits", func(v value) { r.limits(v, &c.Limits) }},
		field{"i_know", r.iKnow},
	)
	if !ok {
		return
	}
	if len(c.Listeners) == 0 {
		r.add(v, "no listeners", `say where clients connect, such as listeners: {main: {address: "127.0.0.1:8080"}}`)
	}
	if len(c.Realms) == 0 {
		r.add(v, "no realms", "say which realms there are, such as realms: {realm1: {anonymous: guest, roles: {guest: {allow: [call]}}}}")
	}
}
