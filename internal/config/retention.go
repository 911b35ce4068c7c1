package config

// Retention bounds what a realm keeps for later subscribers.
type Retention struct {
	Off        bool // nothing is kept (RET-02)
	Events     int
	Size       int // of all of them, in bytes
	Replay     int // events for one subscriber to a pattern (RET-07)
	Restricted int // events of one topic that not everybody may have; less than 0: none (RET-05)
	Except     []TopicPattern
}

// retention reads the word off, or a mapping.
func (r *reader) retention(v value, retention *Retention) {
	if r.isText(v) {
		_, retention.Off = r.word(v, []string{"off"})
		return
	}
	if written(v.node) == "false" {
		r.wrong(v, "a mapping", "to retain nothing write off")
		return
	}
	r.fields(v,
		field{"events", func(v value) { r.count(v, &retention.Events) }},
		field{"size", func(v value) { r.size(v, &retention.Size) }},
		field{"replay", func(v value) { r.count(v, &retention.Replay) }},
		field{"restricted", func(v value) { r.restricted(v, retention) }},
		field{"except", func(v value) { r.notRetained(v, retention) }},
	)
}

// restricted reads a number of which 0 means none, and not what it is if nothing is said.
func (r *reader) restricted(v value, retention *Retention) {
	number := 1
	if r.wholeNumber(v, 0, &number); number == 0 {
		number = -1
	}
	retention.Restricted = number
}

func (r *reader) notRetained(v value, retention *Retention) {
	for _, item := range r.items(v) {
		var t TopicPattern
		r.topicPattern(item, &t)
		retention.Except = append(retention.Except, t)
	}
}
