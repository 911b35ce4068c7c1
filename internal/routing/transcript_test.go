package routing_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

var update = flag.Bool("update", false, "rewrite the expected lines of testdata/*.txt; commit the difference only when it is understood")

// TestTranscripts plays the stories of testdata/*.txt. testdata/README.md tells how to read and write them.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			played := playFile(t, string(text))
			if !*update {
				return
			}
			if err := os.WriteFile(file, []byte(played), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// playFile plays each story of a file in a realm of its own, after the setup at the beginning of the file. It returns
// the file with what was really sent.
func playFile(t *testing.T, text string) string {
	parts := strings.Split(text, "\n## ")
	setup, stories := parts[0], parts[1:]
	played := []string{""}
	for _, story := range stories {
		title, _, _ := strings.Cut(story, "\n")
		t.Run(title, func(t *testing.T) {
			w := newWorld(countUp)
			played[0] = play(t, w, setup)
			played = append(played, play(t, w, story))
			if err := w.quit(); err != nil {
				t.Error(err)
			}
		})
	}
	return strings.Join(played, "\n## ")
}

// countUp makes random numbers that give the IDs 1, 2, 3 and so on.
func countUp() func() uint64 {
	n := uint64(0)
	return func() uint64 { n++; return (n - 1) << 11 }
}

// play takes the steps of a text and returns it with what each of them sent.
func play(t *testing.T, w *world, text string) string {
	t.Helper()
	var got []string
	for line := range strings.SplitSeq(text, "\n") {
		step, isStep := strings.CutPrefix(line, "> ")
		if !strings.HasPrefix(line, "< ") {
			got = append(got, line)
		}
		if isStep {
			got = append(got, take(t, w, step)...)
		}
	}
	if diff := cmp.Diff(strings.Split(text, "\n"), got); diff != "" && !*update {
		t.Errorf("-expected +sent\n%s", diff)
	}
	return strings.Join(got, "\n")
}

// take takes one step and returns what it sent.
func take(t *testing.T, w *world, step string) []string {
	t.Helper()
	if err := command(w, step); err != nil {
		t.Fatalf("%s: %v", step, err)
	}
	if w.dealer == nil {
		return nil
	}
	sends, err := w.settle()
	if err != nil {
		t.Errorf("%s: %v", step, err)
	}
	var lines []string
	for _, send := range sends {
		lines = append(lines, fmt.Sprintf("< to=%d %s", send.To.ID, notate(send.Msg)))
	}
	w.out.Reset()
	return lines
}

// command carries out one step.
func command(w *world, step string) error {
	name, rest, _ := strings.Cut(step, " ")
	words, err := wordsOf(rest)
	if err != nil {
		return err
	}
	switch name {
	case "realm":
		err = configure(w, words)
	case "join":
		err = join(w, words)
	case "leave":
		err = leave(w, words)
	case "advance":
		err = advance(w, words)
	case "undelivered":
		err = undelivered(w, words)
	default:
		err = message(w, name, words)
	}
	if err == nil && len(words.list) > 0 {
		err = fmt.Errorf("what is %q?", words.list[0].key)
	}
	return err
}

// configure sets options of the realm: > realm strict max_calls=2
func configure(w *world, words *words) error {
	if w.dealer != nil {
		return errors.New("somebody has joined already")
	}
	if _, ok := words.take("strict"); ok {
		w.dealerConfig.URIRule, w.brokerConfig.URIRule = wamp.StrictURI, wamp.StrictURI
	}
	_, w.dealerConfig.ProgressNeedsCanceling = words.take("progress_needs_canceling")
	_, w.dealerConfig.Sharding = words.take("sharding")
	w.brokerConfig.Sharding = w.dealerConfig.Sharding
	_, w.dealerConfig.Rerouting = words.take("rerouting")
	_, w.brokerConfig.SilentRevocation = words.take("silent_revocation")
	for key, limit := range map[string]*int{
		"max_calls":           &w.dealerConfig.MaxCalls,
		"max_invocations":     &w.dealerConfig.MaxInvocations,
		"max_registrations":   &w.dealerConfig.MaxRegistrations,
		"max_queued_calls":    &w.dealerConfig.MaxQueuedCalls,
		"max_queued_bytes":    &w.dealerConfig.MaxQueuedBytes,
		"max_kept_bytes":      &w.dealerConfig.MaxKeptBytes,
		"max_subscriptions":   &w.brokerConfig.MaxSubscriptions,
		"max_testaments":      &w.brokerConfig.MaxTestaments,
		"max_testament_bytes": &w.brokerConfig.MaxTestamentBytes,
		"max_retained":        &w.brokerConfig.MaxRetained,
		"max_retained_bytes":  &w.brokerConfig.MaxRetainedBytes,
		"max_restricted":      &w.brokerConfig.MaxRestricted,
		"max_replayed_bytes":  &w.brokerConfig.MaxReplayedBytes,
		"max_replayed":        &w.brokerConfig.MaxReplayed,
	} {
		if value, ok := words.take(key); ok {
			n, err := strconv.Atoi(value)
			if err != nil {
				return err
			}
			*limit = n
		}
	}
	return configureTimeouts(w, words)
}

func configureTimeouts(w *world, words *words) (err error) {
	for key, timeout := range map[string]*time.Duration{
		"default_timeout": &w.dealerConfig.DefaultTimeout,
		"max_timeout":     &w.dealerConfig.MaxTimeout,
	} {
		if value, ok := words.take(key); ok && err == nil {
			*timeout, err = time.ParseDuration(value)
		}
	}
	return err
}

// join adds a session: > join 1 authid=ann callee=call_canceling,call_timeout
func join(w *world, words *words) error {
	id, err := sessionID(words)
	if err != nil {
		return err
	}
	s := &routing.Session{ID: id}
	s.AuthID, _ = words.take("authid")
	s.AuthRole, _ = words.take("authrole")
	for role := range wamp.RoleBroker {
		if features, ok := words.take(role.String()); ok {
			if err := announce(s, role, splitList(features)); err != nil {
				return err
			}
		}
	}
	w.join(s)
	return nil
}

func announce(s *routing.Session, role wamp.Role, features []string) error {
	s.Roles.Announce(role)
	for _, key := range features {
		f, ok := wamp.ParseFeature(key)
		if !ok {
			return fmt.Errorf("unknown feature %q", key)
		}
		s.Roles.Announce(role, f)
	}
	return nil
}

// leave ends a session: > leave 1
func leave(w *world, words *words) error {
	id, err := sessionID(words)
	if err != nil {
		return err
	}
	w.leave(w.session(id))
	return nil
}

func sessionID(words *words) (wamp.ID, error) {
	if len(words.list) == 0 {
		return 0, errors.New("which session?")
	}
	key := words.list[0].key
	words.take(key)
	n, err := strconv.ParseUint(key, 10, 64)
	return wamp.ID(n), err
}

// advance lets time pass: > advance 500ms
func advance(w *world, words *words) error {
	if len(words.list) == 0 {
		return errors.New("how long?")
	}
	key := words.list[0].key
	words.take(key)
	d, err := time.ParseDuration(key)
	if err == nil {
		w.advance(d)
	}
	return err
}

var reasons = map[string]routing.Reason{
	"queue_full": routing.QueueFull, "too_large": routing.TooLarge, "not_expressible": routing.NotExpressible,
}

// undelivered gives a message back that did not fit: > undelivered to=1 why=queue_full INVOCATION request=1
func undelivered(w *world, words *words) error {
	to, err := peer(w, words, "to")
	if err != nil {
		return err
	}
	word, _ := words.take("why")
	why, ok := reasons[word]
	if !ok || len(words.list) == 0 {
		return errors.New("what was undelivered, and why?")
	}
	name := words.list[0].key
	words.take(name)
	m, err := messageFrom(name, words)
	if err == nil {
		w.dealer.Undelivered(w.now, to, m, why, &w.out)
	}
	return err
}

// message is what a session sends: > CALL from=2 request=1 procedure=com.add
//
// With "repeated" it is a CALL whose ID the shell has found not to be new.
func message(w *world, name string, words *words) error {
	from, err := peer(w, words, "from")
	if err != nil {
		return err
	}
	g, err := grantFrom(words)
	if err != nil {
		return err
	}
	_, repeated := words.take("repeated")
	m, err := messageFrom(name, words)
	if err != nil {
		return err
	}
	if call, ok := m.(*wamp.Call); ok && repeated {
		w.dealer.Continue(w.now, from, call, &w.out)
		return nil
	}
	return w.handle(from, m, g)
}

func peer(w *world, words *words, key string) (*routing.Session, error) {
	value, _ := words.take(key)
	n, err := strconv.ParseUint(value, 10, 64)
	s := w.session(wamp.ID(n))
	if err != nil || s == nil {
		return nil, fmt.Errorf("%s=%s is no session", key, value)
	}
	return s, nil
}

// grantFrom reads what the authorizer says, which allows the request if nothing is said:
// grant=refused|failed|force|inspect|refused_topic grant_text="..." grant_disclose=always|never grant_trustlevel=3
func grantFrom(words *words) (g routing.Grant, err error) {
	verdict, _ := words.take("grant")
	g.Allowed = verdict != "refused" && verdict != "failed"
	g.Force = verdict == "force"
	g.Inspect = verdict == "inspect"
	g.Topic = &routing.Grant{Allowed: verdict != "refused_topic"}
	g.Failed = verdict == "failed"
	g.Text, _ = words.take("grant_text")
	disclose, _ := words.take("grant_disclose")
	g.Disclose = map[string]wamp.Disclosure{"always": wamp.DiscloseAlways, "never": wamp.DiscloseNever}[disclose]
	if level, ok := words.take("grant_trustlevel"); ok {
		g.HasTrustLevel = true
		g.TrustLevel, err = strconv.ParseUint(level, 10, 64)
	}
	return g, err
}
