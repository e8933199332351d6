package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// Dialer opens connections; *net.Dialer is one.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Local makes an attempt from this machine, whatever its Host. It is a control that says
// whether the target listens at all, and never a host's verdict.
func Local(ctx context.Context, d Dialer, a Attempt, timeout time.Duration) inventory.Probe {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	start := time.Now()
	p := inventory.Probe{Vantage: inventory.VantageLocal, Target: a.To.String()}
	conn, err := d.DialContext(ctx, "tcp", a.To.String())
	p.Elapsed = time.Since(start)
	if err != nil {
		p.Outcome, p.Cause = classify(err, p.Elapsed)
		return p
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	if a.Service {
		p.Outcome, p.Doubt = hear(conn)
		return p
	}
	p.Outcome, p.Cause = greet(conn, a.Key)
	p.Elapsed = time.Since(start)
	return p
}

// patience is how long is listened for what a service says by itself: most say nothing.
const patience = 300 * time.Millisecond

// hear says nothing, and finds out whether what accepted stays: a proxy accepts before it
// knows whether it gets any further, and then resets.
func hear(conn net.Conn) (outcome inventory.Outcome, doubt string) {
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	got := make([]byte, maxLine)
	n, err := conn.Read(got)
	switch {
	case bytes.Contains(got[:n], []byte("VMware Authentication Daemon")): // an ESXi host's port 902
		return inventory.Open, ""
	case errors.Is(err, syscall.ECONNRESET):
		return inventory.OpenUnverified, "it reset the connection at once"
	}
	return inventory.OpenUnverified, ""
}

// InboundOptions bound connections to hosts.
type InboundOptions struct {
	// Workers is how many are made at a time, and Timeout bounds each.
	Workers int
	Timeout time.Duration
	// Simulated hosts are on this machine.
	Simulated bool
	Progress  func(stage string, done, total int)
}

// Inbound makes the attempts from this machine, each to its Host. Found.Peer is this
// machine's address towards the host, whatever came of the connection.
func Inbound(ctx context.Context, d Dialer, attempts []*Attempt, opts InboundOptions) {
	var g errgroup.Group
	g.SetLimit(max(opts.Workers, 1))
	var done atomic.Int64
	for _, a := range attempts {
		g.Go(func() error {
			a.Found = inbound(ctx, d, a, opts)
			if n := done.Add(1); opts.Progress != nil {
				opts.Progress("probe", int(n), len(attempts))
			}
			return nil
		})
	}
	_ = g.Wait() // the results are in the attempts
}

func inbound(ctx context.Context, d Dialer, a *Attempt, opts InboundOptions) inventory.Probe {
	p := inventory.Probe{Vantage: inventory.VantageLocal, Outcome: inventory.ProbeError, Cause: "not begun: the run ended before"}
	if ctx.Err() != nil {
		return p
	}
	from, to, err := route(ctx, d, a.To, opts.Timeout)
	switch {
	case err != nil:
		p.Outcome, p.Cause = classify(err, 0)
		return p
	case !opts.Simulated && (from == to || to.IsLoopback()):
		p.Cause = fmt.Sprintf("%s stands for this machine itself", a.To.Host)
		return p
	}
	p = Local(ctx, d, *a, opts.Timeout)
	if p.Peer = from.String(); ctx.Err() != nil && p.Outcome == inventory.Timeout {
		p.Outcome, p.Cause = inventory.ProbeError, "the run's time ran out before the host could be waited for"
	}
	return p
}

// route is the way to a target: this machine's address on it, and the target's. A UDP
// socket that is connected knows it, and sends nothing.
func route(ctx context.Context, d Dialer, t Target, timeout time.Duration) (from, to netip.Addr, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := d.DialContext(ctx, "udp", t.String())
	if err != nil {
		return from, to, err
	}
	defer conn.Close()
	address := func(a net.Addr) netip.Addr { return a.(*net.UDPAddr).AddrPort().Addr().Unmap() }
	return address(conn.LocalAddr()), address(conn.RemoteAddr()), nil
}

// greet finds out who accepted: this run's listener proves itself by the key, a
// virtual container host by its telnet options.
func greet(conn net.Conn, key *Key) (inventory.Outcome, string) {
	ask, want := "", ""
	if key != nil {
		var err error
		if ask, want, err = key.challenge(); err != nil {
			return inventory.ProbeError, err.Error()
		}
		if _, err := io.WriteString(conn, ask); err != nil {
			return inventory.OpenUnverified, "accepted, then reset"
		}
	}
	got := make([]byte, 0, maxLine)
	for len(got) < maxLine {
		buf := make([]byte, maxLine-len(got))
		n, err := conn.Read(buf)
		got = append(got, buf[:n]...)
		if want == "" && concentrator(got) {
			return inventory.Open, "a concentrator's telnet options came back"
		}
		if strings.Contains(string(got), "\n") || err != nil {
			break
		}
	}
	return proof(string(got), want)
}

// proof judges what an accepted connection said: with a key the token alone is
// proof, whatever else was said; without one a concentrator's own options are.
func proof(got, want string) (inventory.Outcome, string) {
	switch {
	case want != "" && strings.Contains(got, want):
		return inventory.Open, ""
	case want != "" && strings.TrimSpace(got) != "":
		return inventory.Intercepted, "something else answered in the listener's place"
	case want != "":
		return inventory.OpenUnverified, "accepted, but the listener's token did not come back"
	case concentrator([]byte(got)):
		return inventory.Open, "a concentrator's telnet options came back"
	}
	return inventory.OpenUnverified, "something accepted"
}

// concentrator reports whether the bytes hold the telnet option that only a
// concentrator for VMware's serial ports speaks of; any telnet server sends
// others.
func concentrator(got []byte) bool {
	return bytes.Contains(got, []byte{iac, do, optVMware}) || bytes.Contains(got, []byte{iac, will, optVMware})
}
