package routing

import "github.com/tandemrouter/tandem/wamp"

// partition is the only run mode there is: one callee does the call, which its rkey selects (SHD-02, SHD-06).
const partition = "partition"

// checkRunMode says whether the call must not be made in the mode that it asks for.
func (d *Dealer) checkRunMode(o *wamp.CallOptions) refusal {
	switch {
	case o.RunMode == "":
		return refusal{}
	case !d.config.Sharding || o.RunMode != partition:
		return refusal{wamp.ErrOptionNotAllowed, "runmode is not supported"} // ROU-53, SHD-06
	case o.RKey == "":
		return refusal{wamp.ErrInvalidArgument, "runmode=partition needs an rkey"} // SHD-01
	default:
		return refusal{}
	}
}

// shard returns the callee to which calls with the key go, whatever the invocation policy (SHD-04). Each callee makes a
// claim to each key, and the highest wins; so if a callee joins or leaves, only keys move that are its own (SHD-03).
// The time grows with the number of callees.
func (l *lineup) shard(key string) (owner *callee) {
	hash, highest := hashOf(key), uint64(0)
	for _, c := range l.slots {
		if c == nil {
			continue
		}
		if claim := claim(hash, uint64(c.session.ID)); owner == nil || claim > highest {
			owner, highest = c, claim
		}
	}
	return owner
}

// claim mixes a key and who claims it so that each of their bits changes every bit of the result with even odds. No two
// claims to one key are the same.
func claim(key, claimant uint64) uint64 {
	x := key ^ claimant*goldenRatio
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// hashOf is FNV-1a. It has no secret, because all nodes of a cluster have to agree, today and after a restart; who
// chooses keys so that they meet on one callee has gained no more than by always sending the same key.
func hashOf(text string) uint64 {
	hash := uint64(0xcbf29ce484222325)
	for i := range len(text) {
		hash = (hash ^ uint64(text[i])) * 0x100000001b3
	}
	return hash
}
