package routing

import "github.com/tandemrouter/tandem/wamp"

// manyRegistrations do not fit into the processor's caches with all that belongs to them.
const manyRegistrations = 1 << 15

// foresight is the scratch of Foresee.
type foresight struct {
	worthwhile    int // from so many registrations on
	procedures    []string
	registrations []*registration
	touched       wamp.ID // what was read, lest the compiler thinks that nobody wants it
}

// Foresee may be called with several messages before their steps. It changes nothing that any step could notice, and
// keeps nothing; it has the processor read into its caches what the steps of CALLs will probably need. In a realm with
// so many registrations that they do not fit there, a CALL mostly waits for memory, five or six times in a row; what is
// read for many CALLs at once is waited for at once (PBR-13). In other realms it does nothing.
func (d *Dealer) Foresee(messages []wamp.Message) {
	if len(messages) < 2 || d.Registrations() < d.foresight.worthwhile {
		return
	}
	f := &d.foresight
	for _, m := range messages {
		if call, ok := m.(*wamp.Call); ok {
			f.procedures = append(f.procedures, call.Procedure)
		}
	}
	f.registrations = d.procedures.Warm(f.registrations, f.procedures)
	f.touch()
	clear(f.procedures)
	clear(f.registrations)
	f.procedures, f.registrations = f.procedures[:0], f.registrations[:0]
}

// touch follows the registrations to their callees and sessions, all of them one step at a time.
func (f *foresight) touch() {
	for _, r := range f.registrations {
		f.touched += r.id
	}
	for _, r := range f.registrations {
		f.touched += wamp.ID(r.callees.oldest().place)
	}
	for _, r := range f.registrations {
		f.touched += r.callees.oldest().session.dealer.lastInvocation
	}
}
