package transport

import "slices"

// waiting is what a queue holds and nobody writes yet:
//
//	being written ◄── kept ── sealed … sealed ── tail ◄── appended
//	                  │       │                  └ grows
//	                  │       └ messages that may be dropped are marked
//	                  └ what stood between messages that were dropped
//
// Messages are dropped from the first sealed segment on, which has holes meanwhile. When none is left in it, what else
// it holds moves to the end of kept, so that there are never more holes than one segment has, and every byte is moved
// at most twice.
type waiting struct {
	kept   []segment
	sealed []segment
	tail   *outBuffer // nil if nothing was appended behind sealed
	lone   segment    // a small shared message, as long as nothing else waits: so an event for thousands needs no buffers

	droppable int // bytes of the messages that may be dropped

	// The messages that may be dropped are numbered as they come and go.

	first, next uint64
	notices     []notice
}

// notice is a message that tells of dropped ones. If it is dropped itself, what it told has to be told again.
type notice struct {
	number uint64
	tells  uint64
}

// open returns the tail, for something to be appended.
func (w *waiting) open() *outBuffer {
	if w.tail == nil {
		w.tail = takeBuffer()
		w.settle()
	}
	return w.tail
}

// settle moves the lone message to the tail, which is empty.
func (w *waiting) settle() {
	s := w.lone
	if !s.exists() {
		return
	}
	w.lone = segment{}
	if s.droppable {
		w.tail.mark(s.shared.head)
	} else {
		w.tail.b = append(w.tail.b, s.shared.head...)
	}
}

// empty reports whether nothing waits at all.
func (w *waiting) empty() bool {
	return w.tail == nil && len(w.sealed) == 0 && len(w.kept) == 0 && !w.lone.exists()
}

// grown is called when something was appended to the tail, or nothing after all.
func (w *waiting) grown() {
	if w.tail == nil {
		return // sealed already
	}
	switch n := len(w.tail.b); {
	case n == 0:
		w.tail.recycle()
		w.tail = nil
	case n >= segmentSize:
		w.seal()
	}
}

// seal puts the tail before what is appended next.
func (w *waiting) seal() {
	if w.lone.exists() {
		w.open()
	}
	if w.tail != nil {
		w.sealed = append(w.sealed, segment{buf: w.tail.fitted()})
		w.tail = nil
	}
}

// copy appends a message.
func (w *waiting) copy(frame []byte) {
	tail := w.open()
	tail.b = append(tail.b, frame...)
	w.grown()
}

// share appends a message that other queues hold too. A large one is not copied, nor is one that waits alone.
func (w *waiting) share(f *frame) {
	switch {
	case f.size() >= sharedFrame:
		w.seal()
		w.sealed = append(w.sealed, segment{shared: *f})
	case w.empty():
		w.lone = segment{shared: *f}
	default:
		w.copy(f.head)
	}
}

// shareDroppable is share for a message that may be dropped again. It tells of so many others that were.
func (w *waiting) shareDroppable(f *frame, tells uint64) {
	if tells > 0 {
		w.notices = append(w.notices, notice{w.next, tells})
	}
	w.next++
	w.droppable += f.size()
	switch {
	case f.size() >= sharedFrame:
		w.seal()
		w.sealed = append(w.sealed, segment{shared: *f, droppable: true})
	case w.empty():
		w.lone = segment{shared: *f, droppable: true}
	default:
		w.open().mark(f.head)
		w.grown()
	}
}

// take takes the front off, to be written. There is none if nothing waits.
func (w *waiting) take() segment {
	s := w.takeSegment()
	if s.shared.tail != nil {
		return w.split(s)
	}
	return s
}

func (w *waiting) takeSegment() segment {
	if len(w.kept) > 0 {
		return pop(&w.kept)
	}
	var s segment
	switch {
	case len(w.sealed) > 0:
		s = pop(&w.sealed)
	case w.lone.exists():
		s, w.lone = w.lone, segment{}
	default:
		s.buf, w.tail = w.tail, nil
	}
	messages, size := s.droppables()
	w.droppable -= size
	w.pass(messages)
	if s.buf != nil {
		s.buf.compact()
	}
	return s
}

// split returns the first piece of a segment that was taken off, and keeps the other to be taken next.
func (w *waiting) split(s segment) segment {
	rest := segment{shared: frame{head: s.shared.tail}}
	w.kept = slices.Insert(w.kept, 0, rest)
	return segment{shared: frame{head: s.shared.head}}
}

// pop takes the first segment off the list, which must not be empty, and leaves no reference to its memory.
func pop(list *[]segment) segment {
	s := (*list)[0]
	(*list)[0] = segment{}
	*list = (*list)[1:]
	return s
}

// pass counts droppable messages that leave the queue, and returns what the notices among them told.
func (w *waiting) pass(messages int) (told uint64) {
	w.first += uint64(messages)
	for len(w.notices) > 0 && w.notices[0].number < w.first {
		told += w.notices[0].tells
		w.notices = w.notices[1:]
	}
	return told
}

// drop drops the oldest message that may be dropped; there must be one. It returns the message's size, and how many
// others it told of.
func (w *waiting) drop() (size int, told uint64) {
	front := w.firstDroppable()
	if front.buf == nil {
		size = front.shared.size()
		pop(&w.sealed)
	} else if size = front.buf.drop(); front.buf.droppable() == 0 {
		w.keepFront()
	}
	w.droppable -= size
	return size, w.pass(1)
}

// firstDroppable brings the first segment with something to drop to the front of sealed.
func (w *waiting) firstDroppable() segment {
	for {
		if len(w.sealed) == 0 {
			w.seal()
		}
		if messages, _ := w.sealed[0].droppables(); messages > 0 {
			return w.sealed[0]
		}
		w.keepFront()
	}
}

// keepFront moves the first sealed segment to the end of kept. Small ones are joined.
func (w *waiting) keepFront() {
	s := pop(&w.sealed)
	if s.buf == nil {
		w.kept = append(w.kept, s)
		return
	}
	s.buf.compact()
	switch last := w.lastKept(); {
	case len(s.buf.b) == 0:
	case last != nil && len(last.b)+len(s.buf.b) <= segmentSize:
		last.b = append(last.b, s.buf.b...)
	default:
		w.kept = append(w.kept, segment{buf: s.buf.fitted()})
		return
	}
	s.recycle()
}

// lastKept returns the buffer at the end of kept, if there is one.
func (w *waiting) lastKept() *outBuffer {
	if len(w.kept) == 0 {
		return nil
	}
	return w.kept[len(w.kept)-1].buf
}

// keepAll makes everything stay that waits now.
func (w *waiting) keepAll() {
	w.seal()
	for len(w.sealed) > 0 {
		messages, size := w.sealed[0].droppables()
		w.droppable -= size
		w.pass(messages)
		w.keepFront()
	}
}
