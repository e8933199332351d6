package preflight_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/testsuite"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

// createReads are the calls of a run that changes nothing; RefreshFirewall brings vCenter's
// copy of a firewall up to what the host has.
var createReads = append(slices.Clone(reads), "QueryAssignedLicenses", "RefreshFirewall", "ContinueRetrievePropertiesEx", "FindChild", "FindByInventoryPath")

// strangers are the calls that are none of those.
func strangers(vc *sim.VCenter) []string {
	var list []string
	for _, method := range slices.Sorted(maps.Keys(vc.Calls())) {
		if !slices.Contains(createReads, method) {
			list = append(list, method)
		}
	}
	return list
}

var _ = DescribeTable("create changes nothing", func(ctx SpecContext, scenario, line string, set func(*preflight.Options)) {
	vc := start(scenario)
	o, err := creating(vc, line)
	Expect(err).NotTo(HaveOccurred())
	vc.SetReadOnly(true)
	set(&o)
	run, err := preflight.Run(ctx, o)
	Expect(err).NotTo(HaveOccurred())
	Expect(run.Results).NotTo(BeEmpty())
	Expect(vc.Refused()).To(BeEmpty())
	Expect(strangers(vc)).To(BeEmpty())
	Expect(vc.OpenSessions()).To(BeZero())
},
	Entry("as it is", SpecTimeout(time.Minute), "vic", vch1, func(*preflight.Options) {}),
	Entry("all wrong", SpecTimeout(time.Minute), "vic-broken", vch1, func(*preflight.Options) {}),
	Entry("--refresh", SpecTimeout(time.Minute), "vic", vch1, func(o *preflight.Options) { o.Refresh = true }),
	Entry("--firewall-state", SpecTimeout(time.Minute), "vic-broken", vch1, func(o *preflight.Options) { o.FirewallState = true }),
	Entry("--ops-login", SpecTimeout(time.Minute), "vic", vch1+" --ops-user ops --ops-password wrong", func(*preflight.Options) {}),
	Entry("--ops-grant-perms", SpecTimeout(time.Minute), "vic", vch1+" --ops-user root --ops-password "+secret+" --ops-grant-perms", func(*preflight.Options) {}),
	Entry("--only", SpecTimeout(time.Minute), "vic", vch1, func(o *preflight.Options) { o.Only = []string{checks.LicenseCheck} }),
	Entry("--probe local", SpecTimeout(time.Minute), "vic", vch1, func(o *preflight.Options) {
		o.Probe.Vantage, o.Probe.Target, o.Probe.Timeout = inventory.VantageLocal, "127.0.0.1", 100*time.Millisecond
	}),
	Entry("--dry-run with --fix and --fix-setting", SpecTimeout(time.Minute), "vic-broken", vch1, func(o *preflight.Options) {
		o.Change.Do, o.Change.Setting, o.Change.DryRun = preflight.Allow, true, true
	}),
	Entry("a bare host", SpecTimeout(time.Minute), "esxi", bare, func(*preflight.Options) {}),
	Entry("a bare host, --refresh --firewall-state", SpecTimeout(time.Minute), "esxi80", bare, func(o *preflight.Options) { o.Refresh, o.FirewallState = true, true }),
	Entry("a datacenter that is not there", SpecTimeout(time.Minute), "vic", vch1, func(o *preflight.Options) { o.Target.Datacenter = "nowhere" }),
	Entry("a compute resource that is not there", SpecTimeout(time.Minute), "vic", vch1+" --compute-resource nowhere", func(*preflight.Options) {}),
)

var _ = DescribeTable("a fix in a run of create makes no other change than its own, and is undone",
	func(ctx SpecContext, set func(*preflight.Options), made []string, mended ...string) {
		vc := start("vic-broken")
		then, shut := options(vc), vc.Host("esx02.example").Firewall()
		o, err := creating(vc, vch1)
		Expect(err).NotTo(HaveOccurred())
		before, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		set(&o)
		o.Change.VerifyTimeout = time.Second
		run, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		Expect(strangers(vc)).To(Equal(made))
		was, now := found(before), found(run)
		for _, finding := range mended {
			Expect(was).To(ContainElement(finding))
			Expect(now).NotTo(ContainElement(finding))
		}
		Expect(now).To(HaveLen(len(was)-len(mended)), "%v", now)
		Expect(run.Journal).To(BeARegularFile())

		_, err = preflight.Run(ctx, undoing(vc, run.Journal))
		Expect(err).NotTo(HaveOccurred())
		Expect(vc.Host("esx02.example").Firewall()).To(Equal(shut))
		if o.Change.Setting {
			then[inventory.SettingName] = `"false"` // an option that is set cannot be unset
		}
		Expect(options(vc)).To(Equal(then))
	},
	Entry("--fix-setting", SpecTimeout(time.Minute), func(o *preflight.Options) { o.Change.Setting = true }, []string{"UpdateOptions"}, settingUnset),
	Entry("--fix", SpecTimeout(time.Minute), func(o *preflight.Options) { o.Change.Do = preflight.Allow }, []string{"EnableRuleset"}, portShut, drift),
	Entry("both", SpecTimeout(time.Minute), func(o *preflight.Options) { o.Change.Do, o.Change.Setting = preflight.Allow, true },
		[]string{"EnableRuleset", "UpdateOptions"}, settingUnset, portShut, drift),
)

const (
	settingUnset = "persist-network-backing/config.vpxd.SerialPort.PersistNetworkBacking: warn setting-unset create-silent"
	portShut     = "outbound-port/esx02: fail ruleset-disabled create-refuses"
	drift        = "cluster-drift/prod: warn drift create-silent"
)

var _ = Describe("create", func() {
	It("leaves a setting that is refused unfinished", func(ctx SpecContext) {
		vc := start("vic-broken")
		vc.RevokeOnFolders("Global.Settings")
		o, err := creating(vc, vch1)
		Expect(err).NotTo(HaveOccurred())
		o.Change.Setting = true
		run, err := preflight.Run(ctx, o)
		var unfinished *preflight.UnfinishedError
		Expect(err).To(BeAssignableToTypeOf(unfinished), "%v", err)
		Expect(found(run)).To(ContainElement(ContainSubstring("fail setting-refused create-refuses")))
		Expect(strangers(vc)).To(BeEmpty())
	}, SpecTimeout(time.Minute))

	// Both read the tree once, and the rulesets of 50 hosts by a call. Create asks every host
	// for the state of its firewall besides: two calls of esxcli's, the executer and the
	// command, as vic-machine has to.
	It("makes a number of calls that grows by two a host alone against check", testsuite.Long, func(ctx SpecContext) {
		extra := map[int]int{}
		for _, hosts := range []int{10, 100, 1000} {
			vc := start(fmt.Sprintf("vic?hosts=%d", hosts))
			o, err := creating(vc, vch1)
			Expect(err).NotTo(HaveOccurred())
			_, err = preflight.Run(ctx, o)
			Expect(err).NotTo(HaveOccurred())
			calls := vc.Requests()
			o.Create = nil
			_, err = preflight.Run(ctx, o)
			Expect(err).NotTo(HaveOccurred())
			check := vc.Requests() - calls
			extra[hosts] = calls - check - 2*hosts
		}
		Expect(extra[100]).To(Equal(extra[10]), "%v", extra)
		Expect(extra[1000]).To(Equal(extra[10]), "%v", extra)
	}, SpecTimeout(3*time.Minute))

	DescribeTable("tries the operations user where it has a password", func(ctx SpecContext, line, want string) {
		vc := start("vic")
		run := created(ctx, vc, vch1+" "+line)
		Expect(vc.OpenSessions()).To(BeZero())
		Expect(ops(run)).To(Equal(want))
	},
		Entry("right", SpecTimeout(time.Minute), "--ops-user root --ops-password "+secret, "pass in-order"),
		Entry("wrong", SpecTimeout(time.Minute), "--ops-user root --ops-password wrong", "fail ops-user-refused"),
		Entry("none", SpecTimeout(time.Minute), "--ops-user root", "skip not-tried"),
	)

	It("heeds waivers and severities, and compares with a baseline", func(ctx SpecContext) {
		vc := start("vic")
		vc.AddVMFolder("vch1")
		o, err := creating(vc, vch1)
		Expect(err).NotTo(HaveOccurred())
		o.Only = []string{checks.VCHNameCheck, checks.DRSCheck}
		o.Waivers = []checks.Waiver{{Check: checks.VCHNameCheck, Reason: checks.NameTakenInFolder, Host: "vch1", Because: "it is removed first", Expires: time.Now().AddDate(0, 0, 7)}}
		o.Severities = map[checks.Reason]checks.Status{checks.DRSOff: checks.Fail}
		run, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		Expect(found(run)).To(ConsistOf("vch-name/vch1: warn name-taken-in-folder create-refuses"))
		Expect(run.Classes().Refuses).To(Equal(1), "what is waived is counted all the same")
		Expect(run.Results[len(run.Results)-1].Waiver).NotTo(BeNil())

		for _, change := range []struct {
			on          bool
			new, mended int
			want        []string
		}{
			{false, 1, 0, []string{"vch-name/vch1: warn name-taken-in-folder create-refuses", "drs/prod: fail drs-off create-warns"}},
			{true, 0, 1, []string{"vch-name/vch1: warn name-taken-in-folder create-refuses"}},
		} {
			o.Baseline = savedReport(run)
			vc.SetDRS("prod", types.NewBool(change.on))
			run, err = preflight.Run(ctx, o)
			Expect(err).NotTo(HaveOccurred())
			Expect(found(run)).To(ConsistOf(change.want))
			Expect(run.Compared.New).To(Equal(change.new))
			Expect(run.Compared.Mended).To(Equal(change.mended))
		}
	}, SpecTimeout(time.Minute))

	It("ends where the login is refused, and where it is interrupted", func(ctx SpecContext) {
		vc := start("vic")
		o, err := creating(vc, vch1)
		Expect(err).NotTo(HaveOccurred())
		o.Target.Password = "wrong"
		_, err = preflight.Run(ctx, o)
		var unavailable *preflight.UnavailableError
		Expect(err).To(BeAssignableToTypeOf(unavailable), "%v", err)

		o.Target.Password = secret
		stopped, stop := context.WithCancel(ctx)
		stop()
		_, err = preflight.Run(stopped, o)
		var interrupted *preflight.InterruptedError
		Expect(err).To(BeAssignableToTypeOf(interrupted), "%v", err)
		Expect(vc.OpenSessions()).To(BeZero())
	}, SpecTimeout(time.Minute))
})

// savedReport is a file with a run's report in JSON.
func savedReport(run *report.Run) string {
	GinkgoHelper()
	file, err := os.Create(filepath.Join(GinkgoT().TempDir(), "saved.json"))
	Expect(err).NotTo(HaveOccurred())
	Expect(report.JSON(file, &report.Report{Requirements: run.Requirements, Runs: []*report.Run{run}})).To(Succeed())
	Expect(file.Close()).To(Succeed())
	return file.Name()
}

// ops is what a run says of the operations user.
func ops(run *report.Run) string {
	for _, r := range run.Results {
		if r.Check == checks.OpsUserCheck {
			return fmt.Sprintf("%s %s", r.Status, r.Reason)
		}
	}
	return ""
}
