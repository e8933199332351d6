package e2e_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// filled are the words of printed commands that only the user can fill, as the hints above
// them say, with what somebody would put in on the scenario vic.
var filled = map[string]string{
	"DVS": "dvs1", "NETWORK": "'VM Network'", "HOST": "/dc1/host/prod/esx02.example",
	"SERVER": "nas.example", "EXPORT": "/export/shared", "NEW-NAME": "renamed", "LICENSE-KEY": "00000-00000-00000-00000-00001",
	"MACHINE": "'/dc1/vm/old ones/my vch'",
}

var capitals = regexp.MustCompile(`\b[A-Z][A-Z-]{2,}\b`)

// advised is what a run advises: reasons, and the command lines below them in their order.
type advised struct{ reasons, govc, others []string }

var (
	adviceHeading = regexp.MustCompile(`^  ([a-z0-9-]+)(?:,.*)? \(`)
	adviceLine    = regexp.MustCompile(`^ {6}([^ (].*)$`)
)

func adviceOf(output string) (a advised) {
	_, text, _ := strings.Cut(output, "\nWhat to do\n")
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := adviceHeading.FindStringSubmatch(line); m != nil {
			a.reasons = append(a.reasons, m[1])
		}
		m := adviceLine.FindStringSubmatch(line)
		switch {
		case m == nil || slices.Contains(a.govc, m[1]):
		case strings.HasPrefix(m[1], "govc "):
			a.govc = append(a.govc, m[1])
		default:
			a.others = append(a.others, program(m[1]))
		}
	}
	return a
}

// program is what a command line is for, where that is not govc.
func program(line string) string {
	if strings.HasSuffix(line, "# PowerCLI") {
		return "PowerCLI"
	}
	return strings.Fields(line)[0]
}

// creation is a virtual container host that is to be created, on a simulator.
type creation struct {
	simulator
	dir string
	env []string
}

func newCreation(s simulator) *creation {
	c := &creation{simulator: s, dir: GinkgoT().TempDir()}
	Expect(os.Symlink(govc, filepath.Join(c.dir, "govc"))).To(Succeed())
	c.env = append(s.env(), "PATH="+c.dir+":"+os.Getenv("PATH"))
	return c
}

func (c *creation) address() string {
	return strings.TrimSuffix(strings.TrimPrefix(c.url, "https://"), "/sdk")
}

// advice runs create, with options of vic-machine create after those of every run: the
// last one counts.
func (c *creation) advice(ctx context.Context, options ...string) advised {
	GinkgoHelper()
	args := append([]string{
		"create", "--insecure", "--refresh", "--hints", "--", "--target", c.address(), "--user", "root", "--password", "pw",
		"--compute-resource", "prod", "--image-store", "shared", "--bridge-network", "vic-bridge", "--name", "vch1",
		"--tls-cname", "vch1.example", "--tls-cert-path", filepath.Join(c.dir, "certificates"),
	}, options...)
	out := command(ctx, c.env, preflight, args...)
	Expect(out.code).To(BeElementOf(0, 1, 3), out.stderr)
	return adviceOf(out.stdout)
}

// run runs a command in a shell as it was printed, with the user's words put in, and
// returns those. One that only shows what is refused may be refused.
func (c *creation) run(ctx context.Context, line string, values map[string]string) (words []string) {
	GinkgoHelper()
	words = capitals.FindAllString(line, -1)
	whole := capitals.ReplaceAllStringFunc(line, func(word string) string {
		Expect(values).To(HaveKey(word), "only the user can fill it: %s", line)
		return values[word]
	})
	out := inShell(ctx, c.dir, c.env, whole)
	if out.code != 0 {
		Expect(line).To(HaveSuffix(" network firewall get"), "%s: %s", whole, out.stderr)
		Expect(out.stderr).To(ContainSubstring("Permission to perform this operation was denied."))
	}
	return words
}

func (c *creation) runAll(ctx context.Context, lines []string, values map[string]string) (words []string) {
	GinkgoHelper()
	for _, line := range lines {
		words = append(words, c.run(ctx, line, values)...)
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// broken are the reasons of the scenario vic-broken with commands of govc.
var broken = []string{
	"no-common-host", "network-missing", "name-taken-in-folder", "host-outside-switch", "license-feature", "esxcli-refused", "ruleset-disabled",
	"drs-off", "vm-group-without-drs", "uplink-port-group", "setting-unset", "ntp-stopped", "inbound-shut",
}

// tried are the reasons whose commands are run.
var tried = append([]string{"network-kind"}, broken...)

// elsewhere are reasons whose commands cannot be run on a simulator as it is, and why.
var elsewhere = map[string]string{
	"setting-refused":     "the command is that of setting-unset, for an account that may",
	"datastore-ambiguous": "the command is that of datastore-missing; the simulator keeps names of datastores apart, as vCenters do",
}

// said reports whether a word says by itself what it stands for, or explain has it where a
// run names what it found.
func said(word string) bool {
	return slices.Contains([]string{"DVS", "NETWORK", "NEW-NAME", "LICENSE-KEY", "HOST"}, word)
}

// shows is the case of a reason whose commands only show what there is, or make what the
// next command line has to name.
func shows(scenario string, bend func(*sim.VCenter), reason string, options ...string) TableEntry {
	tried = append(tried, reason)
	return Entry(reason, SpecTimeout(time.Minute), scenario, bend, reason, false, options, map[string]string{})
}

// mends is the case of one whose commands mend it. values are put in where those of filled
// do not do.
func mends(scenario string, bend func(*sim.VCenter), reason string, values map[string]string, options ...string) TableEntry {
	tried = append(tried, reason)
	return Entry(reason, SpecTimeout(time.Minute), scenario, bend, reason, true, options, values)
}

func nothing(*sim.VCenter) {}

// onlyReads gives hosts the image store for reading alone.
func onlyReads(hosts ...string) func(*sim.VCenter) {
	return func(vc *sim.VCenter) {
		for _, h := range hosts {
			vc.ChangeMount("shared", h, func(m *types.HostMountInfo) { m.AccessMode = string(types.HostMountModeReadOnly) })
		}
	}
}

// expires makes the license of a host end so long from now.
func expires(in time.Duration) func(*sim.VCenter) {
	return func(vc *sim.VCenter) {
		vc.Host("esx02.example").ChangeLicense(func(l *types.LicenseManagerLicenseInfo) {
			l.Properties = append(l.Properties, types.KeyAnyValue{Key: "expirationDate", Value: time.Now().Add(in)})
		})
	}
}

var _ = Describe("the commands that create prints", func() {
	It("mend what is broken, by govc as printed", func(ctx SpecContext) {
		c := newCreation(serveScenario("vic-broken"))
		found := c.advice(ctx, "--affinity-vm-group", "--public-network-ip", "10.0.0.9/24", "--public-network-gateway", "10.0.0.1")
		for _, reason := range broken {
			Expect(found.reasons).To(ContainElement(reason))
		}
		Expect(found.others).To(ContainElements("vic-preflight", "vic-machine-linux", "PowerCLI", "esxcli"), "these are not run")
		words := c.runAll(ctx, found.govc, filled)
		Expect(words).To(ConsistOf("EXPORT", "HOST", "LICENSE-KEY", "NETWORK", "DVS", "NEW-NAME", "SERVER"))

		left := c.advice(ctx, "--bridge-network", "vch1-bridge")
		for range 3 { // the first finding of several alike is the one that is printed
			c.runAll(ctx, left.govc, filled)
			left = c.advice(ctx, "--bridge-network", "vch1-bridge")
		}
		Expect(left.reasons).To(ConsistOf("esxcli-refused", "switch-unreadable", "administrative-user"), "what no command of govc mends")
	}, SpecTimeout(3*time.Minute))

	It("make a bridge network where there is none that spans hosts", func(ctx SpecContext) {
		vc, s := hostScenario("vic")
		vc.AddDatacenter("dc2") // names alone do not do then
		c := newCreation(s)
		found := c.advice(ctx, "--target", c.address()+"/dc1", "--bridge-network", "VM Network", "--public-network", "vic-bridge")
		Expect(found.reasons).To(ContainElement("network-kind"))
		values := maps.Clone(filled)
		values["DVS"] = "another"
		c.runAll(ctx, found.govc, values)
		for range 3 { // hosts
			found = c.advice(ctx, "--target", c.address()+"/dc1", "--bridge-network", "vch1-bridge")
			Expect(found.reasons).To(ConsistOf("host-outside-switch", "administrative-user"))
			c.runAll(ctx, found.govc, values)
		}
		Expect(c.advice(ctx, "--target", c.address()+"/dc1", "--bridge-network", "vch1-bridge").reasons).To(ConsistOf("administrative-user"))
	}, SpecTimeout(time.Minute))

	It("are run here, those of every reason that has any", func(ctx SpecContext) {
		text, err := os.ReadFile(filepath.Join("..", "docs", "create.md"))
		Expect(err).NotTo(HaveOccurred())
		var commands int
		for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\| [a-z]+, `create-").FindAllStringSubmatch(string(text), -1) {
			explained := command(ctx, environment(), preflight, "explain", m[1])
			Expect(explained.code).To(Equal(0), explained.stderr)
			if !strings.Contains(explained.stdout, "\n  govc ") {
				continue
			}
			commands++
			Expect(slices.Contains(tried, m[1]) != (elsewhere[m[1]] != "")).To(BeTrue(), "either tried or told why not: %s", m[1])
			_, hint, _ := strings.Cut(explained.stdout, "What to do:")
			words, lines, _ := strings.Cut(hint, "\n  govc ")
			for line := range strings.Lines(lines) {
				for _, word := range capitals.FindAllString(line, -1) {
					if _, only := filled[word]; only && !said(word) {
						Expect(words).To(ContainSubstring(word), "what stands for it: %s", m[1])
					}
				}
			}
		}
		Expect(commands).To(BeNumerically(">", 25))
	}, SpecTimeout(time.Minute))

	It("never unmount VMFS, which would destroy it", func(ctx SpecContext) {
		vc, s := hostScenario("vic")
		onlyReads("esx01.example", "esx02.example", "esx03.example")(vc)
		vc.ChangeDatastore("shared", func(ds *mo.Datastore) { ds.Summary.Type = "VMFS" })
		found := newCreation(s).advice(ctx)
		Expect(found.reasons).To(ContainElement("no-common-host"))
		Expect(found.govc).To(ContainElement("govc datastore.info /dc1/datastore/shared"))
		Expect(found.govc).NotTo(ContainElement(MatchRegexp("datastore.(remove|create)")))
	}, SpecTimeout(time.Minute))

	It("are those of check too", func(ctx SpecContext) {
		c := newCreation(serveScenario("mixed"))
		out := command(ctx, c.env, preflight, "check", "--insecure", "--hints", "--target", c.address(), "--user", "root", "--vch-ip", "10.20.0.5")
		Expect(out.code).To(Equal(1), out.stderr)
		found := adviceOf(out.stdout)
		Expect(len(found.govc)).To(BeNumerically(">", 6))
		Expect(c.runAll(ctx, found.govc, nil)).To(BeEmpty(), "the user fills nothing")
	}, SpecTimeout(time.Minute))

	DescribeTable("work as printed, and mend", func(ctx SpecContext, scenario string, bend func(*sim.VCenter), reason string, mended bool, options []string, values map[string]string) {
		vc, s := hostScenario(scenario)
		bend(vc)
		Expect(vc.Connections()).To(BeZero()) // it takes the lock that every connection takes: all see what was bent
		c := newCreation(s)
		found := c.advice(ctx, options...)
		Expect(found.reasons).To(ContainElement(reason))
		Expect(found.govc).NotTo(BeEmpty())
		all := maps.Clone(filled)
		maps.Copy(all, values)
		words := c.runAll(ctx, found.govc, all)
		for word := range values {
			Expect(words).To(ContainElement(word), "the case gives it")
		}
		if mended {
			Expect(c.advice(ctx, options...).reasons).NotTo(ContainElement(reason))
		}
	},
		shows("vic", nothing, "datastore-missing", "--image-store", "nope"),
		mends("vic", nothing, "datastore-outside", map[string]string{"EXPORT": "/export/shared-edge"}, "--image-store", "shared-edge"),
		shows("vic", func(vc *sim.VCenter) {
			vc.ChangeDatastore("shared", func(ds *mo.Datastore) { ds.Summary.Accessible = false })
		}, "datastore-inaccessible"),
		mends("vic", func(vc *sim.VCenter) {
			vc.ChangeDatastore("shared", func(ds *mo.Datastore) { ds.Summary.MaintenanceMode = "inMaintenance" })
		}, "datastore-maintenance", nil),
		mends("vic", onlyReads("esx02.example"), "host-unattached", nil),
		mends("vic", onlyReads("esx01.example", "esx02.example"), "one-common-host", map[string]string{"HOST": "/dc1/host/prod/esx02.example"}),
		mends("vic", onlyReads("esx01.example", "esx02.example", "esx03.example"), "no-common-host", map[string]string{"HOST": "/dc1/host/prod"}),
		mends("vic", func(vc *sim.VCenter) {
			vc.AddDatastore("volumes 2", "esx01.example", "esx02.example", "esx03.example")
			vc.ChangeMount("volumes 2", "esx02.example", func(m *types.HostMountInfo) { m.AccessMode = "readOnly" })
		}, "partly-mounted", map[string]string{"EXPORT": "'/export/volumes 2'"}, "--volume-store", "volumes 2:default"),
		mends("vic", nothing, "partly-mounted", map[string]string{"EXPORT": "/export/vol-one", "HOST": "/dc1/host/prod/esx0[23].example"}, "--volume-store", "vol-one:default"),
		shows("vic", nothing, "quota-exceeds-space", "--storage-quota", "100000"),
		mends("vic", nothing, "network-missing", map[string]string{"NETWORK": "new-net"}, "--client-network", "new-net"),
		shows("vic", nothing, "bridge-shared", "--client-network", "vic-bridge"),
		shows("vic", nothing, "bridge-same-network", "--client-network", "/dc1/network/vic-bridge"),
		mends("vic", func(vc *sim.VCenter) { vc.LeaveNetwork("vic-bridge", "esx03.example") }, "host-outside-switch", nil),
		mends("vic", func(vc *sim.VCenter) {
			vc.AddSwitch("dvs 2", "esx01.example", "esx02.example")
			vc.AddPortgroup("dvs 2", "clients", "esx01.example", "esx02.example")
		}, "host-outside-network", nil, "--client-network", "clients"),
		mends("vic", func(vc *sim.VCenter) { vc.SetOption("config.vpxd.SerialPort.PersistNetworkBacking", "TRUE") }, "setting-unset", nil),
		mends("vic", func(vc *sim.VCenter) { vc.Host("esx02.example").DropFeatures("dvs") }, "license-feature", nil),
		mends("vic", func(vc *sim.VCenter) { vc.Host("esx02.example").Unlicense() }, "license-feature", nil),
		mends("vic", expires(-time.Hour), "license-ended", nil),
		mends("vic", expires(24*time.Hour), "license-ends-soon", nil),
		mends("vic", func(vc *sim.VCenter) { vc.SetDRS("prod", types.NewBool(false)) }, "drs-off", nil),
		mends("vic", func(vc *sim.VCenter) { vc.SetDRS("prod", types.NewBool(false)) }, "vm-group-without-drs", nil, "--affinity-vm-group"),
		mends("vic", func(vc *sim.VCenter) { vc.AddGroup("prod", "my vch") }, "vm-group-exists", nil, "--affinity-vm-group", "--name", "my vch"),
		mends("vic", func(vc *sim.VCenter) {
			vc.AddVMFolder("old ones")
			vc.AddPool("prod", "my vch")
			vc.AddVM("my vch", sim.VMPlace{Cluster: "prod", Pool: "my vch", Folder: "old ones"})
		}, "name-taken", map[string]string{"MACHINE": "'/dc1/vm/old ones/my vch'"}, "--name", "my vch"),
		mends("vic", func(vc *sim.VCenter) { vc.AddVMFolder("my vch") }, "name-taken-in-folder", nil, "--name", "my vch"),
		mends("vic", func(vc *sim.VCenter) { vc.Host("esx01.example").SetNTP(false) }, "ntp-unset", nil),
		mends("vic", func(vc *sim.VCenter) { vc.Host("esx02.example").SetNTP(false, "ntp1.example", "ntp2.example") }, "ntp-stopped", nil),
		mends("vic", func(vc *sim.VCenter) { vc.Host("esx01.example").SetNTP(true, "other.example") }, "ntp-differs", nil),
		mends("vic", func(vc *sim.VCenter) { vc.Host("esx01.example").SetRuleset("vSphereClient", false) }, "inbound-shut", nil),
		shows("vic", func(vc *sim.VCenter) { vc.AddDatacenter("dc2") }, "datacenter-missing"),
		shows("vic", func(vc *sim.VCenter) { vc.AddPortgroup("dvs1", "vic-other") }, "network-ambiguous", "--bridge-network", "vic-*"),
		shows("vic", nothing, "compute-resource-missing", "--compute-resource", "nope"),
		shows("esxi", func(vc *sim.VCenter) { vc.Host("esxi.example").SetManagedBy("192.0.2.1") }, "vcenter-managed", "--compute-resource", "esxi.example", "--image-store", "datastore1 (1)"),
	)
})
