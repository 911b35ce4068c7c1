// Package wamptest has what the tests of several packages share. Only tests import it.
//
//	HistoryStore    a suite that every history.Store passes
//	CheckFraming    what every transport.Framing keeps to, whatever bytes it gets
//	Answer          the other end of one connection
//	Certificate     for a router of this machine
package wamptest
