package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"al.essio.dev/pkg/shellescape"

	"golang.org/x/sync/errgroup"

	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// SSHOptions say how to log in to the hosts.
type SSHOptions struct {
	Login   hostssh.Options
	Workers int
	// Timeout is how long the host may take to connect, in whole seconds.
	Timeout  time.Duration
	Progress func(stage string, done, total int)
}

// SSH lets the hosts' own nc make the attempts, over SSH: those of a host one after the
// other, by one login. place is where a host's SSH server is.
func SSH(ctx context.Context, attempts []*Attempt, place func(*inventory.Host) hostssh.Host, opts SSHOptions) {
	// nc counts whole seconds.
	opts.Timeout = max((opts.Timeout + time.Second - 1).Truncate(time.Second), time.Second)
	var g errgroup.Group
	g.SetLimit(max(opts.Workers, 1))
	var done atomic.Int64
	hosts := byHost(attempts)
	for _, of := range hosts {
		g.Go(func() error {
			sshHost(ctx, place(of[0].Host), of, opts)
			if n := done.Add(1); opts.Progress != nil {
				opts.Progress("probe", int(n), len(hosts))
			}
			return nil
		})
	}
	_ = g.Wait() // the results are in the attempts
}

// byHost are the attempts of each host, in the order of both.
func byHost(attempts []*Attempt) (hosts [][]*Attempt) {
	at := map[*inventory.Host]int{}
	for _, a := range attempts {
		i, ok := at[a.Host]
		if !ok {
			i = len(hosts)
			at[a.Host], hosts = i, append(hosts, nil)
		}
		hosts[i] = append(hosts[i], a)
	}
	return hosts
}

// sshHost makes one host's attempts.
func sshHost(ctx context.Context, host hostssh.Host, attempts []*Attempt, opts SSHOptions) {
	cause, client := "", (*hostssh.Client)(nil)
	for i, a := range attempts {
		a.Found = inventory.Probe{Vantage: inventory.VantageSSH, Outcome: inventory.ProbeError}
		switch {
		case ctx.Err() != nil:
			cause = "not begun: the run ended before"
		case i == 0: // and never another login
			var err error
			if client, err = hostssh.Dial(ctx, host, opts.Login); err != nil {
				cause = fmt.Sprintf("log in by SSH: %v", described(err))
			} else {
				defer client.Close()
			}
		}
		if a.Found.Cause = cause; cause == "" {
			a.dial(client, opts)
		}
	}
}

// dial lets a host's nc make one attempt.
func (a *Attempt) dial(client *hostssh.Client, opts SSHOptions) {
	p := &a.Found
	ask, want, err := "", "", error(nil)
	if a.Key != nil {
		if ask, want, err = a.Key.challenge(); err != nil {
			p.Cause = err.Error()
			return
		}
	}
	// Its flags are those that OpenBSD's and busybox's share, -v for its words, and -z for
	// no more than to connect, which a host that does not know them refuses.
	ways := []string{"-v ", ""}
	if a.Service {
		ways = []string{"-z -v ", "-z ", "-v ", ""}
	}
	var said spoken
	for _, flags := range ways {
		start := time.Now()
		said, err = runNC(client, a.To, ask, opts.Timeout, flags)
		p.Elapsed = time.Since(start)
		if err != nil || !said.badOption() {
			break
		}
	}
	if err != nil {
		p.Cause = fmt.Sprintf("run nc on the host: %v", err)
		return
	}
	said.elapsed = p.Elapsed
	if p.Outcome, p.Cause = said.outcome(want, opts.Timeout); a.Service && p.Outcome == inventory.OpenUnverified {
		p.Cause = "" // no token was asked for
	}
}

// described classes what kept the host's SSH server from being reached.
func described(err error) error {
	var dial *hostssh.DialError
	if !errors.As(err, &dial) {
		return err
	}
	outcome, cause := classify(dial.Cause, 0)
	return fmt.Errorf("%s: %s", outcome, cause)
}

// spoken is what nc said and did.
type spoken struct {
	stdout, stderr string
	exit           int
	elapsed        time.Duration
}

// runNC runs the host's nc.
func runNC(client *hostssh.Client, t Target, ask string, timeout time.Duration, flags string) (spoken, error) {
	flags += fmt.Sprintf("-w %d", int(timeout/time.Second))
	if _, err := netip.ParseAddr(t.Host); err == nil {
		flags = "-n " + flags // a reverse lookup can hang for a minute
	}
	r, err := client.Run(fmt.Sprintf("nc %s %s %d", flags, shellescape.Quote(t.Host), t.Port),
		strings.NewReader(ask), timeout+hostssh.LoginTime)
	return spoken{stdout: head(r.Stdout), stderr: head(r.Stderr), exit: r.Exit}, err
}

// head is the part of an output that is looked at.
func head(s string) string { return s[:min(len(s), 4<<10)] }

func (s *spoken) badOption() bool {
	text := strings.ToLower(s.stderr)
	for _, sign := range []string{"invalid option", "unrecognized option", "illegal option", "usage:"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

// slack is what a time-out may seem to be early by: clocks and rounding.
const slack = 400 * time.Millisecond

// outcome decides by what came back, then by nc's words, then by its exit code
// and time together: its code is 1 for everything, and ESXi's nc may say less
// than others. A failure that explains itself by none of them is an error: it
// must not read as "packets get out".
func (s *spoken) outcome(want string, timeout time.Duration) (inventory.Outcome, string) {
	said := withoutNC(s.stdout)
	outcome, cause := proof(said, want)
	switch {
	case outcome == inventory.Open, outcome == inventory.Intercepted && s.exit == 0:
		return outcome, cause
	case s.exit == 127:
		return inventory.ProbeError, "the host has no nc"
	case s.exit == 126:
		return inventory.ProbeError, "the host does not let this account run nc"
	}
	text := strings.ToLower(s.stderr + s.stdout)
	for _, sign := range ncSigns {
		if strings.Contains(text, sign.text) {
			return sign.outcome, sign.cause
		}
	}
	switch {
	case s.exit == 0:
		return inventory.OpenUnverified, "something accepted, and the listener's token did not come back"
	case strings.TrimSpace(text) == "" && s.elapsed >= timeout-slack:
		return inventory.Timeout, "no answer: dropped on the way, or nobody is there"
	case strings.TrimSpace(text) == "":
		return inventory.ProbeError, "nc failed at once, without a word why: refused, blocked, or not run at all"
	}
	return inventory.ProbeError, fmt.Sprintf("nc failed: %s", strings.Join(strings.Fields(s.stderr+" "+s.stdout), " "))
}

// withoutNC leaves out what nc itself says of a connection: older ones do so on
// standard output.
func withoutNC(stdout string) string {
	var b strings.Builder
	for line := range strings.Lines(stdout) {
		if !strings.HasPrefix(line, "Connection to ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

var ncSigns = []struct {
	text    string
	outcome inventory.Outcome
	cause   string
}{
	{"succeeded", inventory.OpenUnverified, "something accepted, and the listener's token did not come back"},
	{"refused", inventory.Refused, "nobody listens, or a filter rejects"},
	{"reset by peer", inventory.Refused, "the connection was reset"},
	{"timed out", inventory.Timeout, "no answer: dropped on the way, or nobody is there"},
	{"no route to host", inventory.Unreachable, "no machine answers at that address, or a filter says so"},
	{"host is unreachable", inventory.Unreachable, "no machine answers at that address, or a filter says so"},
	{"network is unreachable", inventory.NoRoute, "there is no route to the network"},
	{"permission denied", inventory.Unreachable, "prohibited by a filter or a route"},
	{"not permitted", inventory.Unreachable, "prohibited by a filter or a route"},
	{"not known", inventory.DNS, "the name does not resolve on the host"},
	{"name resolution", inventory.DNS, "the name does not resolve on the host"},
	{"bad address", inventory.DNS, "the name does not resolve on the host"},
}
