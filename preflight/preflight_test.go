package preflight_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/profile"
	"github.com/vic-preflight/vic-preflight/report"
)

const secret = "s3cr3t-pass"

func start(scenario string) *sim.VCenter {
	GinkgoHelper()
	return simtest.Start(GinkgoTB(), scenario, sim.Options{User: "root", Password: secret})
}

// on are options for a simulator.
func on(vc *sim.VCenter) preflight.Options {
	o := preflight.Options{Target: preflight.Target{
		Address: vc.URL.Host, User: "root", Password: secret, Thumbprints: []string{vc.Thumbprint},
	}}
	o.Change.StateDir = GinkgoT().TempDir()
	return o
}

// backup is a requirement of another direction than vic's.
func backup() checks.Requirement {
	return checks.Requirement{
		Name: "backup", Direction: inventory.Inbound, Protocol: inventory.TCP, Ports: []int{902}, Prefer: []string{"NFC"},
		Words: checks.Words{Peer: "a backup proxy", PeerOption: "--peer", Breaks: "backups stop"},
	}
}

// statuses are those of a check, by host name and requirement.
func statuses(run *report.Run, check string) map[string]string {
	found := map[string]string{}
	for _, r := range run.Results {
		if r.Check == check {
			found[filepath.Base(r.Subject)+" "+r.Requirement] = fmt.Sprintf("%s %s", r.Status, r.Reason)
		}
	}
	return found
}

// memory is an Observer that keeps what it is told.
type memory struct {
	mu       sync.Mutex
	texts    []string
	journals []string
	totals   map[preflight.Stage][]int
}

func (m *memory) Progress(stage preflight.Stage, done, total int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.totals == nil {
		m.totals = map[preflight.Stage][]int{}
	}
	m.totals[stage] = append(m.totals[stage], total)
}

func (m *memory) say(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.texts = append(m.texts, text)
}

func (m *memory) Note(text string)    { m.say("note: " + text) }
func (m *memory) Warn(text string)    { m.say("warning: " + text) }
func (m *memory) Journal(path string) { m.journals = append(m.journals, path) }

var _ = Describe("a run of several requirements", func() {
	It("judges each on every host, from one collection", func(ctx SpecContext) {
		calls := func(reqs ...checks.Requirement) (*report.Run, int) {
			vc := start("open")
			o := on(vc)
			o.Requirements = reqs
			run, err := preflight.Run(ctx, o)
			Expect(err).NotTo(HaveOccurred())
			return run, vc.Requests()
		}
		udp := checks.Requirement{Name: "ntp", Direction: inventory.Outbound, Protocol: inventory.UDP, Ports: []int{123}, Prefer: []string{"ntpClient"}}
		run, several := calls(checks.VIC(), backup(), udp)
		got := statuses(run, checks.OutboundPort)
		Expect(got).To(HaveLen(3 * len(run.Inventory.Hosts)))
		Expect(got).To(HaveKeyWithValue("esx01.example vic", "pass permitted"))
		Expect(got).To(HaveKeyWithValue("esx01.example backup", "pass permitted"), "NFC is enabled as ESXi is installed")
		Expect(got).To(HaveKeyWithValue("esx01.example ntp", "fail ruleset-disabled"))
		Expect(statuses(run, checks.HostState)).To(HaveLen(len(run.Inventory.Hosts)), "the host's own, once")
		Expect(statuses(run, checks.ClusterDrift)).To(HaveKey("prod backup"))

		_, one := calls(checks.VIC())
		// A switch is asked for where any of the requirements is shut.
		Expect(several).To(BeNumerically("<=", one+2*len(run.Inventory.Hosts)))
	}, SpecTimeout(time.Minute))

	DescribeTable("is refused where one alone is meant", func(ctx SpecContext, set func(*preflight.Options), says string) {
		o := preflight.Options{Target: preflight.Target{Address: "sim://closed"}, Requirements: []checks.Requirement{checks.VIC(), backup()}}
		set(&o)
		_, err := preflight.Run(ctx, o)
		Expect(err).To(MatchError(ContainSubstring(says)))
	},
		Entry("by a change on the hosts", func(o *preflight.Options) {
			o.Change.Do, o.Change.Method, o.BySettings = preflight.Allow, fix.MethodServiceXML, profile.FromSettings()
		}, "--method service-xml brings one ruleset for what is named"),
		Entry("by the name of a ruleset", func(o *preflight.Options) { o.Change.Do, o.Change.Ruleset = preflight.Allow, "syslog" }, "--ruleset takes one requirement"),
		Entry("where a list leaves out a peer of one", func(o *preflight.Options) {
			o.Change.Do, o.Change.Only = preflight.Allow, []netip.Prefix{netip.MustParsePrefix("10.0.0.5/32")}
			o.Requirements[1].Peers = []netip.Prefix{netip.MustParsePrefix("10.0.0.9/32")}
		}, "--allowed-ip leaves out the backup proxy 10.0.0.9"),
		Entry("where all that hosts need would be closed", func(o *preflight.Options) { o.Change.Do, o.BySettings = preflight.Deny, profile.FromSettings() }, "--deny closes what is named"))
})

var _ = Describe("another requirement than vic", func() {
	It("is opened by its own ruleset, journaled under its name, and undone", func(ctx SpecContext) {
		vc := start("open")
		vc.ChangeAll(func(info *types.HostFirewallInfo) {
			for i := range info.Ruleset {
				if info.Ruleset[i].Key == "NFC" {
					info.Ruleset[i].Enabled = false
				}
			}
		})
		o, seen := on(vc), &memory{}
		o.Requirements, o.Change.Do, o.Observer = []checks.Requirement{backup()}, preflight.Allow, seen
		run, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		for _, e := range run.Plan {
			Expect(e.Ruleset + " " + string(e.Action)).To(Equal("NFC enable"))
			Expect(e.Verified).To(BeTrue())
		}
		Expect(statuses(run, checks.OutboundPort)).To(HaveKeyWithValue("esx01.example backup", "pass permitted"))
		Expect(seen.journals).To(Equal([]string{run.Journal}))
		recorded, err := fix.ReadJournal(run.Journal)
		Expect(err).NotTo(HaveOccurred())
		Expect(recorded.Required()).To(Equal([]checks.Requirement{backup()}), "with its rulesets and its words")

		By("undoing it, with the requirement of the journal")
		o = on(vc)
		o.Change.Do, o.Change.UndoJournal = preflight.Undo, run.Journal
		run, err = preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		Expect(statuses(run, checks.OutboundPort)).To(HaveKey("esx01.example backup"))
		for _, e := range run.Plan {
			Expect(e.Ruleset + " " + string(e.Action)).To(Equal("NFC disable"))
		}
	}, SpecTimeout(time.Minute))

	It("gets no broad ruleset by itself", func(ctx SpecContext) {
		vc := start("closed")
		o := on(vc)
		o.Requirements = []checks.Requirement{{Name: "web", Direction: inventory.Outbound, Protocol: inventory.TCP, Ports: []int{8443}}}
		o.Change.Do, o.Change.DryRun = preflight.Allow, true
		run, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		for _, e := range run.Plan {
			Expect(e.Action).To(Equal(report.Refuse), "vSPC would open it, and all else")
		}
	}, SpecTimeout(time.Minute))
})

var _ = Describe("RunAll", func() {
	options := func(addresses ...string) (list []preflight.Options) {
		for _, a := range addresses {
			t, err := preflight.ParseTarget(a)
			Expect(err).NotTo(HaveOccurred())
			list = append(list, preflight.Options{Target: t})
		}
		return list
	}

	It("does the others when one target cannot be judged, and keeps their order and their hosts apart", func(ctx SpecContext) {
		rep, errs := preflight.RunAll(ctx, options("sim://mixed", "sim://nosuch", "sim://closed"))
		Expect(errs).To(HaveExactElements(BeNil(), MatchError(ContainSubstring(`unknown scenario "nosuch"`)), BeNil()))
		Expect(rep.Runs).To(HaveLen(3))
		Expect(rep.Runs[1].Err).To(Equal(errs[1]))
		Expect(rep.Runs[1].Target).To(Equal("sim://nosuch"))
		Expect(rep.Runs[1].Status()).To(Equal(checks.Unknown))
		Expect(statuses(rep.Runs[0], checks.OutboundPort)).To(HaveKeyWithValue("esx01.example vic", "pass permitted"))
		Expect(statuses(rep.Runs[2], checks.OutboundPort)).To(HaveKeyWithValue("esx01.example vic", "fail ruleset-disabled"))
		Expect(rep.Summary().Hosts).To(Equal(20 + 5))
		Expect(rep.Status()).To(Equal(checks.Fail))
		Expect(rep.Requirements).To(HaveLen(1))
	}, SpecTimeout(time.Minute))

	It("journals each target's changes in a file of its own", func(ctx SpecContext) {
		list := options("sim://closed", "sim://closed", "sim://closed")
		state := GinkgoT().TempDir()
		for i := range list {
			list[i].Change.Do, list[i].Change.StateDir = preflight.Allow, state
		}
		rep, errs := preflight.RunAll(ctx, list)
		Expect(errs).To(HaveEach(BeNil()))
		journals := map[string]bool{}
		for _, run := range rep.Runs {
			recorded, err := fix.ReadJournal(run.Journal)
			Expect(err).NotTo(HaveOccurred())
			Expect(recorded.Entries).To(HaveLen(5))
			journals[run.Journal] = true
		}
		Expect(journals).To(HaveLen(3))
	}, SpecTimeout(time.Minute))

	It("is over for all targets when its context ends", func(ctx SpecContext) {
		ended, cancel := context.WithCancel(ctx)
		cancel()
		rep, errs := preflight.RunAll(ended, options("sim://open", "sim://closed"))
		var interrupted *preflight.InterruptedError
		for i := range errs {
			Expect(errors.As(errs[i], &interrupted)).To(BeTrue())
			Expect(rep.Runs[i].Err).To(HaveOccurred())
		}
	}, SpecTimeout(time.Minute))
})

var _ = DescribeTable("options that cannot be taken are a *UsageError that names them, before anything is contacted",
	func(change func(*preflight.Options), says string) {
		o := preflight.Options{Target: preflight.Target{Address: "127.0.0.1:1", User: "root", Password: secret}}
		change(&o)
		run, err := preflight.Run(context.Background(), o)
		Expect(run).To(BeNil())
		var bad *preflight.UsageError
		Expect(errors.As(err, &bad)).To(BeTrue(), "%v", err)
		Expect(err).To(MatchError(ContainSubstring(says)))
	},
	Entry("no target", func(o *preflight.Options) { o.Target.Address = "" }, "no target"),
	Entry("no user", func(o *preflight.Options) { o.Target.User = "" }, "no user for 127.0.0.1:1"),
	Entry("a thumbprint that is none", func(o *preflight.Options) { o.Target.Thumbprints = []string{"AB"} }, "--thumbprint"),
	Entry("a requirement that is not whole", func(o *preflight.Options) { o.Requirements = []checks.Requirement{{Name: "x"}} }, "the requirement x"),
	Entry("a time that is negative", func(o *preflight.Options) { o.Timeout = -time.Second }, "--timeout -1s is negative"),
	Entry("a time for a host that is none", func(o *preflight.Options) { o.Change.HostTimeout = -1 }, "--host-timeout"),
	Entry("a concurrency that is none", func(o *preflight.Options) { o.Concurrency = 257 }, "--concurrency 257"),
	Entry("a check that is none", func(o *preflight.Options) { o.Only = []string{"x"} }, `unknown check "x"`),
	Entry("a vantage that is none", func(o *preflight.Options) { o.Probe.Vantage = "moon" }, `--probe "moon" is no vantage`),
	Entry("a method that is none", func(o *preflight.Options) { o.Change.Do, o.Change.Method = preflight.Allow, "magic" }, `--method "magic"`),
	Entry("an undo of nothing", func(o *preflight.Options) { o.Change.Do = preflight.Undo }, "undo takes the journal"),
	Entry("a journal that is none", func(o *preflight.Options) {
		o.Change.Do, o.Change.UndoJournal = preflight.Undo, "preflight_test.go"
	}, "no journal of vic-preflight"),
	Entry("peers that a change leaves out", func(o *preflight.Options) {
		o.Requirements = []checks.Requirement{checks.VIC(netip.MustParsePrefix("10.0.0.5/32"))}
		o.Change.Do, o.Change.Only = preflight.Allow, []netip.Prefix{netip.MustParsePrefix("10.0.0.6/32")}
	}, "leaves out the virtual container host 10.0.0.5"),
	Entry("an SSH port that is none", func(o *preflight.Options) { o.SSH.Port = 70000 }, "--ssh-port 70000"),
	Entry("an earlier report that is not there", func(o *preflight.Options) { o.Baseline = "/nonexistent" }, "--baseline: open /nonexistent"),
	Entry("logins without a key", func(o *preflight.Options) { o.Origins, o.SSH.KnownHosts = true, os.DevNull }, "no way to log in"),
)

var _ = Describe("the errors of a run", func() {
	It("say that nothing could be found out, with the way out, and never the password", func(ctx SpecContext) {
		vc := start("open")
		o := on(vc)
		o.Target.Password = secret + "x"
		run, err := preflight.Run(ctx, o)
		Expect(run).To(BeNil())
		var unavailable *preflight.UnavailableError
		Expect(errors.As(err, &unavailable)).To(BeTrue())
		Expect(preflight.Hints(err)).To(ContainElement(ContainSubstring("vCenter wants the domain")))
		Expect(err.Error()).NotTo(ContainSubstring(secret))
	}, SpecTimeout(time.Minute))

	It("come with what was found when the time ran out", func(ctx SpecContext) {
		vc := start("closed")
		release := vc.Hold("RetrieveManagedMethodExecuter", vc.Host("esx01.example").Ref, nil)
		defer release()
		o := on(vc)
		o.Timeout = 3 * time.Second // in which the other hosts are read on a slow machine too
		run, err := preflight.Run(ctx, o)
		var late *preflight.TimeoutError
		Expect(errors.As(err, &late)).To(BeTrue(), "%v", err)
		Expect(late.Changed).To(BeFalse())
		Expect(run.Interrupted).To(BeTrue())
		Expect(statuses(run, checks.OutboundPort)).To(HaveKeyWithValue("esx02.example vic", "fail ruleset-disabled"))
	}, SpecTimeout(time.Minute))

	It("say that a change is not finished, with what was done", func(ctx SpecContext) {
		vc := start("closed")
		vc.Fault("EnableRuleset", vc.Host("esx02.example").FirewallRef(), &types.HostConfigFault{})
		o := on(vc)
		o.Change.Do = preflight.Allow
		run, err := preflight.Run(ctx, o)
		var unfinished *preflight.UnfinishedError
		Expect(errors.As(err, &unfinished)).To(BeTrue(), "%v", err)
		done := 0
		for _, e := range run.Plan {
			if e.Verified {
				done++
			}
		}
		Expect(done).To(Equal(4))
	}, SpecTimeout(time.Minute))
})

var _ = Describe("an Observer", func() {
	It("is told stages whose totals stay the same", func(ctx SpecContext) {
		vc := start("large?hosts=300")
		o, seen := on(vc), &memory{}
		o.FirewallState, o.Refresh, o.Observer = true, true, seen
		_, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		for _, stage := range []preflight.Stage{preflight.StageRefresh, preflight.StageRead, preflight.StageSwitch} {
			Expect(seen.totals).To(HaveKey(stage))
			Expect(seen.totals[stage]).To(HaveEach(300), string(stage))
			Expect(stage.String()).NotTo(Equal(string(stage)), "it has words")
		}
	}, SpecTimeout(time.Minute))

	It("is warned of a certificate that nobody verifies", func(ctx SpecContext) {
		o, seen := on(start("open")), &memory{}
		o.Target.Thumbprints, o.Target.Insecure, o.Observer = nil, true, seen
		_, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		Expect(seen.texts).To(ContainElement(HavePrefix("warning: insecure: the certificate of")))
	}, SpecTimeout(time.Minute))
})

var _ = DescribeTable("ParseTarget",
	func(text string, want preflight.Target, again string) {
		t, err := preflight.ParseTarget(text)
		Expect(err).NotTo(HaveOccurred())
		Expect(t).To(Equal(want))
		Expect(t.String()).To(Equal(again))
	},
	Entry("a simulator", "sim://mixed/dc1", preflight.Target{Address: "sim://mixed", Datacenter: "dc1"}, "sim://mixed/dc1"),
	Entry("a simulator with a parameter", "sim://large?hosts=5", preflight.Target{Address: "sim://large?hosts=5"}, "sim://large?hosts=5"),
	Entry("credentials", "root:pw@vc.example/dc1", preflight.Target{
		Address: "vc.example", Datacenter: "dc1", User: "root", Password: "pw", HasPassword: true,
	}, "vc.example/dc1"),
)

var _ = Describe("an undo in an inventory that has changed", func() {
	It("knows hosts by their hardware, and needs no name", func(ctx SpecContext) {
		vc := start("open")
		checked := on(vc)
		checked.ComputeResource = "prod"
		run, err := preflight.Run(ctx, checked)
		Expect(err).NotTo(HaveOccurred())
		endpoint := run.Inventory.Endpoint
		path := filepath.Join(GinkgoT().TempDir(), "journal")
		journal, err := fix.CreateJournal(path, fix.Header{
			Address: endpoint.Address, InstanceUUID: endpoint.InstanceUUID, Datacenter: "/before-it-was-renamed",
			Requirement: fix.RequirementOf(checks.VIC()),
		})
		Expect(err).NotTo(HaveOccurred())
		everyone := &inventory.AllowedHosts{All: true}
		for i := range 2 {
			h := run.Inventory.Hosts[i]
			h.ID, h.Name, h.Path = fmt.Sprintf("host-99%d", i), "renamed", "/before-it-was-renamed/host/renamed"
			Expect(journal.Record(&fix.Change{
				Host: &h, Ruleset: "vic-engine", Before: fix.State{Allowed: everyone}, After: fix.State{Enabled: true, Allowed: everyone},
			})).To(Succeed())
		}
		Expect(journal.Close()).To(Succeed())

		o := on(vc)
		o.Change.Do, o.Change.UndoJournal = preflight.Undo, path
		undone, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		Expect(undone.Plan).To(HaveLen(2))
		for i, e := range undone.Plan {
			Expect(e.Verified).To(BeTrue(), e.Detail)
			Expect(e.Path).To(Equal(run.Inventory.Hosts[i].Path))
			Expect(run.Inventory.Hosts[i].Firewall.Ruleset("vic-engine").Enabled).To(BeTrue())
		}
	}, SpecTimeout(time.Minute))
})

// fragile panics when it is told something.
type fragile struct{ memory }

func (*fragile) Warn(string)    { panic("boom") }
func (*fragile) Journal(string) { panic("boom") }

var _ = It("a fault of the program ends a run with what may be left", func(ctx SpecContext) {
	o := on(start("closed"))
	o.Observer = &fragile{}
	o.Target.Thumbprints, o.Target.Insecure = nil, true
	_, err := preflight.Run(ctx, o)
	Expect(err).To(MatchError(MatchRegexp(`^a fault of this program at preflight_test\.go:\d+, please report it: boom$`)))
	var unavailable *preflight.UnavailableError
	Expect(errors.As(err, &unavailable)).To(BeTrue())

	o = on(start("closed"))
	o.Observer = &fragile{}
	o.Change.Do = preflight.Allow
	_, err = preflight.Run(ctx, o)
	var unfinished *preflight.UnfinishedError
	Expect(errors.As(err, &unfinished)).To(BeTrue(), "%v", err)
	Expect(preflight.Hints(err)).To(ContainElement(ContainSubstring("undo")))
})

var _ = DescribeTable("an option that would lead astray is refused", func(ctx SpecContext, set func(*preflight.Options), says string) {
	o := on(start("closed"))
	set(&o)
	_, err := preflight.Run(ctx, o)
	var usage *preflight.UsageError
	Expect(errors.As(err, &usage)).To(BeTrue(), "%v", err)
	Expect(err).To(MatchError(ContainSubstring(says)))
},
	Entry("a target that nc takes for an option", func(o *preflight.Options) {
		o.Probe.Vantage, o.Probe.Target = inventory.VantageLocal, "-x"
	}, `--probe-target "-x" is no name of a host`),
	Entry("known hosts that stand nowhere", func(o *preflight.Options) {
		o.Origins, o.SSH.PasswordFile = true, "/dev/null"
	}, "no known hosts: HOME (on Windows USERPROFILE) is not set"),
)

var _ = Describe("a baseline of several targets", func() {
	baseline := func(ctx context.Context, targets ...string) string {
		GinkgoHelper()
		rep, _ := preflight.RunAll(ctx, against("", targets...))
		var out bytes.Buffer
		Expect(report.JSON(&out, rep)).To(Succeed())
		file := filepath.Join(GinkgoT().TempDir(), "then.json")
		Expect(os.WriteFile(file, out.Bytes(), 0o600)).To(Succeed())
		return file
	}
	It("serves each its own, and notes one that it does not have as new", func(ctx SpecContext) {
		rep, errs := preflight.RunAll(ctx, against(baseline(ctx, "sim://mixed", "sim://closed"), "sim://closed", "sim://mixed", "sim://open"))
		Expect(errs).To(Equal([]error{nil, nil, nil}))
		for i, run := range rep.Runs[:2] {
			Expect(run.Compared.Then.Target).To(Equal([]string{"sim://closed", "sim://mixed"}[i]))
			Expect(run.Compared.Unchanged).To(BeNumerically(">", 0))
			Expect(run.Compared.New + run.Compared.Gone + run.Compared.Mended).To(BeZero())
		}
		Expect(rep.Runs[2].Compared.Then.Missing).To(Equal(report.MissingTarget))
	}, SpecTimeout(time.Minute))
	It("is refused where it has none of them, or where something would be changed without it", func(ctx SpecContext) {
		file := baseline(ctx, "sim://mixed")
		_, errs := preflight.RunAll(ctx, against(file, "sim://closed", "sim://open"))
		for _, err := range errs {
			var bad *preflight.UsageError
			Expect(errors.As(err, &bad)).To(BeTrue())
			Expect(err).To(MatchError(ContainSubstring("it has none of the 2 targets")))
		}
		list := against(file, "sim://mixed", "sim://closed")
		for i := range list {
			list[i].Change = preflight.ChangeOptions{Do: preflight.Allow, StateDir: GinkgoT().TempDir()}
		}
		_, errs = preflight.RunAll(ctx, list)
		Expect(errs[1]).To(MatchError(ContainSubstring("it is a report of another endpoint")))
	}, SpecTimeout(time.Minute))
	It("has everything of a target that cannot be read now as not known", func(ctx SpecContext) {
		file := baseline(ctx, "sim://closed")
		ended, cancel := context.WithCancel(ctx)
		cancel()
		rep, _ := preflight.RunAll(ended, against(file, "sim://closed"))
		Expect(rep.Runs[0].Err).To(HaveOccurred())
		Expect(rep.Runs[0].Compared.Unknown).To(BeNumerically(">", 0))
		Expect(rep.Runs[0].Compared.Mended + rep.Runs[0].Compared.Gone).To(BeZero())
	}, SpecTimeout(time.Minute))
})

// against are runs of these targets with the baseline.
func against(baseline string, targets ...string) []preflight.Options {
	GinkgoHelper()
	list := make([]preflight.Options, len(targets))
	for i, text := range targets {
		target, err := preflight.ParseTarget(text)
		Expect(err).NotTo(HaveOccurred())
		list[i] = preflight.Options{Target: target, Baseline: baseline}
	}
	return list
}
