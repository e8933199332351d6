package probe

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"time"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// Dialer opens connections; *net.Dialer is one.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Local dials the target from this machine. It is a control that says whether
// the target listens at all, and never a host's verdict. key is nil where no
// listener of this tool is expected.
func Local(ctx context.Context, d Dialer, t Target, key *Key, timeout time.Duration) inventory.Probe {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	start := time.Now()
	p := inventory.Probe{Vantage: inventory.VantageLocal}
	conn, err := d.DialContext(ctx, "tcp", t.String())
	p.Elapsed = time.Since(start)
	if err != nil {
		p.Outcome, p.Cause = classify(err, p.Elapsed)
		return p
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	p.Outcome, p.Cause = greet(conn, key)
	p.Elapsed = time.Since(start)
	return p
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
