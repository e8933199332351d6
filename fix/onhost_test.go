package fix_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/inventory"
)

const vibID = "me_bootbank_vmware-vic_1.0.0"

func vibOffer() fix.Offer {
	return fix.Offer{
		Method:  fix.MethodVIB,
		Ruleset: *ruleset("vmware-vic", true, everyone(), 2377, 0), Community: true,
		VIB: fix.VIBChange{Name: "vmware-vic", ID: vibID},
		Suits: func(version string) (string, []string) {
			if inventory.MajorVersion(version) == 8 {
				return "", nil
			}
			return "not for " + version, nil
		},
	}
}

func fileOffer() fix.Offer {
	return fix.Offer{
		Method:  fix.MethodServiceXML,
		Ruleset: *ruleset("vicoutgoing", true, everyone(), 2377, 0),
		Insert: func(file []byte) ([]byte, []string, error) {
			if string(file) == "bad" {
				return nil, nil, errors.New("line 1: no ConfigRoot")
			}
			return append(append([]byte(nil), file...), "+service"...), []string{"two have the same number"}, nil
		},
	}
}

func shutHost(version string, more ...*inventory.Ruleset) inventory.Host {
	h := host(more...)
	h.Version = version
	return h
}

type bringRow struct {
	offer  func() fix.Offer
	host   inventory.Host
	survey fix.Survey
	reason fix.Reason
	says   string
}

func lowering() fix.Offer {
	o := vibOffer()
	o.LowerAcceptance = true
	return o
}

// partners is a VIB that claims to be a partner's.
func partners(signed bool) func() fix.Offer {
	return func() fix.Offer {
		o := vibOffer()
		o.Community, o.Signed = false, signed
		return o
	}
}

func needingMaintenance() fix.Offer {
	o := lowering()
	o.MaintenanceMode = true
	return o
}

var community = fix.Survey{Acceptance: fix.CommunitySupported, SecureBoot: inventory.No}

var _ = It("an offer for several requirements goes to hosts that lack one of them", func() {
	both, one, none := shutHost("8.0.2", engine(true), ruleset("site", true, everyone(), 9000, 0)), shutHost("8.0.2", engine(true)), shutHost("8.0.2")
	there := shutHost("8.0.2", engine(true), ruleset("vicoutgoing", false, everyone(), 9000, 0))
	hosts := []inventory.Host{both, one, none, there}
	for i := range hosts {
		hosts[i].ID = fmt.Sprintf("host-%d", i+1)
	}
	other, newer := checks.VIC().At(9000), checks.VIC().At(9001)
	other.Name = "other"
	newer.Name, newer.Since = "newer", "8.0.3"
	offer := fileOffer()
	for _, reqs := range [][]checks.Requirement{{checks.VIC(), other, newer}, {newer, other, checks.VIC()}} {
		judged := offer.Decisive(checks.JudgeAll(&inventory.Inventory{Hosts: hosts}, reqs...))
		Expect(judged.Hosts).To(HaveLen(4), "each host once")
		surveys := map[string]fix.Survey{"host-2": {}, "host-3": {}}
		reasons := map[string]fix.Reason{}
		for _, hp := range fix.Bring(judged, offer, surveys).Hosts {
			reasons[hp.Host.ID] = hp.Reason
		}
		Expect(reasons).To(Equal(map[string]fix.Reason{
			"host-1": fix.AlreadyPermitted, "host-2": fix.Chosen, "host-3": fix.Chosen, "host-4": fix.RulesetExists,
		}))
	}
})

var _ = DescribeTable("what is planned on a host itself", func(row bringRow) {
	plan := fix.Bring(judged([]inventory.Host{row.host})[0], row.offer(), map[string]fix.Survey{"host-1": row.survey})
	Expect(plan.Hosts).To(HaveLen(1), "each host has a row")
	hp := plan.Hosts[0]
	Expect(hp.Reason).To(Equal(row.reason), hp.Detail)
	Expect(hp.Detail).To(ContainSubstring(row.says))
	Expect(len(hp.Changes) > 0).To(Equal(row.reason == fix.Chosen))
	offer := row.offer()
	if !offer.Wants(&judged([]inventory.Host{row.host})[0].Hosts[0]) {
		Expect(row.survey).To(Equal(fix.Survey{}), "a host that is not wanted is not asked")
	}
},
	Entry("a VIB for a host that takes it", bringRow{vibOffer, shutHost("8.0.2"), community, fix.Chosen, vibID}),
	Entry("a VIB for a host that permits already", bringRow{vibOffer, shutHost("8.0.2", engine(true)), fix.Survey{}, fix.AlreadyPermitted, "vic-engine"}),
	Entry("a VIB that is there and permits, under a name that tells nothing", bringRow{func() fix.Offer {
		o := vibOffer()
		o.Ruleset = *ruleset("corp-vic", true, everyone(), 2377, 0)
		return o
	}, shutHost("8.0.2", ruleset("corp-vic", true, everyone(), 2377, 0)), fix.Survey{}, fix.AlreadyPermitted, "corp-vic"}),
	Entry("a VIB whose ruleset is there, disabled", bringRow{vibOffer, shutHost("8.0.2", ruleset("vmware-vic", false, everyone(), 2377, 0)), fix.Survey{}, fix.RulesetExists, "--ruleset vmware-vic"}),
	Entry("a VIB for a host of another generation", bringRow{vibOffer, shutHost("7.0.3"), community, fix.HostUnsuited, "not for 7.0.3"}),
	Entry("a VIB that is installed", bringRow{vibOffer, shutHost("8.0.2"), fix.Survey{Acceptance: fix.CommunitySupported, VIBs: []fix.InstalledVIB{{Name: "vmware-vic", ID: vibID}}}, fix.HostUnsuited, "installed already"}),
	Entry("a VIB of whose name another is installed", bringRow{vibOffer, shutHost("8.0.2"), fix.Survey{Acceptance: fix.CommunitySupported, VIBs: []fix.InstalledVIB{{Name: "vmware-vic", ID: "else_bootbank_vmware-vic_0.9"}}}, fix.HostUnsuited, "would be replaced"}),
	Entry("a VIB whose ruleset the host has, and vCenter does not show", bringRow{vibOffer, shutHost("8.0.2"), fix.Survey{Acceptance: fix.CommunitySupported, Rulesets: []string{"vmware-vic"}}, fix.RulesetExists, "which vCenter does not show yet"}),
	Entry("a host that is narrowed to addresses", bringRow{vibOffer, shutHost("8.0.2", ruleset("vic-engine", true, addresses("10.0.0.5"), 2377, 0)), fix.Survey{}, fix.Unverified, "10.0.0.5"}),
	Entry("a host whose only permission does not last", bringRow{vibOffer, shutHost("8.0.2", ruleset("vicoutgoing", true, everyone(), 2377, 0)), community, fix.Chosen, vibID}),
	Entry("service.xml for a host whose only permission does not last", bringRow{fileOffer, shutHost("8.0.2", ruleset("vicoutgoing", true, everyone(), 2377, 0)), fix.Survey{}, fix.AlreadyPermitted, "until the next reboot"}),
	Entry("a VIB and a host that does not tell of Secure Boot", bringRow{vibOffer, shutHost("8.0.2"), fix.Survey{Acceptance: fix.CommunitySupported}, fix.HostUnsuited, "--secure-boot-unknown"}),
	Entry("a VIB that needs no low level", bringRow{partners(true), shutHost("8.0.2"), fix.Survey{Acceptance: "PartnerSupported"}, fix.Chosen, vibID}),
	Entry("a VIB that says partner and is not signed, and Secure Boot", bringRow{partners(false), shutHost("8.0.2"), fix.Survey{Acceptance: "PartnerSupported", SecureBoot: inventory.Yes}, fix.HostUnsuited, "would not start again"}),
	Entry("a VIB that says partner and is not signed, and a host that does not tell of Secure Boot", bringRow{partners(false), shutHost("8.0.2"), fix.Survey{Acceptance: "PartnerSupported"}, fix.HostUnsuited, "--secure-boot-unknown"}),
	Entry("a VIB that says community and has something for a signature, and Secure Boot", bringRow{func() fix.Offer { o := lowering(); o.Signed = true; return o }, shutHost("8.0.2"), fix.Survey{Acceptance: fix.CommunitySupported, SecureBoot: inventory.Yes}, fix.HostUnsuited, "would not start again"}),
	Entry("a VIB that is signed, and Secure Boot", bringRow{partners(true), shutHost("8.0.2"), fix.Survey{Acceptance: "PartnerSupported", SecureBoot: inventory.Yes}, fix.Chosen, vibID}),
	Entry("a VIB and Secure Boot", bringRow{lowering, shutHost("8.0.2"), fix.Survey{Acceptance: fix.CommunitySupported, SecureBoot: inventory.Yes}, fix.HostUnsuited, "Secure Boot"}),
	Entry("a VIB and a high acceptance level", bringRow{vibOffer, shutHost("8.0.2"), fix.Survey{Acceptance: "PartnerSupported", SecureBoot: inventory.No}, fix.HostUnsuited, "--lower-acceptance-level"}),
	Entry("a VIB and a level that may be lowered", bringRow{lowering, shutHost("8.0.2"), fix.Survey{Acceptance: "PartnerSupported", SecureBoot: inventory.No}, fix.Chosen, vibID}),
	Entry("a VIB that asks for maintenance mode", bringRow{needingMaintenance, shutHost("8.0.2"), community, fix.HostUnsuited, "maintenance mode"}),
	Entry("a host that cannot be asked", bringRow{vibOffer, shutHost("8.0.2"), fix.Survey{Err: "log in by SSH: refused"}, fix.NotSurveyed, "log in by SSH"}),
	Entry("a host that is not connected", bringRow{
		vibOffer, func() inventory.Host { h := shutHost("8.0.2"); h.Connection = inventory.Disconnected; return h }(),
		fix.Survey{},
		fix.HostUnavailable, "disconnected",
	}),
	Entry("a service for service.xml", bringRow{fileOffer, shutHost("7.0.3"), fix.Survey{File: []byte("file")}, fix.Chosen, "service.xml"}),
	Entry("a service.xml that is malformed", bringRow{fileOffer, shutHost("7.0.3"), fix.Survey{File: []byte("bad")}, fix.HostUnsuited, "line 1"}),
)

var _ = It("what speaks against a VIB or a file is a warning of the plan", func() {
	o := vibOffer()
	o.Suits = func(string) (string, []string) { return "", []string{"it depends on vmkapi_2"} }
	plan := fix.Bring(judged([]inventory.Host{shutHost("8.0.2")})[0], o, map[string]fix.Survey{"host-1": community})
	Expect(plan.Hosts[0].Warnings).To(ContainElement("the host may refuse the VIB " + vibID + ": it depends on vmkapi_2"))
	plan = fix.Bring(judged([]inventory.Host{shutHost("8.0.2")})[0], fileOffer(), map[string]fix.Survey{"host-1": {File: []byte("file")}})
	Expect(plan.Hosts[0].Warnings).To(ContainElement("in /etc/vmware/firewall/service.xml two have the same number"))
})

// recorder is a fix.HostClient that does what it is told.
type recorder struct {
	carried []*fix.Change
	fail    error
}

func (r *recorder) Carry(_ context.Context, c *fix.Change) error {
	r.carried = append(r.carried, c)
	return r.fail
}

// carrying is what a host does with a change.
type carrying func(ctx context.Context) error

func (c carrying) Carry(ctx context.Context, _ *fix.Change) error { return c(ctx) }

var _ = Describe("a change on a host itself", func() {
	var (
		hosts  []inventory.Host
		inv    *inventory.Inventory
		client *recorder
		header = fix.Header{InstanceUUID: "u-1"}
	)
	BeforeEach(func() {
		hosts = []inventory.Host{shutHost("8.0.2")}
		inv = &inventory.Inventory{Endpoint: inventory.Endpoint{InstanceUUID: "u-1"}, Hosts: hosts}
		client = &recorder{}
	})

	// apply carries a plan out, and returns the entries of its journal.
	apply := func(ctx context.Context, plan *fix.Plan) ([]*fix.Outcome, []fix.Entry) {
		GinkgoHelper()
		path := filepath.Join(GinkgoT().TempDir(), "journal")
		j, err := fix.CreateJournal(path, header)
		Expect(err).NotTo(HaveOccurred())
		outcomes, err := fix.Apply(ctx, plan, newFake(hosts), j, fix.ApplyOptions{HostTimeout: time.Minute, OnHost: client})
		Expect(err).NotTo(HaveOccurred())
		Expect(j.Close()).To(Succeed())
		r, err := fix.ReadJournal(path)
		Expect(err).NotTo(HaveOccurred())
		return outcomes, r.Entries
	}
	undo := func(entries []fix.Entry, survey fix.Survey, force bool) fix.HostPlan {
		GinkgoHelper()
		plan, err := fix.Undo(inv, header, entries, map[string]fix.Survey{"host-1": survey}, force)
		Expect(err).NotTo(HaveOccurred())
		Expect(plan.Hosts).To(HaveLen(1))
		return plan.Hosts[0]
	}

	It("of a VIB is carried out, journaled, and taken back", func(ctx SpecContext) {
		o := lowering()
		outcomes, entries := apply(ctx, fix.Bring(judged(hosts)[0], o, map[string]fix.Survey{"host-1": {Acceptance: "PartnerSupported", SecureBoot: inventory.No}}))
		Expect(outcomes[0].Done).To(BeTrue())
		Expect(client.carried).To(HaveLen(1))
		Expect(client.carried[0].Verb()).To(Equal("install"))
		Expect(entries).To(HaveLen(1))

		Expect(undo(entries, fix.Survey{Acceptance: "PartnerSupported"}, false).Reason).To(Equal(fix.AlreadyRestored), "somebody removed it")
		Expect(undo(entries, fix.Survey{Acceptance: fix.CommunitySupported}, false).Reason).To(Equal(fix.Chosen), "the level is still low")
		Expect(undo(entries, fix.Survey{Acceptance: "VMwareAccepted"}, false).Reason).To(Equal(fix.AlreadyRestored), "somebody has chosen another level")
		replaced := undo(entries, fix.Survey{Acceptance: fix.CommunitySupported, VIBs: []fix.InstalledVIB{{Name: "vmware-vic", ID: "me_bootbank_vmware-vic_2"}}}, true)
		Expect(replaced.Reason).To(Equal(fix.ChangedSince), "another VIB has taken its place")
		Expect(replaced.Changes).To(BeEmpty())
		Expect(undo(entries, fix.Survey{Acceptance: "PartnerSupported", Rulesets: []string{"vmware-vic"}}, false).Reason).To(Equal(fix.Chosen), "the ruleset is still there")
		hosts[0].Firewall.Rulesets = append(hosts[0].Firewall.Rulesets, ruleset("vmware-vic", true, everyone(), 2377, 0))
		hp := undo(entries, fix.Survey{VIBs: []fix.InstalledVIB{{Name: "vmware-vic", ID: vibID}}}, false)
		Expect(hp.Reason).To(Equal(fix.Chosen))
		Expect(hp.Changes[0].Verb()).To(Equal("remove"))
		Expect(hp.Changes[0].VIB).To(Equal(&fix.VIBChange{Name: "vmware-vic", ID: vibID, AcceptanceBefore: "PartnerSupported"}))
		asked := undo(entries, fix.Survey{Err: "no"}, false).Reason
		Expect(asked).To(Equal(fix.NotSurveyed))
		Expect(asked.Unknown()).To(BeFalse(), "--allow-unknown does not tolerate it")

		_, undone := apply(ctx, &fix.Plan{Hosts: []fix.HostPlan{hp}})
		Expect(undo(undone, fix.Survey{}, false).Reason.Refused()).To(BeTrue(), "a VIB that was removed is nowhere kept")
	})

	It("of service.xml is carried out, journaled byte for byte, and taken back", func(ctx SpecContext) {
		before := []byte("<!-- \xff\x00 any bytes -->")
		_, entries := apply(ctx, fix.Bring(judged(hosts)[0], fileOffer(), map[string]fix.Survey{"host-1": {File: before}}))
		Expect(client.carried[0].Verb()).To(Equal("insert"))
		after := client.carried[0].File.After

		Expect(undo(entries, fix.Survey{File: before}, false).Reason).To(Equal(fix.AlreadyRestored), "a reboot took it")
		Expect(undo(entries, fix.Survey{File: []byte("ESXi's own again")}, false).Reason).To(Equal(fix.AlreadyRestored), "a reboot took that, and more")
		Expect(undo(entries, fix.Survey{File: before, Rulesets: []string{"vicoutgoing"}}, false).Reason).To(Equal(fix.Chosen), "the host's firewall still has it")
		hosts[0].Firewall.Rulesets = append(hosts[0].Firewall.Rulesets, ruleset("vicoutgoing", true, everyone(), 2377, 0))
		hp := undo(entries, fix.Survey{File: after}, false)
		Expect(hp.Reason).To(Equal(fix.Chosen))
		Expect(hp.Changes[0].Verb()).To(Equal("restore"))
		Expect(hp.Changes[0].File).To(Equal(&fix.FileChange{Path: fix.ServiceXML, Before: after, After: before}))
		Expect(undo(entries, fix.Survey{File: []byte("other"), Rulesets: []string{"vicoutgoing"}}, false).Reason).To(Equal(fix.ChangedSince))
		Expect(undo(entries, fix.Survey{File: before}, false).Reason).To(Equal(fix.Chosen), "the firewall has not read it again")
		forced := undo(entries, fix.Survey{File: []byte("other")}, true)
		Expect(forced.Reason).To(Equal(fix.Chosen))
		Expect(forced.Changes[0].File).To(Equal(&fix.FileChange{Path: fix.ServiceXML, Before: []byte("other"), After: before}), "what is there now is what is written over")

		_, undone := apply(ctx, &fix.Plan{Hosts: []fix.HostPlan{hp}})
		again := undo(undone, fix.Survey{File: before}, false)
		Expect(again.Changes).To(HaveLen(1), "an undo is undone")
		Expect(again.Changes[0].File.After).To(Equal(after))
		Expect(again.Changes[0].After.Absent).To(BeFalse())
	})

	It("that fails is an outcome that says so", func(ctx SpecContext) {
		client.fail = errors.New("the host is on fire")
		outcomes, entries := apply(ctx, fix.Bring(judged(hosts)[0], lowering(), map[string]fix.Survey{"host-1": community}))
		Expect(outcomes[0].Done).To(BeFalse())
		Expect(outcomes[0].Err).To(MatchError("install vmware-vic on esx1.example: the host is on fire"))
		Expect(entries).To(HaveLen(1), "it was journaled before")
	})

	It("whose time runs out says what could not be taken back", func(ctx SpecContext) {
		hangs := carrying(func(ctx context.Context) error {
			<-ctx.Done()
			return fmt.Errorf("%w; %w", ctx.Err(), &fix.TakeBackError{Cause: errors.New("the host is gone")})
		})
		plan := fix.Bring(judged(hosts)[0], lowering(), map[string]fix.Survey{"host-1": community})
		outcomes, err := fix.Apply(ctx, plan, nil, &memory{}, fix.ApplyOptions{HostTimeout: 50 * time.Millisecond, OnHost: hangs})
		Expect(err).NotTo(HaveOccurred())
		Expect(outcomes[0].Err).To(MatchError(ContainSubstring("no answer within 50ms; it may have been made all the same; and it could not be taken back: the host is gone")))
	}, SpecTimeout(10*time.Second))

	It("is verified by the ruleset that came, or went", func(ctx SpecContext) {
		outcomes, _ := apply(ctx, fix.Bring(judged(hosts)[0], lowering(), map[string]fix.Survey{"host-1": community}))
		fake := newFake(hosts)
		fix.Verify(ctx, outcomes, fake, fix.VerifyOptions{Timeout: 300 * time.Millisecond, HostTimeout: time.Second})
		Expect(outcomes[0].Verified).To(BeFalse())
		hosts[0].Firewall.Rulesets = append(hosts[0].Firewall.Rulesets, ruleset("vmware-vic", true, everyone(), 2377, 0))
		fix.Verify(ctx, outcomes, newFake(hosts), fix.VerifyOptions{Timeout: 300 * time.Millisecond, HostTimeout: time.Second})
		Expect(outcomes[0].Verified).To(BeTrue())

		gone := *outcomes[0].Change
		gone.After = fix.State{Absent: true}
		removed := &fix.Outcome{Change: &gone, Done: true}
		fix.Verify(ctx, []*fix.Outcome{removed}, newFake(hosts), fix.VerifyOptions{Timeout: 300 * time.Millisecond, HostTimeout: time.Second})
		Expect(removed.Verified).To(BeFalse())
		hosts[0].Firewall.Rulesets = nil
		fix.Verify(ctx, []*fix.Outcome{removed}, newFake(hosts), fix.VerifyOptions{Timeout: 300 * time.Millisecond, HostTimeout: time.Second})
		Expect(removed.Verified).To(BeTrue())
	})
})
