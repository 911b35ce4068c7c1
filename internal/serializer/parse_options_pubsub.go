package serializer

import "github.com/tandemrouter/tandem/wamp"

func (f *fields) publishOptions(o *wamp.PublishOptions) {
	d := f.options("Options")
	for d.next() {
		switch d.key {
		case keyAcknowledge:
			o.Acknowledge = d.bool()
		case keyExcludeMe:
			o.IncludeMe = !d.bool()
		case keyDiscloseMe:
			o.DiscloseMe = d.bool()
		case keyRetain:
			o.Retain = d.bool()
		case keyRKey:
			o.RKey = d.shardKey()
		default:
			if !d.receivers(&o.Receivers) {
				d.commonOr(&o.PPT, &o.Extra)
			}
		}
	}
	d.settle(&o.PPT, o.Extra)
}

// receivers reads one of the lists that say who gets an event (BWL-01). It returns false if the entry is none.
func (d *dict) receivers(r **wamp.Receivers) bool {
	switch d.key {
	case keyExclude:
		orNew(r).Exclude = d.ids()
	case keyExcludeAuthID:
		orNew(r).ExcludeAuthID = d.strings()
	case keyExcludeAuthRole:
		orNew(r).ExcludeAuthRole = d.strings()
	case keyEligible:
		orNew(r).Eligible = d.ids()
	case keyEligibleAuthID:
		orNew(r).EligibleAuthID = d.strings()
	case keyEligibleAuthRole:
		orNew(r).EligibleAuthRole = d.strings()
	default:
		return false
	}
	return true
}

// orNew returns what p points to, a new value at first.
func orNew[T any](p **T) *T {
	if *p == nil {
		*p = new(T)
	}
	return *p
}

func (f *fields) subscribeOptions(o *wamp.SubscribeOptions) {
	d := f.options("Options")
	for d.next() {
		switch d.key {
		case keyMatch:
			o.Match = oneOf(&d, wamp.ParseMatchPolicy)
		case keyGetRetained:
			o.GetRetained = d.bool()
		case keyNKey:
			o.NKey = d.string()
		default:
			d.foreign(&o.Extra)
		}
	}
}

func (f *fields) eventDetails(o *wamp.EventDetails) {
	d := f.options("Details")
	for d.next() {
		switch d.key {
		case keyPublisher:
			o.Publisher = d.id()
		case keyPublisherAuthID:
			o.PublisherAuthID = d.string()
		case keyPublisherAuthRole:
			o.PublisherAuthRole = d.string()
		case keyTopic:
			o.Topic = d.string()
		case keyTrustLevel:
			o.TrustLevel, o.HasTrustLevel = d.number(), true
		case keyRetained:
			o.Retained = d.bool()
		case keyLost:
			o.Lost = d.number()
		default:
			d.commonOr(&o.PPT, &o.Extra)
		}
	}
	d.settle(&o.PPT, o.Extra)
}
