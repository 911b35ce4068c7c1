package serializer

import (
	"strconv"

	"github.com/tandemrouter/tandem/wamp"
)

func (f *fields) callOptions(o *wamp.CallOptions) {
	d := f.options("Options")
	for d.next() {
		switch d.key {
		case keyReceiveProgress:
			o.ReceiveProgress = d.bool()
		case keyProgress:
			o.Progress = d.bool()
		case keyTimeout:
			o.Timeout = d.number()
		case keyDiscloseMe:
			o.DiscloseMe = d.bool()
		case keyRKey:
			o.RKey = d.shardKey()
		case keyRunMode:
			o.RunMode = d.string()
		default:
			d.commonOr(&o.PPT, &o.Extra)
		}
	}
	d.settle(&o.PPT, o.Extra)
}

// shardKey reads the key of a sharded call or publication: a text, or a number that stands for its digits (SHD-05).
func (d *dict) shardKey() string {
	if d.kind == isNumber {
		return strconv.FormatUint(d.n, 10)
	}
	return d.string()
}

// resultDetails reads the options of YIELD and the details of RESULT, which are the same.
func (f *fields) resultDetails(name string, progress *bool, ppt **wamp.Passthru, extra *wamp.Dict) {
	d := f.options(name)
	for d.next() {
		if d.key == keyProgress {
			*progress = d.bool()
			continue
		}
		d.commonOr(ppt, extra)
	}
	d.settle(ppt, *extra)
}

func (f *fields) errorDetails(o *wamp.ErrorDetails) {
	d := f.options("Details")
	for d.next() {
		d.commonOr(&o.PPT, &o.Extra)
	}
	d.settle(&o.PPT, o.Extra)
}

func (f *fields) invocationDetails(o *wamp.InvocationDetails) {
	d := f.options("Details")
	for d.next() {
		switch d.key {
		case keyProcedure:
			o.Procedure = d.string()
		case keyCaller:
			o.Caller = d.id()
		case keyCallerAuthID:
			o.CallerAuthID = d.string()
		case keyCallerAuthRole:
			o.CallerAuthRole = d.string()
		case keyReceiveProgress:
			o.ReceiveProgress = d.bool()
		case keyProgress:
			o.Progress = d.bool()
		case keyTimeout:
			o.Timeout = d.number()
		case keyTrustLevel:
			o.TrustLevel, o.HasTrustLevel = d.number(), true
		default:
			d.commonOr(&o.PPT, &o.Extra)
		}
	}
	d.settle(&o.PPT, o.Extra)
}

func (f *fields) cancelOptions(o *wamp.CancelOptions) {
	d := f.options("Options")
	for d.next() {
		if d.key == keyMode {
			o.Mode = oneOf(&d, wamp.ParseCancelMode)
		}
	}
}

func (f *fields) interruptOptions(o *wamp.InterruptOptions) {
	d := f.options("Options")
	for d.next() {
		switch d.key {
		case keyMode:
			o.Mode = oneOf(&d, wamp.ParseCancelMode)
		case keyReason:
			o.Reason = d.string()
		}
	}
}

func (f *fields) registerOptions(o *wamp.RegisterOptions) {
	d := f.options("Options")
	for d.next() {
		switch d.key {
		case keyMatch:
			o.Match = oneOf(&d, wamp.ParseMatchPolicy)
		case keyInvoke:
			o.Invoke = oneOf(&d, wamp.ParseInvocationPolicy)
		case keyDiscloseCaller:
			o.DiscloseCaller = d.bool()
		case keyForwardTimeout:
			o.ForwardTimeout = d.bool()
		case keyConcurrency:
			o.Concurrency = d.number()
		case keyForceReregister:
			o.ForceReregister = d.bool()
		default:
			d.foreign(&o.Extra)
		}
	}
}
