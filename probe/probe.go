// Package probe opens real connections and classes what came back, and holds
// the listener that answers them. It passes no verdict about rulesets.
package probe

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// Target is where the virtual container host is, or will be.
type Target struct {
	// Host is a name or an address without brackets.
	Host string
	Port int
}

// String returns host:port, with brackets around an IPv6 address.
func (t Target) String() string { return net.JoinHostPort(t.Host, strconv.Itoa(t.Port)) }

// Attempt is one connection that is to be made, and what came of it.
type Attempt struct {
	// Host opens it, but for Inbound.
	Host *inventory.Host
	To   Target
	// Service means that some service stands there: that it accepts is all that is asked, and
	// nothing is said to it.
	Service bool
	// Key and Witness are those of this tool's listener that stands there; nil where none does.
	Key     *Key
	Witness Witness
	// Found is what came of it.
	Found inventory.Probe
}

// arpWait is how long Linux asks for a neighbour before it says that a host is
// unreachable (3 tries, a second each); an ICMP error comes at once.
const arpWait = 1500 * time.Millisecond

// classify turns the error of a dial into an outcome and its cause. Whether a
// dial timed out is asked of net.Error alone: the same dial flaps between
// several timeout errors.
func classify(err error, elapsed time.Duration) (inventory.Outcome, string) {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &dns):
		return inventory.DNS, fmt.Sprintf("the name %s does not resolve: %s", dns.Name, dns.Err)
	case errors.As(err, &timeout) && timeout.Timeout():
		return inventory.Timeout, "no answer: dropped on the way, or nobody is there"
	case errors.Is(err, syscall.ECONNREFUSED):
		return inventory.Refused, "nobody listens, or a filter rejects"
	case errors.Is(err, syscall.ECONNRESET):
		return inventory.Refused, "the connection was reset"
	case errors.Is(err, syscall.EHOSTUNREACH) && elapsed >= arpWait:
		return inventory.Unreachable, "no machine answers at that address"
	case errors.Is(err, syscall.EHOSTUNREACH):
		return inventory.Unreachable, "a router or a filter says that the host cannot be reached"
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return inventory.Unreachable, "prohibited by a filter or a route"
	case errors.Is(err, syscall.ENETUNREACH):
		return inventory.NoRoute, "there is no route to the network"
	}
	return inventory.ProbeError, err.Error()
}
