package serializer

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/tandemrouter/tandem/internal/serializer/format"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// headWriter writes the head of a message in one of the serializers.
type headWriter struct {
	serializer wamp.Serializer
	b          []byte
	err        error
	headOnly   bool // the payload and what stands behind it are left out
}

// list begins a list of n elements. The elements follow, each with a comma before it but the first, and then end.
func (w *headWriter) list(n int) {
	switch w.serializer {
	case wamp.JSON:
		w.b = append(w.b, '[')
	case wamp.MessagePack:
		w.b = format.AppendMsgpackListHead(w.b, n)
	default:
		w.b = format.AppendCBORHead(w.b, format.CBORArray, uint64(n))
	}
}

func (w *headWriter) endList() {
	if w.serializer == wamp.JSON {
		w.b = append(w.b, ']')
	}
}

// comma separates the elements of a list.
func (w *headWriter) comma() {
	if w.serializer == wamp.JSON {
		w.b = append(w.b, ',')
	}
}

// number writes a whole number, never as a float (SER-06).
func (w *headWriter) number(n uint64) {
	switch w.serializer {
	case wamp.JSON:
		w.b = strconv.AppendUint(w.b, n, 10)
	case wamp.MessagePack:
		w.b = format.AppendMsgpackUint(w.b, n)
	default:
		w.b = format.AppendCBORHead(w.b, format.CBORUnsigned, n)
	}
}

// text writes a text.
func (w *headWriter) text(s string) {
	switch w.serializer {
	case wamp.JSON:
		w.textJSON(s)
		return
	case wamp.MessagePack:
		w.b = format.AppendMsgpackTextHead(w.b, len(s))
	default:
		w.b = format.AppendCBORHead(w.b, format.CBORText, uint64(len(s)))
	}
	w.b = append(w.b, s...)
	if !utf8.ValidString(s) {
		w.fail(payload.ErrNotText)
	}
}

// textJSON writes plain texts, which almost all texts in a head are, and leaves the others to the value writer.
func (w *headWriter) textJSON(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			w.any(s)
			return
		}
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, s...)
	w.b = append(w.b, '"')
}

// name writes a key, in JSON with the colon behind it.
func (w *headWriter) name(s string) {
	w.text(s)
	if w.serializer == wamp.JSON {
		w.b = append(w.b, ':')
	}
}

func (w *headWriter) bool(v bool) {
	first := byte(format.CBORFalse)
	switch w.serializer {
	case wamp.JSON:
		w.b = strconv.AppendBool(w.b, v)
		return
	case wamp.MessagePack:
		first = format.MsgpackFalse
	}
	if v {
		first++ // in both formats true follows false
	}
	w.b = append(w.b, first)
}

// any writes a value that the protocol leaves open.
func (w *headWriter) any(v any) {
	b, err := payload.AppendValue(w.b, w.serializer, v)
	if err != nil {
		w.fail(err)
	}
	w.b = b
}

// fail keeps the first error.
func (w *headWriter) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// openDict is a dictionary that is being written. How many entries it has is filled in at the end.
type openDict struct {
	w    *headWriter
	from int // where its head stands
	n    int
}

func (w *headWriter) dict() openDict {
	d := openDict{w: w, from: len(w.b)}
	if w.serializer == wamp.JSON {
		w.b = append(w.b, '{')
	} else {
		w.b = append(w.b, 0)
	}
	return d
}

// key begins an entry. Its value is to be written next.
func (d *openDict) key(k key) {
	d.separate()
	d.w.b = append(d.w.b, encodedKeys[d.w.serializer][k]...)
}

// name begins an entry with a key that is not one of options and details.
func (d *openDict) name(s string) {
	d.separate()
	d.w.name(s)
}

func (d *openDict) separate() {
	if d.n > 0 {
		d.w.comma()
	}
	d.n++
}

func (d *openDict) end() {
	switch w := d.w; {
	case w.serializer == wamp.JSON:
		w.b = append(w.b, '}')
	case w.serializer == wamp.MessagePack && d.n < 1<<4:
		w.b[d.from] = format.MsgpackFixMap | byte(d.n)
	case w.serializer == wamp.CBOR && d.n < format.CBORUint8:
		w.b[d.from] = format.CBORMap | byte(d.n)
	default:
		d.longHead()
	}
}

// longHead makes room for a head of more than one byte.
func (d *openDict) longHead() {
	var head []byte
	if d.w.serializer == wamp.MessagePack {
		head = format.AppendMsgpackMapHead(nil, d.n)
	} else {
		head = format.AppendCBORHead(nil, format.CBORMap, uint64(d.n))
	}
	d.w.b = slices.Replace(d.w.b, d.from, d.from+1, head...)
}

// The entries that are left out if they say nothing.

func (d *openDict) flag(k key, v bool) {
	if v {
		d.key(k)
		d.w.bool(v)
	}
}

func (d *openDict) number(k key, n uint64) {
	if n != 0 {
		d.key(k)
		d.w.number(n)
	}
}

func (d *openDict) id(k key, id wamp.ID) { d.number(k, uint64(id)) }

func (d *openDict) text(k key, s string) {
	if s != "" {
		d.key(k)
		d.w.text(s)
	}
}

func (d *openDict) dict(k key, v wamp.Dict) {
	if v != nil {
		d.key(k)
		d.w.any(v)
	}
}

// texts writes a list that was set, even if it is empty.
func (d *openDict) texts(k key, list []string) {
	if list == nil {
		return
	}
	d.key(k)
	d.w.list(len(list))
	for i, s := range list {
		if i > 0 {
			d.w.comma()
		}
		d.w.text(s)
	}
	d.w.endList()
}

func (d *openDict) ids(k key, list []wamp.ID) {
	if list == nil {
		return
	}
	d.key(k)
	d.w.list(len(list))
	for i, id := range list {
		if i > 0 {
			d.w.comma()
		}
		d.w.number(uint64(id))
	}
	d.w.endList()
}

func (d *openDict) passthru(p *wamp.Passthru) {
	if p == nil {
		return
	}
	d.text(keyPPTScheme, p.Scheme)
	d.text(keyPPTSerializer, p.Serializer)
	d.text(keyPPTCipher, p.Cipher)
	d.text(keyPPTKeyID, p.KeyID)
}

// extra writes the entries that the protocol does not define, in the order of their keys.
func (d *openDict) extra(e wamp.Dict) {
	if len(e) == 0 {
		return
	}
	keys := make([]string, 0, len(e))
	for key := range e {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		d.name(key)
		d.w.any(e[key])
	}
}
