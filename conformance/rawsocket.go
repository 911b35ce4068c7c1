package conformance

import (
	"bufio"
	"encoding/binary"
	"fmt"

	"github.com/tandemrouter/tandem/wamp"
)

// rawSocket is the wire format of requirements 2.6.
type rawSocket struct{}

const (
	rawMagic   = 0x7f
	rawHeader  = 4
	rawLength  = 1<<24 - 1 // the bits of a length
	rawMessage = 0
	rawPong    = 2
)

// handshake offers to take the longest messages.
func (rawSocket) handshake(c *conn) error {
	if err := c.write([]byte{rawMagic, 0xf0 | byte(c.serializer), 0, 0}); err != nil {
		return err
	}
	reply, err := c.readBytes(rawHeader)
	if err != nil {
		return err
	}
	if reply[0] != rawMagic || reply[1]&0xf != byte(c.serializer) || reply[2] != 0 || reply[3] != 0 { // RS-06
		return fmt.Errorf("handshake answered with % x", reply)
	}
	return nil
}

func (rawSocket) frame(_ wamp.Serializer, message []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(message))), message...)
}

func (rawSocket) next(in *bufio.Reader, _ wamp.Serializer) ([]byte, error) {
	for {
		head, err := readAll(in, rawHeader)
		if err != nil {
			return nil, err
		}
		h := binary.BigEndian.Uint32(head)
		if h>>24 > rawPong { // RS-11
			return nil, fmt.Errorf("frame header % x", head)
		}
		payload, err := readAll(in, int(h&rawLength))
		if err != nil || h>>24 == rawMessage {
			return payload, err
		}
	}
}
