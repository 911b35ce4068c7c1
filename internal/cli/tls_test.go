package cli

import (
	"fmt"
	"testing"

	"github.com/tandemrouter/tandem/internal/wamptest"
)

// A router with a certificate of one's own can be reached, and whoever does not trust it learns what to do.
func TestCertificateOfOnesOwn(t *testing.T) {
	cert, key := wamptest.Certificate(t)
	r := launch(t, "serve", "-c", writeFile(t, fmt.Sprintf(
		"listeners: {main: {address: \"127.0.0.1:0\", tls: {cert: %q, key: %q}}}\n"+
			"realms: {realm1: {anonymous: g, roles: {g: {allow: [call]}}}}\n", cert, key)))
	r.out.await(t, "(main)")
	for _, url := range []string{"wss://" + address(r) + "/ws", "tcps://" + address(r)} {
		call := []string{"call", "--url", url, "wamp.session.count"}
		tandem(t, append(call, "--ca", cert)...).expect(t, exitOK, "1\n", "")
		tandem(t, call...).expect(t, exitUnreachable, "", "--ca FILE trusts one more")
		tandem(t, append(call, "--ca", key)...).expect(t, exitUsage, "", "there is no certificate in PEM")
		tandem(t, append(call, "--ca", cert+".missing")...).expect(t, exitUsage, "", cert+".missing")
	}
	plain := "ws://" + address(r) + "/ws"
	tandem(t, "call", "--url", plain, "wamp.session.count").expect(t, exitUnreachable, "", "cannot reach a router")
}
