package fix_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// fakeHosts is a Client over hosts in memory. calls are "call host ruleset".
type fakeHosts struct {
	fakeSetting
	mu    sync.Mutex
	live  map[string]map[string]fix.State // host ID, ruleset
	calls []string
	fail  map[string]error // by call
	hang  map[string]bool  // by host ID: until the context ends
	lag   int              // reads that show the old state

	shut        map[string]int  // by host ID: the place of a ruleset that stays shut
	hangRefresh map[string]bool // by host ID
	failRefresh error           // of every host
	refreshes   int             // of hosts that hang
	onAny       func()
}

func newFake(hosts []inventory.Host) *fakeHosts {
	f := &fakeHosts{live: map[string]map[string]fix.State{}, fail: map[string]error{}, hang: map[string]bool{}}
	for i := range hosts {
		m := map[string]fix.State{}
		for _, rs := range hosts[i].Firewall.Rulesets {
			m[rs.Key] = fix.StateOf(rs)
		}
		f.live[hosts[i].ID] = m
	}
	return f
}

func (f *fakeHosts) call(ctx context.Context, name string, h *inventory.Host, key string, change func(*fix.State)) error {
	if f.onAny != nil {
		f.onAny()
	}
	if f.hang[h.ID] {
		<-ctx.Done()
		return fmt.Errorf("post: %w", ctx.Err())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	call := fmt.Sprintf("%s %s %s", name, h.ID, key)
	f.calls = append(f.calls, call)
	if err := f.fail[call]; err != nil {
		return err
	}
	s := f.live[h.ID][key]
	change(&s)
	f.live[h.ID][key] = s
	return ctx.Err()
}

func (f *fakeHosts) EnableRuleset(ctx context.Context, h *inventory.Host, key string) error {
	return f.call(ctx, "enable", h, key, func(s *fix.State) { s.Enabled = true })
}

// panicking are hosts of which one meets a fault of the program.
type panicking struct {
	*fakeHosts
	id string
}

func (p panicking) EnableRuleset(ctx context.Context, h *inventory.Host, key string) error {
	if h.ID == p.id {
		panic("boom")
	}
	return p.fakeHosts.EnableRuleset(ctx, h, key)
}

func (f *fakeHosts) DisableRuleset(ctx context.Context, h *inventory.Host, key string) error {
	return f.call(ctx, "disable", h, key, func(s *fix.State) { s.Enabled = false })
}

func (f *fakeHosts) SetAllowedHosts(ctx context.Context, h *inventory.Host, key string, list *inventory.AllowedHosts) error {
	return f.call(ctx, "allow", h, key, func(s *fix.State) { s.Allowed = list })
}

func (f *fakeHosts) RefreshFirewall(ctx context.Context, h *inventory.Host) error {
	if !f.hangRefresh[h.ID] {
		return f.failRefresh
	}
	f.mu.Lock()
	f.refreshes++
	f.mu.Unlock()
	<-ctx.Done()
	return ctx.Err()
}

func (f *fakeHosts) ReadFirewalls(ctx context.Context, hosts []*inventory.Host) {
	if ctx.Err() != nil {
		for _, h := range hosts {
			h.Firewall.Unreadable = "the time ran out"
		}
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range hosts {
		h.Firewall.Unreadable = ""
	}
	if f.lag--; f.lag >= 0 {
		return
	}
	for _, h := range hosts {
		h.Firewall.Rulesets = slices.Clone(h.Firewall.Rulesets)
		for i := range h.Firewall.Rulesets {
			rs := *h.Firewall.Rulesets[i]
			s := f.live[h.ID][rs.Key]
			rs.Enabled, rs.Allowed = s.Enabled, s.Allowed
			if at, ok := f.shut[h.ID]; ok && at == i {
				rs.Enabled = false
			}
			h.Firewall.Rulesets[i] = &rs
		}
	}
}

// memory is a Log that remembers, and tells what had been called before.
type memory struct {
	mu      sync.Mutex
	changes []string
	fail    error
}

func (m *memory) RecordSetting(c *fix.SettingChange) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	m.changes = append(m.changes, fmt.Sprintf("setting %s -> %s", fix.SettingText(c.Before), fix.SettingText(c.After)))
	return nil
}

func (m *memory) Record(c *fix.Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	m.changes = append(m.changes, c.Host.ID+" "+c.Ruleset)
	return nil
}

func hosts(n int, rulesets func() []*inventory.Ruleset) []inventory.Host {
	list := make([]inventory.Host, n)
	for i := range list {
		list[i] = host(rulesets()...)
		list[i].ID, list[i].Name = fmt.Sprintf("host-%d", i), fmt.Sprintf("esx%d", i)
		list[i].UUID = fmt.Sprintf("uuid-%d", i)
	}
	return list
}

func closed() []*inventory.Ruleset { return []*inventory.Ruleset{engine(false)} }

func allow(list []inventory.Host, only ...string) *fix.Plan {
	return fix.Allow(judged(list, prefixes(only...)...), fix.AllowOptions{Ruleset: fix.Auto, Only: prefixes(only...), NarrowBroad: true})
}

var (
	applying  = fix.ApplyOptions{Workers: 4, HostTimeout: time.Second}
	verifying = fix.VerifyOptions{Timeout: 5 * time.Second, HostTimeout: time.Second, Workers: 4}
)

var _ = Describe("Apply", func() {
	It("journals each change before it calls, and goes on past failures", func(ctx SpecContext) {
		list := hosts(20, closed)
		client, log := newFake(list), &memory{}
		client.fail["enable host-7 vic-engine"] = errors.New("the host refused the change")
		client.onAny = func() {
			log.mu.Lock()
			defer log.mu.Unlock()
			client.mu.Lock()
			defer client.mu.Unlock()
			if len(log.changes) <= len(client.calls) {
				defer GinkgoRecover()
				Fail("a call was made before its change was journaled")
			}
		}
		outcomes, err := fix.Apply(ctx, allow(list), panicking{client, "host-9"}, log, applying)
		Expect(err).NotTo(HaveOccurred())
		Expect(outcomes).To(HaveLen(20))
		for _, o := range outcomes {
			if o.Change.Host.ID == "host-9" {
				Expect(o.Err).To(MatchError(MatchRegexp(`^a fault of this program at apply_test\.go:\d+, please report it: boom$`)))
				Expect(o.Done).To(BeFalse())
				continue
			}
			if o.Change.Host.ID == "host-7" {
				Expect(o.Err).To(MatchError("EnableRuleset vic-engine on esx7: the host refused the change"))
				Expect(o.Done).To(BeFalse())
				continue
			}
			Expect(o.Err).NotTo(HaveOccurred())
			Expect(o.Done).To(BeTrue())
		}
	}, SpecTimeout(10*time.Second))

	It("does not overwrite what somebody has added since the plan was made", func(ctx SpecContext) {
		list := hosts(2, func() []*inventory.Ruleset { return []*inventory.Ruleset{vSPC(true, addresses("10.9.9.9"))} })
		client, log := newFake(list), &memory{}
		plan := allow(list, "10.0.0.5")
		added := fix.State{Enabled: true, Allowed: addresses("10.9.9.9", "10.7.7.7")}
		client.live["host-1"]["vSPC"] = added
		outcomes, err := fix.Apply(ctx, plan, client, log, applying)
		Expect(err).NotTo(HaveOccurred())
		Expect(outcomes[0].Done).To(BeTrue())
		Expect(outcomes[1].Err).To(MatchError("nothing was changed: somebody has changed the ruleset vSPC on esx1 since this was planned (it is enabled, for 10.9.9.9, 10.7.7.7): run it again"))
		Expect(client.live["host-1"]["vSPC"]).To(Equal(added))
		Expect(log.changes).To(Equal([]string{"host-0 vSPC"}), "what is not done needs no undo")
	}, SpecTimeout(10*time.Second))

	It("writes no list that it cannot read again", func(ctx SpecContext) {
		list := hosts(1, func() []*inventory.Ruleset { return []*inventory.Ruleset{vSPC(true, addresses("10.9.9.9"))} })
		client := newFake(list)
		client.hangRefresh = map[string]bool{"host-0": true}
		bound := applying
		bound.HostTimeout = 50 * time.Millisecond
		outcomes, err := fix.Apply(ctx, allow(list, "10.0.0.5"), client, &memory{}, bound)
		Expect(err).NotTo(HaveOccurred())
		Expect(outcomes[0].Err).To(MatchError(ContainSubstring("could not be read again before they are written")))
		Expect(client.calls).To(BeEmpty())
	}, SpecTimeout(10*time.Second))

	It("writes no list by facts that the host refused to refresh", func(ctx SpecContext) {
		list := hosts(1, func() []*inventory.Ruleset { return []*inventory.Ruleset{vSPC(true, addresses("10.9.9.9"))} })
		client := newFake(list)
		client.failRefresh = errors.New("the host refused")
		outcomes, err := fix.Apply(ctx, allow(list, "10.0.0.5"), client, &memory{}, applying)
		Expect(err).NotTo(HaveOccurred())
		Expect(outcomes[0].Err).To(MatchError(ContainSubstring("could not be read again before they are written: the host refused")))
		Expect(client.calls).To(BeEmpty())
	}, SpecTimeout(10*time.Second))

	It("writes no list of a ruleset that somebody has switched since the plan was made", func(ctx SpecContext) {
		list := hosts(1, func() []*inventory.Ruleset { return []*inventory.Ruleset{vSPC(true, addresses("10.9.9.9"))} })
		client := newFake(list)
		plan := allow(list, "10.0.0.5")
		client.live["host-0"]["vSPC"] = fix.State{Allowed: addresses("10.9.9.9")}
		outcomes, err := fix.Apply(ctx, plan, client, &memory{}, applying)
		Expect(err).NotTo(HaveOccurred())
		Expect(outcomes[0].Err).To(MatchError(ContainSubstring("somebody has changed the ruleset vSPC on esx0 since this was planned (it is disabled, for 10.9.9.9)")))
		Expect(client.calls).To(BeEmpty())
	}, SpecTimeout(10*time.Second))

	It("narrows before it enables", func(ctx SpecContext) {
		list := hosts(1, func() []*inventory.Ruleset { return []*inventory.Ruleset{vSPC(false, everyone())} })
		client := newFake(list)
		_, err := fix.Apply(ctx, allow(list, "10.0.0.5"), client, &memory{}, applying)
		Expect(err).NotTo(HaveOccurred())
		Expect(client.calls).To(Equal([]string{"allow host-0 vSPC", "enable host-0 vSPC"}))
	}, SpecTimeout(10*time.Second))

	It("changes nothing that it could not journal", func(ctx SpecContext) {
		list := hosts(3, closed)
		client := newFake(list)
		outcomes, err := fix.Apply(ctx, allow(list), client, &memory{fail: errors.New("no space left on device")}, applying)
		Expect(err).NotTo(HaveOccurred())
		Expect(client.calls).To(BeEmpty())
		for _, o := range outcomes {
			Expect(o.Err).To(MatchError(ContainSubstring("nothing was changed: the journal could not be written: no space left on device")))
		}
	}, SpecTimeout(10*time.Second))

	It("changes as many hosts at a time as it was given workers, and no more", func(ctx SpecContext) {
		list := hosts(6, closed)
		client := newFake(list)
		var busy, most atomic.Int32
		together, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		client.onAny = func() {
			now := busy.Add(1)
			defer busy.Add(-1)
			for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
			}
			if now == 3 {
				cancel() // the third one lets all go on
			}
			<-together.Done()
		}
		bound := applying
		bound.Workers, bound.HostTimeout = 3, time.Minute
		outcomes, err := fix.Apply(ctx, allow(list), client, &memory{}, bound)
		Expect(err).NotTo(HaveOccurred())
		Expect(outcomes).To(HaveLen(6))
		Expect(most.Load()).To(BeEquivalentTo(3))
	}, SpecTimeout(10*time.Second))

	It("gives up on a host that hangs, and does the others", func(ctx SpecContext) {
		list := hosts(10, closed)
		client := newFake(list)
		client.hang["host-3"] = true
		outcomes, err := fix.Apply(ctx, allow(list), client, &memory{}, fix.ApplyOptions{Workers: 2, HostTimeout: 100 * time.Millisecond})
		Expect(err).NotTo(HaveOccurred())
		for _, o := range outcomes {
			if o.Change.Host.ID == "host-3" {
				Expect(o.Err).To(MatchError(ContainSubstring("no answer within 100ms")))
			} else {
				Expect(o.Done).To(BeTrue())
			}
		}
	}, SpecTimeout(10*time.Second))

	It("finishes what is under way when it is interrupted, and begins no more", func(ctx SpecContext) {
		list := hosts(50, closed)
		client := newFake(list)
		run, cancel := context.WithCancel(ctx)
		client.onAny = cancel // during the first call
		outcomes, err := fix.Apply(run, allow(list), client, &memory{}, fix.ApplyOptions{Workers: 1, HostTimeout: time.Second})
		Expect(err).NotTo(HaveOccurred())
		done := 0
		for _, o := range outcomes {
			if o.Done {
				done++
			} else {
				Expect(o.Err).To(MatchError(fix.ErrNotStarted))
			}
		}
		Expect(done).To(Equal(1))
		Expect(client.calls).To(HaveLen(1))
	}, SpecTimeout(10*time.Second))

	It("applies a plan once", func(ctx SpecContext) {
		list := hosts(1, closed)
		plan := allow(list)
		_, err := fix.Apply(ctx, plan, newFake(list), &memory{}, applying)
		Expect(err).NotTo(HaveOccurred())
		_, err = fix.Apply(ctx, plan, newFake(list), &memory{}, applying)
		Expect(err).To(MatchError(fix.ErrApplied))
	}, SpecTimeout(10*time.Second))
})

var _ = Describe("Verify", func() {
	It("waits until a copy that lags shows the change", func(ctx SpecContext) {
		list := hosts(3, closed)
		client := newFake(list)
		outcomes, err := fix.Apply(ctx, allow(list), client, &memory{}, applying)
		Expect(err).NotTo(HaveOccurred())
		client.lag = 2
		fix.Verify(ctx, outcomes, client, verifying)
		for _, o := range outcomes {
			Expect(o.Verified).To(BeTrue())
		}
		Expect(list[0].Firewall.Ruleset("vic-engine").Enabled).To(BeTrue(), "read into the facts")
	}, SpecTimeout(10*time.Second))

	It("reads a host again whose call failed: the change may have been made all the same", func(ctx SpecContext) {
		list := hosts(1, closed)
		client := newFake(list)
		client.fail["enable host-0 vic-engine"] = errors.New("the connection was reset")
		outcomes, err := fix.Apply(ctx, allow(list), client, &memory{}, applying)
		Expect(err).NotTo(HaveOccurred())
		Expect(outcomes[0].Done).To(BeFalse())
		client.live["host-0"]["vic-engine"] = fix.State{Enabled: true, Allowed: everyone()}
		fix.Verify(ctx, outcomes, client, verifying)
		Expect(list[0].Firewall.Ruleset("vic-engine").Enabled).To(BeTrue(), "the facts are those from before the call")
	}, SpecTimeout(10*time.Second))

	It("is not held up by a host whose refresh hangs", func(ctx SpecContext) {
		list := hosts(5, closed)
		client := newFake(list)
		client.hangRefresh = map[string]bool{"host-2": true}
		outcomes, err := fix.Apply(ctx, allow(list), client, &memory{}, applying)
		Expect(err).NotTo(HaveOccurred())
		client.lag = 2
		fix.Verify(ctx, outcomes, client, fix.VerifyOptions{Timeout: 3 * time.Second, HostTimeout: time.Minute, Workers: 8})
		for _, o := range outcomes {
			hangs := o.Change.Host.ID == "host-2"
			Expect(o.Verified).To(Equal(!hangs), o.Change.Host.ID)
			Expect(o.Change.Host.Firewall.Stale != "").To(Equal(hangs), "nothing is verified on facts that may be old")
		}
		Expect(client.refreshes).To(Equal(1), "it is not asked again")
	}, SpecTimeout(10*time.Second))

	It("believes neither a list that is not told any more nor one of two rulesets of one key", func(ctx SpecContext) {
		list := hosts(3, func() []*inventory.Ruleset {
			return []*inventory.Ruleset{engine(false), engine(false)}
		})
		client := newFake(list)
		outcomes, err := fix.Apply(ctx, allow(list), client, &memory{}, applying)
		Expect(err).NotTo(HaveOccurred())
		client.live["host-0"]["vic-engine"] = fix.State{Enabled: true}
		client.shut = map[string]int{"host-1": 1, "host-2": 0}
		fix.Verify(ctx, outcomes, client, fix.VerifyOptions{Timeout: 300 * time.Millisecond, HostTimeout: time.Second, Workers: 1})
		Expect(outcomes[0].Verified).To(BeFalse(), "whom it lets through is not told")
		Expect(outcomes[1].Verified).To(BeFalse(), "the second is shut")
		Expect(outcomes[2].Verified).To(BeFalse(), "the first is shut")
	}, SpecTimeout(10*time.Second))

	It("does not believe a change that never shows", func(ctx SpecContext) {
		list := hosts(2, closed)
		client := newFake(list)
		outcomes, err := fix.Apply(ctx, allow(list), client, &memory{}, applying)
		Expect(err).NotTo(HaveOccurred())
		client.live["host-1"]["vic-engine"] = fix.State{Allowed: everyone()} // undone behind our back
		fix.Verify(ctx, outcomes, client, fix.VerifyOptions{Timeout: 300 * time.Millisecond, HostTimeout: time.Second, Workers: 1})
		Expect(outcomes[0].Verified).To(BeTrue())
		Expect(outcomes[1].Verified).To(BeFalse())
	}, SpecTimeout(10*time.Second))
})

// refused counts the hosts that a wanted change is refused on.
func refused(p *fix.Plan) (n int) {
	for _, h := range p.Hosts {
		if h.Reason.Refused() {
			n++
		}
	}
	return n
}

var _ = Describe("Undo", func() {
	var list []inventory.Host
	var inv *inventory.Inventory
	var header fix.Header
	BeforeEach(func() {
		list = hosts(3, func() []*inventory.Ruleset { return []*inventory.Ruleset{vSPC(false, everyone())} })
		inv = &inventory.Inventory{Endpoint: inventory.Endpoint{Address: "vc.example", InstanceUUID: "u-1"}, Hosts: list}
		header = fix.Header{Address: "vc.example", InstanceUUID: "u-1"}
	})

	// journaled applies and returns what the journal holds.
	journaled := func(ctx context.Context, client *fakeHosts) []fix.Entry {
		GinkgoHelper()
		path := GinkgoT().TempDir() + "/j.jsonl"
		j, err := fix.CreateJournal(path, header)
		Expect(err).NotTo(HaveOccurred())
		outcomes, err := fix.Apply(ctx, allow(list, "10.0.0.5"), client, j, applying)
		Expect(err).NotTo(HaveOccurred())
		Expect(j.Close()).To(Succeed())
		fix.Verify(ctx, outcomes, client, verifying)
		recorded, err := fix.ReadJournal(path)
		Expect(err).NotTo(HaveOccurred())
		Expect(recorded.Complete).To(BeTrue())
		Expect(recorded.Entries).To(HaveLen(3))
		return recorded.Entries
	}
	undo := func(ctx context.Context, client *fakeHosts, entries []fix.Entry, force bool) *fix.Plan {
		GinkgoHelper()
		plan, err := fix.Undo(inv, header, entries, nil, force)
		Expect(err).NotTo(HaveOccurred())
		_, err = fix.Apply(ctx, plan, client, &memory{}, applying)
		Expect(err).NotTo(HaveOccurred())
		return plan
	}

	It("restores exactly what was, and disables before it widens", func(ctx SpecContext) {
		client := newFake(list)
		before := newFake(list).live
		entries := journaled(ctx, client)
		client.calls = nil
		undo(ctx, client, entries, false)
		Expect(client.live).To(Equal(before))
		Expect(slices.Index(client.calls, "disable host-0 vSPC")).To(BeNumerically("<", slices.Index(client.calls, "allow host-0 vSPC")))
	}, SpecTimeout(10*time.Second))

	It("is done when it was done", func(ctx SpecContext) {
		client := newFake(list)
		entries := journaled(ctx, client)
		undo(ctx, client, entries, false)
		client.ReadFirewalls(ctx, []*inventory.Host{&list[0], &list[1], &list[2]})
		again := undo(ctx, client, entries, false)
		for _, h := range again.Hosts {
			Expect(h.Reason).To(Equal(fix.AlreadyRestored))
		}
	}, SpecTimeout(10*time.Second))

	It("restores what a killed run made half of", func(ctx SpecContext) {
		client := newFake(list)
		entries := journaled(ctx, client)
		client.live["host-1"]["vSPC"] = fix.State{Enabled: false, Allowed: addresses("10.0.0.5")} // killed between the two calls
		client.ReadFirewalls(ctx, []*inventory.Host{&list[0], &list[1], &list[2]})
		plan := undo(ctx, client, entries, false)
		Expect(refused(plan)).To(BeZero())
		Expect(client.live["host-1"]["vSPC"]).To(Equal(fix.State{Enabled: false, Allowed: everyone()}))
	}, SpecTimeout(10*time.Second))

	It("leaves alone what somebody has changed since, unless forced", func(ctx SpecContext) {
		client := newFake(list)
		entries := journaled(ctx, client)
		client.live["host-1"]["vSPC"] = fix.State{Enabled: true, Allowed: addresses("10.0.0.5", "10.7.7.7")}
		client.ReadFirewalls(ctx, []*inventory.Host{&list[0], &list[1], &list[2]})
		plan := undo(ctx, client, entries, false)
		Expect(refused(plan)).To(Equal(1))
		for _, h := range plan.Hosts {
			if h.Host.ID == "host-1" {
				Expect(h.Reason).To(Equal(fix.ChangedSince))
			}
		}
		Expect(client.live["host-1"]["vSPC"].Enabled).To(BeTrue())
		Expect(client.live["host-0"]["vSPC"].Enabled).To(BeFalse())

		client.ReadFirewalls(ctx, []*inventory.Host{&list[0], &list[1], &list[2]})
		undo(ctx, client, entries, true)
		Expect(client.live["host-1"]["vSPC"]).To(Equal(fix.State{Enabled: false, Allowed: everyone()}))
	}, SpecTimeout(10*time.Second))

	It("takes a list in another order for the one that it wrote", func(ctx SpecContext) {
		client := newFake(list)
		entries := journaled(ctx, client)
		client.live["host-1"]["vSPC"] = fix.State{Enabled: true, Allowed: addresses("::ffff:10.0.0.5")}
		client.ReadFirewalls(ctx, []*inventory.Host{&list[0], &list[1], &list[2]})
		Expect(refused(undo(ctx, client, entries, false))).To(BeZero())
	}, SpecTimeout(10*time.Second))

	It("writes no list by facts that it could not refresh, unless forced", func(ctx SpecContext) {
		client := newFake(list)
		before := newFake(list).live
		stale := []inventory.Host{list[0], list[1], list[2]} // as they were before
		entries := journaled(ctx, client)
		copy(list, stale)
		for i := range list {
			list[i].Firewall.Stale = "it was refused"
		}
		left := client.live["host-1"]["vSPC"]
		Expect(refused(undo(ctx, client, entries, false))).To(Equal(3))
		Expect(client.live["host-1"]["vSPC"]).To(Equal(left), "somebody may have added to it")

		undo(ctx, client, entries, true)
		Expect(client.live).To(Equal(before))
	}, SpecTimeout(10*time.Second))

	It("refuses the journal of another vCenter", func(ctx SpecContext) {
		_, err := fix.Undo(inv, fix.Header{InstanceUUID: "u-2", Address: "other.example"}, nil, nil, true)
		Expect(err).To(MatchError(ContainSubstring("the journal is of other.example (u-2), and this is vc.example (u-1)")))
	}, SpecTimeout(10*time.Second))

	It("has a row for a host or a ruleset that is gone", func(ctx SpecContext) {
		client := newFake(list)
		entries := journaled(ctx, client)
		list[0].ID = "host-99"
		list[1].UUID = "another machine"
		list[2].Firewall.Rulesets = list[2].Firewall.Rulesets[1:]
		plan, err := fix.Undo(inv, header, entries, nil, false)
		Expect(err).NotTo(HaveOccurred())
		reasons := map[string]fix.Reason{}
		for _, h := range plan.Hosts {
			reasons[h.Host.Name] = h.Reason
		}
		Expect(reasons).To(Equal(map[string]fix.Reason{"esx0": "host-unavailable", "esx1": "host-unavailable", "esx2": "no-ruleset"}))
	}, SpecTimeout(10*time.Second))
})
