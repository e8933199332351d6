package probe

// Classify is classify, for the tests.
var Classify = classify

// Negotiation lets the tests and the fuzzer feed a peer's bytes.
type Negotiation struct{ n negotiation }

// Feed takes bytes and returns what is sent back.
func (n *Negotiation) Feed(p []byte) []byte {
	n.n.feed(p)
	out := append([]byte(nil), n.n.out.Bytes()...)
	n.n.out.Reset()
	return out
}

// Pending is how many bytes are not understood yet.
func (n *Negotiation) Pending() int { return len(n.n.in) }

// VM returns what the peer told of its virtual machine.
func (n *Negotiation) VM() (uuid, uri, name string) { return n.n.UUID, n.n.URI, n.n.Name }

// Service is a name of the key's, for the tests.
func (k Key) Service(id string) string { return k.service(id) }

// MaxVMX is maxVMX, for the tests.
const MaxVMX = maxVMX

// Remembered is how many machines a listener remembers.
func (ln *Listener) Remembered() int {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	return len(ln.vmx)
}

// Identified lets a listener remember a machine.
func (ln *Listener) Identified(p Peer) { ln.identified(p) }

// MAC is mac, for the tests.
func (k Key) MAC(parts ...string) string { return k.mac(parts...) }
