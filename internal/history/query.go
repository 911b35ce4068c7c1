package history

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// Query is what a caller of wamp.subscription.get_events asks for (EVH-03). An event must meet all conditions. Zero
// values are conditions that were not given.
type Query struct {
	Reverse bool // the newest event first
	Limit   int  // how many events at most, counted in the order of the result

	FromTime   time.Time // at it or later
	AfterTime  time.Time // later
	BeforeTime time.Time // earlier
	UntilTime  time.Time // at it or earlier

	Topic string // that it was published to

	// Places in the history, whatever the order of the result (EVH-04). One that is not there leaves no events.
	FromPublication   wamp.ID // it or behind it
	AfterPublication  wamp.ID // behind it
	BeforePublication wamp.ID // before it
	UntilPublication  wamp.ID // it or before it
}

// ParseQuery reads the keyword arguments of a call, Go values as package payload makes them. It ignores those that it
// does not know, and null is as good as absent (MET-02). The error is for a person and says which argument is not what it
// must be; the call's error is wamp.error.invalid_argument (EVH-14).
func ParseQuery(kwargs wamp.Dict) (Query, error) {
	var q Query
	for _, p := range q.parameters() {
		if v := kwargs[p.name]; v != nil && !p.read(v) {
			return Query{}, fmt.Errorf("%s: want %s", p.name, p.want)
		}
	}
	return q, nil
}

// parameter is a keyword argument and how it is read.
type parameter struct {
	name string
	want string
	read func(any) bool
}

func (q *Query) parameters() []parameter {
	const (
		flag        = "true or false"
		limit       = "a whole number above 0"
		when        = "a time as in RFC 3339"
		uri         = "a URI"
		publication = "a publication ID"
	)
	return []parameter{
		{"reverse", flag, func(v any) (ok bool) { q.Reverse, ok = v.(bool); return ok }},
		{"limit", limit, readLimit(&q.Limit)},
		{"from_time", when, readTime(&q.FromTime)},
		{"after_time", when, readTime(&q.AfterTime)},
		{"before_time", when, readTime(&q.BeforeTime)},
		{"until_time", when, readTime(&q.UntilTime)},
		{"topic", uri, readURI(&q.Topic)},
		{"from_publication", publication, readID(&q.FromPublication)},
		{"after_publication", publication, readID(&q.AfterPublication)},
		{"before_publication", publication, readID(&q.BeforePublication)},
		{"until_publication", publication, readID(&q.UntilPublication)},
	}
}

func readLimit(dst *int) func(any) bool {
	return func(v any) bool {
		n, ok := wholeNumber(v)
		*dst = int(min(n, math.MaxInt32))
		return ok && n > 0
	}
}

func readID(dst *wamp.ID) func(any) bool {
	return func(v any) (ok bool) {
		*dst, ok = ParseID(v)
		return ok
	}
}

// ParseID returns the ID that an argument is, which may be written as a whole float (MET-06).
func ParseID(v any) (id wamp.ID, ok bool) {
	n, ok := wholeNumber(v)
	return wamp.ID(n), ok && wamp.ID(n).Valid()
}

// wholeNumber takes floats too, because some clients have no other numbers (MET-06).
func wholeNumber(v any) (uint64, bool) {
	switch v := v.(type) {
	case int64:
		return uint64(v), v >= 0
	case uint64:
		return v, true
	case float64:
		return uint64(v), v >= 0 && v <= float64(wamp.MaxID) && v == math.Trunc(v)
	default:
		return 0, false
	}
}

// rfc3339 is the form that time.Parse does not insist on: it takes hours of one digit, and commas.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)

func readTime(dst *time.Time) func(any) bool {
	return func(v any) bool {
		text, _ := v.(string)
		text = strings.ToUpper(text) // T and Z may be small
		t, err := time.Parse(time.RFC3339, text)
		if t.IsZero() {
			t = t.Add(1) // the zero value would be a condition that was not given
		}
		*dst = t
		return err == nil && rfc3339.MatchString(text)
	}
}

func readURI(dst *string) func(any) bool {
	return func(v any) bool {
		*dst, _ = v.(string)
		return wamp.LooseURI.ValidURI(*dst)
	}
}
