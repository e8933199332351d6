package preflight_test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/units"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/testsuite"
	"github.com/vic-preflight/vic-preflight/internal/vicmachine"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

// vch1 are the options of vic-machine create that the scenario vic takes. A plain option
// that is given again behind them counts in their place.
const vch1 = "--compute-resource prod --image-store shared --bridge-network vic-bridge --no-tls --name vch1"

// creating are options for a virtual container host on a simulator, out of a command line
// with blanks between its words; ~ stands for a blank in one.
func creating(vc *sim.VCenter, line string) (preflight.Options, error) {
	args := strings.Fields(line)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "~", " ")
	}
	c, err := vicmachine.Parse(args)
	if err != nil {
		return preflight.Options{}, err
	}
	o := on(vc)
	o.ComputeResource, o.Create = c.VCH.ComputeResource, &preflight.CreateOptions{VCH: c.VCH}
	if c.OpsPassword != nil {
		o.Create.OpsLogin, o.Create.OpsPassword = true, *c.OpsPassword
	}
	if at, ok := c.VCH.Address(); ok {
		vic := checks.VIC()
		vic.Peers = append(vic.Peers, at)
		o.Requirements = []checks.Requirement{vic}
	}
	return o, nil
}

// created is the run of a command line.
func created(ctx context.Context, vc *sim.VCenter, line string) *report.Run {
	GinkgoHelper()
	o, err := creating(vc, line)
	Expect(err).NotTo(HaveOccurred())
	run, err := preflight.Run(ctx, o)
	Expect(err).NotTo(HaveOccurred())
	return run
}

// always are the reasons that every command line of the table has: create warns of them.
var always = []checks.Reason{checks.AdministrativeUser, "no-tls"}

// found are a run's findings but for those of always: check/subject: status reason class.
func found(run *report.Run) []string {
	var list []string
	for _, r := range run.Results {
		if r.Status.Fine() || slices.Contains(always, r.Reason) {
			continue
		}
		subject := r.Subject[strings.LastIndex(r.Subject, "/")+1:]
		words := []string{r.Check + "/" + strings.TrimSuffix(subject, ".example") + ":", r.Status.String(), string(r.Reason), string(r.Class)}
		list = append(list, strings.TrimSpace(strings.Join(words, " ")))
	}
	return list
}

// What vic-machine create does in one case.
type deed string

const (
	passes  deed = "passes"
	warns   deed = "passes, warns"
	refuses deed = "refuses"
	crashes deed = "crashes"
)

// oracle is one case: what is bent, with what options, and what vic-machine create at
// commit 9489f63e3 was seen to do then.
type oracle struct {
	scenario string // vic where it is empty
	bend     func(*sim.VCenter)
	line     string // behind vch1; alone on a bare host
	create   deed
	want     []string
	// differs says why ours is another verdict, where it is.
	differs string
}

// judged is what our findings say that create does, and whether something is not known.
func judged(run *report.Run) (does deed, unknown bool) {
	does = passes
	for _, r := range run.Results {
		switch {
		case r.Class == checks.CreateRefuses:
			Expect(r.Status).To(Equal(checks.Fail), r.Check)
			does = refuses
		case r.Class == checks.CreateWarns && does == passes && !slices.Contains(always, r.Reason):
			does = warns
		}
		unknown = unknown || r.Status == checks.Unknown
	}
	return does, unknown
}

func verifyOracle(ctx SpecContext, o oracle) {
	scenario, line := "vic", vch1+" "+o.line
	if o.scenario != "" {
		scenario, line = o.scenario, o.line
	}
	vc := start(scenario)
	if o.scenario == "esxi" {
		vc.Host("esxi.example").SetRuleset("vic-engine", true)
		vc.Host("esxi.example").SetNTP(true, "ntp1.example")
	}
	if o.bend != nil {
		o.bend(vc)
	}
	vc.SetReadOnly(true)
	run := created(ctx, vc, line)
	Expect(vc.Refused()).To(BeEmpty())
	Expect(vc.OpenSessions()).To(BeZero())
	Expect(found(run)).To(ConsistOf(o.want))
	does, unknown := judged(run)
	if o.differs == "" {
		Expect(does).To(Equal(o.create))
		Expect(unknown).To(BeFalse())
		return
	}
	Expect(does != o.create || unknown).To(BeTrue(), "ours is the same after all")
}

// The ways to bend one thing that several cases have.

func mount(datastore string, f func(*types.HostMountInfo), hosts ...string) func(*sim.VCenter) {
	return func(vc *sim.VCenter) {
		for _, h := range hosts {
			vc.ChangeMount(datastore, h+".example", f)
		}
	}
}

func readOnly(m *types.HostMountInfo) { m.AccessMode = string(types.HostMountModeReadOnly) }

func shutPort(host string) func(*sim.VCenter) {
	return func(vc *sim.VCenter) { vc.Host(host+".example").SetRuleset("vic-engine", false) }
}

func drop(host, feature string) func(*sim.VCenter) {
	return func(vc *sim.VCenter) { vc.Host(host + ".example").DropFeatures(feature) }
}

func both(bends ...func(*sim.VCenter)) func(*sim.VCenter) {
	return func(vc *sim.VCenter) {
		for _, bend := range bends {
			bend(vc)
		}
	}
}

func option(values ...any) func(*sim.VCenter) {
	return func(vc *sim.VCenter) { vc.SetOption(inventory.SettingName, values...) }
}

func drs(on *bool) func(*sim.VCenter) {
	return func(vc *sim.VCenter) { vc.SetDRS("prod", on) }
}

// groupOf adds a second port group to the switch of prod.
func groupOf(vc *sim.VCenter) { vc.AddPortgroup("dvs1", "ext-pg", prod...) }

var prod = []string{"esx01.example", "esx02.example", "esx03.example"}

func maintain(vc *sim.VCenter) {
	vc.Model().Map().Get(vc.Host("esx01.example").Ref).(*simulator.HostSystem).Runtime.InMaintenanceMode = true
}

// free leaves so many GiB on the image store.
func free(gib int64) func(*sim.VCenter) {
	return func(vc *sim.VCenter) {
		vc.ChangeDatastore("shared", func(ds *mo.Datastore) { ds.Summary.FreeSpace = gib * int64(units.GB) })
	}
}

// standalone adds a host without a cluster, which has a store of its own.
func standalone(vc *sim.VCenter) {
	GinkgoHelper()
	ctx := context.Background()
	u := *vc.URL
	u.User = url.UserPassword("root", secret)
	c, err := govmomi.NewClient(ctx, &u, true)
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(c.Logout(ctx)).To(Succeed()) }()
	task, err := object.NewFolder(c.Client, vc.Ref("host", "Folder")).AddStandaloneHost(ctx, types.HostConnectSpec{HostName: "alone.example"}, true, nil, nil)
	Expect(err).NotTo(HaveOccurred())
	Expect(task.Wait(ctx)).To(Succeed())
	vc.AddDatastore("vol-alone", "alone.example")
	vc.Host("alone.example").SetRuleset("vic-engine", true)
	vc.Host("alone.example").SetNTP(true, "ntp1.example")
	vc.JoinNetwork("VM Network", "alone.example")
	lasting(vc.Host("alone.example"))
}

// lasting says when the host's license ends: the stock one is for evaluation, and of its
// end nothing is known.
func lasting(h *sim.Host) {
	h.ChangeLicense(func(info *types.LicenseManagerLicenseInfo) {
		info.Properties = append(info.Properties, types.KeyAnyValue{Key: "expirationDate", Value: time.Now().AddDate(1, 0, 0)})
	})
}

const bare = "--no-tls --name vch1 --image-store datastore1~(1) "

// unseen are the findings on a host that create passes over, with its port shut.
var unseen = []string{
	"outbound-port/esx01: fail ruleset-disabled create-silent", "attached-hosts/esx01: warn host-unattached create-silent",
	"cluster-drift/prod: warn drift create-silent",
}

var _ = DescribeTable("a command line on which vic-machine prints its help and exits 0 is refused, and nobody is called",
	func(more string) {
		_, err := creating(start("vic"), vch1+" "+more)
		var wrong *vicmachine.UsageError
		Expect(err).To(BeAssignableToTypeOf(wrong), "%v", err)
	},
	Entry("alias2", "--name vch1 -n vch2"),
	Entry("unknown", "--no-such-flag"),
)

var _ = DescribeTable("case by case, as the real program was seen to do", testsuite.Long, verifyOracle,
	Entry("base", SpecTimeout(time.Minute), oracle{create: passes}),
	Entry("lic-serialuri", SpecTimeout(time.Minute), oracle{
		bend:   drop("esx01", "serialuri"),
		create: refuses,
		want:   []string{"license/esx01: fail license-feature create-refuses"},
	}),
	Entry("lic-dvs", SpecTimeout(time.Minute), oracle{
		bend:   drop("esx01", "dvs"),
		create: refuses,
		want:   []string{"license/esx01: fail license-feature create-refuses"},
	}),
	Entry("lic-none", SpecTimeout(time.Minute), oracle{
		bend:   func(vc *sim.VCenter) { vc.Host("esx01.example").Unlicense() },
		create: refuses,
		want:   []string{"license/esx01: fail license-feature create-refuses"},
	}),
	Entry("lic-refuse", SpecTimeout(time.Minute), oracle{
		bend: func(vc *sim.VCenter) {
			vc.Fault("QueryAssignedLicenses", types.ManagedObjectReference{}, &types.NoPermission{PrivilegeId: "Global.Licenses"})
		},
		create: refuses,
		want: []string{
			"license/esx01: unknown place-unreadable", "license/esx02: unknown place-unreadable",
			"license/esx03: unknown place-unreadable", "license-expiry/esx01: unknown place-unreadable",
			"license-expiry/esx02: unknown place-unreadable", "license-expiry/esx03: unknown place-unreadable",
		},
		differs: "create may be run by another account: what this one may not read is not known (exit code 3)",
	}),
	Entry("esxi", SpecTimeout(time.Minute), oracle{scenario: "esxi", line: bare, create: passes}),
	Entry("esxi-lic", SpecTimeout(time.Minute), oracle{
		scenario: "esxi",
		bend:     func(vc *sim.VCenter) { vc.Host("esxi.example").DropFeatures("serialuri") },
		line:     bare,
		create:   refuses,
		want:     []string{"license/esxi: fail license-feature create-refuses"},
	}),
	Entry("esxi-lic-dvs", SpecTimeout(time.Minute), oracle{
		scenario: "esxi",
		bend:     func(vc *sim.VCenter) { vc.Host("esxi.example").DropFeatures("dvs") },
		line:     bare,
		create:   passes,
	}),
	Entry("dvs-missing", SpecTimeout(time.Minute), oracle{
		bend:   func(vc *sim.VCenter) { vc.LeaveNetwork("vic-bridge", "esx01.example") },
		create: refuses,
		want:   []string{"network-hosts/esx01: fail host-outside-switch create-refuses"},
	}),
	Entry("drs-off", SpecTimeout(time.Minute), oracle{bend: drs(types.NewBool(false)), create: warns, want: []string{"drs/prod: warn drs-off create-warns"}}),
	Entry("drs-off-vmgroup", SpecTimeout(time.Minute), oracle{
		bend:   drs(types.NewBool(false)),
		line:   "--affinity-vm-group",
		create: refuses,
		want:   []string{"drs/prod: warn drs-off create-warns", "vm-group/prod: fail vm-group-without-drs create-refuses"},
	}),
	Entry("vmgroup-exists", SpecTimeout(time.Minute), oracle{
		bend:   func(vc *sim.VCenter) { vc.AddGroup("prod", "vch1") },
		line:   "--affinity-vm-group",
		create: refuses,
		want:   []string{"vm-group/prod: fail vm-group-exists create-refuses"},
	}),
	Entry("drs-nil", SpecTimeout(time.Minute), oracle{
		bend:    drs(nil),
		create:  crashes,
		want:    []string{"drs/prod: unknown place-unreadable", "vch-name/--name: unknown place-unreadable"},
		differs: "nothing crashes: what the server leaves out is not known",
	}),
	Entry("mount-nil", SpecTimeout(time.Minute), oracle{
		bend:    mount("shared", func(m *types.HostMountInfo) { m.Mounted = nil }, "esx01"),
		create:  crashes,
		differs: "nothing crashes: the API says that a store is mounted where that is left out",
	}),
	Entry("mount-nil, accessible", SpecTimeout(time.Minute), oracle{
		bend:    mount("shared", func(m *types.HostMountInfo) { m.Accessible = nil }, "esx01"),
		create:  crashes,
		want:    []string{"attached-hosts/esx01: unknown place-unreadable"},
		differs: "nothing crashes: what the server leaves out is not known",
	}),
	Entry("pnb-false", SpecTimeout(time.Minute), oracle{
		bend:   option("false"),
		create: passes,
		want: []string{
			"persist-network-backing/config.vpxd.SerialPort.PersistNetworkBacking: warn setting-unset create-silent",
		},
	}),
	Entry("pnb-false, unset", SpecTimeout(time.Minute), oracle{
		bend:   option(),
		create: passes,
		want: []string{
			"persist-network-backing/config.vpxd.SerialPort.PersistNetworkBacking: warn setting-unset create-silent",
		},
	}),
	Entry("pnb-refuse", SpecTimeout(time.Minute), oracle{
		bend:   both(option("false"), func(vc *sim.VCenter) { vc.RevokeOnFolders("Global.Settings") }),
		create: refuses,
		want: []string{
			"persist-network-backing/config.vpxd.SerialPort.PersistNetworkBacking: fail setting-refused create-refuses",
		},
	}),
	Entry("pnb-true", SpecTimeout(time.Minute), oracle{bend: option("true"), create: passes}),
	Entry("pnb-booltrue", SpecTimeout(time.Minute), oracle{bend: option(true), create: passes}),
	Entry("pnb-TRUE", SpecTimeout(time.Minute), oracle{
		bend:   option("TRUE"),
		create: passes,
		want: []string{
			"persist-network-backing/config.vpxd.SerialPort.PersistNetworkBacking: warn setting-unset create-silent",
		},
	}),
	Entry("pnb-prefix", SpecTimeout(time.Minute), oracle{
		bend:   func(vc *sim.VCenter) { vc.SetOption(inventory.SettingName+"Too", "x") },
		create: refuses,
		want: []string{
			"persist-network-backing/config.vpxd.SerialPort.PersistNetworkBacking: fail setting-refused create-refuses",
		},
	}),
	Entry("pnb-noquery", SpecTimeout(time.Minute), oracle{
		bend: func(vc *sim.VCenter) {
			vc.Fault("QueryOptions", types.ManagedObjectReference{}, &types.NoPermission{PrivilegeId: "System.Read"})
		},
		create:  refuses,
		want:    []string{"persist-network-backing/config.vpxd.SerialPort.PersistNetworkBacking: unknown place-unreadable"},
		differs: "create may be run by another account: what this one may not read is not known (exit code 3)",
	}),
	Entry("ds-ro", SpecTimeout(time.Minute), oracle{
		bend:   mount("shared", readOnly, "esx01", "esx02", "esx03"),
		create: refuses,
		want:   []string{"datastore-access/prod: fail no-common-host create-refuses"},
	}),
	Entry("ds-ro1", SpecTimeout(time.Minute), oracle{bend: both(mount("shared", readOnly, "esx01"), shutPort("esx01")), create: passes, want: unseen}),
	Entry("ds-inacc1", SpecTimeout(time.Minute), oracle{
		bend:   both(mount("shared", func(m *types.HostMountInfo) { m.Accessible = types.NewBool(false) }, "esx01"), shutPort("esx01")),
		create: passes,
		want:   unseen,
	}),
	Entry("fw1only, the control: the same host, attached", SpecTimeout(time.Minute), oracle{
		bend:   shutPort("esx01"),
		create: refuses,
		want: []string{
			"outbound-port/esx01: fail ruleset-disabled create-refuses", "cluster-drift/prod: warn drift create-silent",
		},
	}),
	Entry("nohosts", SpecTimeout(time.Minute), oracle{
		bend:   func(vc *sim.VCenter) { vc.AddDatastore("vol-two", "esx02.example") },
		line:   "--image-store vol-one --volume-store vol-two:default",
		create: refuses,
		want: []string{
			"datastore-access/prod: fail no-common-host create-refuses", "volume-store/vol-two: warn partly-mounted create-silent",
			"attached-hosts/esx02: warn host-unattached create-silent", "attached-hosts/esx03: warn host-unattached create-silent",
		},
	}),
	Entry("vol-one", SpecTimeout(time.Minute), oracle{
		line:   "--volume-store vol-one:default",
		create: warns,
		want: []string{
			"datastore-access/prod: warn one-common-host create-warns", "volume-store/vol-one: warn partly-mounted create-silent",
		},
	}),
	Entry("vol-edge", SpecTimeout(time.Minute), oracle{
		line:   "--volume-store shared-edge:default",
		create: refuses,
		want:   []string{"volume-store/shared-edge: fail datastore-outside create-refuses"},
	}),
	Entry("img-edge", SpecTimeout(time.Minute), oracle{
		line:   "--image-store shared-edge",
		create: refuses,
		want:   []string{"image-store/shared-edge: fail datastore-outside create-refuses"},
	}),
	Entry("img-local", SpecTimeout(time.Minute), oracle{
		line:   "--image-store vol-one",
		create: warns,
		want: []string{
			"datastore-access/prod: warn one-common-host create-warns", "attached-hosts/esx02: warn host-unattached create-silent",
			"attached-hosts/esx03: warn host-unattached create-silent",
		},
	}),
	Entry("img-missing", SpecTimeout(time.Minute), oracle{
		line:   "--image-store nowhere",
		create: refuses,
		want: []string{
			"image-store/--image-store: fail datastore-missing create-refuses",
		},
	}),
	Entry("esxi-noimg", SpecTimeout(time.Minute), oracle{scenario: "esxi", line: "--no-tls --name vch1", create: passes}),
	Entry("glob2", SpecTimeout(time.Minute), oracle{
		line:   "--image-store shar*",
		create: refuses,
		want: []string{
			"store-options/--image-store: fail store-characters create-refuses", "image-store/--image-store: fail datastore-ambiguous create-refuses",
		},
	}),
	Entry("br-std", SpecTimeout(time.Minute), oracle{
		line:   "--bridge-network VM~Network --public-network dvs1",
		create: refuses,
		want:   []string{"bridge-network/VM Network: fail network-kind create-refuses"},
	}),
	Entry("br-missing", SpecTimeout(time.Minute), oracle{
		line:   "--bridge-network nowhere",
		create: refuses,
		want:   []string{"bridge-network/--bridge-network: fail network-missing create-refuses"},
	}),
	Entry("pn-bridge", SpecTimeout(time.Minute), oracle{
		line:   "--public-network vic-bridge",
		create: refuses,
		want:   []string{"bridge-network/vic-bridge: fail bridge-shared create-refuses"},
	}),
	Entry("conflict-path", SpecTimeout(time.Minute), oracle{
		line:   "--public-network /dc1/network/vic-bridge",
		create: passes,
		want:   []string{"bridge-network/vic-bridge: warn bridge-same-network create-silent"},
	}),
	Entry("pn-missing", SpecTimeout(time.Minute), oracle{
		line:   "--public-network nowhere",
		create: refuses,
		want:   []string{"networks/--public-network: fail network-missing create-refuses"},
	}),
	Entry("uplink", SpecTimeout(time.Minute), oracle{
		bend:   func(vc *sim.VCenter) { vc.SetUplink("vic-bridge", types.NewBool(true)) },
		create: passes,
		want:   []string{"bridge-network/vic-bridge: warn uplink-port-group create-silent"},
	}),
	Entry("opaque, of no host", SpecTimeout(time.Minute), oracle{
		bend:   func(vc *sim.VCenter) { vc.AddOpaqueNetwork("nsx") },
		line:   "--bridge-network nsx",
		create: refuses,
		want: []string{
			"network-hosts/esx01: fail host-outside-switch create-refuses", "network-hosts/esx02: fail host-outside-switch create-refuses",
			"network-hosts/esx03: fail host-outside-switch create-refuses",
		},
	}),
	Entry("opaque, of all hosts", SpecTimeout(time.Minute), oracle{
		bend:   func(vc *sim.VCenter) { vc.AddOpaqueNetwork("nsx", prod...) },
		line:   "--bridge-network nsx",
		create: passes,
	}),
	Entry("standalone", SpecTimeout(time.Minute), oracle{
		bend:   standalone,
		line:   "--compute-resource alone.example --image-store vol-alone",
		create: refuses,
		want:   []string{"network-hosts/alone: fail host-outside-switch create-refuses"},
	}),
	Entry("cn-std", SpecTimeout(time.Minute), oracle{
		line:   "--container-network VM~Network:x",
		create: refuses,
		want:   []string{"container-networks/VM Network: fail network-kind create-refuses"},
	}),
	Entry("cn-bad", SpecTimeout(time.Minute), oracle{
		bend:   groupOf,
		line:   "--container-network ext-pg:bridge",
		create: refuses,
		want:   []string{"container-networks/ext-pg: fail reserved-alias create-refuses"},
	}),
	Entry("cn-dvs", SpecTimeout(time.Minute), oracle{bend: groupOf, line: "--container-network ext-pg:public", create: passes}),
	Entry("esxi-cn", SpecTimeout(time.Minute), oracle{scenario: "esxi", line: bare + "--container-network VM~Network:x", create: passes}),
	Entry("esxcli-deny", SpecTimeout(time.Minute), oracle{
		bend:   func(vc *sim.VCenter) { vc.Host("esx02.example").RefuseEsxcli() },
		create: refuses,
		want: []string{
			"esxcli/esx02: fail esxcli-refused create-refuses",
		},
	}),
	Entry("esxi-managed", SpecTimeout(time.Minute), oracle{
		scenario: "esxi",
		bend:     func(vc *sim.VCenter) { vc.Host("esxi.example").SetManagedBy("127.0.0.1") },
		line:     bare,
		create:   refuses,
		want:     []string{"managed-by-vcenter/esxi: fail vcenter-managed create-refuses"},
	}),
	Entry("maint1", SpecTimeout(time.Minute), oracle{
		bend:   both(maintain, drop("esx01", "serialuri")),
		create: refuses,
		want: []string{
			"host-state/esx01: warn maintenance create-silent", "license/esx01: fail license-feature create-refuses",
		},
	}),
	Entry("disconnect1", SpecTimeout(time.Minute), oracle{
		bend: both(drop("esx01", "serialuri"), func(vc *sim.VCenter) {
			vc.Host("esx01.example").SetConnection(types.HostSystemConnectionStateDisconnected)
		}),
		create: passes,
		want: []string{
			"outbound-port/esx01: unknown facts-unavailable", "firewall-state/esx01: unknown facts-unavailable",
			"host-state/esx01: warn disconnected create-silent", "rule-persistence/esx01: unknown facts-unavailable",
			"attached-hosts/esx01: warn host-unattached create-silent", "license/esx01: warn license-feature create-silent",
			"inbound-443/esx01: unknown place-unreadable", "esxcli/esx01: unknown place-unreadable",
		},
		differs: "a host whose firewall nobody could read is not green: --allow-unknown tolerates it",
	}),
	Entry("off1", SpecTimeout(time.Minute), oracle{
		bend: both(drop("esx01", "serialuri"), func(vc *sim.VCenter) {
			vc.Host("esx01.example").SetPower(types.HostSystemPowerStatePoweredOff)
		}),
		create: passes,
		want: []string{
			"attached-hosts/esx01: warn host-unattached create-silent", "license/esx01: warn license-feature create-silent",
		},
	}),
	Entry("ops-grant", SpecTimeout(time.Minute), oracle{
		line:   "--ops-user ops --ops-password wrong --ops-grant-perms",
		create: refuses,
		want:   []string{"ops-user/--ops-user: fail ops-user-refused create-refuses"},
	}),
	Entry("ops-bad", SpecTimeout(time.Minute), oracle{
		line:   "--ops-user ops --ops-password wrong",
		create: refuses,
		want:   []string{"ops-user/--ops-user: fail ops-user-refused create-refuses"},
	}),
	Entry("grantperm", SpecTimeout(time.Minute), oracle{
		line:   "--ops-grant-perms",
		create: refuses,
		want:   []string{"ops-user/--ops-user: fail grant-without-user create-refuses"},
	}),
	Entry("folder", SpecTimeout(time.Minute), oracle{
		bend:   func(vc *sim.VCenter) { vc.AddVMFolder("vch1") },
		create: refuses,
		want:   []string{"vch-name/vch1: fail name-taken-in-folder create-refuses"},
	}),
	Entry("vm-exists", SpecTimeout(time.Minute), oracle{
		bend:   func(vc *sim.VCenter) { vc.AddVM("vch1", sim.VMPlace{Cluster: "prod"}) },
		create: refuses,
		want:   []string{"vch-name/vch1: fail name-taken-in-folder create-refuses"},
	}),
	Entry("vm-in-pool", SpecTimeout(time.Minute), oracle{
		bend: func(vc *sim.VCenter) {
			vc.AddPool("prod", "vch1")
			vc.AddVMFolder("elsewhere")
			vc.AddVM("vch1", sim.VMPlace{Cluster: "prod", Pool: "vch1", Folder: "elsewhere"})
		},
		create: refuses,
		want:   []string{"vch-name/vch1: fail name-taken create-refuses"},
	}),
	Entry("pool-exists", SpecTimeout(time.Minute), oracle{bend: func(vc *sim.VCenter) { vc.AddPool("prod", "vch1") }, create: passes}),
	Entry("quota6", SpecTimeout(time.Minute), oracle{
		bend:   free(5),
		line:   "--storage-quota 6",
		create: refuses,
		want:   []string{"storage-quota/shared: fail quota-exceeds-space create-refuses"},
	}),
	Entry("quota5", SpecTimeout(time.Minute), oracle{bend: free(5), line: "--storage-quota 5", create: passes}),
	Entry("cr-missing", SpecTimeout(time.Minute), oracle{
		line:   "--compute-resource nowhere",
		create: refuses,
		want:   []string{"compute-resource/--compute-resource: fail compute-resource-missing create-refuses"},
	}),
)
