package serializer_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/tandemrouter/tandem/internal/serializer"
	"github.com/tandemrouter/tandem/wamp"
)

// bomb is a message that is made to cost much.
type bomb struct {
	name  string
	bytes []byte
}

// bombs returns messages of about n bytes each.
func bombs(t testing.TB, s wamp.Serializer, n int) []bomb {
	m := mint{t, s, n}
	return append(append(m.payloads(), m.heads()...), m.opens()...)
}

// mint makes bombs.
type mint struct {
	testing.TB
	s wamp.Serializer
	n int
}

func (m mint) value(v any) string { return string(value(m, m.s, v)) }

// list returns a list of as many items as fit.
func (m mint) list(item string) string { return m.listOf(func(int) string { return item }) }

func (m mint) listOf(item func(i int) string) string {
	var b strings.Builder
	i := 0
	for ; b.Len() < m.n; i++ {
		if m.s == wamp.JSON && i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(item(i))
	}
	switch m.s {
	case wamp.JSON:
		return "[" + b.String() + "]"
	case wamp.MessagePack:
		return "\xdd" + string([]byte{byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}) + b.String()
	default:
		return "\x9a" + string([]byte{byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}) + b.String()
	}
}

// dict returns a dictionary of as many entries as fit.
func (m mint) dict(entry func(i int) (key, value string)) string {
	var pairs []string
	for size, i := 0, 0; size < m.n; i++ {
		k, v := entry(i)
		pairs = append(pairs, k, v)
		size += len(k) + len(v) + 2
	}
	return entries(m.s, pairs...)
}

// numbered returns entries with keys that differ.
func (m mint) numbered(prefix, v string) func(int) (string, string) {
	return func(i int) (string, string) { return m.value(fmt.Sprintf("%s%x", prefix, i)), v }
}

// dictOf returns a dictionary of one entry.
func (m mint) dictOf(key, v string) string { return entries(m.s, m.value(key), v) }

func (m mint) yield(args string) []byte {
	return list(m.s, m.value(70), m.value(1), entries(m.s), args)
}

func (m mint) publish(options string) []byte {
	return layoutOf(wamp.TypePublish).withRaw(m, m.s, options)
}

func (m mint) hello(details string) []byte { return layoutOf(wamp.TypeHello).withRaw(m, m.s, details) }

// payloads returns bombs that lie where nobody looks.
func (m mint) payloads() []bomb {
	zero, empty := m.value(0), entries(m.s)
	bombs := []bomb{
		{"integers", m.yield(m.list(zero))},
		{"empty lists", m.yield(m.list(m.value(wamp.List{})))},
		{"empty dicts", m.yield(m.list(empty))},
		{"small lists", m.yield(m.list(m.value(wamp.List{1, wamp.List{wamp.List{}}})))},
		{"small dicts", m.yield(m.list(m.value(wamp.Dict{"a": 1, "b": wamp.Dict{"c": nil}})))},
		{"texts", m.yield(m.list(m.value("é")))},
		{"keys", m.yield(m.list(m.dictOf("k", zero)))},
		{"tiny keys", list(m.s, m.value(70), m.value(1), empty, m.value(wamp.List{}), m.dict(m.numbered("", zero)))},
		{"long text", m.yield(m.value(wamp.List{strings.Repeat("lorem ipsum ", m.n/12)}))},
		{"long text of no ASCII", m.yield(m.value(wamp.List{strings.Repeat("äö€", m.n/7)}))},
		{"long text of escapes", m.yield(m.value(wamp.List{strings.Repeat("\"", m.n/2)}))},
		{"wide at the bottom", m.yield(m.wideAtTheBottom())},
	}
	for name, in := range nested(m.s, m.n) {
		bombs = append(bombs, bomb{"deep " + name, m.yield(in)})
	}
	for i, in := range m.special() {
		bombs = append(bombs, bomb{fmt.Sprintf("special %d", i), m.yield(in)})
	}
	return bombs
}

// wideAtTheBottom returns a long list within as many lists as may be.
func (m mint) wideAtTheBottom() string {
	in := m.list(m.value(0))
	for range 126 {
		in = string(list(m.s, in))
	}
	return in
}

// special returns arguments that only one serializer has.
func (m mint) special() []string {
	switch m.s {
	case wamp.JSON:
		return []string{
			"[" + strings.Repeat("9", m.n) + "]", "[0." + strings.Repeat("0", m.n) + "1]", "[1e" + strings.Repeat("9", m.n) + "]",
			"[\"" + strings.Repeat(`\u0000`, m.n/6) + "\"]", "[\"" + strings.Repeat(`\\`, m.n/2) + "\"]", "[" + strings.Repeat(" ", m.n) + "]",
			"[" + strings.Repeat(" ", m.n), m.list(" [ ] "), m.list(`"a\n"`), m.list(`"1234567\\"`), m.list("1e-7"), "[\"" + strings.Repeat("é", m.n/2),
		}
	case wamp.MessagePack:
		return []string{m.list("\xd4\x00\x00"), m.list("\xc7\x00\x01"), m.list("\xd9\x00"), m.list("\xdf\x00\x00\x00\x00"), "\x91" + strings.Repeat("\xdd\xff\xff\xff\xff", m.n/5)}
	default:
		return []string{
			m.list("\xc1\xc1\xc1\x00"), m.list("\x9f\xff"), m.list("\xbf\xff"), m.list("\x7f\xff"), m.list("\x5f\x41\x00\xff"), m.list("\xf8\x20"),
			"\x81\x7f" + strings.Repeat("\x60", m.n) + "\xff", "\x81\x5f" + strings.Repeat("\x41\x00", m.n/2) + "\xff", "\x9f" + strings.Repeat("\xf6", m.n) + "\xff",
			"\x80\xbf" + strings.Repeat("\x60\x00", m.n/2) + "\xff", "\x91" + strings.Repeat("\x9b\x00\x00\x00\x00\xff\xff\xff\xff", m.n/9), m.list("\xdb\x00\x00\x00\x00\x00\x00\x00\x01\x00"),
		}
	}
}

// heads returns bombs in the options that the protocol defines.
func (m mint) heads() []bomb {
	one, text, long := m.value(1), m.value("ab"), m.value(strings.Repeat("x", m.n))
	roles := func(in string) []byte { return m.hello(m.dictOf("roles", in)) }
	bombs := []bomb{
		{"exclude", m.publish(m.dictOf("exclude", m.list(one)))},
		{"exclude floats", m.publish(m.dictOf("exclude", m.list(m.value(2.0))))},
		{"eligible_authid", m.publish(m.dictOf("eligible_authid", m.list(text)))},
		{"empty authids", m.publish(m.dictOf("exclude_authid", m.list(m.value(""))))},
		{"authids that differ", m.publish(m.dictOf("exclude_authid", m.listOf(func(i int) string { return m.value(fmt.Sprintf("%x", i)) })))},
		{"escaped authids", m.publish(m.dictOf("exclude_authid", m.list(m.value("\n"))))},
		{"wrong at the end", m.publish(m.dictOf("exclude", m.listOf(func(i int) string { return m.value(min(1, m.n-8-i)) })))},
		{"roles", roles(m.dict(m.numbered("x", one)))},
		{"roles that are large", roles(m.dictOf("wizard", m.list(one)))},
		{"roles with features", roles(m.dictOf("caller", m.dictOf("features", m.dict(m.numbered("x", m.value(true))))))},
		{"roles with large features", roles(m.dictOf("caller", m.dictOf("features", m.dictOf("call_timeout", m.list(m.list2(one))))))},
		{"forward_for", m.publish(m.dictOf("forward_for", m.list(m.dictOf("session", one))))},
		{"nulls", m.publish(m.dict(m.numbered("", m.value(nil))))},
		{"long topic", list(m.s, m.value(16), one, entries(m.s), long)},
		{"long escaped topic", list(m.s, m.value(16), one, entries(m.s), m.value(strings.Repeat("\n", m.n/2)))},
		{"long rkey", m.publish(m.dictOf("rkey", long))},
		{"long key", m.publish(m.dictOf(strings.Repeat("k", m.n), one))},
		{"long passthru keys", m.publish(m.dict(m.numbered("ppt_", text)))},
	}
	if m.s == wamp.JSON {
		digits := strings.Repeat("9", m.n)
		bombs = append(bombs, bomb{"long number", m.publish(m.dictOf("rkey", digits))}, bomb{"long request", []byte("[70," + digits + ",{}]")},
			bomb{"long fraction", []byte("[70,7." + strings.Repeat("0", m.n) + ",{}]")}, bomb{"long exponent", []byte("[70,7e" + digits + ",{}]")},
			bomb{"spaces", m.publish(`{ "exclude" : [` + strings.Repeat(" ", m.n) + `] }`)}, bomb{"long type", []byte("[" + digits + "]")})
	}
	if m.s == wamp.CBOR {
		chunks := "\x7f" + strings.Repeat("\x60", m.n) + "\xff"
		bombs = append(bombs, bomb{"chunks in a topic", list(m.s, "\x10", one, "\xa0", chunks)}, bomb{"chunks in a key", m.publish("\xa1" + chunks + "\x00")},
			bomb{"chunks of one", list(m.s, "\x10", one, "\xa0", "\x7f"+strings.Repeat("\x61a", m.n/2)+"\xff")},
			bomb{"endless ids", m.publish(m.dictOf("exclude", "\x9f"+strings.Repeat("\x01", m.n)+"\xff"))})
	}
	return bombs
}

func (m mint) list2(item string) string { return string(list(m.s, item, item)) }

// opens returns bombs in values that the protocol leaves open, which are decoded.
func (m mint) opens() []bomb {
	one := m.value(1)
	values := map[string]string{
		"integers":    m.list(one),
		"large":       m.list(m.value(70000)),
		"texts":       m.list(m.value("ab")),
		"empty lists": m.list(m.value(wamp.List{})),
		"empty dicts": m.list(entries(m.s)),
		"small dicts": m.list(m.value(wamp.Dict{"": 1})),
		"keys":        m.dict(m.numbered("", one)),
		"long text":   m.value(strings.Repeat("x", m.n)),
		"deep dicts":  m.list(nested(m.s, 60)["lists"]),
		"wide":        m.wideAtTheBottom(),
	}
	var bombs []bomb
	for name, in := range values {
		bombs = append(bombs,
			bomb{"unknown " + name, m.publish(m.dictOf("x", in))},
			bomb{"authextra " + name, m.hello(m.dictOf("authextra", m.dictOf("x", in)))},
			bomb{"Extra " + name, list(m.s, m.value(5), m.value("s"), m.dictOf("x", in))})
	}
	deep := m.value(wamp.List{}) // not deep enough to be refused
	for range 100 {
		deep = string(list(m.s, deep))
	}
	return append(bombs,
		bomb{"unknown keys", m.publish(m.dict(m.numbered("", one)))},
		bomb{"unknown keys with dicts", m.publish(m.dict(m.numbered("", m.dictOf("", one))))},
		bomb{"unknown keys with deep lists", m.publish(m.dict(m.numbered("", deep)))},
		bomb{"unknown keys that cannot be decoded", m.publish(m.dict(m.numbered("", m.undecodable())))},
		bomb{"the same unknown key", m.publish(m.dict(func(int) (string, string) { return m.value("x"), one }))})
}

func (m mint) undecodable() string {
	return map[wamp.Serializer]string{wamp.JSON: `"\ud800"`, wamp.MessagePack: "\xa1\xff", wamp.CBOR: "\xe0"}[m.s]
}

// TestP16Memory: what a message makes the parser allocate grows with its length, and slowly.
func TestP16Memory(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for _, size := range []int{200, 256 << 10} {
			for _, b := range bombs(t, s, size) {
				if got, limit := allocated(func() { _, _ = serializer.Parse(s, b.bytes) }), 64<<10+32*len(b.bytes); got > limit {
					t.Errorf("%s of %d bytes: %d bytes allocated, more than %d", b.name, len(b.bytes), got, limit)
				}
			}
		}
	})
}

// allocated returns how many bytes do allocates, and others at the same time.
func allocated(do func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// TestDeclaredLengths: nobody believes a length, least of all one that the message has no bytes for.
func TestDeclaredLengths(t *testing.T) {
	heads := map[wamp.Serializer][]string{
		wamp.MessagePack: {"\xdb\xff\xff\xff\xff", "\xc6\xff\xff\xff\xff", "\xc9\xff\xff\xff\xff\x00", "\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff",
			"\xdd\x7f\xff\xff\xff", "\xdf\x80\x00\x00\x00", "\xdb\x80\x00\x00\x00"},
		wamp.CBOR: {"\x7b\xff\xff\xff\xff\xff\xff\xff\xff", "\x5b\x7f\xff\xff\xff\xff\xff\xff\xff", "\x5b\x80\x00\x00\x00\x00\x00\x00\x00",
			"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", "\xbb\xff\xff\xff\xff\xff\xff\xff\xff", "\xbb\x80\x00\x00\x00\x00\x00\x00\x01",
			"\x9b\x20\x00\x00\x00\x00\x00\x00\x00", "\xbb\x10\x00\x00\x00\x00\x00\x00\x00", "\x9a\xff\xff\xff\xff", "\x7a\xff\xff\xff\xff", "\x5f\x5a\xff\xff\xff\xff"},
	}
	for s, all := range heads {
		one, empty := string(value(t, s, 1)), entries(s)
		for _, head := range all {
			for _, tail := range []string{"", "\x00", "\x01\x02\x03", strings.Repeat("\xff", 100)} {
				lie := head + tail
				for _, in := range [][]byte{
					[]byte(lie), list(s, lie), list(s, string(value(t, s, 70)), lie), list(s, string(value(t, s, 70)), one, lie),
					list(s, string(value(t, s, 70)), one, empty, lie), list(s, string(value(t, s, 70)), one, empty, string(list(s, lie))),
					list(s, string(value(t, s, 16)), one, entries(s, string(value(t, s, "exclude")), lie), one),
				} {
					if n := allocated(func() { wantViolation(t, s, in, "") }); n > 64<<10 {
						t.Errorf("%v %q: %d bytes allocated", s, in, n)
					}
				}
			}
		}
	}
}

// TestTruncated: no beginning of a message is a message.
func TestTruncated(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for _, m := range samples() {
			b, reason := frame(t, s, m.message), "ends too early"
			if s == wamp.JSON {
				reason = "" // where half a word or nothing at all is wrong in other ways
			}
			for n := range b {
				wantViolation(t, s, b[:n:n], reason)
			}
		}
	})
}

// TestCorrupted: a message of which a byte is wrong is refused, or is another message. Nothing panics, not even what
// is done with that other message.
func TestCorrupted(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for _, m := range samples() {
			b := frame(t, s, m.message)
			for i := range b {
				for _, flip := range []byte{0x01, 0x10, 0x20, 0x80, 0xff} {
					b[i] ^= flip
					checkAccepted(t, s, b)
					b[i] ^= flip
				}
			}
		}
	})
}

// checkAccepted checks that bytes are either refused as a violation, or are a message that can be appended again, in
// the same serializer to the same meaning and in the others at least without a panic.
func checkAccepted(t testing.TB, s wamp.Serializer, in []byte) {
	t.Helper()
	m, err := serializer.Parse(s, in)
	if err != nil {
		wantViolation(t, s, in, "")
		return
	}
	if again := parse(t, s, frame(t, s, m)); !equal(t, m, again) {
		t.Errorf("%v %q changes on the way: %+v, %+v", s, in, m, again)
	}
	for _, to := range serializers {
		if out, err := serializer.Append(nil, to, m); err == nil {
			checkMeaning(t, m, parse(t, to, out))
		}
	}
}
