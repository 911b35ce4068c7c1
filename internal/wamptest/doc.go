// Package wamptest has what the tests of several packages share: for each interface of the house one suite that all of its
// implementations pass. Only tests import it.
package wamptest
