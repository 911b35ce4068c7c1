// Package payload converts what applications send: encoded arguments to Go values and back, and from one serializer to
// another.
//
//	bytes ──► reader ──┬─ token ──► writer ──► bytes in another serializer
//	                   └─ token ──► builder ─► Go values
//	Go values ──────────── token ──► writer ──► bytes
//
// A token is one step through a value and the same for all serializers, so that each of them is read in one place and
// written in one, and what goes from one to another makes no Go value on its way. Encoded arguments must have been
// checked, as package serializer checks the messages that they come in.
//
// The Go values that [Decode] makes, and that [Encode] and [AppendValue] take back:
//
//	Go value     JSON                          MessagePack                  CBOR
//	nil          null                          nil; ext 0 of one zero byte  null; undefined
//	bool         true, false                   bool                         simple 20, 21
//	int64        integer that fits             int, uint that fits          integer that fits
//	uint64       integer above int64           uint above int64             integer above int64
//	*big.Int     integer beyond                -                            integer beyond, tags 2 and 3
//	float64      number with fraction or exp.  float 32, float 64           float16, float32, float64
//	string       string                        str                          text string
//	[]byte       string U+0000 base64 (BJS)    bin                          byte string
//	wamp.List    array                         array                        array
//	wamp.Dict    object                        map with str keys            map with text keys
//	Ext          -                             ext                          -
//	Tag          -                             -                            any other tag
//
// Of a key that occurs twice in a dictionary the last value is kept. Maps with other keys than texts have no Go
// value, nor have simple values of CBOR other than those above.
package payload
