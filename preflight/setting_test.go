package preflight_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	"github.com/vic-preflight/vic-preflight/report"
)

// give sets an option of the simulated vCenter.
func give(vc *sim.VCenter, key string, value any) {
	vc.Model().Map().OptionManager().UpdateOptions(&types.UpdateOptions{
		ChangedValue: []types.BaseOptionValue{&types.OptionValue{Key: key, Value: value}},
	})
}

// options are all of the vCenter's, with the types of their values.
func options(vc *sim.VCenter) map[string]string {
	all := map[string]string{}
	for _, o := range vc.Model().Map().OptionManager().Setting {
		all[o.GetOptionValue().Key] = fmt.Sprintf("%#v", o.GetOptionValue().Value)
	}
	return all
}

// making are options for the setting alone.
func making(vc *sim.VCenter) preflight.Options {
	o := on(vc)
	o.Change.Setting, o.Change.VerifyTimeout = true, 300*time.Millisecond
	return o
}

// undoing are options that take a journal back.
func undoing(vc *sim.VCenter, journal string) preflight.Options {
	o := on(vc)
	o.Change.Do, o.Change.UndoJournal = preflight.Undo, journal
	return o
}

// done is what the plan's first row says, which is the setting's.
func done(run *report.Run) string {
	GinkgoHelper()
	Expect(run).NotTo(BeNil())
	Expect(run.Plan).NotTo(BeEmpty())
	e := run.Plan[0]
	Expect(e.Setting).NotTo(BeNil())
	Expect(e.Setting.Name).To(Equal(inventory.SettingName))
	Expect(e.Path).To(Equal("/"))
	return fmt.Sprintf("%s %s %q %q verified=%t", e.Action, e.Reason, e.Setting.Before, e.Setting.After, e.Verified)
}

// reads are the calls that change nothing; the login is the session's own.
var reads = []string{
	"RetrieveServiceContent", "Login", "Logout", "RetrievePropertiesEx", "QueryOptions", "HasPrivilegeOnEntities",
	"RetrieveDynamicTypeManager", "RetrieveManagedMethodExecuter", "ExecuteSoap", "FetchSoftwarePackages", "FetchDynamicTypeManager",
}

var _ = Describe("the vCenter's setting", func() {
	DescribeTable("is made and verified, and undone as it was", func(ctx SpecContext, before any, was, made, restored string) {
		vc := start("closed")
		if before != nil {
			give(vc, inventory.SettingName, before)
		}
		then := options(vc)
		Expect(then[inventory.SettingName]).To(Equal(was))
		run, err := preflight.Run(ctx, making(vc))
		Expect(err).NotTo(HaveOccurred())
		Expect(run.Plan).To(HaveLen(1), "no host's")
		Expect(done(run)).To(MatchRegexp(`^set chosen \[.*\] \["true"\] verified=true$`))
		now := options(vc)
		Expect(now[inventory.SettingName]).To(Equal(made))
		Expect(statuses(run, checks.OutboundPort)).NotTo(BeEmpty(), "the hosts are judged all the same")

		for range 2 { // the second time, nothing is to be done
			undone, err := preflight.Run(ctx, undoing(vc, run.Journal))
			Expect(err).NotTo(HaveOccurred())
			Expect(undone.Plan).To(HaveLen(1))
			Expect(options(vc)[inventory.SettingName]).To(Equal(restored))
			Expect(undone.Unfinished).To(BeFalse())
		}
		Expect(vc.RequestsOf("UpdateOptions")).To(Equal(2))
		delete(then, inventory.SettingName)
		now = options(vc)
		delete(now, inventory.SettingName)
		Expect(now).To(Equal(then), "nothing else is changed")
	},
		Entry("not set", nil, "", `"true"`, `"false"`),
		Entry("text", "false", `"false"`, `"true"`, `"false"`),
		Entry("text of another spelling", "TRUE", `"TRUE"`, `"true"`, `"TRUE"`),
		Entry("a boolean", false, "false", "true", "false"),
	)

	It("is made by one call, which no other changes anything beside", func(ctx SpecContext) {
		vc := start("closed")
		var mu sync.Mutex
		var calls []string
		server := simtest.Bend(GinkgoTB(), vc, func(c *simtest.Call) []byte {
			mu.Lock()
			if !slices.Contains(reads, c.Method) {
				calls = append(calls, c.Method)
			}
			mu.Unlock()
			return c.Pass()
		})
		o := making(vc)
		o.Target.Address, o.Target.Thumbprints = server.Address, []string{server.Thumbprint}
		o.Change.DryRun = true
		run, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		Expect(done(run)).To(Equal(`set chosen [] ["true"] verified=false`))
		Expect(run.DryRun).To(BeTrue())
		Expect(calls).To(BeEmpty(), "a dry run changes nothing")

		o.Change.DryRun = false
		_, err = preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		Expect(calls).To(Equal([]string{"UpdateOptions"}))
	}, SpecTimeout(time.Minute))

	It("is made beside the hosts, confirmed with them, and does not count as one", func(ctx SpecContext) {
		vc := start("closed")
		o := making(vc)
		o.Change.Do, o.Change.MaxHosts = preflight.Allow, len(vc.HostNames())
		var asked *report.Run
		o.Change.Confirm = func(_ context.Context, plan *report.Run) error {
			asked = plan
			Expect(options(vc)).NotTo(HaveKeyWithValue(inventory.SettingName, `"true"`), "nothing is changed before the answer")
			return nil
		}
		run, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		Expect(done(asked)).To(Equal(`set chosen [] ["true"] verified=false`))
		Expect(asked.Plan).To(HaveLen(1 + len(vc.HostNames())))
		for _, e := range run.Plan {
			Expect(e.Verified).To(BeTrue(), e.Host)
		}
		undone, err := preflight.Run(ctx, undoing(vc, run.Journal))
		Expect(err).NotTo(HaveOccurred())
		Expect(done(undone)).To(Equal(`set chosen ["true"] ["false"] verified=true`))
		Expect(undone.Plan).To(HaveLen(1 + len(vc.HostNames())))

		By("an undo that names hosts leaves it")
		run, err = preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		some, seen := undoing(vc, run.Journal), &memory{}
		some.Hosts, some.Observer = []string{vc.HostNames()[0]}, seen
		undone, err = preflight.Run(ctx, some)
		Expect(err).NotTo(HaveOccurred())
		Expect(undone.Plan).To(HaveLen(1))
		Expect(undone.Plan[0].Setting).To(BeNil())
		Expect(seen.texts).To(ContainElement(ContainSubstring("is left as it is: --host narrows the undo")))
		Expect(options(vc)[inventory.SettingName]).To(Equal(`"true"`))
	}, SpecTimeout(time.Minute))

	It("is left where it is made already, without a journal", func(ctx SpecContext) {
		vc := start("closed")
		give(vc, inventory.SettingName, true)
		run, err := preflight.Run(ctx, making(vc))
		Expect(err).NotTo(HaveOccurred())
		Expect(done(run)).To(Equal(`none already-set [] [] verified=false`))
		Expect(run.Journal).To(BeEmpty())
		Expect(vc.RequestsOf("UpdateOptions")).To(BeZero())
	}, SpecTimeout(time.Minute))

	DescribeTable("leaves a run unfinished", func(ctx SpecContext, spoil func(*sim.VCenter), want, says string) {
		vc := start("closed")
		give(vc, inventory.SettingName, "false")
		spoil(vc)
		then := options(vc)
		run, err := preflight.Run(ctx, making(vc))
		var unfinished *preflight.UnfinishedError
		Expect(err).To(BeAssignableToTypeOf(unfinished), "%v", err)
		Expect(run.Unfinished).To(BeTrue())
		Expect(done(run)).To(Equal(want))
		Expect(run.Plan[0].Detail + run.Plan[0].Error).To(ContainSubstring(says))
		Expect(options(vc)).To(Equal(then))
	},
		Entry("refused by the server", func(vc *sim.VCenter) {
			vc.Fault("UpdateOptions", types.ManagedObjectReference{}, &types.NoPermission{PrivilegeId: inventory.SettingPrivilege})
		}, `set chosen ["false"] ["true"] verified=false`, "UpdateOptions of config.vpxd.SerialPort.PersistNetworkBacking: the account lacks the privilege Global.Settings"),
		Entry("without the privilege", func(vc *sim.VCenter) { vc.RevokeOnFolders(inventory.SettingPrivilege) },
			`refuse not-privileged [] [] verified=false`, "the account lacks the privilege Global.Settings on the vCenter's root folder"),
		Entry("not readable", func(vc *sim.VCenter) {
			vc.Fault("QueryOptions", types.ManagedObjectReference{}, &types.NoPermission{PrivilegeId: "System.Read"})
		}, `refuse setting-unknown [] [] verified=false`, "the account lacks the privilege System.Read"),
		Entry("a second option that begins alike", func(vc *sim.VCenter) { give(vc, inventory.SettingName+"Too", "x") },
			`refuse several-settings [] [] verified=false`, "answers 2 options"),
		Entry("a number", func(vc *sim.VCenter) { give(vc, inventory.SettingName, int32(0)) },
			`set chosen ["0"] ["true"] verified=false`, "nothing was changed: the vCenter has it neither as text nor as a boolean, but as int32"),
	)

	It("asks the server where it is not told whether the account may", func(ctx SpecContext) {
		vc := start("closed")
		vc.Fault("HasPrivilegeOnEntities", types.ManagedObjectReference{}, &types.NotSupported{})
		run, err := preflight.Run(ctx, making(vc))
		Expect(err).NotTo(HaveOccurred())
		Expect(run.Plan[0].Warnings).To(ContainElement(ContainSubstring("is not known: the change will tell")))
		Expect(run.Plan[0].Verified).To(BeTrue())
	}, SpecTimeout(time.Minute))

	// bent is a run through a server that does something at the write.
	bent := func(ctx context.Context, vc *sim.VCenter, o preflight.Options, write func(*simtest.Call) []byte) (*report.Run, error) {
		server := simtest.Bend(GinkgoTB(), vc, func(c *simtest.Call) []byte {
			if c.Method == "UpdateOptions" {
				return write(c)
			}
			return c.Pass()
		})
		o.Target.Address, o.Target.Thumbprints = server.Address, []string{server.Thumbprint}
		return preflight.Run(ctx, o)
	}

	It("is not believed where the server does not hold it", func(ctx SpecContext) {
		vc := start("closed")
		run, err := bent(ctx, vc, making(vc), func(c *simtest.Call) []byte {
			answer := c.Pass()
			give(vc, inventory.SettingName, "false")
			return answer
		})
		var unfinished *preflight.UnfinishedError
		Expect(err).To(BeAssignableToTypeOf(unfinished), "%v", err)
		Expect(done(run)).To(Equal(`set chosen [] ["true"] verified=false`))
		Expect(run.Plan[0].Done).To(BeTrue())
	}, SpecTimeout(time.Minute))

	DescribeTable("is undone after a run that was killed at the write", func(ctx SpecContext, written bool, want, restored string) {
		vc := start("closed")
		o := making(vc)
		o.Change.Journal = filepath.Join(GinkgoT().TempDir(), "whole")
		killed := filepath.Join(GinkgoT().TempDir(), "killed")
		_, _ = bent(ctx, vc, o, func(c *simtest.Call) []byte {
			defer GinkgoRecover()
			if written {
				c.Pass()
			}
			text, err := os.ReadFile(o.Change.Journal)
			Expect(err).NotTo(HaveOccurred())
			Expect(strings.Count(string(text), "\n")).To(Equal(2), "the journal has it before it is written")
			Expect(os.WriteFile(killed, text, 0o600)).To(Succeed())
			return nil
		})
		run, err := preflight.Run(ctx, undoing(vc, killed))
		Expect(err).NotTo(HaveOccurred())
		Expect(done(run)).To(Equal(want))
		Expect(options(vc)[inventory.SettingName]).To(Equal(restored))
	},
		Entry("before it", false, `none already-restored [] [] verified=false`, ""),
		Entry("after it", true, `set chosen ["true"] ["false"] verified=true`, `"false"`),
	)

	It("is not undone where somebody has changed it since, unless forced", func(ctx SpecContext) {
		vc := start("closed")
		give(vc, inventory.SettingName, "false")
		run, err := preflight.Run(ctx, making(vc))
		Expect(err).NotTo(HaveOccurred())
		give(vc, inventory.SettingName, "on")
		o := undoing(vc, run.Journal)
		undone, err := preflight.Run(ctx, o)
		var unfinished *preflight.UnfinishedError
		Expect(err).To(BeAssignableToTypeOf(unfinished), "%v", err)
		Expect(done(undone)).To(Equal(`refuse changed-since [] [] verified=false`))
		Expect(options(vc)[inventory.SettingName]).To(Equal(`"on"`))

		o.Change.Force = true
		undone, err = preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		Expect(done(undone)).To(Equal(`set chosen ["on"] ["false"] verified=true`))
		Expect(options(vc)[inventory.SettingName]).To(Equal(`"false"`))
	}, SpecTimeout(time.Minute))

	It("is undone though the hosts of its journal are gone", func(ctx SpecContext) {
		vc := start("closed")
		give(vc, inventory.SettingName, "true")
		run, err := preflight.Run(ctx, on(vc))
		Expect(err).NotTo(HaveOccurred())
		path := filepath.Join(GinkgoT().TempDir(), "journal")
		journal, err := fix.CreateJournal(path, fix.Header{InstanceUUID: run.Inventory.Endpoint.InstanceUUID, Requirement: fix.RequirementOf(checks.VIC())})
		Expect(err).NotTo(HaveOccurred())
		Expect(journal.RecordSetting(&fix.SettingChange{Before: []string{"false"}, After: []string{"true"}})).To(Succeed())
		Expect(journal.Record(&fix.Change{Host: &inventory.Host{ID: "host-999", Name: "gone", Path: "/dc1/host/gone"}, Ruleset: "vSPC"})).To(Succeed())
		Expect(journal.Close()).To(Succeed())

		undone, err := preflight.Run(ctx, undoing(vc, path))
		var unfinished *preflight.UnfinishedError
		Expect(err).To(BeAssignableToTypeOf(unfinished), "%v", err)
		Expect(done(undone)).To(Equal(`set chosen ["true"] ["false"] verified=true`))
		Expect(undone.Plan).To(HaveLen(2))
		Expect(undone.Plan[1].Reason).To(Equal("host-unavailable"))
	}, SpecTimeout(time.Minute))

	DescribeTable("is refused", func(ctx SpecContext, scenario string, set func(*preflight.Options), says string) {
		vc := start(scenario)
		o := making(vc)
		set(&o)
		_, err := preflight.Run(ctx, o)
		var usage *preflight.UsageError
		Expect(err).To(BeAssignableToTypeOf(usage), "%v", err)
		Expect(err).To(MatchError(ContainSubstring(says)))
		Expect(vc.RequestsOf("UpdateOptions")).To(BeZero())
	},
		Entry("on a bare ESXi host", "esxi", func(*preflight.Options) {}, "is an ESXi host, which has no config.vpxd.SerialPort.PersistNetworkBacking"),
		Entry("with a deny", "closed", func(o *preflight.Options) { o.Change.Do = preflight.Deny }, "--fix-setting goes with --fix or alone"),
		Entry("with an undo", "closed", func(o *preflight.Options) { o.Change.Do, o.Change.UndoJournal = preflight.Undo, "x" }, "undo takes it back by the journal"),
		Entry("with facts of a file", "closed", func(o *preflight.Options) { o.Target, o.Facts = preflight.Target{}, "x" }, "--fix-setting does not go with --facts"),
	)
})
