package routing

// callees are those of a registration. Most registrations have one, for whom no lineup is kept: that would take as much
// memory as all the rest of the registration.
type callees struct {
	sole   *callee // nil if there are several, or none
	lineup *lineup // nil unless there are several
}

func (cs *callees) count() int {
	switch {
	case cs.lineup != nil:
		return int(cs.lineup.count)
	case cs.sole != nil:
		return 1
	default:
		return 0
	}
}

// oldest returns the callee that registered first. There must be one.
func (cs *callees) oldest() *callee {
	if cs.lineup != nil {
		return cs.lineup.oldest()
	}
	return cs.sole
}

// newest returns the callee that registered last. There must be one.
func (cs *callees) newest() *callee {
	if cs.lineup != nil {
		return cs.lineup.newest()
	}
	return cs.sole
}

// all returns the callees in the order in which they registered.
func (cs *callees) all() []*callee {
	switch {
	case cs.lineup != nil:
		return cs.lineup.all()
	case cs.sole != nil:
		return []*callee{cs.sole}
	default:
		return nil
	}
}

// of returns the callee that a session is, or nil.
func (cs *callees) of(s *Session) *callee {
	switch {
	case cs.lineup != nil:
		return cs.lineup.of(s)
	case cs.sole != nil && cs.sole.session == s:
		return cs.sole
	default:
		return nil
	}
}

// inTurn returns the free callee that is next, or nil if all are busy (ROU-21).
func (cs *callees) inTurn() *callee {
	if cs.lineup != nil {
		return cs.lineup.inTurn()
	}
	return cs.soleIfFree()
}

// nextAmong returns which of some callees, in the order in which they registered, is next.
func (cs *callees) nextAmong(candidates []*callee) *callee {
	if cs.lineup != nil {
		return cs.lineup.nextAmong(candidates)
	}
	return candidates[0]
}

// turn moves the cursor behind a callee.
func (cs *callees) turn(c *callee) {
	if cs.lineup != nil {
		cs.lineup.turn(c)
	}
}

// atRandom returns a free callee, each with the same probability (ROU-16), or nil if all are busy.
func (cs *callees) atRandom(random func() uint64) *callee {
	if cs.lineup != nil {
		return cs.lineup.atRandom(random)
	}
	return cs.soleIfFree()
}

func (cs *callees) soleIfFree() *callee {
	if cs.sole.busy() {
		return nil
	}
	return cs.sole
}

// shard returns the callee to which calls with the key go, whatever the invocation policy (SHD-04).
func (cs *callees) shard(key string) *callee {
	if cs.lineup != nil {
		return cs.lineup.shard(key)
	}
	return cs.sole
}

// mark notes that a callee can take a call (+1) or can not (-1) from now on. One that is alone says so itself.
func (cs *callees) mark(c *callee, change int32) {
	if cs.lineup != nil {
		cs.lineup.mark(c, change)
	}
}

// add appends a callee that is not busy. It does not change whose turn it is (ROU-10).
func (cs *callees) add(c *callee) {
	switch {
	case cs.lineup != nil:
		cs.lineup.add(c)
	case cs.sole != nil:
		l := newLineup([]*callee{cs.sole, c})
		*cs = callees{lineup: &l}
	default:
		c.place = 0
		cs.sole = c
	}
}

// remove takes a callee out. It is then the next one's turn if it was his (ROU-10).
func (cs *callees) remove(c *callee) {
	if cs.lineup == nil {
		c.place = withdrawn
		cs.sole = nil
		return
	}
	cs.lineup.remove(c)
	if cs.lineup.count == 1 {
		*cs = callees{sole: cs.lineup.oldest()}
		cs.sole.place = 0
	}
}
