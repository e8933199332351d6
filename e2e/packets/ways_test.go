//go:build linux

package packets_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/e2e/esxi"
)

// The hosts of the scenario closed have ESXi 8.0.2 (esx01, esx02), 7.0.3 (esx03)
// and 6.5.0 (esx11, esx12).
const (
	builtInHost = "esx01.example"
	vibHost     = "esx02.example"
	fileHost    = "esx03.example"
	oldHost     = "esx11.example"
)

// esxiWorld is a world whose hosts have ESXi's shell.
type esxiWorld struct {
	*world
	*esxi.ESXi
}

func newESXiWorld() *esxiWorld {
	GinkgoHelper()
	w := newWorld()
	x, err := esxi.New(w.Lab, w.vc, hosts)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(x.Close)
	for _, h := range hosts { // as hosts are that have run for long
		w.vc.Host(h).SetBootTime(time.Now().AddDate(0, -1, 0))
	}
	w.sshUp(hosts...)
	return &esxiWorld{w, x}
}

// ssh are the flags to log in to the hosts.
func (w *esxiWorld) ssh(args ...string) []string {
	return append(args, "--ssh-user", w.SSHUser(), "--ssh-key", w.ClientKey(), "--ssh-known-hosts", w.KnownHosts())
}

// fix opens the port on one host by a method, and returns the run and its
// journal.
func (w *esxiWorld) fix(ctx context.Context, host, method string, more ...string) (out outcome, journal string) {
	GinkgoHelper()
	journal = filepath.Join(GinkgoT().TempDir(), "journal.jsonl")
	args := []string{"fix", "--allow", "--host", host, "--journal", journal, "--method", method}
	if method != "ruleset" {
		args = w.ssh(args...)
	}
	return w.tool(ctx, append(args, more...)...), journal
}

// vib lets the tool build a VIB.
func (w *esxiWorld) vib(ctx context.Context, generation string) string {
	GinkgoHelper()
	file := filepath.Join(GinkgoT().TempDir(), "vic"+generation+".vib")
	cmd := exec.CommandContext(ctx, preflight, "vib", "build", "--esxi", generation, "--output", file)
	cmd.Env = environment()
	said, err := cmd.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(said))
	return file
}

// persistence is what the check rule-persistence says of each host, and the
// report it stands in.
func (w *esxiWorld) persistence(ctx context.Context, more ...string) (reasons map[string]string, report string) {
	GinkgoHelper()
	out := w.tool(ctx, append([]string{"check", "--refresh", "-o", "json"}, more...)...)
	var r struct {
		Targets []struct {
			Hosts []struct {
				Name   string
				Checks []struct{ ID, Reason string }
			}
		}
	}
	Expect(json.Unmarshal([]byte(out.stdout), &r)).To(Succeed(), out.stderr)
	reasons = map[string]string{}
	for _, h := range r.Targets[0].Hosts {
		for _, c := range h.Checks {
			if c.ID == "rule-persistence" {
				reasons[h.Name] = c.Reason
			}
		}
	}
	report = filepath.Join(GinkgoT().TempDir(), "report.json")
	Expect(os.WriteFile(report, []byte(out.stdout), 0o600)).To(Succeed())
	return reasons, report
}

var _ = Describe("the three ways to open the port", func() {
	It("open it for real packets, and a reboot keeps two and loses one", func(ctx SpecContext) {
		w := newESXiWorld()
		w.listen(w.VCH(), w.VCH().Addr4.String()+":2377")
		shut := w.probe(ctx, "ssh")
		for _, h := range hosts {
			Expect(shut[h]).To(Equal("timeout"), h)
		}

		out, _ := w.fix(ctx, builtInHost, "ruleset")
		Expect(out.code).To(BeZero(), out.stdout+out.stderr)
		out, _ = w.fix(ctx, vibHost, "vib", "--vib", w.vib(ctx, "8"), "--lower-acceptance-level")
		Expect(out.code).To(BeZero(), out.stdout+out.stderr)
		out, _ = w.fix(ctx, fileHost, "service-xml")
		Expect(out.code).To(BeZero(), out.stdout+out.stderr)
		Expect(out.stdout).To(ContainSubstring("does not survive a reboot"))
		out, _ = w.fix(ctx, oldHost, "vib", "--vib", w.vib(ctx, "6-7"), "--lower-acceptance-level")
		Expect(out.code).To(BeZero(), out.stdout+out.stderr)

		open := w.probe(ctx, "ssh")
		Expect(open).To(Equal(seen{
			builtInHost: "open", vibHost: "open", fileHost: "open", oldHost: "open", "esx12.example": "timeout",
		}))
		before, report := w.persistence(ctx)
		Expect(before).To(HaveKeyWithValue(builtInHost, "survives-reboot"))
		Expect(before).To(HaveKeyWithValue(vibHost, "survives-reboot"))
		Expect(before).To(HaveKeyWithValue(oldHost, "survives-reboot"))
		Expect(before).To(HaveKeyWithValue(fileHost, "lost-at-reboot"))

		onHosts := w.tool(ctx, w.ssh("check", "--refresh", "--ssh", "--width", "200")...)
		Expect(onHosts.stderr).NotTo(ContainSubstring("warning"))
		Expect(onHosts.stdout).To(MatchRegexp(`lost-at-reboot  esx03: vicoutgoing stands in /etc/vmware/firewall/service\.xml, which no VIB brought`))
		// Privileges to read the list of packages are not needed then.
		w.vc.Host(vibHost).Revoke("Host.Config.Image")
		fromFile := w.tool(ctx, w.ssh("check", "--refresh", "--ssh", "-o", "json", "--host", vibHost)...)
		Expect(fromFile.stdout).To(ContainSubstring("vmware-vic comes from the VIB vmware-vic, which owns /etc/vmware/firewall/vmware-vic.xml"))

		for _, h := range hosts {
			Expect(w.ESXi.Host(h).Reboot(esxi.SSHOn)).To(Succeed())
		}
		after := w.probe(ctx, "ssh")
		Expect(after).To(Equal(seen{
			builtInHost: "open", vibHost: "open", fileHost: "timeout", oldHost: "open", "esx12.example": "timeout",
		}))
		lost, _ := w.persistence(ctx, "--baseline", report)
		Expect(lost).To(HaveKeyWithValue(builtInHost, "survives-reboot"))
		Expect(lost).To(HaveKeyWithValue(vibHost, "survives-reboot"))
		Expect(lost).To(HaveKeyWithValue(oldHost, "survives-reboot"))
		Expect(lost).To(HaveKeyWithValue(fileHost, "lost-by-reboot"))
	}, SpecTimeout(4*time.Minute))

	It("are taken back: the VIB, the acceptance level, every byte of service.xml, and the packets", func(ctx SpecContext) {
		w := newESXiWorld()
		w.listen(w.VCH(), w.VCH().Addr4.String()+":2377")
		file, err := w.ESXi.Host(fileHost).ReadFile("/etc/vmware/firewall/service.xml")
		Expect(err).NotTo(HaveOccurred())
		mode, err := w.ESXi.Host(fileHost).Stat("/etc/vmware/firewall/service.xml")
		Expect(err).NotTo(HaveOccurred())
		packages := len(w.ESXi.Host(vibHost).VIBs())

		out, vibJournal := w.fix(ctx, vibHost, "vib", "--vib", w.vib(ctx, "8"), "--lower-acceptance-level")
		Expect(out.code).To(BeZero(), out.stdout+out.stderr)
		out, fileJournal := w.fix(ctx, fileHost, "service-xml")
		Expect(out.code).To(BeZero(), out.stdout+out.stderr)
		edited, err := w.ESXi.Host(fileHost).Stat("/etc/vmware/firewall/service.xml")
		Expect(err).NotTo(HaveOccurred())
		Expect(edited.Mode()).To(Equal(mode.Mode()), "the sticky bit too")
		Expect(w.probe(ctx, "ssh")).To(And(HaveKeyWithValue(vibHost, "open"), HaveKeyWithValue(fileHost, "open")))

		for _, journal := range []string{vibJournal, fileJournal} {
			out := w.tool(ctx, w.ssh("undo", journal, "--journal", journal+".undo")...)
			Expect(out.code).To(BeZero(), out.stdout+out.stderr)
		}
		Expect(w.probe(ctx, "ssh")).To(And(HaveKeyWithValue(vibHost, "timeout"), HaveKeyWithValue(fileHost, "timeout")))
		Expect(w.ESXi.Host(vibHost).VIBs()).To(HaveLen(packages))
		Expect(w.vc.Host(vibHost).Acceptance()).To(Equal("partner"))
		now, err := w.ESXi.Host(fileHost).ReadFile("/etc/vmware/firewall/service.xml")
		Expect(err).NotTo(HaveOccurred())
		Expect(now).To(Equal(file))
		for _, h := range []string{vibHost, fileHost} {
			left := w.session(ctx, h, "ls -A /tmp /etc/vmware/firewall")
			Expect(left).NotTo(ContainSubstring("vic-preflight"), "nothing is left behind")
		}
	}, SpecTimeout(4*time.Minute))

	It("render the element with a host's next number", func(ctx SpecContext) {
		w := newESXiWorld()
		cmd := exec.CommandContext(ctx, preflight, w.ssh("rule", "render", "--from-host", w.Lab.Host(fileHost).Addr4.String())...)
		cmd.Env = environment()
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		Expect(w.Ops().Start(cmd)).To(Succeed())
		Expect(cmd.Wait()).To(Succeed(), stderr.String())
		file, err := w.ESXi.Host(fileHost).ReadFile("/etc/vmware/firewall/service.xml")
		Expect(err).NotTo(HaveOccurred())
		last := strings.Count(string(file), "<service id=")
		Expect(stdout.String()).To(ContainSubstring(fmt.Sprintf("<service id='%04d'>", last)))
		Expect(stdout.String()).To(ContainSubstring("<id>vicoutgoing</id>"))
		Expect(stderr.String()).To(ContainSubstring("does not survive a reboot"))
	}, SpecTimeout(time.Minute))

	It("change nothing in a dry run", func(ctx SpecContext) {
		w := newESXiWorld()
		before := w.session(ctx, vibHost, "ls -lR /etc/vmware /tmp")
		for _, args := range [][]string{{"vib", "--vib", w.vib(ctx, "8"), "--lower-acceptance-level"}, {"service-xml"}} {
			out, _ := w.fix(ctx, vibHost, args[0], append(args[1:], "--dry-run")...)
			Expect(out.code).To(Equal(1), out.stdout+out.stderr)
			Expect(out.stdout).To(ContainSubstring("planned"))
		}
		for _, ran := range w.ESXi.Host(vibHost).Ran() {
			Expect(ran).NotTo(MatchRegexp(`install|remove|refresh| set`))
		}
		Expect(w.session(ctx, vibHost, "ls -lR /etc/vmware /tmp")).To(Equal(before))
	}, SpecTimeout(2*time.Minute))
})

// session runs a command on a host as somebody else would.
func (w *esxiWorld) session(ctx context.Context, host, command string) string {
	GinkgoHelper()
	cmd := exec.CommandContext(ctx, "ssh", "-i", w.ClientKey(), "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
		"-o", "UserKnownHostsFile="+w.KnownHosts(), "-o", "GlobalKnownHostsFile=none",
		w.SSHUser()+"@"+w.Lab.Host(host).Addr4.String(), command)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	Expect(w.Ops().Start(cmd)).To(Succeed())
	Expect(cmd.Wait()).To(Succeed(), said.String())
	return said.String()
}

type refusalRow struct {
	host, method string
	generation   string // of the VIB
	prepare      func(*esxi.Host)
	lower        bool
	says         []string
}

var _ = DescribeTable("a host that does not take it", func(ctx SpecContext, row refusalRow) {
	w := newESXiWorld()
	x := w.ESXi.Host(row.host)
	if row.prepare != nil {
		row.prepare(x)
	}
	level := w.vc.Host(row.host).Acceptance()
	file, err := x.ReadFile("/etc/vmware/firewall/service.xml")
	Expect(err).NotTo(HaveOccurred())
	packages := x.VIBs()

	var more []string
	if row.method == "vib" {
		more = append(more, "--vib", w.vib(ctx, row.generation))
	}
	if row.lower {
		more = append(more, "--lower-acceptance-level")
	}
	out, _ := w.fix(ctx, row.host, row.method, append(more, "--verify-timeout", "1s")...)
	Expect(out.code).To(Equal(4), out.stdout+out.stderr)
	said := strings.Join(strings.Fields(out.stdout+out.stderr), " ")
	for _, words := range row.says {
		Expect(said).To(ContainSubstring(words))
	}

	Expect(x.VIBs()).To(Equal(packages), "nothing is installed")
	Expect(w.vc.Host(row.host).Acceptance()).To(Equal(level), "the acceptance level is as it was")
	now, err := x.ReadFile("/etc/vmware/firewall/service.xml")
	Expect(err).NotTo(HaveOccurred())
	Expect(now).To(Equal(file), "service.xml is as it was")
	Expect(w.session(ctx, row.host, "ls -A /tmp /etc/vmware/firewall")).NotTo(ContainSubstring("vic-preflight-"), "nothing is left behind")
},
	Entry("for its acceptance level", SpecTimeout(time.Minute), refusalRow{host: vibHost, method: "vib", generation: "8", says: []string{"refused", "PartnerSupported", "--lower-acceptance-level"}}),
	Entry("for Secure Boot", SpecTimeout(time.Minute), refusalRow{
		host: vibHost, method: "vib", generation: "8", lower: true, prepare: func(h *esxi.Host) { h.SetSecureBoot(true) },
		says: []string{"refused", "Secure Boot"},
	}),
	Entry("for its version, 8", SpecTimeout(time.Minute), refusalRow{host: vibHost, method: "vib", generation: "6-7", lower: true, says: []string{"refused", "not built for ESXi 8.0.2", "--esxi 8"}}),
	Entry("for its version, 6", SpecTimeout(time.Minute), refusalRow{host: oldHost, method: "vib", generation: "8", lower: true, says: []string{"refused", "not built for ESXi 6.5.0", "--esxi 6-7"}}),
	Entry("with an error of its own", SpecTimeout(time.Minute), refusalRow{
		host: vibHost, method: "vib", generation: "8", lower: true,
		prepare: func(h *esxi.Host) {
			h.Fail("software vib install", "[InstallationError]\n Can not open /var/vmware/lifecycle/stageliveimage/data/payload1.t00\n Please refer to the log file for more details.", 1)
		},
		says: []string{"FAILED", "Can not open /var/vmware/lifecycle", "try again"},
	}),
	Entry("and says so on standard output", SpecTimeout(time.Minute), refusalRow{
		host: vibHost, method: "vib", generation: "8", lower: true,
		prepare: func(h *esxi.Host) {
			h.ErrorsOnStdout(true)
			h.Fail("software vib install", "[VibDownloadError]\n ('/tmp/x.vib', 'Bad VIB archive header')", 1)
		},
		says: []string{"FAILED", "Bad VIB archive header", "damaged on the way"},
	}),
	Entry("because the refresh fails after a VIB", SpecTimeout(time.Minute), refusalRow{
		host: vibHost, method: "vib", generation: "8", lower: true,
		prepare: func(h *esxi.Host) { h.Fail("network firewall refresh", "Operation failed.", 1) },
		says:    []string{"FAILED", "esxcli network firewall refresh failed: Operation failed."},
	}),
	Entry("because it would have to start again", SpecTimeout(time.Minute), refusalRow{
		host: vibHost, method: "vib", generation: "8", lower: true,
		prepare: func(h *esxi.Host) {
			h.ErrorsOnStdout(true)
			h.Fail("software vib install --dry-run", "Installation Result\n   Message: Dryrun only, host not changed.\n   Reboot Required: true\n", 0)
		},
		says: []string{"FAILED", "would have to be started again"},
	}),
	Entry("because it says nothing that is understood", SpecTimeout(time.Minute), refusalRow{
		host: vibHost, method: "vib", generation: "8", lower: true,
		prepare: func(h *esxi.Host) { h.Fail("software vib list", "Nom Version\n", 0) },
		says:    []string{"refused", "not-surveyed", "did not print the table"},
	}),
	Entry("because it does not tell of Secure Boot", SpecTimeout(time.Minute), refusalRow{
		host: vibHost, method: "vib", generation: "8", lower: true,
		prepare: func(h *esxi.Host) { h.Fail("-s", "no such thing", 1) },
		says:    []string{"refused", "--secure-boot-unknown"},
	}),
	Entry("because the refresh fails after an edit", SpecTimeout(time.Minute), refusalRow{
		host: fileHost, method: "service-xml",
		prepare: func(h *esxi.Host) { h.Fail("network firewall refresh", "Operation failed.", 1) },
		says:    []string{"FAILED", "Operation failed."},
	}),
	Entry("because its service.xml is malformed", SpecTimeout(time.Minute), refusalRow{
		host: fileHost, method: "service-xml",
		prepare: func(h *esxi.Host) {
			Expect(h.WriteFile("/etc/vmware/firewall/service.xml", []byte("<ConfigRoot>\n<service>\n"), 0o444)).To(Succeed())
		},
		says: []string{"refused", "service.xml is left alone", "line"},
	}),
)

var _ = It("takes back by undo what a run that was cut off has left", func(ctx SpecContext) {
	w := newESXiWorld()
	x := w.ESXi.Host(vibHost)
	// The level is lowered, and the run's time ends while the host still installs.
	release := x.Hold("software vib install --dry-run")
	out, journal := w.fix(ctx, vibHost, "vib", "--vib", w.vib(ctx, "8"), "--lower-acceptance-level", "--host-timeout", "3s", "--verify-timeout", "1s")
	Expect(out.code).To(Equal(4), out.stdout+out.stderr)
	release()
	Expect(w.vc.Host(vibHost).Acceptance()).To(Equal("partner"), "the run itself set it back, by another login")

	Expect(x.SetAcceptance("CommunitySupported")).To(Succeed()) // as a run that was killed leaves it
	out = w.tool(ctx, w.ssh("undo", journal, "--journal", journal+".undo")...)
	Expect(out.code).To(BeZero(), out.stdout+out.stderr)
	Expect(w.vc.Host(vibHost).Acceptance()).To(Equal("partner"))
	Expect(out.stdout).NotTo(ContainSubstring("already-restored"))
	out = w.tool(ctx, w.ssh("undo", journal, "--journal", journal+".again")...)
	Expect(out.stdout).To(ContainSubstring("already-restored"))
}, SpecTimeout(2*time.Minute))

var _ = It("waits for an installation that nobody waited for, and takes it back", func(ctx SpecContext) {
	w := newESXiWorld()
	x := w.ESXi.Host(vibHost)
	packages := len(x.VIBs())
	release := x.Hold("software vib install -v")
	defer time.AfterFunc(8*time.Second, release).Stop()
	out, _ := w.fix(ctx, vibHost, "vib", "--vib", w.vib(ctx, "8"), "--lower-acceptance-level", "--host-timeout", "4s", "--verify-timeout", "1s")
	Expect(out.code).To(Equal(4), out.stdout+out.stderr)
	Expect(strings.Join(strings.Fields(out.stdout), " ")).To(ContainSubstring("no answer within 4s"))
	Expect(out.stdout).NotTo(ContainSubstring("taken back"), "it was")
	Expect(x.VIBs()).To(HaveLen(packages))
	Expect(w.vc.Host(vibHost).Acceptance()).To(Equal("partner"))
}, SpecTimeout(2*time.Minute))

var _ = It("says so when what failed could not be taken back", func(ctx SpecContext) {
	w := newESXiWorld()
	x := w.ESXi.Host(fileHost)
	x.Fail("network firewall refresh", "Operation failed.", 1)
	x.Fail("network firewall refresh", "Operation failed again.", 1)
	file, err := x.ReadFile("/etc/vmware/firewall/service.xml")
	Expect(err).NotTo(HaveOccurred())
	out, _ := w.fix(ctx, fileHost, "service-xml", "--verify-timeout", "1s")
	Expect(out.code).To(Equal(4), out.stdout+out.stderr)
	said := strings.Join(strings.Fields(out.stdout), " ")
	Expect(said).To(ContainSubstring("Operation failed."))
	Expect(said).To(ContainSubstring("service.xml is as it was, and the firewall has not read it again"))
	Expect(x.ReadFile("/etc/vmware/firewall/service.xml")).To(Equal(file))
	Expect(w.session(ctx, fileHost, "ls -A /tmp /etc/vmware/firewall")).NotTo(ContainSubstring("vic-preflight-"))
}, SpecTimeout(time.Minute))

var _ = It("leaves a VIB of the same name alone that somebody else installed", func(ctx SpecContext) {
	w := newESXiWorld()
	ours := w.vib(ctx, "8")
	other := filepath.Join(GinkgoT().TempDir(), "other.vib")
	cmd := exec.CommandContext(ctx, preflight, "vib", "build", "--port", "80", "--vendor", "else", "--output", other)
	cmd.Env = environment()
	said, err := cmd.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(said))
	out, _ := w.fix(ctx, vibHost, "vib", "--vib", other, "--port", "80", "--lower-acceptance-level")
	Expect(out.code).To(BeZero(), out.stdout+out.stderr)
	before := w.ESXi.Host(vibHost).VIBs()
	out, _ = w.fix(ctx, vibHost, "vib", "--vib", ours)
	Expect(out.code).To(Equal(4), out.stdout+out.stderr)
	Expect(w.ESXi.Host(vibHost).VIBs()).To(Equal(before))
}, SpecTimeout(2*time.Minute))

// shipping are requirements of a site's own: a range of ports out, and what comes in.
const shipping = `profile: shipping
title: Container ships
peer: {kind: a port authority}
requirements:
  - {name: cranes, direction: outbound, protocol: tcp, ports: [2370-2380], owner: user, breaks: nothing is loaded}
  - {name: pilots, direction: inbound, protocol: tcp, ports: 9000, owner: user, breaks: no ship comes in}
  - {name: radio, direction: both, protocol: udp, ports: [6000, 6001], owner: user, breaks: nobody hears}
source: the harbour master
`

var _ = It("opens all that a profile asks for by one ruleset, and takes it back", func(ctx SpecContext) {
	w := newESXiWorld()
	w.listen(w.VCH(), w.VCH().Addr4.String()+":2377")
	dir := GinkgoT().TempDir()
	site, vib := filepath.Join(dir, "site.yaml"), filepath.Join(dir, "shipping.vib")
	Expect(os.WriteFile(site, []byte(shipping), 0o600)).To(Succeed())
	cmd := exec.CommandContext(ctx, preflight, "vib", "build", "--requirements", site, "--output", vib)
	cmd.Env = environment()
	said, err := cmd.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(said))
	Expect(string(said)).To(ContainSubstring("it opens the host to every address on TCP 9000"))

	passes := func(host string) int {
		return w.tool(ctx, "check", "--refresh", "--requirements", site, "--host", host, "--only", "outbound-port").code
	}
	for host, way := range map[string][]string{vibHost: {"vib", "--vib", vib, "--lower-acceptance-level"}, fileHost: {"service-xml"}} {
		Expect(passes(host)).To(Equal(1), host)
		out, journal := w.fix(ctx, host, way[0], append(way[1:], "--requirements", site)...)
		Expect(out.code).To(BeZero(), out.stdout+out.stderr)
		Expect(strings.Join(strings.Fields(out.stdout), " ")).To(ContainSubstring("opens outbound TCP 2370-2380 and inbound TCP 9000 and outbound UDP 6000-6001 and inbound UDP 6000-6001, for any address"))
		Expect(passes(host)).To(BeZero(), host)
		Expect(w.probe(ctx, "ssh")).To(HaveKeyWithValue(host, "open"), "within the range")
		again, _ := w.fix(ctx, host, way[0], append(way[1:], "--requirements", site)...)
		Expect(again.code).To(BeZero(), again.stdout+again.stderr)

		undone := w.tool(ctx, w.ssh("undo", journal)...)
		Expect(undone.code).To(BeZero(), undone.stdout+undone.stderr)
		Expect(passes(host)).To(Equal(1), host)
		Expect(w.probe(ctx, "ssh")).To(HaveKeyWithValue(host, "timeout"))
	}
}, SpecTimeout(4*time.Minute))

var _ = It("does nothing on a host that nobody can log in to", func(ctx SpecContext) {
	w := newESXiWorld()
	Expect(w.RefuseLogin(fileHost)).To(Succeed())
	out, journal := w.fix(ctx, fileHost, "service-xml")
	Expect(out.code).To(Equal(4), out.stdout+out.stderr)
	Expect(out.stdout).To(ContainSubstring("log in by SSH"))
	Expect(journal).NotTo(BeAnExistingFile(), "there was nothing to journal")
}, SpecTimeout(time.Minute))
