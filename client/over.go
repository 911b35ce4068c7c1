package client

// over tells when a registration or subscription is over, and why.
type over struct {
	done chan struct{}
	err  error // final once done is closed
}

func newOver() over { return over{done: make(chan struct{})} }

// end is called with the session's mu held. Only the first call counts.
func (o *over) end(err error) {
	if o.hasEnded() {
		return
	}
	o.err = err
	close(o.done)
}

func (o *over) hasEnded() bool {
	select {
	case <-o.done:
		return true
	default:
		return false
	}
}

func (o *over) reason() error {
	if o.hasEnded() {
		return o.err
	}
	return nil
}
