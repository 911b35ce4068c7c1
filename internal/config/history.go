package config

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// History says which events a realm remembers.
type History struct {
	Topics []HistoryTopic
	Size   int    // of all of them, in bytes
	Result int    // events in one answer (EVH-15)
	File   string // empty: in memory
	// Durable says that a publication is acknowledged only when it is safe in the file.
	Durable bool
}

// HistoryTopic is a topic or pattern whose events are remembered (EVH-16).
type HistoryTopic struct {
	Topic  string
	Match  wamp.MatchPolicy
	Events int
	Size   int // in bytes
	Age    time.Duration
}

func (r *reader) history(v value, h *History) {
	var durable value
	ok := r.fields(v,
		field{"topics", func(v value) { r.historyTopics(v, h) }},
		field{"size", func(v value) { r.size(v, &h.Size) }},
		field{"result", func(v value) { r.count(v, &h.Result) }},
		field{"file", func(v value) { r.historyFile(v, h) }},
		field{"durable", func(v value) { durable = v; r.flag(v, &h.Durable) }},
	)
	switch {
	case !ok:
	case len(h.Topics) == 0:
		r.add(v, "no topics", "say what is to be remembered, such as topics: [{topic: com.example.orders}]")
	case h.Durable && h.File == "":
		r.add(durable, "needs a file", "what is only in memory is gone with the process")
	}
}

// historyFile reads a path that no other realm has: a file is of one realm.
func (r *reader) historyFile(v value, h *History) {
	if !r.text(v, &h.File) {
		return
	}
	file, err := filepath.Abs(h.File)
	switch {
	case err != nil:
		r.add(v, "is not a path: "+err.Error(), "")
	case h.File == "":
		r.add(v, "is empty", "leave the key out to keep events in memory")
	case r.historyFiles[file]:
		r.add(v, "is the file of another realm too", "give each realm a file of its own")
	case !isDir(filepath.Dir(file)):
		r.add(v, "is in a directory that is not there", cmp.Or(relativeTo(h.File), "the router makes the file, and no directories"))
	case isDir(file):
		r.add(v, "is a directory", "the history is one file, which the router makes")
	default:
		if r.historyFiles == nil {
			r.historyFiles = make(map[string]bool)
		}
		r.historyFiles[file] = true
	}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func (r *reader) historyTopics(v value, h *History) {
	for _, item := range r.items(v) {
		var t HistoryTopic
		if r.topicFields(item, &t.Topic, &t.Match,
			field{"events", func(v value) { r.count(v, &t.Events) }},
			field{"size", func(v value) { r.size(v, &t.Size) }},
			field{"age", func(v value) { r.duration(v, &t.Age) }},
		) {
			r.historyTopic(item, &t, h)
		}
	}
}

// historyTopic adds the topic, if it can have a history.
func (r *reader) historyTopic(v value, t *HistoryTopic, h *History) {
	for _, other := range h.Topics {
		if other.Topic == t.Topic && other.Match == t.Match {
			r.add(v, fmt.Sprintf("%s %q is listed twice", t.Match, t.Topic), "")
			return
		}
	}
	if wamp.Reserved(t.Topic) {
		r.add(v, "topics of the router itself have no history", "")
		return
	}
	h.Topics = append(h.Topics, *t)
	r.noteTopic(v, t.Topic, t.Match)
}
