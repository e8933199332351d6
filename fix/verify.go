package fix

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
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
	// lastRead is what the last read may take after the time is up: what is
	// reported must not be lost to the tool's own clock.
	lastRead = 10 * time.Second
)

// Verify refreshes and reads the changed hosts, and reads the changed setting, until
// every change that was made is seen or the time is up. It reads into the facts that the
// plan was made from, so that the checks can be run on them again.
//
// A host whose refresh hangs holds up nobody: each refresh is bounded well below
// the whole time, is not asked for again after that, and the reads have time of
// their own.
func Verify(ctx context.Context, outcomes []*Outcome, client Client, opts VerifyOptions) {
	waiting, cancel := context.WithTimeout(ctx, opts.Timeout)
	defer cancel()
	reading, cancelReading := context.WithTimeout(ctx, opts.Timeout+lastRead)
	defer cancelReading()

	// A change whose call failed is read once as well: it may have been made
	// all the same, and the report must show what is. Only those whose calls
	// went well are waited for.
	begun := filter(outcomes, func(o *Outcome) bool { return !errors.Is(o.Err, ErrNotStarted) })
	total := len(begun)
	refreshes := newRefreshes(client, opts)
	pauses := backoff.ExponentialBackOff{InitialInterval: firstPause, Multiplier: 2, MaxInterval: lastPause}
	for len(begun) > 0 {
		hosts := hostsOf(begun)
		refreshes.ask(waiting, hosts)
		for _, h := range hosts { // what was read before the change says nothing of after it
			h.Firewall.Unreadable = "it was changed, and could not be read again"
		}
		client.ReadFirewalls(reading, hosts)
		for _, h := range hosts {
			h.Firewall.Stale = refreshes.failed(h)
		}
		for _, o := range begun {
			if o.Setting != nil {
				o.Verified = o.Setting.look(reading, client)
			} else {
				o.look()
			}
		}
		begun = filter(begun, func(o *Outcome) bool {
			return o.Done && !o.Verified && (o.Setting != nil || !refreshes.hangs(o.Change.Host))
		})
		if opts.Progress != nil {
			opts.Progress("verify", total-len(begun), total)
		}
		if len(begun) == 0 {
			return
		}
		select {
		case <-waiting.Done():
			return
		case <-time.After(pauses.NextBackOff()):
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

// look compares the change of a host with what was read last. Facts that could not be
// refreshed verify nothing, and of several rulesets of one key all must be as they
// should.
func (o *Outcome) look() {
	fw := &o.Change.Host.Firewall
	o.Verified = fw.Unreadable == "" && fw.Stale == ""
	there := false
	for _, rs := range fw.Rulesets {
		if rs.Key == o.Change.Ruleset {
			there = true
			o.Verified = o.Verified && StateOf(rs).Equal(o.Change.After)
		}
	}
	if !there {
		o.Verified = o.Verified && o.Change.After.Absent
	}
}

func hostsOf(outcomes []*Outcome) []*inventory.Host {
	var hosts []*inventory.Host
	seen := map[*inventory.Host]bool{}
	for _, o := range outcomes {
		if o.Setting == nil && !seen[o.Change.Host] {
			seen[o.Change.Host] = true
			hosts = append(hosts, o.Change.Host)
		}
	}
	return hosts
}

// refreshes asks hosts for fresh facts. A host that refuses is read all the same:
// the report shows what is known.
type refreshes struct {
	client  Client
	workers int
	bound   time.Duration

	mu   sync.Mutex
	hung map[*inventory.Host]bool
	errs map[*inventory.Host]string // of the last time that each was asked
}

// failed is why a host's last refresh failed, empty when it did not.
func (r *refreshes) failed(h *inventory.Host) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.errs[h]
}

func newRefreshes(client Client, opts VerifyOptions) *refreshes {
	return &refreshes{
		client: client, workers: max(opts.Workers, 1), bound: min(opts.HostTimeout, opts.Timeout/3),
		hung: map[*inventory.Host]bool{}, errs: map[*inventory.Host]string{},
	}
}

// hangs reports whether a host is not asked any more.
func (r *refreshes) hangs(h *inventory.Host) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.hung[h]
}

func (r *refreshes) ask(ctx context.Context, hosts []*inventory.Host) {
	var g errgroup.Group
	g.SetLimit(r.workers)
	for _, h := range hosts {
		if r.hangs(h) {
			continue
		}
		g.Go(func() error {
			one, cancel := context.WithTimeout(ctx, r.bound)
			defer cancel()
			err := r.client.RefreshFirewall(one, h)
			r.mu.Lock()
			defer r.mu.Unlock()
			delete(r.errs, h)
			if err != nil {
				r.errs[h] = err.Error()
			}
			if errors.Is(err, context.DeadlineExceeded) {
				r.hung[h], r.errs[h] = true, "the time ran out"
			}
			return nil
		})
	}
	_ = g.Wait()
}
