package routing

import (
	"cmp"
	"slices"
)

// offers are the callees that a session is, one for each of its registrations: a list that leads through the callees
// themselves. It needs no more memory for many, and gives all back that it needed.
type offers struct {
	first *callee // the latest
	count int
}

func (o *offers) add(c *callee) {
	c.next = o.first
	if c.next != nil {
		c.next.previous = c
	}
	o.first = c
	o.count++
}

// remove takes out a callee that is in the list.
func (o *offers) remove(c *callee) {
	if c.previous == nil {
		o.first = c.next
	} else {
		c.previous.next = c.next
	}
	if c.next != nil {
		c.next.previous = c.previous
	}
	c.next, c.previous = nil, nil // calls may keep it, but none of the others
	o.count--
}

// byID returns all callees by increasing registration ID.
func (o *offers) byID() []*callee {
	list := make([]*callee, 0, o.count)
	for c := o.first; c != nil; c = c.next {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *callee) int { return cmp.Compare(a.registration.id, b.registration.id) })
	return list
}
