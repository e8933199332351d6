package fix_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/linger"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// interrupted ends its run as it begins a change, and takes its time for that.
type interrupted struct {
	*fakeHosts
	end   context.CancelFunc
	takes time.Duration
}

func (i interrupted) work(ctx context.Context) error {
	i.end()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(i.takes):
		return nil
	}
}

func (i interrupted) Carry(ctx context.Context, _ *fix.Change) error { return i.work(ctx) }

func (i interrupted) EnableRuleset(ctx context.Context, _ *inventory.Host, _ string) error {
	return i.work(ctx)
}

// A change that was begun when its run ends has a moment to be answered. One on a host
// itself is many commands, and has its whole time: half of it would have to be taken back.
func TestInterruptedChangesAreFinished(t *testing.T) {
	const whole = 10 * time.Minute
	for _, row := range []struct {
		name  string
		plan  func([]inventory.Host) *fix.Plan
		takes time.Duration
		done  bool
	}{
		{"a ruleset in time", func(l []inventory.Host) *fix.Plan { return allow(l) }, linger.Grace - time.Second, true},
		{"a ruleset too late", func(l []inventory.Host) *fix.Plan { return allow(l) }, linger.Grace + time.Second, false},
		{"a VIB", bring, whole - time.Second, true},
		{"a VIB that hangs", bring, whole + time.Second, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				run, end := context.WithCancel(t.Context())
				defer end()
				list := hosts(1, closed)
				client := interrupted{newFake(list), end, row.takes}
				outcomes, err := fix.Apply(run, row.plan(list), client, &memory{}, fix.ApplyOptions{Workers: 1, HostTimeout: whole, OnHost: client})
				if err != nil || len(outcomes) != 1 {
					t.Fatalf("%d outcomes: %v", len(outcomes), err)
				}
				if outcomes[0].Done != row.done {
					t.Errorf("done is %v, not %v: %v", outcomes[0].Done, row.done, outcomes[0].Err)
				}
				time.Sleep(time.Hour) // what was waited for has ended, too
			})
		})
	}
}

// bring plans a VIB for hosts that lack the ruleset.
func bring(list []inventory.Host) *fix.Plan {
	surveys := map[string]fix.Survey{}
	for i := range list {
		list[i].Version, list[i].Firewall.Rulesets = "8.0.2", list[i].Firewall.Rulesets[1:]
		surveys[list[i].ID] = community
	}
	return fix.Bring(judged(list)[0], vibOffer(), surveys)
}

// flaky refuses the first refresh of each host.
type flaky struct {
	*fakeHosts
	asked *atomic.Int64
}

func (f flaky) RefreshFirewall(ctx context.Context, h *inventory.Host) error {
	if f.asked.Add(1) == 1 {
		return errors.New("the host is busy")
	}
	return f.fakeHosts.RefreshFirewall(ctx, h)
}

var _ = It("Verify believes the refresh that went well after one that failed", func(ctx SpecContext) {
	list := hosts(1, closed)
	client := flaky{newFake(list), &atomic.Int64{}}
	outcomes, err := fix.Apply(ctx, allow(list), client, &memory{}, applying)
	Expect(err).NotTo(HaveOccurred())
	fix.Verify(ctx, outcomes, client, verifying)
	Expect(client.asked.Load()).To(BeEquivalentTo(2))
	Expect(outcomes[0].Verified).To(BeTrue())
	Expect(list[0].Firewall.Stale).To(BeEmpty())
}, SpecTimeout(10*time.Second))
