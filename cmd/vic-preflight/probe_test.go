package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/probe"
)

// lastTarget numbers the loopback addresses that specs probe to.
var lastTarget atomic.Uint32

// freeTarget is a loopback address that no other spec probes to: the port must
// be 2377, as the rulesets open no other.
func freeTarget() string {
	n := lastTarget.Add(1)
	return fmt.Sprintf("127.%d.%d.%d", 130+os.Getpid()%100, n/250, 1+n%250)
}

// probes reads a JSON report: by host, the probe's outcome and what the check
// made of it.
func probes(out outcome) map[string]string {
	GinkgoHelper()
	var r struct {
		Hosts []struct {
			Name   string
			Probe  *struct{ Vantage, Outcome, Peer string }
			Checks []struct{ ID, Status, Reason string }
		}
	}
	onTarget(out, &r)
	found := map[string]string{}
	for _, h := range r.Hosts {
		text := "none"
		if h.Probe != nil {
			text = h.Probe.Vantage + " " + h.Probe.Outcome
		}
		for _, c := range h.Checks {
			if c.ID == "tcp-connect" {
				text += ", " + c.Status + " " + c.Reason
			}
		}
		found[h.Name] = text
	}
	return found
}

func machinesLeft(vc *sim.VCenter) int { return len(vc.Model().Map().All("VirtualMachine")) }

var _ = DescribeTable("bad input to a probe", verifyBad,
	Entry("an unknown vantage", badRow{invocation{args: []string{"check", "-t", "sim://open", "--probe", "moon"}}, exitUsage, `--probe "moon" is no vantage`, ""}),
	Entry("a target without a probe", badRow{invocation{args: []string{"check", "-t", "sim://open", "--probe-target", "x"}}, exitUsage, "--probe-target goes with --probe local|ssh|serial", ""}),
	Entry("an SSH key for another vantage", badRow{invocation{args: []string{"check", "-t", "sim://open", "--probe", "serial", "--ssh-key", "x"}}, exitUsage, "--ssh-key goes with --probe ssh", ""}),
	Entry("retries of the control", badRow{invocation{args: []string{"check", "-t", "sim://open", "--probe", "local", "--probe-retries", "1"}}, exitUsage, "--probe-retries goes with --probe ssh|serial", ""}),
	Entry("a probe in a dry run", badRow{invocation{args: []string{"check", "-t", "sim://open", "--fix", "--dry-run", "--probe", "serial"}}, exitUsage, "--dry-run makes no connections", ""}),
	Entry("a probe that nothing judges", badRow{invocation{args: []string{"check", "-t", "sim://open", "--only", "host-state", "--probe", "serial"}}, exitUsage, "--probe is judged by the check tcp-connect", ""}),
	Entry("force without cleanup", badRow{invocation{args: []string{"probe", "-t", "sim://open", "--force"}}, exitUsage, "--force goes with --cleanup", ""}),
	Entry("no known hosts", badRow{invocation{args: []string{"probe", "-t", "sim://open", "--probe", "ssh", "--ssh-known-hosts", "/nonexistent"}}, exitUsage, "read the known hosts", "ssh-keyscan"}),
	Entry("no way to log in", badRow{invocation{args: []string{"probe", "-t", "sim://open", "--probe", "ssh", "--ssh-known-hosts", os.DevNull}}, exitUsage, "no way to log in to the hosts", ""}),
	Entry("an SSH key that is none", badRow{invocation{args: []string{"probe", "-t", "sim://open", "--probe", "ssh", "--ssh-known-hosts", os.DevNull, "--ssh-key", "main.go"}}, exitUsage, "--ssh-key main.go is no private key", ""}),
	Entry("an SSH password that is not there", badRow{invocation{args: []string{"probe", "-t", "sim://open", "--probe", "ssh", "--ssh-known-hosts", os.DevNull, "--ssh-password-file", os.DevNull}}, exitUsage, "holds no password", ""}),
	Entry("a listener with a bad key file", badRow{invocation{args: []string{"listen", "--key-file", "main.go"}}, exitUsage, "--key-file main.go", ""}),
	Entry("a target that is none", badRow{invocation{args: []string{"probe", "-t", "sim://open", "--probe-target", "x:99999"}}, exitUsage, "--probe-target is not a host name or address", "the port is --port"}),
	Entry("too many retries", badRow{invocation{args: []string{"probe", "-t", "sim://open", "--probe-retries", "11"}}, exitUsage, "--probe-retries 11", ""}),
	Entry("a negative time", badRow{invocation{args: []string{"probe", "-t", "sim://open", "--probe-timeout", "-1s"}}, exitUsage, "--probe-timeout -1s", ""}),
	Entry("a key that is not there", badRow{invocation{args: []string{"probe", "-t", "sim://open", "--listener-key", "/nonexistent"}}, exitUsage, "--listener-key", ""}),
	Entry("a key that is none", badRow{invocation{args: []string{"probe", "-t", "sim://open", "--listener-key", os.DevNull}}, exitUsage, "not a key of vic-preflight listen", "--key-file NEW writes one"}),
	Entry("a probe of nothing", badRow{invocation{args: []string{"probe", "-t", "sim://open", "--probe", "none"}}, exitUsage, "leaves nothing to do", ""}),
	Entry("a listener in no time", badRow{invocation{args: []string{"listen", "--for", "0s"}}, exitUsage, "--for 0s", ""}),
	Entry("a listener on another machine's address", badRow{invocation{args: []string{"listen", "--listen", "203.0.113.1:2377"}}, exitUsage, "listen on 203.0.113.1:2377", "is the address this machine's"}),
	Entry("a listener that prints something else", badRow{invocation{args: []string{"listen", "-o", "xml"}}, exitUsage, `--output "xml"`, ""}),
)

var _ = Describe("check --probe serial", func() {
	run := func(ctx context.Context, vc *sim.VCenter, more ...string) outcome {
		return invocation{args: flags(vc, append([]string{"--probe", "serial", "-o", "json", "--probe-target", freeTarget()}, more...)...)}.run(ctx)
	}

	It("lets every host dial through its own firewall, and leaves no machine", func(ctx SpecContext) {
		vc := start("mixed")
		out := run(ctx, vc, "--probe-timeout", "1s")
		Expect(out.code).To(Equal(exitFailed))
		for host, want := range map[string]string{
			"esx01.example": "serial open, pass reachable",
			"esx02.example": "serial open, pass reachable",
			"esx03.example": "serial timeout, fail host-blocked",
			"esx05.example": "none, skip not-probed",
			"esx11.example": "serial timeout, fail blocked",
			"esx13.example": "serial open, pass reachable",
			"esx15.example": "none, skip not-probed",
			"esx16.example": "serial timeout, fail blocked",
			"esx21.example": "serial open, pass reachable",
		} {
			Expect(probes(out)).To(HaveKeyWithValue(host, want))
		}
		Expect(out.stdout).To(ContainSubstring(`"peer": "127.20.0.1"`), "from an address of the host's own")
		Expect(machinesLeft(vc)).To(BeZero())
	}, SpecTimeout(time.Minute))

	It("says where the rulesets and the connection disagree", func(ctx SpecContext) {
		vc := start("open")
		set := func(host string, enabled bool) {
			Expect(vc.Host(host).Change(func(info *types.HostFirewallInfo) error {
				for i := range info.Ruleset {
					if key := info.Ruleset[i].Key; key == "vic-engine" || key == "vSPC" {
						info.Ruleset[i].Enabled = enabled
					}
				}
				return nil
			})).To(Succeed())
		}
		set("esx01.example", false) // vCenter's copy still says that it is open
		out := run(ctx, vc, "--probe-timeout", "1s")
		Expect(probes(out)).To(HaveKeyWithValue("esx01.example", "serial timeout, fail path-blocked"))
		Expect(probes(out)).To(HaveKeyWithValue("esx02.example", "serial open, pass reachable"))

		closed := start("closed")
		Expect(closed.Host("esx11.example").Change(func(info *types.HostFirewallInfo) error {
			for i := range info.Ruleset {
				info.Ruleset[i].Enabled = info.Ruleset[i].Enabled || info.Ruleset[i].Key == "vSPC"
			}
			return nil
		})).To(Succeed())
		out = run(ctx, closed, "--probe-timeout", "1s", "--host", "esx11*")
		Expect(probes(out)).To(HaveKeyWithValue("esx11.example", "serial open, warn open-unexpected"))
	}, SpecTimeout(time.Minute))

	It("proves a fix with packets", func(ctx SpecContext) {
		vc := start("closed")
		out := run(ctx, vc, append(journalIn(), "--fix")...)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		for host, did := range probes(out) {
			Expect(did).To(Equal("serial open, pass reachable"), host)
		}
	}, SpecTimeout(time.Minute))

	It("reports machines that cannot be removed, and cleanup removes them and no others", func(ctx SpecContext) {
		vc := start("open")
		vc.AddSerialVM("esx01.example", probe.MachinePrefix+"not-ours-but-named-like-it")
		vc.Fault("Destroy_Task", types.ManagedObjectReference{}, &types.NoPermission{PrivilegeId: "VirtualMachine.Inventory.Delete"})
		out := run(ctx, vc, "--probe-retries", "1")
		Expect(out.code).To(Equal(exitUnverified))
		Expect(strings.Count(out.stderr, "could not be removed: vic-preflight probe --cleanup")).To(Equal(5))
		Expect(machinesLeft(vc)).To(Equal(6))

		vc.Fault("Destroy_Task", types.ManagedObjectReference{}, nil)
		out = invocation{args: with(vc, []string{"probe", "--cleanup"})}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(out.stderr).To(ContainSubstring("5 are left that are younger"))
		out = invocation{args: with(vc, []string{"probe", "--cleanup", "--force"})}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(strings.Count(out.stdout, "removed "+probe.MachinePrefix)).To(Equal(5))
		Expect(machinesLeft(vc)).To(Equal(1))
	}, SpecTimeout(time.Minute))

	It("does not take a machine that it may not read, or not power off, for none", func(ctx SpecContext) {
		vc := start("open")
		for _, method := range []string{"PowerOffVM_Task", "Destroy_Task"} {
			vc.Fault(method, types.ManagedObjectReference{}, &types.HostConfigFault{})
		}
		Expect(run(ctx, vc, "--host", "esx01*").code).To(Equal(exitUnverified))
		for _, method := range []string{"PowerOffVM_Task", "Destroy_Task"} {
			vc.Fault(method, types.ManagedObjectReference{}, nil)
		}
		cleanUp := func(privileges ...string) outcome {
			vc.Grant(privileges...)
			return invocation{args: with(vc, []string{"probe", "--cleanup", "--force"})}.run(ctx)
		}
		out := cleanUp("System.View")
		Expect(out.code).To(Equal(exitUnverified), out.stdout)
		Expect(out.stderr).To(MatchRegexp(`whether vic-preflight-probe-\w+ is a probe's could not be read: the account lacks the privilege System.Read`))
		out = cleanUp("System.View", "System.Read", "VirtualMachine.Inventory.Delete")
		Expect(out.code).To(Equal(exitUnverified), out.stdout)
		Expect(out.stderr).To(ContainSubstring("power it off: the account lacks the privilege VirtualMachine.Interact.PowerOff"))
		Expect(machinesLeft(vc)).To(Equal(1))
	}, SpecTimeout(time.Minute))

	It("says of a machine that cannot be powered on that nothing is known, and removes it", func(ctx SpecContext) {
		vc := start("open")
		vc.Fault("PowerOnVM_Task", types.ManagedObjectReference{}, &types.NoPermission{PrivilegeId: "VirtualMachine.Interact.PowerOn"})
		out := run(ctx, vc)
		Expect(out.code).To(Equal(exitUnknown))
		for host, did := range probes(out) {
			Expect(did).To(Equal("serial error, unknown probe-failed"), host)
		}
		Expect(machinesLeft(vc)).To(BeZero())
	}, SpecTimeout(time.Minute))

	It("does not probe where nobody could tell what came", func(ctx SpecContext) {
		vc := start("open")
		key := filepath.Join(GinkgoT().TempDir(), "key")
		k, err := probe.NewKey()
		Expect(err).NotTo(HaveOccurred())
		Expect(os.WriteFile(key, []byte(k.Hex()), 0o600)).To(Succeed())
		out := run(ctx, vc, "--listener-key", key)
		Expect(out.code).To(Equal(exitUnknown))
		Expect(out.stderr).To(ContainSubstring("cannot be asked from this machine"))
		Expect(vc.RequestsOf("CreateVM_Task")).To(BeZero())
	}, SpecTimeout(time.Minute))

	It("goes on past a host without a datastore", func(ctx SpecContext) {
		vc := start("open")
		vc.Host("esx01.example").Object().Datastore = nil
		out := run(ctx, vc)
		Expect(out.code).To(Equal(exitUnknown))
		Expect(probes(out)).To(HaveKeyWithValue("esx01.example", "serial error, unknown probe-failed"))
		Expect(probes(out)).To(HaveKeyWithValue("esx02.example", "serial open, pass reachable"))
		Expect(out.stdout).To(ContainSubstring("no accessible datastore"))
		Expect(machinesLeft(vc)).To(BeZero())
	}, SpecTimeout(time.Minute))

	It("removes its machines when it is interrupted", func(ctx SpecContext) {
		vc := start("closed")
		interrupted, cancel := context.WithCancel(ctx)
		done := make(chan outcome)
		go func() { done <- run(interrupted, vc, "--probe-timeout", "30s") }()
		Eventually(func() int { return vc.RequestsOf("PowerOnVM_Task") }).WithContext(ctx).Should(Equal(5))
		cancel()
		var out outcome
		Eventually(ctx, done).Should(Receive(&out))
		Expect(out.code).To(Equal(exitInterrupted), out.stderr)
		Expect(machinesLeft(vc)).To(BeZero())
	}, SpecTimeout(time.Minute))

	It("is refused beforehand when the account may not make machines", func(ctx SpecContext) {
		vc := start("open")
		vc.RevokeOnFolders("VirtualMachine.Inventory.Create")
		out := run(ctx, vc)
		Expect(out.code).To(Equal(exitUnknown))
		Expect(out.stderr).To(ContainSubstring("lacks the privileges VirtualMachine.Inventory.Create"))
		Expect(vc.RequestsOf("CreateVM_Task")).To(BeZero())
	}, SpecTimeout(time.Minute))

	It("has a column of its own, and says its vantage above", func(ctx SpecContext) {
		out := invocation{args: []string{"check", "-t", "sim://open", "--probe", "serial", "--probe-target", freeTarget()}}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(out.stdout).To(And(ContainSubstring("PROBE"), ContainSubstring("probed by serial"), MatchRegexp(`esx01.example +pass +vic-engine +open\n`), ContainSubstring("from this machine, which says nothing of a host: open")))
	}, SpecTimeout(time.Minute))

	It("leaves the control alone out of the hosts' verdicts", func(ctx SpecContext) {
		out := invocation{args: []string{"check", "-t", "sim://open", "--probe", "local", "--probe-target", freeTarget(), "-o", "json"}}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(out.stdout).To(ContainSubstring(`"control": {`))
		for host, did := range probes(out) {
			Expect(did).To(Equal("none, skip not-probed"), host)
		}
	}, SpecTimeout(time.Minute))
})

var _ = Describe("probe --cleanup", func() {
	It("removes what a killed probe has left, and nothing else", func(ctx SpecContext) {
		vc := start("open")
		vc.AddSerialVM("esx01.example", probe.MachinePrefix+"not-ours-but-named-like-it")
		out := invocation{args: with(vc, []string{"probe", "--cleanup"})}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(out.stdout).To(Equal("There is nothing to remove.\n"))
		Expect(machinesLeft(vc)).To(Equal(1))
	}, SpecTimeout(time.Minute))
})

// lockedBuffer is a buffer that one goroutine writes and another reads.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var _ = Describe("listen", func() {
	It("is a witness for a probe elsewhere that has the key", func(ctx SpecContext) {
		key := filepath.Join(GinkgoT().TempDir(), "listener.key")
		target := freeTarget()
		address := target + ":2377"
		listening, cancel := context.WithCancel(ctx)
		stdout, stderr := &lockedBuffer{}, &lockedBuffer{}
		done := make(chan int)
		go func() {
			a := &app{stdin: strings.NewReader(""), stdout: stdout, stderr: stderr, lookupEnv: func(string) (string, bool) { return "", false }}
			done <- execute(listening, a, []string{"listen", "--listen", address, "--key-file", key, "-o", "json"})
		}()
		Eventually(stderr.String).WithContext(ctx).Should(ContainSubstring("listening on " + address))
		info, err := os.Stat(key)
		Expect(err).NotTo(HaveOccurred())
		Expect(info.Mode().Perm()).To(Equal(os.FileMode(0o600)))

		vc := start("open")
		out := invocation{args: with(vc, []string{"probe"}, "--probe-target", target, "--listener-key", key, "-o", "json")}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		for host, did := range probes(out) {
			Expect(did).To(Equal("serial open, pass reachable"), host)
		}
		Eventually(stdout.String).WithContext(ctx).Should(ContainSubstring(`"kind":"vmx"`))
		cancel()
		var code int
		Eventually(ctx, done).Should(Receive(&code))
		Expect(code).To(Equal(exitInterrupted))
		text, err := os.ReadFile(key)
		Expect(err).NotTo(HaveOccurred())
		Expect(stdout.String() + stderr.String() + out.stdout + out.stderr).NotTo(ContainSubstring(strings.TrimSpace(string(text))))
	}, SpecTimeout(time.Minute))
})
