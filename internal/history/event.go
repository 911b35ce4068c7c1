package history

import (
	"slices"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// Event is a publication as its subscribers got it.
type Event struct {
	Time        time.Time // when the broker took it, kept in milliseconds
	Publication wamp.ID   // the same in every history that has the event (EVH-17)
	Topic       string    // that it was published to
	// Details are those of the EVENT message, as they were disclosed when it was published (PID-07). Extra and Retained
	// are not kept. Topic is set by Scan, in the history of a pattern (PBS-04).
	Details wamp.EventDetails
	// Payload is in the publisher's serializer, or empty. Append copies its bytes; those that Scan shows are only
	// valid during the visit.
	Payload  wamp.Payload
	Audience Audience
}

// Audience says who may get an event, whenever they ask (EVH-10). An eligible list that is nil was absent; one that is
// there but empty means nobody (BWL-03). Publications with lists of sessions have no history (EVH-09).
type Audience struct {
	EligibleAuthID   []string
	EligibleAuthRole []string
	ExcludeAuthID    []string
	ExcludeAuthRole  []string
}

// Admits reports whether a session with this authid and authrole may get the event (BWL-02, BWL-09).
func (a *Audience) Admits(authid, authrole string) bool {
	return permits(a.EligibleAuthID, authid) &&
		permits(a.EligibleAuthRole, authrole) &&
		!slices.Contains(a.ExcludeAuthID, authid) &&
		!slices.Contains(a.ExcludeAuthRole, authrole)
}

func permits(eligible []string, who string) bool {
	return eligible == nil || slices.Contains(eligible, who)
}

func (a *Audience) restricts() bool {
	return a.EligibleAuthID != nil || a.EligibleAuthRole != nil || len(a.ExcludeAuthID)+len(a.ExcludeAuthRole) > 0
}

// Key names a history by what its subscription is to. Subscription IDs are new after every start.
type Key struct {
	Match wamp.MatchPolicy
	Topic string // the topic or pattern
}
