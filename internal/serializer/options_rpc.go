package serializer

import (
	"strconv"

	"github.com/tandemrouter/tandem/wamp"
)

func (f *fields) callOptions(o *wamp.CallOptions) {
	d := f.options("Options")
	for d.next() {
		switch string(d.key) {
		case "receive_progress":
			o.ReceiveProgress = d.bool()
		case "progress":
			o.Progress = d.bool()
		case "timeout":
			o.Timeout = d.number()
		case "disclose_me":
			o.DiscloseMe = d.bool()
		case "rkey":
			o.RKey = d.shardKey()
		case "runmode":
			o.RunMode = d.text()
		default:
			d.passthruOr(&o.PPT, &o.Extra)
		}
	}
	used(&o.PPT)
}

// shardKey reads the key of a sharded call or publication: a text, or a number that stands for its digits (SHD-05).
func (d *dict) shardKey() string {
	if kind, n := d.f.m.kindAt(d.value); kind == isNumber {
		return strconv.FormatUint(n, 10)
	}
	return d.text()
}

// passthruOr reads one of the keys of payload passthru mode, or keeps an unknown entry.
func (d *dict) passthruOr(ppt **wamp.Passthru, extra *wamp.Dict) {
	if len(d.key) < 4 || string(d.key[:4]) != "ppt_" {
		d.extra(extra)
		return
	}
	var p wamp.Passthru
	if *ppt != nil {
		p = **ppt
	}
	switch string(d.key) {
	case "ppt_scheme":
		p.Scheme = d.text()
	case "ppt_serializer":
		p.Serializer = d.text()
	case "ppt_cipher":
		p.Cipher = d.text()
	case "ppt_keyid":
		p.KeyID = d.text()
	default:
		d.extra(extra)
		return
	}
	*ppt = &p
}

// used forgets the passthru mode if no scheme is given: it is not in use then (PPT-01).
func used(ppt **wamp.Passthru) {
	if *ppt != nil && (*ppt).Scheme == "" {
		*ppt = nil
	}
}

// resultDetails reads the options of YIELD and the details of RESULT, which are the same.
func (f *fields) resultDetails(name string, progress *bool, ppt **wamp.Passthru, extra *wamp.Dict) {
	d := f.options(name)
	for d.next() {
		if string(d.key) == "progress" {
			*progress = d.bool()
			continue
		}
		d.passthruOr(ppt, extra)
	}
	used(ppt)
}

func (f *fields) errorDetails(o *wamp.ErrorDetails) {
	d := f.options("Details")
	for d.next() {
		d.passthruOr(&o.PPT, &o.Extra)
	}
	used(&o.PPT)
}

func (f *fields) invocationDetails(o *wamp.InvocationDetails) {
	d := f.options("Details")
	for d.next() {
		switch string(d.key) {
		case "procedure":
			o.Procedure = d.text()
		case "caller":
			o.Caller = d.id()
		case "caller_authid":
			o.CallerAuthID = d.text()
		case "caller_authrole":
			o.CallerAuthRole = d.text()
		case "receive_progress":
			o.ReceiveProgress = d.bool()
		case "progress":
			o.Progress = d.bool()
		case "timeout":
			o.Timeout = d.number()
		case "trustlevel":
			o.TrustLevel, o.HasTrustLevel = d.number(), true
		default:
			d.passthruOr(&o.PPT, &o.Extra)
		}
	}
	used(&o.PPT)
}

func (f *fields) cancelOptions(o *wamp.CancelOptions) {
	for d := f.options("Options"); d.next(); {
		if string(d.key) == "mode" {
			o.Mode = oneOf(&d, wamp.ParseCancelMode)
		}
	}
}

func (f *fields) interruptOptions(o *wamp.InterruptOptions) {
	for d := f.options("Options"); d.next(); {
		switch string(d.key) {
		case "mode":
			o.Mode = oneOf(&d, wamp.ParseCancelMode)
		case "reason":
			o.Reason = d.text()
		}
	}
}

// oneOf reads a word of a closed set (MSG-07).
func oneOf[T any](d *dict, parse func(string) (T, bool)) T {
	word := d.text()
	v, ok := parse(word)
	if !ok {
		var none T
		d.wrong("not one of the words that it may be")
		return none
	}
	return v
}

func (f *fields) registerOptions(o *wamp.RegisterOptions) {
	for d := f.options("Options"); d.next(); {
		switch string(d.key) {
		case "match":
			o.Match = oneOf(&d, wamp.ParseMatchPolicy)
		case "invoke":
			o.Invoke = oneOf(&d, wamp.ParseInvocationPolicy)
		case "disclose_caller":
			o.DiscloseCaller = d.bool()
		case "forward_timeout":
			o.ForwardTimeout = d.bool()
		case "concurrency":
			o.Concurrency = d.number()
		case "force_reregister":
			o.ForceReregister = d.bool()
		default:
			d.extra(&o.Extra)
		}
	}
}
