package probe

import (
	"bytes"
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// PeerKind says who connected to a listener.
type PeerKind string

// The kinds of peers.
const (
	// PeerProber answered to this run's challenge protocol.
	PeerProber PeerKind = "prober"
	// PeerVMX is an ESXi host that dials for a virtual machine's serial port.
	PeerVMX PeerKind = "vmx"
	// PeerUnknown said nothing, or something else.
	PeerUnknown PeerKind = "unknown"
)

// Peer is one connection that a listener accepted.
type Peer struct {
	At   time.Time
	From string // address without port
	Kind PeerKind
	// VM is what a vmx peer told of its virtual machine.
	VMName, VMUUID, URI string
}

// ListenOptions bound a listener.
type ListenOptions struct {
	// MaxConns is how many connections it serves at a time of which it is not known
	// whose they are; one more costs the oldest of them its own. 0 means 1024.
	MaxConns int
	// Patience is how long a connection may take to say what it is. 0 means
	// 10 seconds.
	Patience time.Duration
	// OnPeer, when set, is told of each connection once it is known what it
	// is. It is called from several goroutines.
	OnPeer func(Peer)
}

const (
	defaultMaxConns = 1024
	defaultPatience = 10 * time.Second
	// maxBytes is what a listener reads of one connection.
	maxBytes = 64 << 10
	// maxVMX is how many machines a listener remembers, the latest, and holds the
	// connections of: more than one vCenter has hosts. A name that a peer tells is kept
	// up to maxName.
	maxVMX  = 20000
	maxName = 128
	// vmxHold is how long the connection of a probe's own machine is kept.
	vmxHold = 10 * time.Minute
)

// Listener stands where the virtual container host will stand: it answers
// challenges, and speaks enough of the concentrator's telnet to identify an
// ESXi host's vmx.
type Listener struct {
	opts ListenOptions
	key  Key
	l    net.Listener

	wg sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	// strangers are those of conns that have not said whose they are, the oldest first.
	strangers list.List
	vmx       map[string]Peer          // by URI
	order     []string                 // of vmx, the oldest first
	wait      map[string]chan struct{} // by URI
}

// Listen starts a listener on host:port. It serves until Close.
func Listen(ctx context.Context, address string, key Key, opts ListenOptions) (*Listener, error) {
	if opts.MaxConns <= 0 {
		opts.MaxConns = defaultMaxConns
	}
	if opts.Patience <= 0 {
		opts.Patience = defaultPatience
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	ln := &Listener{
		opts: opts, key: key, l: l,
		conns: map[net.Conn]bool{}, vmx: map[string]Peer{}, wait: map[string]chan struct{}{},
	}
	ln.wg.Go(ln.serve)
	return ln, nil
}

// Addr is the address that is listened on.
func (ln *Listener) Addr() *net.TCPAddr { return ln.l.Addr().(*net.TCPAddr) }

// Close stops listening, closes all connections and waits for them.
func (ln *Listener) Close() error {
	err := ln.l.Close()
	ln.mu.Lock()
	for c := range ln.conns {
		_ = c.Close()
	}
	ln.mu.Unlock()
	ln.wg.Wait()
	return err
}

// WaitVMX waits until a vmx peer has asked for the URI. Only a host that really
// dialled for the virtual machine with that URI can have.
func (ln *Listener) WaitVMX(ctx context.Context, uri string) (Peer, error) {
	ln.mu.Lock()
	if p, ok := ln.vmx[uri]; ok {
		ln.mu.Unlock()
		return p, nil
	}
	ch := ln.wait[uri]
	if ch == nil {
		ch = make(chan struct{})
		ln.wait[uri] = ch
	}
	ln.mu.Unlock()
	select {
	case <-ctx.Done():
		return Peer{}, ctx.Err()
	case <-ch:
		ln.mu.Lock()
		defer ln.mu.Unlock()
		return ln.vmx[uri], nil
	}
}

func (ln *Listener) serve() {
	for {
		conn, err := ln.l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // out of files, say: do not spin
			continue
		}
		known := ln.admit(conn)
		ln.wg.Go(func() {
			defer func() {
				known()
				ln.mu.Lock()
				delete(ln.conns, conn)
				ln.mu.Unlock()
				_ = conn.Close()
			}()
			ln.handle(conn, known)
		})
	}
}

// admit takes a stranger in, in place of the oldest where there are too many: whoever
// holds connections must not keep out those who say what they are at once. known takes
// the connection off the strangers; it may be called twice.
func (ln *Listener) admit(conn net.Conn) (known func()) {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	ln.conns[conn] = true
	place := ln.strangers.PushBack(conn)
	if ln.strangers.Len() > ln.opts.MaxConns {
		oldest := ln.strangers.Front()
		_ = ln.strangers.Remove(oldest).(net.Conn).Close() // its own goroutine does the rest
	}
	return func() {
		ln.mu.Lock()
		defer ln.mu.Unlock()
		ln.strangers.Remove(place) // nothing where it is off already
	}
}

// handle finds out who is there, by the first bytes: a prober sends its
// challenge, a vmx telnet options.
func (ln *Listener) handle(conn net.Conn, known func()) {
	peer := Peer{At: time.Now(), Kind: PeerUnknown, From: conn.RemoteAddr().(*net.TCPAddr).IP.String()}
	_ = conn.SetDeadline(time.Now().Add(ln.opts.Patience))
	in := io.LimitReader(conn, maxBytes)
	first := make([]byte, maxLine)
	n, err := in.Read(first)
	switch {
	case err != nil:
		ln.tell(peer)
	case first[0] == iac:
		ln.speakTelnet(conn, in, first[:n], peer, known)
	default:
		ln.answer(conn, in, first[:n], peer)
	}
}

func (ln *Listener) tell(p Peer) {
	if ln.opts.OnPeer != nil {
		ln.opts.OnPeer(p)
	}
}

// answer reads the rest of the line and answers the challenge in it.
func (ln *Listener) answer(conn net.Conn, in io.Reader, got []byte, peer Peer) {
	for !bytes.ContainsRune(got, '\n') && len(got) < maxLine {
		more := make([]byte, maxLine-len(got))
		n, err := in.Read(more)
		if err != nil {
			break
		}
		got = append(got, more[:n]...)
	}
	line, _, _ := strings.Cut(string(got), "\n")
	line = strings.TrimRight(line, "\r")
	if question, ok := strings.CutPrefix(line, seenWord); ok {
		if reply, ok := ln.answerSeen(question); ok {
			_, _ = io.WriteString(conn, reply)
			return // the tool itself, asking: nobody came
		}
	}
	if nonce, ok := strings.CutPrefix(line, challengeWord); ok {
		peer.Kind = PeerProber
		_, _ = io.WriteString(conn, ln.key.reply(nonce))
	}
	ln.tell(peer)
}

// speakTelnet negotiates until the virtual machine is known, and then keeps the
// connection where it is a probe's: a vmx that loses it dials again and again.
func (ln *Listener) speakTelnet(conn net.Conn, in io.Reader, got []byte, peer Peer, known func()) {
	var n negotiation
	told := false
	for {
		n.feed(got)
		if n.out.Len() > 0 {
			if _, err := conn.Write(n.out.Bytes()); err != nil {
				break
			}
			n.out.Reset()
		}
		if n.seen {
			peer.Kind = PeerVMX
		}
		if !told && n.UUID != "" && n.URI != "" {
			peer.VMName, peer.VMUUID, peer.URI = clip(n.Name), clip(n.UUID), clip(n.URI)
			ln.tell(peer)
			told = true
			if ln.key.names(n.URI) {
				known()
				ln.identified(peer)
				_ = conn.SetDeadline(time.Now().Add(vmxHold))
			}
		}
		buf := make([]byte, 1024)
		size, err := in.Read(buf)
		if err != nil {
			break
		}
		got = buf[:size]
	}
	if !told {
		ln.tell(peer)
	}
}

func clip(s string) string { return s[:min(len(s), maxName)] }

func (ln *Listener) identified(p Peer) {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	if _, again := ln.vmx[p.URI]; again {
		return
	}
	if ln.order = append(ln.order, p.URI); len(ln.order) > maxVMX {
		delete(ln.vmx, ln.order[0])
		ln.order = ln.order[1:]
	}
	ln.vmx[p.URI] = p
	if ch := ln.wait[p.URI]; ch != nil {
		close(ch)
		delete(ln.wait, p.URI)
	}
}
