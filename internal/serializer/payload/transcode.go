package payload

import (
	"sync"

	"github.com/tandemrouter/tandem/wamp"
)

// transcode appends the values in src, which a parser has validated, to dst in another serializer; in JSON with
// commas between them. On an error dst is returned as it was.
//
// It is a pump: one token out of the reader, the same token into the writer. No Go value is made of anything and
// nothing recurses. What the target cannot express stops the pump:
//
//	              to JSON                      to MessagePack          to CBOR
//	integer       digits                       error beyond 64 bits    beyond 64 bits with tag 2 or 3
//	float         shortest, with . or e;       64 and 32 bits kept,    kept
//	              error if NaN or infinite     16 become 32
//	text          error if not UTF-8           error if not UTF-8      error if not UTF-8, lone surrogate
//	binary        U+0000 and base64 (BJS-01)   kept                    kept
//	undefined     null                         ext 0            simple 23
//	map key       error if not a text          kept                    kept
//	ext           error                        -                       error, the timestamp (-1) too
//	tag, simple   error                        error                   -
//
// The tag 64 before a binary says nothing that the target would have to express, and is left out.
func transcode(dst []byte, to, from wamp.Serializer, src []byte, values int) ([]byte, error) {
	p := pumps.Get().(*pump)
	defer p.release()
	p.reader.start(from, src, values)
	p.writer.start(to, dst)
	if err := p.run(); err != nil {
		return dst, err
	}
	return p.writer.finish(dst)
}

// A pump is what transcode works with. Pumps are kept for their memory: the open containers and their heads,
// and room for texts with escapes.
type pump struct {
	reader reader
	writer writer
	token  token
}

var pumps = sync.Pool{New: func() any { return new(pump) }}

// run pumps until the last value is complete.
func (p *pump) run() error {
	for {
		if err := p.reader.next(&p.token); err != nil {
			return err
		}
		if p.reader.atEnd() {
			return p.reader.finish()
		}
		if err := p.writer.put(&p.token); err != nil {
			return err
		}
	}
}

// release gives the pump back, without what belongs to others and without memory that is rarely needed.
func (p *pump) release() {
	const keepBytes, keepHeads = 64 << 10, 1 << 10
	p.token = token{}
	p.reader.start(wamp.NoSerializer, nil, 0)
	p.writer.start(wamp.NoSerializer, nil)
	if cap(p.reader.scratch) <= keepBytes && cap(p.writer.heads) <= keepHeads {
		pumps.Put(p)
	}
}
