package fix

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// VerifyOptions bound a Verify.
type VerifyOptions struct {
	// Timeout is how long to wait for changes to be seen: vCenter shows a
	// host's old firewall for a while after a change
	// (https://github.com/vmware/vic/issues/3139).
	Timeout time.Duration
	// HostTimeout bounds the refresh of one host.
	HostTimeout time.Duration
	Workers     int
	Progress    func(stage string, done, total int)
}

const (
	// firstPause and lastPause are the waits between two reads: the first read
	// mostly shows the change, and a copy that lags does so for seconds.
	firstPause = 200 * time.Millisecond
	lastPause  = 3 * time.Second
)

// Verify refreshes and reads the changed hosts until every change that was made
// is seen or the time is up. It reads into the hosts' own facts, so that the
// checks can be run on them again.
func Verify(ctx context.Context, outcomes []*Outcome, client Client, opts VerifyOptions) {
	ctx, cancel := context.WithTimeout(ctx, opts.Timeout)
	defer cancel()
	// A change whose call failed is read once as well: it may have been made
	// all the same, and the report must show what is. Only those whose calls
	// went well are waited for.
	begun := filter(outcomes, func(o *Outcome) bool { return !errors.Is(o.Err, ErrNotStarted) })
	total := len(begun)
	for pause := firstPause; len(begun) > 0; pause = min(2*pause, lastPause) {
		hosts := hostsOf(begun)
		refresh(ctx, hosts, client, opts)
		client.ReadFirewalls(ctx, hosts)
		for _, o := range begun {
			o.look()
		}
		begun = filter(begun, func(o *Outcome) bool { return o.Done && !o.Verified })
		if opts.Progress != nil {
			opts.Progress("verify", total-len(begun), total)
		}
		if len(begun) == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func filter(outcomes []*Outcome, keep func(*Outcome) bool) []*Outcome {
	var kept []*Outcome
	for _, o := range outcomes {
		if keep(o) {
			kept = append(kept, o)
		}
	}
	return kept
}

// look compares the change with what was read last.
func (o *Outcome) look() {
	fw := &o.Change.Host.Firewall
	rs := fw.Ruleset(o.Change.Ruleset)
	o.Verified = fw.Unreadable == "" && rs != nil && StateOf(rs).Equal(o.Change.After)
}

func hostsOf(outcomes []*Outcome) []*inventory.Host {
	var hosts []*inventory.Host
	seen := map[*inventory.Host]bool{}
	for _, o := range outcomes {
		if !seen[o.Change.Host] {
			seen[o.Change.Host] = true
			hosts = append(hosts, o.Change.Host)
		}
	}
	return hosts
}

// refresh asks the hosts for fresh facts. A host that refuses is read all the
// same: what vCenter shows of it catches up by itself.
func refresh(ctx context.Context, hosts []*inventory.Host, client Client, opts VerifyOptions) {
	var g errgroup.Group
	g.SetLimit(max(opts.Workers, 1))
	for _, h := range hosts {
		g.Go(func() error {
			one, cancel := context.WithTimeout(ctx, opts.HostTimeout)
			defer cancel()
			_ = client.RefreshFirewall(one, h)
			return nil
		})
	}
	_ = g.Wait()
}
