package transport

import "encoding/binary"

// pipeFraming is the wire format of a pipe: each message behind its length.
type pipeFraming struct{}

const pipeHeader = 8

func (*pipeFraming) Next(in []byte) (Frame, int, error) {
	if len(in) < pipeHeader {
		return Frame{Need: pipeHeader}, 0, nil
	}
	size := pipeHeader + int(binary.BigEndian.Uint64(in))
	if len(in) < size {
		return Frame{Need: size}, 0, nil
	}
	return Frame{Kind: FrameMessage, Payload: in[pipeHeader:size]}, size, nil
}

func (*pipeFraming) Open(dst []byte) []byte { return append(dst, make([]byte, pipeHeader)...) }

func (*pipeFraming) Seal(dst []byte, start, rest int) []byte {
	binary.BigEndian.PutUint64(dst[start:], uint64(len(dst)-start-pipeHeader+rest))
	return dst
}

func (*pipeFraming) AppendPing(dst, _ []byte) []byte        { return dst }
func (*pipeFraming) AppendPong(dst, _ []byte) []byte        { return dst }
func (*pipeFraming) AppendClose(dst []byte, _ error) []byte { return dst }
func (*pipeFraming) MaxSend() int                           { return 0 }
func (*pipeFraming) SetMaxReceive(int)                      {}
func (*pipeFraming) Shape() Shape                           { return ShapePipe }
