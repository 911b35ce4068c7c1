package serializer

import (
	"strings"

	"github.com/tandemrouter/tandem/wamp"
)

// commonOr reads one of the keys that all messages with a payload may have, or keeps an unknown entry.
func (d *dict) commonOr(ppt **wamp.Passthru, extra *wamp.Dict) {
	switch d.key {
	case keyPPTScheme:
		orNew(ppt).Scheme = d.string()
	case keyPPTSerializer:
		orNew(ppt).Serializer = d.string()
	case keyPPTCipher:
		orNew(ppt).Cipher = d.string()
	case keyPPTKeyID:
		orNew(ppt).KeyID = d.string()
	default:
		d.foreign(extra)
	}
}

// settle looks at the keys of commonOr once all are read. Without a scheme the passthru mode is not in use (PPT-01); if it
// is, the keys of what came before it must not be there, too (E2E-05).
func (d *dict) settle(ppt **wamp.Passthru, extra wamp.Dict) {
	if *ppt == nil {
		return
	}
	if (*ppt).Scheme == "" {
		*ppt = nil
		return
	}
	for _, key := range []key{keyEncAlgo, keyEncKey, keyEncSerializer} {
		if _, given := extra[key.String()]; given {
			d.f.fail(d.name, key.String()+" together with ppt_scheme")
		}
	}
}

// foreign keeps an unknown entry. If it is one that other implementations define, it must be what they say, because
// it may be passed on to them (MSG-07).
func (d *dict) foreign(extra *wamp.Dict) {
	switch d.key {
	case keyTransactionHash, keyEncKey, keyEncSerializer:
		d.string()
	case keyEncAlgo:
		oneOf(d, parseEncAlgo)
	case keyAcknowledgedDelivery:
		d.bool()
	case keyForwardFor:
		d.forwardFor()
	}
	d.extra(extra)
}

func parseEncAlgo(word string) (string, bool) {
	switch word {
	case "cryptobox", "mqtt", "xbr":
		return word, true
	default:
		return word, strings.HasPrefix(word, "x_")
	}
}

// forwardFor checks the trail of a message that came over links between routers (R2R-02).
func (d *dict) forwardFor() {
	items, _ := d.items()
	for items.nextItem() {
		hop := items.inner(d.key.String())
		for hop.next() {
			switch hop.key {
			case keySession:
				hop.id()
			case keyAuthID, keyAuthRole:
				hop.string()
			}
		}
	}
}
