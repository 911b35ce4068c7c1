package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

const durableRealm = `
listeners: {main: {address: "127.0.0.1:0"}}
realms:
  realm1:
    anonymous: guest
    roles: {guest: {allow: [call, publish, subscribe]}}
    history:
      topics: [{topic: com.example.orders, events: 100000}]
      file: %s
      durable: true
`

// serveDurable starts a router with a durable history and returns its URL.
func serveDurable(t *testing.T, dir, config string) (router *process, url string) {
	t.Helper()
	router = paste(t, dir, "tandem serve -c "+quoted(config))
	router.out.await(t, "(main)")
	return router, "tcp://" + strings.Fields(router.out.String())[2]
}

// A router that is killed while several sessions publish has lost no event that it acknowledged.
func TestEVH02_KilledRouterKeepsWhatItAcknowledged(t *testing.T) {
	dir := build(t)
	config := filepath.Join(dir, "tandem.yaml")
	text := fmt.Sprintf(durableRealm, filepath.Join(dir, "orders.events"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var acknowledged []wamp.ID
	for range 3 {
		router, url := serveDurable(t, dir, config)
		acknowledged = append(acknowledged, publishUntil(t, url, 300, func() { router.signal(t, syscall.SIGKILL) })...)
		router.end()
	}
	_, url := serveDurable(t, dir, config)
	kept := wholeHistory(t, url)
	for _, id := range acknowledged {
		if !kept[id] {
			t.Errorf("publication %d was acknowledged and is lost", id)
		}
	}
	t.Logf("%d acknowledged, %d kept", len(acknowledged), len(kept))
}

// publishUntil publishes from several sessions until the router is gone, which is what kill does after so many
// acknowledgements. It returns all that were acknowledged.
func publishUntil(t *testing.T, url string, enough int, kill func()) (acknowledged []wamp.ID) {
	t.Helper()
	var mu sync.Mutex
	var publishers sync.WaitGroup
	for range 4 {
		s, err := client.Connect(t.Context(), url, client.Config{Realm: "realm1"})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		publishers.Go(func() {
			for {
				id, err := s.Publish(t.Context(), "com.example.orders", client.Args(1, "order"), client.Acknowledge())
				if err != nil {
					return
				}
				mu.Lock()
				if acknowledged = append(acknowledged, id); len(acknowledged) == enough {
					kill()
				}
				mu.Unlock()
			}
		})
	}
	publishers.Wait()
	if len(acknowledged) < enough {
		t.Fatalf("the router has acknowledged %d only", len(acknowledged))
	}
	return acknowledged
}

// wholeHistory asks for the whole history, page by page.
func wholeHistory(t *testing.T, url string) map[wamp.ID]bool {
	t.Helper()
	s, err := client.Connect(t.Context(), url, client.Config{Realm: "realm1"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	found, err := s.Call(t.Context(), "wamp.subscription.lookup", client.Args("com.example.orders"))
	if err != nil {
		t.Fatal(err)
	}
	id := found.Args[0].(int64)
	kept := map[wamp.ID]bool{}
	for q, more := (client.EventQuery{Limit: 250}), true; more; {
		page, err := s.Events(t.Context(), wamp.ID(id), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			kept[e.Publication] = true
			q.AfterPublication = e.Publication
		}
		more = page.LimitReached
	}
	return kept
}

// A file that is something else stops the router with a reason, and stays as it is.
func TestForeignHistoryFile(t *testing.T) {
	dir := t.TempDir()
	diary := filepath.Join(dir, "diary")
	config := filepath.Join(dir, "tandem.yaml")
	for file, text := range map[string]string{diary: "Dear diary,\n", config: fmt.Sprintf(durableRealm, diary)} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tandem(t, "serve", "-c", config).expect(t, exitConfig, "",
		`realm "realm1": event history `+diary+": the file is not an event history of this realm")
	if text, err := os.ReadFile(diary); err != nil || string(text) != "Dear diary,\n" {
		t.Errorf("the diary has changed: %q, %v", text, err)
	}
}
