package transport

import "errors"

// Dropped is what was dropped to make room for a message.
type Dropped struct {
	Messages uint64
	Told     uint64 // how many messages those that were dropped had told of
}

// AppendDroppableLocked is AppendOutgoingLocked for a message that may be dropped again while it waits, and that others
// of its kind make room for if the queue is full: the oldest are dropped, and no more than need be. What is being
// written and what was appended in another way is never dropped, and what is left keeps its order. If that does not
// make enough room nothing is dropped and the error is ErrQueueFull.
//
// tells is how many dropped messages this one tells its receiver of. It comes back in Dropped.Told if this one is
// dropped itself, so that the next one can tell.
func (q *Queue) AppendDroppableLocked(o *Outgoing, tells uint64) (Dropped, error) {
	frame, err := o.frame(q.conn, q.wire)
	if err != nil {
		return Dropped{}, err
	}
	var dropped Dropped
	err = q.admitLocked(frame.size(), q.bulkLimit())
	if errors.Is(err, ErrQueueFull) {
		dropped, err = q.makeRoomLocked(frame.size(), q.bulkLimit())
	}
	if err != nil {
		return Dropped{}, err
	}
	q.waiting.shareDroppable(frame, tells)
	q.pending += frame.size()
	return dropped, nil
}

// makeRoomLocked drops as many messages as must go for size more bytes.
func (q *Queue) makeRoomLocked(size, limit int) (d Dropped, err error) {
	if stays := q.pending - q.waiting.droppable; stays > 0 && stays+size > limit {
		return d, ErrQueueFull
	}
	for q.pending > 0 && q.pending+size > limit {
		n, told := q.waiting.drop()
		q.pending -= n
		d.Messages++
		d.Told += told
	}
	return d, nil
}

// RoomLocked returns the error that AppendOutgoingLocked would return if the message were extra bytes longer.
func (q *Queue) RoomLocked(o *Outgoing, extra int) error {
	frame, err := o.frame(q.conn, q.wire)
	if err != nil {
		return err
	}
	return q.admitLocked(frame.size()+extra, q.bulkLimit())
}

// KeepLocked makes everything stay that waits now: it is not dropped any more.
func (q *Queue) KeepLocked() {
	if q.waiting.droppable > 0 {
		q.waiting.keepAll()
	}
}
