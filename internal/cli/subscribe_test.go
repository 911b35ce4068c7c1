package cli

import (
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

func TestSubscribeFlags_PBS01_RET03(t *testing.T) {
	for flags, want := range map[string]wamp.SubscribeOptions{
		"":                          {},
		"--match wildcard":          {Match: wamp.MatchWildcard},
		"--match prefix --retained": {Match: wamp.MatchPrefix, GetRetained: true},
	} {
		t.Run(flags, func(t *testing.T) {
			url := startFake(t, func(r *fake) {
				if diff := cmp.Diff(want, r.subscribed()); diff != "" {
					t.Errorf("options (-want +got):\n%s", diff)
				}
				r.send(event(1, "x"))
			})
			args := strings.Fields("subscribe com.example.news --count 1 --url " + url + " " + flags)
			tandem(t, args...).expect(t, exitOK, "\"x\"\n", "subscribed to com.example.news as 5")
		})
	}
}

func past(publication wamp.ID, args ...any) wamp.Dict {
	return wamp.Dict{
		"timestamp": "2030-01-02T03:04:05.678Z", "subscription": 5, "publication": publication, "args": args,
	}
}

// remember answers the question for the last three events with those; before and after, live ones come.
func remember(r *fake, live []wamp.Message, answer func(request wamp.ID) wamp.Message, more ...wamp.Message) {
	r.subscribed()
	r.send(live...)
	request, args, kwargs := r.asked("wamp.subscription.get_events")
	if diff := cmp.Diff(wamp.List{int64(5)}, args); diff != "" {
		r.t.Errorf("arguments (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wamp.Dict{"reverse": true, "limit": int64(3)}, kwargs); diff != "" {
		r.t.Errorf("query (-want +got):\n%s", diff)
	}
	r.send(append([]wamp.Message{answer(request)}, more...)...)
}

func remembered(events ...any) func(wamp.ID) wamp.Message {
	return func(request wamp.ID) wamp.Message {
		return &wamp.Result{Request: request, Payload: wamp.Payload{Args: events}}
	}
}

func refused(uri wamp.ErrorURI) func(wamp.ID) wamp.Message {
	return func(request wamp.ID) wamp.Message {
		return &wamp.Error{RequestType: wamp.TypeCall, Request: request, URI: uri}
	}
}

func TestSubscribeHistory_EVH08(t *testing.T) {
	newest := []any{past(3, "three"), past(2, "two"), past(1, "one")}
	tests := map[string]struct {
		live   []wamp.Message // before the answer
		answer func(wamp.ID) wamp.Message
		more   []wamp.Message // behind it
		flags  string
		out    string
		err    string
	}{
		"oldest first": {
			nil, remembered(newest...), []wamp.Message{event(4, "four")}, "--count 4",
			`"one" "two" "three" "four"`, "subscribed",
		},
		"each event once": {
			[]wamp.Message{event(3, "three")}, remembered(newest...), []wamp.Message{event(4, "four")}, "--count 4",
			`"one" "two" "three" "four"`, "subscribed",
		},
		"history counts": {
			nil, remembered(newest...), []wamp.Message{event(4, "four")}, "--count 2",
			`"one" "two"`, "subscribed",
		},
		"nothing remembered": {
			nil, remembered(), []wamp.Message{event(4, "four")}, "--count 1",
			`"four"`, "no history of com.example.news\n",
		},
		"no history at all": {
			[]wamp.Message{event(4, "four")}, refused(wamp.ErrNoSuchProcedure), nil, "--count 1",
			`"four"`, "no history of com.example.news: wamp.error.no_such_procedure\n",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			url := startFake(t, func(r *fake) { remember(r, test.live, test.answer, test.more...) })
			args := "subscribe --history 3 --url " + url + " com.example.news " + test.flags
			tandem(t, strings.Fields(args)...).expect(t, exitOK, strings.ReplaceAll(test.out, " ", "\n")+"\n", test.err)
		})
	}
}

func TestSubscribeStoppedBeforeHistory(t *testing.T) {
	asked := make(chan struct{})
	url := startFake(t, func(r *fake) {
		r.subscribed()
		r.asked("wamp.subscription.get_events")
		close(asked)
	})
	s := launch(t, "subscribe", "--history", "3", "--url", url, "com.example.news")
	<-asked
	if e := s.stop(t); e.code != exitOK || e.out != "" || strings.Contains(e.err, "history") {
		t.Errorf("got %+v", e)
	}
}

func TestInOrder(t *testing.T) {
	kept := func(publication wamp.ID) *wamp.Event {
		e := event(publication)
		e.Details.Retained = true
		return e
	}
	tests := map[string]struct {
		past []wamp.ID
		came []*wamp.Event
		want []wamp.ID
	}{
		"nothing":                          {nil, nil, nil},
		"history alone":                    {[]wamp.ID{1, 2}, nil, []wamp.ID{1, 2}},
		"live alone":                       {nil, []*wamp.Event{event(1), event(2)}, []wamp.ID{1, 2}},
		"overlap":                          {[]wamp.ID{1, 2, 3}, []*wamp.Event{event(2), event(3), event(4)}, []wamp.ID{1, 2, 3, 4}},
		"history that is younger":          {[]wamp.ID{3}, []*wamp.Event{event(1), event(2), event(3)}, []wamp.ID{1, 2, 3}},
		"what is not stored keeps its way": {[]wamp.ID{1, 3}, []*wamp.Event{event(2), event(3)}, []wamp.ID{1, 2, 3}},
		"retained, in the history":         {[]wamp.ID{1, 2}, []*wamp.Event{kept(1), event(3)}, []wamp.ID{1, 2, 3}},
		"retained, older":                  {[]wamp.ID{2, 3}, []*wamp.Event{kept(1), event(3)}, []wamp.ID{1, 2, 3}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var past, came []client.PastEvent
			for _, id := range test.past {
				past = append(past, client.PastEvent{Event: client.Event{Publication: id}})
			}
			for _, m := range test.came {
				came = append(came, client.PastEvent{Event: client.Event{Publication: m.Publication, Details: m.Details}})
			}
			var got []wamp.ID
			for _, e := range inOrder(slices.Clone(past), came) {
				got = append(got, e.Publication)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSubscribeFor(t *testing.T) {
	_, ws, _ := startDev(t)
	tandem(t, "subscribe", "--url", ws, "--for", "20ms", "com.example.news").expect(t, exitOK, "", "subscribed")
	tandem(t, "subscribe", "--url", ws, "--for", "20ms", "--count", "2", "com.example.news").
		expect(t, exitTimeout, "", "0 of 2 events within 20ms")
	s := startSubscribe(t, ws, "--for", "1h", "--count", "1", "com.example.news")
	s.stop(t).expect(t, exitOK, "", "subscribed")
}

func TestSubscribeRevoked_SRV06(t *testing.T) {
	url := startFake(t, func(r *fake) {
		r.subscribed()
		r.send(&wamp.Unsubscribed{Details: wamp.UnsubscribedDetails{Subscription: 5, Reason: "wamp.error.not_authorized"}})
	})
	tandem(t, "subscribe", "--url", url, "com.example.news").
		expect(t, exitNotAuthorized, "", "the router took it back: wamp.error.not_authorized")
}

func TestRegisterRevoked_RRV07(t *testing.T) {
	url := startFake(t, func(r *fake) {
		r.send(&wamp.Registered{Request: r.read().(*wamp.Register).Request, Registration: 7})
		r.send(&wamp.Unregistered{Details: wamp.UnregisteredDetails{Registration: 7, Reason: "com.example.enough"}})
	})
	tandem(t, "register", "--echo", "--url", url, "com.example.echo").
		expect(t, exitFailure, "", "the router took it back: com.example.enough")
}

func TestSubscribeWhoseRouterStops(t *testing.T) {
	router, ws, _ := startDev(t)
	s := startSubscribe(t, ws, "com.example.news")
	router.stop(t)
	s.end(t).expect(t, exitFailure, "", "the session ended: wamp.close.system_shutdown")
}

func TestSubscribeOutput(t *testing.T) {
	everything := &wamp.Event{
		Subscription: 5, Publication: 9,
		Details: wamp.EventDetails{
			Topic: "com.example.news", Publisher: 3, PublisherAuthID: "ann", PublisherAuthRole: "staff", HasTrustLevel: true,
			Retained: true,
		},
		Payload: wamp.Payload{Args: wamp.List{"<x>", 1.0}, Kwargs: wamp.Dict{"k": nil}},
	}
	packed := event(1, []byte(`{"args":["x"]}`))
	packed.Details.PPT = &wamp.Passthru{Scheme: "x_custom", Serializer: "json"}
	tests := map[string]struct {
		event           *wamp.Event
		text, json, raw string
	}{
		"everything": {
			everything, "com.example.news {\"args\":[\"<x>\",1.0],\"kwargs\":{\"k\":null}}\n",
			`{"topic":"com.example.news","publication":9,"retained":true,"publisher":3,"publisher_authid":"ann",` +
				`"publisher_authrole":"staff","trustlevel":0,"args":["<x>",1.0],"kwargs":{"k":null}}` + "\n",
			"{\"args\":[\"<x>\",1.0],\"kwargs\":{\"k\":null}}\n",
		},
		"nothing": {
			event(1), "\n", `{"topic":"com.example.x","publication":1,"args":[],"kwargs":{}}` + "\n", "\n",
		},
		"text": {
			event(1, "a \"b\""), "\"a \\\"b\\\"\"\n",
			`{"topic":"com.example.x","publication":1,"args":["a \"b\""],"kwargs":{}}` + "\n", "a \"b\"\n",
		},
		"bytes": {
			event(1, []byte("\x00\xff\x80")), "\"\\u0000AP+A\"\n",
			`{"topic":"com.example.x","publication":1,"args":["\u0000AP+A"],"kwargs":{}}` + "\n", "\x00\xff\x80",
		},
		"number": {
			event(1, 7), "7\n", `{"topic":"com.example.x","publication":1,"args":[7],"kwargs":{}}` + "\n", "7\n",
		},
		"packed": {
			packed, "\"x\"\n", `{"topic":"com.example.x","publication":1,"args":["x"],"kwargs":{}}` + "\n", "x\n",
		},
	}
	for name, test := range tests {
		for form, want := range map[string]string{"text": test.text, "json": test.json, "raw": test.raw} {
			t.Run(name+" as "+form, func(t *testing.T) {
				url := startFake(t, func(r *fake) {
					r.subscribed()
					r.send(test.event)
				})
				args := "subscribe --count 1 --url " + url + " com.example.x -o " + form
				tandem(t, strings.Fields(args)...).expect(t, exitOK, want, "subscribed")
			})
		}
	}
}

func TestSubscribeOutputOfPastEvents_EVH06(t *testing.T) {
	url := startFake(t, func(r *fake) { remember(r, nil, remembered(past(1, "one"))) })
	args := "subscribe --history 3 --count 1 -o json --url " + url + " com.example.news"
	tandem(t, strings.Fields(args)...).expect(t, exitOK,
		`{"topic":"com.example.news","publication":1,"timestamp":"2030-01-02T03:04:05.678Z","args":["one"],"kwargs":{}}`+"\n",
		"subscribed")
}

// What a slow subscriber missed is told, and does not get between the events (FLW-02).
func TestSubscribeTellsWhatWasLost_FLW02(t *testing.T) {
	for form, out := range map[string]string{
		"text": "\"x\"\n",
		"json": `{"topic":"com.example.x","publication":9,"_lost":7,"args":["x"],"kwargs":{}}` + "\n",
	} {
		url := startFake(t, func(r *fake) {
			e := event(9, "x")
			e.Details.Lost = 7
			r.subscribed()
			r.send(e)
		})
		args := "subscribe --count 1 --url " + url + " com.example.x -o " + form
		tandem(t, strings.Fields(args)...).expect(t, exitOK, out, "7 events were lost before event 9\n")
	}
}

// An event that cannot be expressed in JSON is told of, and the next one is printed.
func TestSubscribeToTheUnprintable(t *testing.T) {
	url := startFake(t, func(r *fake) {
		r.subscribed()
		r.send(event(8, []any{math.NaN()}), event(9, "x"))
	})
	tandem(t, "subscribe", "--count", "1", "--url", url, "com.example.news").
		expect(t, exitOK, "\"x\"\n", "event 8 cannot be printed")
}

// closedPipe is a standard output that nobody reads.
type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestSubscribeWhoseOutputIsClosed(t *testing.T) {
	for flags, script := range map[string]func(r *fake){
		"--history 3": func(r *fake) { remember(r, nil, remembered(past(1, "one"))) },
		"--count 2": func(r *fake) {
			r.subscribed()
			r.send(event(1, "x"))
		},
	} {
		t.Run(flags, func(t *testing.T) {
			args := strings.Fields("subscribe --url " + startFake(t, script) + " com.example.news " + flags)
			err := newScreen()
			code := run(t.Context(), &program{Streams{strings.NewReader(""), closedPipe{}, err}, "test"}, args)
			if code != exitFailure || !strings.Contains(err.String(), io.ErrClosedPipe.Error()) {
				t.Errorf("ended with %d and %s", code, err)
			}
		})
	}
}

func TestRetainedEventOnTheCommandLine_RET03(t *testing.T) {
	_, ws, _ := startDev(t)
	tandem(t, "publish", "--url", ws, "--retain", "com.example.news", "kept").
		expect(t, exitOK, "", "")
	tandem(t, "subscribe", "--url", ws, "--retained", "--count", "1", "com.example.news").
		expect(t, exitOK, "\"kept\"\n", "subscribed")
}
