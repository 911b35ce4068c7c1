package config

import (
	"fmt"

	"github.com/tandemrouter/tandem/wamp"
)

// TopicPattern is a topic, or all those that match a pattern.
type TopicPattern struct {
	Topic string
	Match wamp.MatchPolicy
}

// topicAt is a topic of the file that must keep to the rule of its realm.
type topicAt struct {
	at    value
	topic string
	match wamp.MatchPolicy
}

// noteTopic has a topic checked when the realm's rule is known.
func (r *reader) noteTopic(v value, topic string, match wamp.MatchPolicy) {
	r.topics = append(r.topics, topicAt{v, topic, match})
}

// checkTopics checks the topics of one realm.
func (r *reader) checkTopics(rule wamp.URIRule) {
	for _, t := range r.topics {
		if !rule.ValidPattern(t.topic, t.match) {
			r.add(t.at, fmt.Sprintf("%q is not a topic to match as %s in this realm", t.topic, t.match), "")
		}
	}
	r.topics = nil
}

func (r *reader) topicPattern(v value, t *TopicPattern) {
	if r.topicFields(v, &t.Topic, &t.Match) {
		r.noteTopic(v, t.Topic, t.Match)
	}
}

// topicFields reads a mapping that is about a topic or a pattern, and reports whether nothing is wrong with it. The topic has to
// be there: the empty prefix is a pattern too, but not what somebody means who has forgotten it.
func (r *reader) topicFields(v value, topic *string, match *wamp.MatchPolicy, more ...field) bool {
	named := false
	ok := r.fields(v, append([]field{
		{"topic", func(v value) { named = true; r.text(v, topic) }},
		{"match", func(v value) { r.match(v, match) }},
	}, more...)...)
	if ok && !named {
		r.add(v, "no topic", `write topic: com.example.orders, or a pattern and match: prefix; topic: "" with it is all topics`)
	}
	return ok && named
}

func (r *reader) match(v value, dst *wamp.MatchPolicy) {
	if i, ok := r.word(v, []string{"exact", "prefix", "wildcard"}); ok {
		*dst = wamp.MatchPolicy(i)
	}
}
