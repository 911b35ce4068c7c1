package routing

import (
	"slices"

	"github.com/tandemrouter/tandem/wamp"
)

// audience decides which subscribers may receive a publication: all but the publisher itself, unless it asked to be
// included (PEX-01, PEX-02), and of these only those that pass the publisher's lists.
type audience struct {
	excluded   *Session // nil: nobody
	restricted bool     // the lists say something

	eligible         list[wamp.ID]
	eligibleAuthID   list[string]
	eligibleAuthRole list[string]

	exclude         list[wamp.ID]
	excludeAuthID   list[string]
	excludeAuthRole list[string]
}

func newAudience(publisher *Session, o *wamp.PublishOptions) audience {
	var a audience
	if !o.IncludeMe {
		a.excluded = publisher
	}
	if r := o.Receivers; r != nil {
		a.restricted = true
		a.eligible.values, a.exclude.values = r.Eligible, r.Exclude
		a.eligibleAuthID.values, a.excludeAuthID.values = r.EligibleAuthID, r.ExcludeAuthID
		a.eligibleAuthRole.values, a.excludeAuthRole.values = r.EligibleAuthRole, r.ExcludeAuthRole
	}
	return a
}

func (a *audience) admits(s *Session) bool {
	return s != a.excluded && (!a.restricted || a.listed(s))
}

// listed reports whether the session is on all whitelists that are there and on no blacklist (BWL-02).
func (a *audience) listed(s *Session) bool {
	return a.eligible.permits(s.ID) &&
		a.eligibleAuthID.permits(s.AuthID) &&
		a.eligibleAuthRole.permits(s.AuthRole) &&
		!a.exclude.contains(s.ID) &&
		!a.excludeAuthID.contains(s.AuthID) &&
		!a.excludeAuthRole.contains(s.AuthRole)
}

// list is a list of receivers. A short one is searched from its start; a long one becomes a set when it is first
// searched, so that the time for all subscribers does not grow with their number times its length.
type list[T comparable] struct {
	values []T // nil: the list was absent
	set    map[T]struct{}
}

const longestShortList = 16

// permits reports whether the list as a whitelist lets v pass. An empty one that is there permits nobody (BWL-03).
func (l *list[T]) permits(v T) bool { return l.values == nil || l.contains(v) }

func (l *list[T]) contains(v T) bool {
	if len(l.values) <= longestShortList {
		return slices.Contains(l.values, v)
	}
	if l.set == nil {
		l.set = setOf(l.values)
	}
	_, found := l.set[v]
	return found
}

func setOf[T comparable](values []T) map[T]struct{} {
	set := make(map[T]struct{}, len(values))
	for _, v := range values {
		set[v] = struct{}{}
	}
	return set
}
