package serializer

import "github.com/tandemrouter/tandem/wamp"

func (f *fields) helloDetails(o *wamp.HelloDetails) {
	for d := f.options("Details"); d.next(); {
		switch string(d.key) {
		case "roles":
			o.Roles = d.roles()
		case "agent":
			o.Agent = d.text()
		case "authmethods":
			o.AuthMethods = d.texts()
		case "authid":
			o.AuthID = d.text()
		case "authrole":
			o.AuthRole = d.text()
		case "authextra":
			o.AuthExtra = d.dict()
		default:
			d.extra(&o.Extra)
		}
	}
}

func (f *fields) welcomeDetails(o *wamp.WelcomeDetails) {
	for d := f.options("Details"); d.next(); {
		switch string(d.key) {
		case "roles":
			o.Roles = d.roles()
		case "agent":
			o.Agent = d.text()
		case "realm":
			o.Realm = d.text()
		case "authid":
			o.AuthID = d.text()
		case "authrole":
			o.AuthRole = d.text()
		case "authmethod":
			o.AuthMethod = d.text()
		case "authprovider":
			o.AuthProvider = d.text()
		case "authextra":
			o.AuthExtra = d.dict()
		default:
			d.extra(&o.Extra)
		}
	}
}

// farewellDetails reads the details of ABORT and GOODBYE, which are the same. A message that is not a text is kept as
// an unknown entry: how a session ends must not depend on it.
func (f *fields) farewellDetails() (message string, extra wamp.Dict) {
	for d := f.options("Details"); d.next(); {
		kind, _ := f.m.kindAt(d.value)
		if string(d.key) == "message" && kind == isText {
			message = d.text()
			continue
		}
		d.extra(&extra)
	}
	return message, extra
}

// roles reads the roles and their features. Those that the protocol does not define are passed over (SES-05, FEA-03).
func (d *dict) roles() wamp.Roles {
	var roles wamp.Roles
	for r := d.inner("roles"); r.next(); {
		role, known := wamp.ParseRole(string(r.key))
		if !known {
			continue
		}
		roles.Announce(role)
		for details := r.inner("role"); details.next(); {
			if string(details.key) == "features" {
				details.features(&roles, role)
			}
		}
	}
	return roles
}

func (d *dict) features(roles *wamp.Roles, role wamp.Role) {
	for f := d.inner("features"); f.next(); {
		kind, _ := d.f.m.kindAt(f.value)
		if feature, known := wamp.ParseFeature(string(f.key)); known && kind == isTrue {
			roles.Announce(role, feature)
		}
	}
}

// inner walks over a value that must be a dictionary.
func (d *dict) inner(name string) dict { return d.f.dictAt(d.value, name) }
