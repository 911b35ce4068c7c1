package routing

import "github.com/tandemrouter/tandem/wamp"

// shards groups those subscribers of a subscription that gave an nkey. A publication with an rkey goes to one group,
// besides the subscribers without an nkey (SSB-03).
//
// Of an nkey only its hash is kept. Who chooses one with the hash of another gains no more than by choosing that.
type shards struct {
	list   []*shard // in an order that does not matter
	byNKey map[uint64]*shard
	seats  map[*Session]seat
}

// shard is all subscribers with one nkey.
type shard struct {
	nkey    uint64
	place   int // in the list
	members []*Session
}

// seat is where a shard lists a subscriber. The zero value is for those in none.
type seat struct {
	shard *shard
	place int
}

// in reports whether the seat is one of those with the nkey.
func (t seat) in(nkey string) bool {
	if t.shard == nil || nkey == "" {
		return t.shard == nil && nkey == ""
	}
	return t.shard.nkey == hashOf(nkey)
}

// members returns how many subscribers are in shards.
func (h *shards) members() int { return len(h.seats) }

func (sub *subscription) seatOf(s *Session) seat {
	if sub.shards == nil {
		return seat{}
	}
	return sub.shards.seats[s]
}

// nkey returns the shard that a subscriber wants to be in.
func (b *Broker) nkey(m *wamp.Subscribe) string {
	if !b.config.Sharding {
		return "" // SSB-01
	}
	return m.Options.NKey
}

// rkey returns the hash of the key by which the publication selects a shard of each subscription, or 0 if it has none.
// It is hashed once, because it may be long.
func (b *Broker) rkey(o *wamp.PublishOptions) uint64 {
	if !b.config.Sharding || o.RKey == "" {
		return 0
	}
	return max(1, hashOf(o.RKey))
}

// unsharded returns the subscribers without an nkey.
func (sub *subscription) unsharded() []*Session {
	return sub.subscribers[:len(sub.subscribers)-sub.shards.members()]
}

// owner returns the shard to which publications with the key go. Each shard makes a claim to each key, and the highest
// wins; so if a shard comes or goes, only keys move that are its own. The time grows with the number of shards.
func (h *shards) owner(key uint64) *shard {
	owner, highest := h.list[0], uint64(0)
	for _, s := range h.list {
		if claim := claim(key, s.nkey); claim > highest {
			owner, highest = s, claim
		}
	}
	return owner
}

// join gives a session a seat in a shard.
func (sub *subscription) join(s *Session, nkey string) {
	if sub.shards == nil {
		sub.shards = &shards{byNKey: make(map[uint64]*shard), seats: make(map[*Session]seat)}
	}
	shard := sub.shards.obtain(hashOf(nkey))
	sub.shards.seats[s] = seat{shard, len(shard.members)}
	shard.members = append(shard.members, s)
}

func (h *shards) obtain(nkey uint64) *shard {
	s := h.byNKey[nkey]
	if s == nil {
		s = &shard{nkey: nkey, place: len(h.list)}
		h.byNKey[nkey] = s
		h.list = append(h.list, s)
	}
	return s
}

// leaveShard takes a session's seat away, if it has one. A shard ends with its last member.
func (sub *subscription) leaveShard(s *Session) bool {
	gap, seated := sub.shards.seats[s]
	if !seated {
		return false
	}
	sub.shards.close(gap)
	delete(sub.shards.seats, s)
	if sub.shards.members() == 0 {
		sub.shards = nil
	}
	return true
}

// close closes the gap that a member of a shard leaves.
func (h *shards) close(gap seat) {
	s := gap.shard
	last := len(s.members) - 1
	moved := s.members[last]
	h.seats[moved] = gap
	s.members[gap.place] = moved
	s.members[last] = nil
	s.members = s.members[:last]
	if last == 0 {
		h.end(s)
	}
}

func (h *shards) end(s *shard) {
	last := len(h.list) - 1
	h.list[s.place] = h.list[last]
	h.list[s.place].place = s.place
	h.list[last] = nil
	h.list = h.list[:last]
	delete(h.byNKey, s.nkey)
}
