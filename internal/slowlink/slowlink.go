// Package slowlink is a TCP proxy that adds round-trip time, for benchmarks:
// what a call costs on loopback says little about a vCenter that is 10 ms away.
// It knows nothing of what it carries.
package slowlink

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// Link is a running proxy.
type Link struct {
	listener net.Listener
	to       string
	half     time.Duration

	mu     sync.Mutex
	conns  map[net.Conn]bool
	closed bool
	count  int
}

// Listen starts a proxy on loopback that forwards to the address and delays
// each direction by half the round-trip time. Setting up a connection costs one
// round-trip time besides, as a handshake does.
func Listen(to string, rtt time.Duration) (*Link, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	link := &Link{listener: l, to: to, half: rtt / 2, conns: map[net.Conn]bool{}}
	go link.serve()
	return link, nil
}

// Addr is the address to connect to.
func (l *Link) Addr() string { return l.listener.Addr().String() }

// Connections is how many connections were made.
func (l *Link) Connections() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

// Close ends the proxy and all its connections.
func (l *Link) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for c := range l.conns {
		_ = c.Close()
	}
	return l.listener.Close()
}

func (l *Link) serve() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		go func() {
			far, err := net.Dial("tcp", l.to)
			if err != nil {
				_ = near.Close()
				return
			}
			if !l.add(near, far) {
				return
			}
			defer l.drop(near, far)
			start := time.Now().Add(2 * l.half)
			var there sync.WaitGroup
			there.Go(func() { l.pipe(far, near, start) })
			l.pipe(near, far, start)
			there.Wait()
		}()
	}
}

func (l *Link) add(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		if l.closed {
			_ = c.Close()
			continue
		}
		l.conns[c] = true
	}
	l.count++
	return !l.closed
}

// drop closes connections that have carried all they had: a benchmark makes more
// of them than a process may have files.
func (l *Link) drop(conns ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(l.conns, c)
	}
}

// chunk is some bytes and when they arrive.
type chunk struct {
	data []byte
	due  time.Time
}

// inFlight is how many chunks may be under way in one direction, enough to keep
// a fast sender from being held up by anything but the delay.
const inFlight = 4096

// pipe carries one direction. Nothing arrives before start.
func (l *Link) pipe(to, from net.Conn, start time.Time) {
	queue := make(chan chunk, inFlight)
	go func() {
		defer close(queue)
		for {
			buf := make([]byte, 32<<10)
			n, err := from.Read(buf)
			if n > 0 {
				due := time.Now().Add(l.half)
				if due.Before(start) {
					due = start
				}
				queue <- chunk{buf[:n], due}
			}
			if err != nil {
				return
			}
		}
	}()
	var failed error
	for c := range queue {
		time.Sleep(time.Until(c.due))
		if failed == nil {
			_, failed = to.Write(c.data)
		}
	}
	if tcp, ok := to.(*net.TCPConn); ok && !errors.Is(failed, io.ErrClosedPipe) {
		_ = tcp.CloseWrite()
	}
}
