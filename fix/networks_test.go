package fix_test

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// withNetworks is a list of one address and the networks. ESXi keeps the two apart.
func withNetworks(addr string, networks ...inventory.Network) *inventory.AllowedHosts {
	return &inventory.AllowedHosts{Addrs: []string{addr}, Networks: networks}
}

// recorded journals the changes, and reads what the journal holds.
func recorded(changes ...*fix.Change) []fix.Entry {
	GinkgoHelper()
	path := filepath.Join(GinkgoT().TempDir(), "j.jsonl")
	j, err := fix.CreateJournal(path, fix.Header{InstanceUUID: "u-1"})
	Expect(err).NotTo(HaveOccurred())
	for _, c := range changes {
		Expect(j.Record(c)).To(Succeed())
	}
	Expect(j.Close()).To(Succeed())
	r, err := fix.ReadJournal(path)
	Expect(err).NotTo(HaveOccurred())
	return r.Entries
}

var _ = Describe("the networks of a list", func() {
	var (
		was  = withNetworks("10.9.9.9", inventory.Network{Address: "10.20.0.0", Bits: 16}, inventory.Network{Address: "2001:DB8::", Bits: 48})
		list []inventory.Host
		inv  *inventory.Inventory
	)
	BeforeEach(func() {
		list = hosts(1, func() []*inventory.Ruleset { return []*inventory.Ruleset{vSPC(true, was)} })
		inv = &inventory.Inventory{Endpoint: inventory.Endpoint{InstanceUUID: "u-1"}, Hosts: list}
	})
	// change is the one that is planned.
	change := func(only string) *fix.Change {
		GinkgoHelper()
		hp := allow(list, only).Hosts[0]
		Expect(hp.Changes).To(HaveLen(1), hp.Detail)
		return hp.Changes[0]
	}
	// applied makes the changes and reads the hosts again.
	applied := func(ctx context.Context, plan *fix.Plan, client *fakeHosts) []*fix.Outcome {
		GinkgoHelper()
		outcomes, err := fix.Apply(ctx, plan, client, &memory{}, applying)
		Expect(err).NotTo(HaveOccurred())
		client.ReadFirewalls(ctx, []*inventory.Host{&list[0]})
		return outcomes
	}

	It("are kept, in their order and spelling, where an address is added", func() {
		Expect(change("10.0.0.5").After.Allowed).To(Equal(&inventory.AllowedHosts{Addrs: []string{"10.9.9.9", "10.0.0.5"}, Networks: was.Networks}))
		Expect(was.Addrs).To(Equal([]string{"10.9.9.9"}), "the host's own list is not written to")
	})

	It("are added to by a network with its length", func() {
		Expect(change("10.30.0.0/17").After.Allowed.Networks).To(Equal(slices.Concat(was.Networks, []inventory.Network{{Address: "10.30.0.0", Bits: 17}})))
	})

	It("cover an address in them, which is not added", func() {
		Expect(allow(list, "10.20.3.4").Hosts[0].Reason).To(Equal(fix.AlreadyPermitted))
	})

	It("are written, journaled and restored as they were", func(ctx SpecContext) {
		client := newFake(list)
		plan := allow(list, "10.30.0.0/17")
		Expect(plan.Changes()).To(HaveLen(1))
		entries := recorded(plan.Changes()...)
		Expect(applied(ctx, plan, client)[0].Done).To(BeTrue())
		Expect(client.calls).To(Equal([]string{"allow host-0 vSPC"}), "the lists differ by a network alone")
		Expect(client.live["host-0"]["vSPC"].Allowed.Networks).To(HaveLen(3))

		undo, err := fix.Undo(inv, fix.Header{InstanceUUID: "u-1"}, entries, nil, false)
		Expect(err).NotTo(HaveOccurred())
		Expect(undo.Hosts[0].Reason).To(Equal(fix.Chosen), undo.Hosts[0].Detail)
		applied(ctx, undo, client)
		Expect(client.live["host-0"]["vSPC"]).To(Equal(fix.State{Enabled: true, Allowed: was}))
	}, SpecTimeout(10*time.Second))

	It("that somebody has added since the plan was made are not written over", func(ctx SpecContext) {
		client := newFake(list)
		plan := allow(list, "10.0.0.5")
		added := fix.State{Enabled: true, Allowed: withNetworks("10.9.9.9", slices.Concat(was.Networks, []inventory.Network{{Address: "10.40.0.0", Bits: 16}})...)}
		client.live["host-0"]["vSPC"] = added
		Expect(applied(ctx, plan, client)[0].Err).To(MatchError(ContainSubstring("somebody has changed the ruleset vSPC on esx0")))
		Expect(client.live["host-0"]["vSPC"]).To(Equal(added))
	}, SpecTimeout(10*time.Second))

	It("that somebody has added since are not undone", func() {
		entries := recorded(allow(list, "10.0.0.5").Changes()...)
		list[0].Firewall.Rulesets = []*inventory.Ruleset{vSPC(true, withNetworks("10.9.9.9", inventory.Network{Address: "10.40.0.0", Bits: 16}))}
		undo, err := fix.Undo(inv, fix.Header{InstanceUUID: "u-1"}, entries, nil, false)
		Expect(err).NotTo(HaveOccurred())
		Expect(undo.Hosts[0].Reason).To(Equal(fix.ChangedSince))
	})
})

var _ = It("Verify does not believe a list that never took, though the ruleset is enabled", func(ctx SpecContext) {
	list := hosts(3, func() []*inventory.Ruleset { return []*inventory.Ruleset{vSPC(false, everyone())} })
	client := newFake(list)
	outcomes, err := fix.Apply(ctx, allow(list, "10.0.0.5"), client, &memory{}, applying)
	Expect(err).NotTo(HaveOccurred())
	client.live["host-1"]["vSPC"] = fix.State{Enabled: true, Allowed: everyone()}
	client.live["host-2"]["vSPC"] = fix.State{Enabled: true, Allowed: withNetworks("10.0.0.5", inventory.Network{Address: "10.0.0.0", Bits: 8})}
	fix.Verify(ctx, outcomes, client, fix.VerifyOptions{Timeout: 300 * time.Millisecond, HostTimeout: time.Second, Workers: 1})
	Expect(outcomes[0].Verified).To(BeTrue())
	Expect(outcomes[1].Verified).To(BeFalse(), "it is open to everybody")
	Expect(outcomes[2].Verified).To(BeFalse(), "it is open to a network more")
}, SpecTimeout(10*time.Second))

var _ = It("Allow takes every address that is to be let through, not the first alone", func() {
	want := []string{"10.0.0.5", "10.0.0.6", "10.0.0.7"}
	one := func(opts fix.AllowOptions, rs *inventory.Ruleset) *inventory.AllowedHosts {
		GinkgoHelper()
		opts.Ruleset, opts.NarrowBroad = fix.Auto, true
		changes := fix.Allow(judged([]inventory.Host{host(rs)}, prefixes(want...)...), opts).Changes()
		Expect(changes).To(HaveLen(1))
		return changes[0].After.Allowed
	}
	only := fix.AllowOptions{Only: prefixes(want...)}
	Expect(one(only, vSPC(false, everyone())).Addrs).To(Equal(want), "narrowed as it is enabled")
	Expect(one(only, vSPC(true, addresses("10.9.9.9"))).Addrs).To(Equal(append([]string{"10.9.9.9"}, want...)), "a list in force is lengthened")
	Expect(one(fix.AllowOptions{}, vSPC(true, addresses("10.9.9.9"))).Addrs).To(Equal(append([]string{"10.9.9.9"}, want...)), "as the requirement asks")
	Expect(one(fix.AllowOptions{}, vSPC(true, addresses("10.0.0.5"))).Addrs).To(Equal(want), "the first is there already")
})
