package serializer

import "github.com/tandemrouter/tandem/wamp"

func (f *fields) publishOptions(o *wamp.PublishOptions) {
	d := f.options("Options")
	for d.next() {
		switch string(d.key) {
		case "acknowledge":
			o.Acknowledge = d.bool()
		case "exclude_me":
			o.IncludeMe = !d.bool()
		case "disclose_me":
			o.DiscloseMe = d.bool()
		case "retain":
			o.Retain = d.bool()
		case "rkey":
			o.RKey = d.shardKey()
		default:
			if !d.receivers(&o.Receivers) {
				d.passthruOr(&o.PPT, &o.Extra)
			}
		}
	}
	used(&o.PPT)
}

// receivers reads one of the lists that say who gets an event (BWL-01). It returns false if the entry is none.
func (d *dict) receivers(r **wamp.Receivers) bool {
	var list wamp.Receivers
	if *r != nil {
		list = **r
	}
	switch string(d.key) {
	case "exclude":
		list.Exclude = d.ids()
	case "exclude_authid":
		list.ExcludeAuthID = d.texts()
	case "exclude_authrole":
		list.ExcludeAuthRole = d.texts()
	case "eligible":
		list.Eligible = d.ids()
	case "eligible_authid":
		list.EligibleAuthID = d.texts()
	case "eligible_authrole":
		list.EligibleAuthRole = d.texts()
	default:
		return false
	}
	*r = &list
	return true
}

func (f *fields) subscribeOptions(o *wamp.SubscribeOptions) {
	for d := f.options("Options"); d.next(); {
		switch string(d.key) {
		case "match":
			o.Match = oneOf(&d, wamp.ParseMatchPolicy)
		case "get_retained":
			o.GetRetained = d.bool()
		case "nkey":
			o.NKey = d.text()
		default:
			d.extra(&o.Extra)
		}
	}
}

func (f *fields) eventDetails(o *wamp.EventDetails) {
	d := f.options("Details")
	for d.next() {
		switch string(d.key) {
		case "publisher":
			o.Publisher = d.id()
		case "publisher_authid":
			o.PublisherAuthID = d.text()
		case "publisher_authrole":
			o.PublisherAuthRole = d.text()
		case "topic":
			o.Topic = d.text()
		case "trustlevel":
			o.TrustLevel, o.HasTrustLevel = d.number(), true
		case "retained":
			o.Retained = d.bool()
		default:
			d.passthruOr(&o.PPT, &o.Extra)
		}
	}
	used(&o.PPT)
}
