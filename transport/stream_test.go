package transport_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// yield is a message whose only argument are so many bytes.
func yield(request, size int) *wamp.Yield {
	return &wamp.Yield{
		Request: wamp.ID(request),
		Payload: wamp.Payload{Args: wamp.List{bytes.Repeat([]byte{byte(request)}, size)}},
	}
}

// sizes around everything that the reading side treats differently: frames within a buffer, across buffers, larger
// than a buffer, and many in one read.
func sizes(r *rand.Rand) []int {
	list := []int{0, 1, 100, 64<<10 - 20, 64 << 10, 64<<10 + 1, 200 << 10, 1 << 20, 3}
	for range 300 {
		list = append(list, r.IntN(2000))
	}
	for range 20 {
		list = append(list, r.IntN(200<<10))
	}
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// connections are two ends of every kind of carrier.
func connections(t *testing.T) map[string][2]transport.Conn {
	t.Helper()
	a, b := transport.Pipe(wamp.CBOR)
	c, d := transport.Pipe(wamp.JSON)
	return map[string][2]transport.Conn{"pipe/cbor": {a, b}, "pipe/json": {c, d}}
}

func TestStreamCarriesMessagesOfAllSizes(t *testing.T) {
	for name, conn := range connections(t) {
		t.Run(name, func(t *testing.T) {
			want := sizes(rand.New(rand.NewPCG(1, 2)))
			var wg sync.WaitGroup
			defer wg.Wait()
			q := transport.NewQueue(conn[0], 1<<30, &wg)
			wg.Go(func() {
				for i, size := range want {
					if err := q.Put(yield(i+1, size)); err != nil {
						t.Error(err)
						return
					}
				}
				q.Close(nil, nil)
			})
			for i, size := range receiveAll(t, conn[1]) {
				if size != want[i] {
					t.Fatalf("message %d has %d bytes, want %d", i+1, size, want[i])
				}
			}
			_ = conn[0].Close()
			_ = conn[1].Close()
		})
	}
}

// receiveAll returns the sizes of the yields that come until the other side ends, and checks what is in them.
func receiveAll(t *testing.T, conn transport.Conn) []int {
	t.Helper()
	var got []int
	var run transport.Run
	for {
		if err := conn.Wait(); err != nil {
			if !errors.Is(err, io.EOF) {
				t.Error(err)
			}
			return got
		}
		if err := conn.Receive(&run); err != nil {
			t.Error(err)
			return got
		}
		if len(run.Messages) > transport.MaxRun {
			t.Errorf("a run of %d messages", len(run.Messages))
		}
		for _, m := range run.Messages {
			got = append(got, check(t, m.(*wamp.Yield), len(got)+1))
		}
	}
}

func check(t *testing.T, m *wamp.Yield, request int) int {
	t.Helper()
	args, _, err := payload.Decode(&m.Payload)
	if err != nil {
		t.Fatal(err)
	}
	data, ok := args[0].([]byte)
	if !ok || int(m.Request) != request || !bytes.Equal(data, bytes.Repeat([]byte{byte(request)}, len(data))) {
		t.Fatalf("message %d is not what was sent: request %d, %T of %d bytes", request, m.Request, args[0], len(data))
	}
	return len(data)
}

func TestStreamTellsWhatIsWrong(t *testing.T) {
	a, b := net.Pipe()
	defer func() { _ = a.Close() }()
	conn := transport.NewStream(b, &lineFraming{}, wamp.JSON, transport.Info{}, []byte("{}\n"))
	defer func() { _ = conn.Close() }()
	var run transport.Run
	if err := conn.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := conn.Receive(&run); !errors.Is(err, wamp.ErrProtocolViolation) {
		t.Errorf("a message that is none gave %v", err)
	}
}

func TestStreamDeliversWhatCameBeforeTheError(t *testing.T) {
	a, b := net.Pipe()
	defer func() { _ = a.Close() }()
	rest := []byte("[70,1,{}]\n[70,2,{}]\n!\n[70,3,{}]\n")
	conn := transport.NewStream(b, &lineFraming{}, wamp.JSON, transport.Info{}, rest)
	defer func() { _ = conn.Close() }()
	var run transport.Run
	_ = conn.Wait()
	err := conn.Receive(&run)
	if len(run.Messages) != 2 || !errors.Is(err, wamp.ErrProtocolViolation) {
		t.Errorf("%d messages and %v", len(run.Messages), err)
	}
}

func TestStreamReturnsAtMostMaxRunMessages(t *testing.T) {
	a, b := net.Pipe()
	defer func() { _ = a.Close() }()
	rest := bytes.Repeat([]byte("[70,1,{}]\n"), 3*transport.MaxRun/2)
	conn := transport.NewStream(b, &lineFraming{}, wamp.JSON, transport.Info{}, rest)
	defer func() { _ = conn.Close() }()
	var run transport.Run
	for _, want := range []int{transport.MaxRun, transport.MaxRun / 2} {
		if err := conn.Wait(); err != nil { // does not wait for the network
			t.Fatal(err)
		}
		if err := conn.Receive(&run); err != nil || len(run.Messages) != want {
			t.Errorf("a run of %d messages, %v; want %d", len(run.Messages), err, want)
		}
	}
}

func TestLingerThrowsAwayUntilThePeerCloses(t *testing.T) {
	a, b := transport.Pipe(wamp.CBOR)
	var wg sync.WaitGroup
	q := transport.NewQueue(a, 0, &wg)
	wg.Go(func() { b.Linger(time.Hour) })
	for i := range 100 {
		if err := q.Put(yield(i+1, 10_000)); err != nil {
			t.Fatal(err)
		}
	}
	q.Close(nil, nil)
	wg.Wait() // Linger returns because the other side has ended, not because of the time
	if err := a.Wait(); !errors.Is(err, io.EOF) {
		t.Errorf("the connection is still open: %v", err)
	}
}

// closing is a connection that counts how often its sending direction was closed.
type closing struct {
	net.Conn
	writeClosed int
}

func (c *closing) CloseWrite() error {
	c.writeClosed++
	return nil
}

func TestSendingDirectionIsClosedOnlyForPeersThatAreThere(t *testing.T) {
	for name, gone := range map[string]bool{"there": false, "gone": true} {
		t.Run(name, func(t *testing.T) {
			local, remote := net.Pipe()
			conn := &closing{Conn: local}
			stream := transport.NewStream(conn, &lineFraming{}, wamp.JSON, transport.Info{}, nil)
			if gone {
				_ = remote.Close()
				if err := stream.Wait(); !errors.Is(err, io.EOF) {
					t.Fatalf("Wait: %v, want EOF", err)
				}
			}
			transport.NewQueue(stream, 0, new(sync.WaitGroup)).Close(nil, nil)
			if want := map[bool]int{false: 1, true: 0}[gone]; conn.writeClosed != want {
				t.Errorf("closed the sending direction %d times, want %d", conn.writeClosed, want)
			}
			_ = remote.Close()
			stream.Linger(time.Hour)
			if _, err := local.Read(make([]byte, 1)); !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("the connection is still open: %v", err)
			}
		})
	}
}

func TestPeek(t *testing.T) {
	a, b := net.Pipe()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { _, _ = a.Write([]byte("[70,1,{}]\n")); _ = a.Close() })
	first, conn, err := transport.Peek(b)
	if err != nil || first != '[' {
		t.Fatalf("peeked %q, %v", first, err)
	}
	if all, err := io.ReadAll(conn); err != nil || string(all) != "[70,1,{}]\n" {
		t.Errorf("read %q, %v after peeking", all, err)
	}
}

func TestStreamReadsAPeekedOctet(t *testing.T) {
	a, b := net.Pipe()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { _, _ = a.Write([]byte("[70,1,{}]\n")) })
	_, peeked, err := transport.Peek(b)
	if err != nil {
		t.Fatal(err)
	}
	conn := transport.NewStream(peeked, &lineFraming{}, wamp.JSON, transport.Info{}, nil)
	defer func() { _ = conn.Close() }()
	var run transport.Run
	for len(run.Messages) == 0 && err == nil {
		if err = conn.Wait(); err == nil {
			err = conn.Receive(&run)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// lineFraming is a wire format that tests can write by hand: a message for each line.
type lineFraming struct{}

func (*lineFraming) Next(in []byte) (transport.Frame, int, error) {
	i := bytes.IndexByte(in, '\n')
	if i < 0 {
		return transport.Frame{}, 0, nil
	}
	return transport.Frame{Kind: transport.FrameMessage, Payload: in[:i]}, i + 1, nil
}

func (*lineFraming) Open(dst []byte) []byte                 { return dst }
func (*lineFraming) Seal(dst []byte, _, _ int) []byte       { return append(dst, '\n') }
func (*lineFraming) AppendPing(dst, _ []byte) []byte        { return dst }
func (*lineFraming) AppendPong(dst, _ []byte) []byte        { return dst }
func (*lineFraming) AppendClose(dst []byte, _ error) []byte { return dst }
func (*lineFraming) MaxSend() int                           { return 0 }
func (*lineFraming) SetMaxReceive(int)                      {}
func (*lineFraming) Shape() transport.Shape                 { return transport.ShapeUnique }

// A connection that ends gives its buffer back: the next one does not cost another.
func TestConnectionsThatEndLeaveNoBuffers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const connections = 100
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range connections {
		readToEnd(t, l)
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / connections; each > 32<<10 {
		t.Errorf("a connection costs %d bytes of new memory", each)
	}
}

// readToEnd accepts a connection whose peer closes it.
func readToEnd(t *testing.T, l net.Listener) {
	t.Helper()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	socket, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn := transport.NewStream(socket, &lineFraming{}, wamp.JSON, transport.Info{}, nil)
	_ = client.Close()
	if err := conn.Wait(); !errors.Is(err, io.EOF) {
		t.Fatalf("waiting ended with %v", err)
	}
	_ = conn.Close()
}
