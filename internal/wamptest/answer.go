package wamptest

import (
	"net"
	"sync"
	"testing"
)

// Answer has one connection to the returned address of this machine answered. The test waits for the answer to end.
func Answer(t testing.TB, answer func(net.Conn)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var answering sync.WaitGroup
	t.Cleanup(func() {
		listener.Close()
		answering.Wait()
	})
	answering.Go(func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		answer(conn)
	})
	return listener.Addr().String()
}
