package routing

import "github.com/tandemrouter/tandem/wamp"

// registrationsByID finds registrations by ID, for UNREGISTER and the meta API. Their IDs count up, so those that are made
// one after the other share a page, which takes a third of the memory of an entry for each in a map. A page stays while any
// of its registrations does: one that has outlived its neighbours takes some 150 bytes at worst.
type registrationsByID map[wamp.ID]*page

// page is the registrations whose IDs differ in the lowest bits only; nil: there is none.
type page [pageSize]*registration

const pageSize = 16

// get returns the registration with an ID, or nil if there is none.
func (rs registrationsByID) get(id wamp.ID) *registration {
	if p := rs[id/pageSize]; p != nil {
		return p[id%pageSize]
	}
	return nil
}

func (rs registrationsByID) put(r *registration) {
	p := rs[r.id/pageSize]
	if p == nil {
		p = new(page)
		rs[r.id/pageSize] = p
	}
	p[r.id%pageSize] = r
}

// delete takes out a registration that is present.
func (rs registrationsByID) delete(id wamp.ID) {
	p := rs[id/pageSize]
	p[id%pageSize] = nil
	if *p == (page{}) {
		delete(rs, id/pageSize)
	}
}

// byMatch returns the IDs of all registrations for each match policy, in no particular order.
func (rs registrationsByID) byMatch() map[wamp.MatchPolicy][]wamp.ID {
	ids := map[wamp.MatchPolicy][]wamp.ID{}
	for _, p := range rs { // order: who lists the IDs sorts them
		for _, r := range p {
			if r != nil {
				ids[r.match] = append(ids[r.match], r.id)
			}
		}
	}
	return ids
}
