package history

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// A record is an event as bytes. Numbers of fixed size are big-endian, the others are varints; a text has its length in
// front.
//
//	version  1
//	checksum 4  CRC-32C of everything behind it
//	time     8  milliseconds since 1970
//	publication 8
//	flags    1  which of the optional parts there are
//	topic, publisher, publisher's authid and authrole
//	trust level                                             optional
//	scheme, serializer, cipher and key ID of the payload    optional
//	the four lists of the audience                          optional; 0 is an absent list, 1 an empty one, …
//	serializer, number of elements, and the payload to the end
const (
	recordVersion = 1

	checksumAt  = 1
	checkedFrom = 5
	fixedSize   = checkedFrom + 8 + 8 + 1

	recordRoom = fixedSize + 64 // enough for all but the texts and the payload of most events
)

const (
	hasTrustLevel = 1 << iota
	hasPassthru
	hasAudience
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// newRecord returns the event as a record.
func newRecord(e *Event) []byte {
	d := &e.Details
	r := make([]byte, checkedFrom, recordRoom+len(e.Topic)+len(d.PublisherAuthID)+len(d.PublisherAuthRole)+len(e.Payload.Raw))
	r[0] = recordVersion
	r = binary.BigEndian.AppendUint64(r, uint64(e.Time.UnixMilli()))
	r = binary.BigEndian.AppendUint64(r, uint64(e.Publication))
	r = append(r, flagsOf(e))
	r = appendText(r, e.Topic)
	r = binary.AppendUvarint(r, uint64(d.Publisher))
	r = appendText(r, d.PublisherAuthID)
	r = appendText(r, d.PublisherAuthRole)
	r = appendOptional(r, e)
	r = append(r, byte(e.Payload.Serializer), e.Payload.Elements)
	r = append(r, e.Payload.Raw...)
	binary.BigEndian.PutUint32(r[checksumAt:], crc32.Checksum(r[checkedFrom:], castagnoli))
	return r
}

func flagsOf(e *Event) (flags byte) {
	if e.Details.HasTrustLevel {
		flags |= hasTrustLevel
	}
	if e.Details.PPT != nil {
		flags |= hasPassthru
	}
	if e.Audience.restricts() {
		flags |= hasAudience
	}
	return flags
}

func appendOptional(r []byte, e *Event) []byte {
	if e.Details.HasTrustLevel {
		r = binary.AppendUvarint(r, e.Details.TrustLevel)
	}
	if p := e.Details.PPT; p != nil {
		for _, text := range [...]string{p.Scheme, p.Serializer, p.Cipher, p.KeyID} {
			r = appendText(r, text)
		}
	}
	if a := &e.Audience; a.restricts() {
		for _, list := range [...][]string{a.EligibleAuthID, a.EligibleAuthRole, a.ExcludeAuthID, a.ExcludeAuthRole} {
			r = appendList(r, list)
		}
	}
	return r
}

func appendText(r []byte, text string) []byte {
	return append(binary.AppendUvarint(r, uint64(len(text))), text...)
}

func appendList(r []byte, list []string) []byte {
	if list == nil {
		return append(r, 0)
	}
	r = binary.AppendUvarint(r, uint64(len(list))+1)
	for _, text := range list {
		r = appendText(r, text)
	}
	return r
}

// intact reports whether the record is of this version and as it was written.
func intact(record []byte) bool {
	return len(record) >= fixedSize && record[0] == recordVersion &&
		binary.BigEndian.Uint32(record[checksumAt:]) == crc32.Checksum(record[checkedFrom:], castagnoli)
}

// timeOf returns the time of an intact record, in milliseconds.
func timeOf(record []byte) int64 { return int64(binary.BigEndian.Uint64(record[checkedFrom:])) }

// parseRecord returns the event of a record in the history of the key. Its payload shares the record's bytes.
func parseRecord(key Key, record []byte) (*Event, bool) {
	if !intact(record) {
		return nil, false
	}
	e := &Event{
		Time:        time.UnixMilli(timeOf(record)),
		Publication: wamp.ID(binary.BigEndian.Uint64(record[checkedFrom+8:])),
	}
	r := recordReader{rest: record[fixedSize:]}
	r.event(e, record[fixedSize-1])
	if key.Match != wamp.MatchExact {
		e.Details.Topic = e.Topic
	}
	return e, !r.bad
}

// recordReader reads the parts of a record one after the other. It trusts no length, because a checksum keeps nobody
// from writing what they like.
type recordReader struct {
	rest []byte
	bad  bool
}

func (r *recordReader) event(e *Event, flags byte) {
	e.Topic = r.text()
	e.Details.Publisher = wamp.ID(r.number())
	e.Details.PublisherAuthID, e.Details.PublisherAuthRole = r.text(), r.text()
	if e.Details.HasTrustLevel = flags&hasTrustLevel != 0; e.Details.HasTrustLevel {
		e.Details.TrustLevel = r.number()
	}
	if flags&hasPassthru != 0 {
		e.Details.PPT = &wamp.Passthru{Scheme: r.text(), Serializer: r.text(), Cipher: r.text(), KeyID: r.text()}
	}
	if flags&hasAudience != 0 {
		e.Audience = Audience{r.list(), r.list(), r.list(), r.list()}
	}
	r.payload(&e.Payload)
}

func (r *recordReader) payload(p *wamp.Payload) {
	head := r.bytes(2)
	if r.bad || head[0] > byte(wamp.CBOR) || head[1] > 2 {
		r.bad = true
		return
	}
	p.Serializer, p.Elements = wamp.Serializer(head[0]), head[1]
	if len(r.rest) > 0 {
		p.Raw = r.rest
	}
}

func (r *recordReader) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *recordReader) bytes(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *recordReader) text() string { return string(r.bytes(r.number())) }

func (r *recordReader) list() []string {
	n := r.number()
	if n == 0 {
		return nil
	}
	list := []string{}
	for ; n > 1 && !r.bad; n-- {
		list = append(list, r.text())
	}
	return list
}
