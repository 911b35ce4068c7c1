package config

// Limits bounds what peers may use. Sizes are in bytes.
type Limits struct {
	MaxMessageSize int // of one message
	QueueSize      int // of what waits for one peer
	Connections    int // at a time
	PendingCalls   int // of one caller
	QueuedCalls    int // that wait for a free callee of one registration
	QueuedBytes    int // of these calls
	KeptBytes      int // of one caller's calls that wait or may be rerouted
	Registrations  int // of one session
	Subscriptions  int // of one session
}

func (r *reader) limits(v value, l *Limits) {
	r.fields(v,
		field{"message_size", func(v value) { r.messageSize(v, l) }},
		field{"queue_size", func(v value) { r.size(v, &l.QueueSize) }},
		field{"connections", func(v value) { r.count(v, &l.Connections) }},
		field{"pending_calls", func(v value) { r.count(v, &l.PendingCalls) }},
		field{"queued_calls", func(v value) { r.count(v, &l.QueuedCalls) }},
		field{"queued_bytes", func(v value) { r.size(v, &l.QueuedBytes) }},
		field{"kept_bytes", func(v value) { r.size(v, &l.KeptBytes) }},
		field{"registrations", func(v value) { r.count(v, &l.Registrations) }},
		field{"subscriptions", func(v value) { r.count(v, &l.Subscriptions) }},
	)
}

func (r *reader) messageSize(v value, l *Limits) {
	found := len(r.problems)
	r.size(v, &l.MaxMessageSize)
	if len(r.problems) == found && (l.MaxMessageSize < 512 || l.MaxMessageSize > 16<<20) {
		r.add(v, "must be between 512 bytes and 16MiB", "")
	}
}
