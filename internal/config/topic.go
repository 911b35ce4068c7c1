package config

import (
	"fmt"

	"github.com/tandemrouter/tandem/wamp"
)

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
	found := len(r.problems)
	r.fields(v,
		field{"topic", func(v value) { r.text(v, &t.Topic) }},
		field{"match", func(v value) { r.match(v, &t.Match) }},
	)
	if len(r.problems) == found {
		r.noteTopic(v, t.Topic, t.Match)
	}
}

func (r *reader) match(v value, dst *wamp.MatchPolicy) {
	if i, ok := r.word(v, []string{"exact", "prefix", "wildcard"}); ok {
		*dst = wamp.MatchPolicy(i)
	}
}
