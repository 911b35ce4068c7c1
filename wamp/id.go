package wamp

// ID identifies a session, publication, subscription, registration or request. Valid IDs are 1 to MaxID (IDS-01).
type ID uint64

// MaxID is the largest valid ID, 2^53.
const MaxID ID = 1 << 53

// Valid reports whether the ID lies between 1 and MaxID.
func (id ID) Valid() bool { return id >= 1 && id <= MaxID }

// Next returns the ID that follows in a sequential scope: id+1, and 1 after MaxID (IDS-03, IDS-05).
func (id ID) Next() ID {
	if id >= MaxID {
		return 1
	}
	return id + 1
}

// RandomID maps 64 uniformly random bits to a uniformly random valid ID (IDS-02).
func RandomID(bits uint64) ID { return ID(bits>>11) + 1 }
