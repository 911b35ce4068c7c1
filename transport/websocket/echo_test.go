package websocket_test

import (
	"sync"
	"testing"
	"time"

	"github.com/tandemrouter/tandem/transport"
)

// echo sends every message back until the connection ends, and then closes it.
func echo(conn transport.Conn) {
	var flushers sync.WaitGroup
	queue := transport.NewQueue(conn, 0, &flushers)
	queue.Close(nil, relay(conn, queue))
	conn.Linger(5 * time.Second)
	flushers.Wait()
}

// relay returns why the connection ended.
func relay(conn transport.Conn, queue *transport.Queue) error {
	var run transport.Run
	for {
		if err := conn.Wait(); err != nil {
			return err
		}
		received := conn.Receive(&run)
		if err := enqueue(queue, &run); err != nil {
			return err
		}
		queue.Flush()
		if received != nil {
			return received
		}
	}
}

func enqueue(queue *transport.Queue, run *transport.Run) error {
	queue.Lock()
	defer queue.Unlock()
	if err := queue.AppendControlLocked(run.Control); err != nil {
		return err
	}
	for _, m := range run.Messages {
		if err := queue.AppendLocked(m); err != nil {
			return err
		}
	}
	return nil
}

// receive waits for messages until there are some, and returns them. They are valid until the run is used again.
func receive(t *testing.T, conn transport.Conn, run *transport.Run) error {
	t.Helper()
	for {
		if err := conn.Wait(); err != nil {
			return err
		}
		if err := conn.Receive(run); err != nil || len(run.Messages) > 0 {
			return err
		}
	}
}
