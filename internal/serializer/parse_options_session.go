package serializer

import "github.com/tandemrouter/tandem/wamp"

func (f *fields) helloDetails(o *wamp.HelloDetails) {
	d := f.options("Details")
	for d.next() {
		switch d.key {
		case keyRoles:
			o.Roles = d.roles()
		case keyAgent:
			o.Agent = d.string()
		case keyAuthMethods:
			o.AuthMethods = d.strings()
		case keyAuthID:
			o.AuthID = d.string()
		case keyAuthRole:
			o.AuthRole = d.string()
		case keyAuthExtra:
			o.AuthExtra = d.dict()
		default:
			d.extra(&o.Extra)
		}
	}
}

func (f *fields) welcomeDetails(o *wamp.WelcomeDetails) {
	d := f.options("Details")
	for d.next() {
		switch d.key {
		case keyRoles:
			o.Roles = d.roles()
		case keyAgent:
			o.Agent = d.string()
		case keyRealm:
			o.Realm = d.string()
		case keyAuthID:
			o.AuthID = d.string()
		case keyAuthRole:
			o.AuthRole = d.string()
		case keyAuthMethod:
			o.AuthMethod = d.string()
		case keyAuthProvider:
			o.AuthProvider = d.string()
		case keyAuthExtra:
			o.AuthExtra = d.dict()
		default:
			d.extra(&o.Extra)
		}
	}
}

// farewellDetails reads the details of ABORT and GOODBYE, which are the same. A message that is not a text is passed
// over: how a session ends must not depend on it.
func (f *fields) farewellDetails() (message string, extra wamp.Dict) {
	d := f.options("Details")
	for d.next() {
		switch {
		case d.key != keyMessage:
			d.extra(&extra)
		case d.kind == isText:
			message = d.string()
		}
	}
	return message, extra
}

// roles reads the roles and their features. Those that the protocol does not define are passed over (SES-05, FEA-03).
func (d *dict) roles() wamp.Roles {
	var roles wamp.Roles
	r := d.inner(d.key.String())
	for r.next() {
		role, known := wamp.ParseRole(string(r.text))
		switch {
		case !known:
		case roles.Has(role):
			d.wrong("has a role twice")
		default:
			roles.Announce(role)
			r.features(&roles, role)
		}
	}
	return roles
}

// features reads the features of a role. Those that are not true are not announced.
func (d *dict) features(roles *wamp.Roles, role wamp.Role) {
	details := d.inner(role.String())
	for details.next() {
		if details.key != keyFeatures {
			continue
		}
		features := details.inner(keyFeatures.String())
		for features.next() {
			feature, known := wamp.ParseFeature(string(features.text))
			if known && features.kind == isTrue {
				roles.Announce(role, feature)
			}
		}
	}
}
