package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/internal/config"
	"github.com/tandemrouter/tandem/wamp"
)

const (
	// nearbyTimeout is how long a person waits for a better explanation than that there is no such procedure.
	nearbyTimeout = 500 * time.Millisecond
	// maxNearby is how many registrations are looked at.
	maxNearby = 256
	// maxTypos is in how many letters the procedure that was meant may differ.
	maxTypos = 3
)

// notThere explains that nobody has registered the procedure, as far as the router tells what else there is: it may not
// have the meta procedures, or not for everybody.
func (c *callCmd) notThere(ctx context.Context, s *client.Session) string {
	ctx, cancel := context.WithTimeout(ctx, nearbyTimeout)
	defer cancel()
	ids, err := registrations(ctx, s)
	if err != nil {
		return ""
	}
	if len(ids) == 0 {
		return fmt.Sprintf("\n  nobody has registered a procedure in realm %s", c.Realm)
	}
	byURI := make(map[string]any)
	var uris []string
	for _, id := range ids[:min(len(ids), maxNearby)] {
		if uri, err := registeredURI(ctx, s, id); err == nil {
			uris, byURI[uri] = append(uris, uri), id
		}
	}
	near, found := config.Nearest(c.Procedure, uris, maxTypos)
	if !found {
		return ""
	}
	return fmt.Sprintf("\n  did you mean %s%s?", near, callees(ctx, s, byURI[near]))
}

// registrations returns the IDs of those with an exact URI.
func registrations(ctx context.Context, s *client.Session) (wamp.List, error) {
	result, err := s.Call(ctx, "wamp.registration.list")
	if err != nil {
		return nil, err
	}
	lists, isDict := first(result).(wamp.Dict)
	ids, isList := lists["exact"].(wamp.List)
	if !isDict || !isList {
		return nil, errAnswer
	}
	return ids, nil
}

func registeredURI(ctx context.Context, s *client.Session, id any) (string, error) {
	result, err := s.Call(ctx, "wamp.registration.get", client.Args(id))
	if err != nil {
		return "", err
	}
	details, _ := first(result).(wamp.Dict)
	uri, isText := details["uri"].(string)
	if !isText {
		return "", errAnswer
	}
	return uri, nil
}

// callees says how many there are, if the router does.
func callees(ctx context.Context, s *client.Session, id any) string {
	result, err := s.Call(ctx, "wamp.registration.count_callees", client.Args(id))
	if err != nil {
		return ""
	}
	if n := fmt.Sprint(first(result)); n != "1" {
		return " (" + n + " callees)"
	}
	return " (1 callee)"
}

var errAnswer = errors.New("the router answered something else than the specification says")

func first(r *client.Result) any {
	if len(r.Args) == 0 {
		return nil
	}
	return r.Args[0]
}
