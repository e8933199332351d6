package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestCommand(t *testing.T) { testsuite.Run(t, "cmd/vic-preflight") }

// outcome is what one command line did.
type outcome struct {
	code           int
	stdout, stderr string
}

// invocation is a command line and the world it runs in.
type invocation struct {
	args  []string
	env   map[string]string
	stdin string
}

func (i invocation) run(ctx context.Context) outcome {
	var stdout, stderr bytes.Buffer
	a := &app{
		stdin: strings.NewReader(i.stdin), stdout: &stdout, stderr: &stderr,
		lookupEnv: func(key string) (string, bool) { value, set := i.env[key]; return value, set }, stateDir: cmp.Or(i.env["XDG_STATE_HOME"], filepath.Join(i.env["HOME"], ".local", "state")),
	}
	code := execute(ctx, a, i.args)
	return outcome{code, stdout.String(), stderr.String()}
}

// writerFunc is called with every write, and keeps nothing.
type writerFunc func()

func (f writerFunc) Write(p []byte) (int, error) {
	f()
	return len(p), nil
}

// onTarget reads what a JSON report says of its only target.
func onTarget(out outcome, what any) {
	GinkgoHelper()
	var r struct{ Targets []json.RawMessage }
	Expect(json.Unmarshal([]byte(out.stdout), &r)).To(Succeed(), out.stderr)
	Expect(r.Targets).To(HaveLen(1))
	Expect(json.Unmarshal(r.Targets[0], what)).To(Succeed())
}

func start(name string) *sim.VCenter {
	GinkgoHelper()
	return simtest.Start(GinkgoTB(), name, sim.Options{User: "root", Password: secret})
}

// secret must never be seen in any output.
const secret = "s3cr3t-pass"

// deaf is an address where nobody listens.
const deaf = "127.0.0.1:1"

// shown is said of a password on the command line.
const shown = "warning: a password is on the command line, where other users of this machine may see it; " +
	"--password-file FILE, --password - and VIC_MACHINE_PASSWORD keep it out of their sight\n"

// flags logs in to a simulator by flags.
func flags(vc *sim.VCenter, more ...string) []string {
	return append([]string{"check", "--target", vc.URL.Host, "--user", "root", "--password", secret, "--thumbprint", vc.Thumbprint}, more...)
}

type badRow struct {
	run     invocation
	code    int
	message string
	hint    string
}

func verifyBad(ctx context.Context, row badRow) {
	GinkgoHelper()
	out := row.run.run(ctx)
	Expect(out.code).To(Equal(row.code), out.stderr)
	Expect(strings.TrimPrefix(out.stderr, shown)).To(HavePrefix("vic-preflight: "))
	Expect(out.stderr).To(ContainSubstring(row.message))
	Expect(out.stderr).To(ContainSubstring(row.hint))
	Expect(out.stdout).To(BeEmpty(), "nothing was checked")
	Expect(out.stdout + out.stderr).NotTo(ContainSubstring(secret))
}

var _ = DescribeTable("bad input that needs no server", verifyBad,
	Entry("no target", badRow{invocation{args: []string{"check"}}, exitUsage, "no target", "sim://mixed"}),
	Entry("a wait beside a fix", badRow{invocation{args: []string{"check", "-t", "sim://open", "--fix", "--wait", "1m", "--yes"}}, exitUsage, "--wait only looks, and --fix changes", ""}),
	Entry("a port of SSH servers that is none", badRow{invocation{args: []string{"check", "-t", "sim://open", "--ssh", "--ssh-port", "0"}}, exitUsage, "--ssh-port 0 is not a port", ""}),
	Entry("an empty target", badRow{invocation{args: []string{"check", "--target", ""}}, exitUsage, "--target is given and empty", "unset"}),
	Entry("a target that is none", badRow{invocation{args: []string{"check", "-t", "root:" + secret + "@"}}, exitUsage, "--target: there is no host name", "it takes"}),
	Entry("a target in the environment that is none", badRow{invocation{args: []string{"check"}, env: map[string]string{"VIC_MACHINE_TARGET": "ftp://x"}}, exitUsage, "VIC_MACHINE_TARGET: its scheme", ""}),
	Entry("no user", badRow{invocation{args: []string{"check", "-t", "vc.example"}}, exitUsage, "no user", ""}),
	Entry("no password, and no terminal to ask on", badRow{invocation{args: []string{"check", "-t", "root@vc.example"}}, exitUsage, "no password for root", "--password-file"}),
	Entry("two passwords", badRow{invocation{args: []string{"check", "-t", "root@vc.example", "-p", secret, "--password-file", "x"}}, exitUsage, "exclude each other", ""}),
	Entry("a password file that is not there", badRow{invocation{args: []string{"check", "-t", "root@vc.example", "--password-file", "/nonexistent"}}, exitUsage, "/nonexistent", ""}),
	Entry("a password file that is empty", badRow{invocation{args: []string{"check", "-t", "root@vc.example", "--password-file", os.DevNull}}, exitUsage, "holds no password", ""}),
	Entry("no password on standard input", badRow{invocation{args: []string{"check", "-t", "root@vc.example", "-p", "-"}}, exitUsage, "standard input holds no password", ""}),
	Entry("a time before now", badRow{invocation{args: []string{"check", "-t", "root@vc.example", "--timeout", "-5s"}, env: map[string]string{"VIC_MACHINE_PASSWORD": secret}}, exitUsage, "--timeout -5s is negative", ""}),
	Entry("a malformed thumbprint", badRow{invocation{args: []string{"check", "-t", "root@vc.example", "--thumbprint", "AB:CD"}}, exitUsage, "--thumbprint", "40 (SHA-1) or 64 (SHA-256)"}),
	Entry("a malformed thumbprint in the environment", badRow{invocation{args: []string{"check", "-t", "root@vc.example"}, env: map[string]string{"VIC_MACHINE_THUMBPRINT": "x"}}, exitUsage, "VIC_MACHINE_THUMBPRINT", ""}),
	Entry("port 0", badRow{invocation{args: []string{"check", "-t", "sim://open", "--port", "0"}}, exitUsage, "--port 0 is not a port", ""}),
	Entry("port 70000", badRow{invocation{args: []string{"check", "-t", "sim://open", "--port", "70000"}}, exitUsage, "--port 70000 is not a port", ""}),
	Entry("a port that is no number", badRow{invocation{args: []string{"check", "-t", "sim://open", "--port", "vic"}}, exitUsage, `--port "vic" is not a whole number`, ""}),
	Entry("a VCH address that is none", badRow{invocation{args: []string{"check", "-t", "sim://open", "--vch-ip", "vch.example"}}, exitUsage, `--vch-ip: "vch.example" is not an IP address or CIDR`, ""}),
	Entry("an unknown check", badRow{invocation{args: []string{"check", "-t", "sim://open", "--only", "outbound-prot"}}, exitUsage, `unknown check "outbound-prot"; the checks are: outbound-port, firewall-state`, "did you mean outbound-port?"}),
	Entry("an unknown check to skip", badRow{invocation{args: []string{"check", "-t", "sim://open", "--skip", "port"}}, exitUsage, `unknown check "port"`, ""}),
	Entry("no check left", badRow{invocation{args: []string{"check", "-t", "sim://open", "--only", "host-state", "--skip", "host-state"}}, exitUsage, "leave no check", ""}),
	Entry("an unknown scenario", badRow{invocation{args: []string{"check", "-t", "sim://mixd"}}, exitUsage, `unknown scenario "mixd"; the scenarios are: mixed, closed, open`, "did you mean mixed?"}),
	Entry("an unknown flag", badRow{invocation{args: []string{"check", "--prot", "1"}}, exitUsage, "unknown flag: --prot", "did you mean --port?"}),
	Entry("an unknown flag like no other", badRow{invocation{args: []string{"check", "--quux", "1"}}, exitUsage, "unknown flag: --quux", "check --help lists the flags"}),
	Entry("a time without a unit", badRow{invocation{args: []string{"check", "--timeout", "5"}}, exitUsage, `--timeout "5" is not a time: it takes a number with a unit`, ""}),
	Entry("a number that is none", badRow{invocation{args: []string{"check", "--concurrency", "many"}}, exitUsage, `--concurrency "many" is not a whole number`, ""}),
	Entry("a word for a switch", badRow{invocation{args: []string{"check", "--strict=yes"}}, exitUsage, `--strict "yes" is neither true nor false`, ""}),
	Entry("an unknown command", badRow{invocation{args: []string{"chek"}}, exitUsage, "no such command", "did you mean check?"}),
	Entry("help on an unknown command", badRow{invocation{args: []string{"help", "chek"}}, exitUsage, "no such command", "did you mean check?"}),
	Entry("help on an unknown command of a command", badRow{invocation{args: []string{"help", "vib", "bild"}}, exitUsage, "no such command", "did you mean build?"}),
	Entry("a shell that is none", badRow{invocation{args: []string{"completion", "fsh"}}, exitUsage, "no such command", "did you mean bash or fish or zsh?"}),
	Entry("completion for no shell", badRow{invocation{args: []string{"completion"}}, exitUsage, "completion for which shell?", "completion bash, zsh, fish or powershell"}),
	Entry("a configuration file that is not there", badRow{invocation{args: []string{"config", "check"}}, exitUsage, "without one there has to be a .vic-preflight.yaml in the working directory", ""}),
	Entry("an unknown command of a command", badRow{invocation{args: []string{"vib", "bild"}}, exitUsage, "no such command", "vic-preflight vib --help"}),
	Entry("an argument too many", badRow{invocation{args: []string{"rule", "render", "vcenter"}}, exitUsage, "takes no argument, and there is one", "is a flag missing"}),
	Entry("an argument too many is not repeated", badRow{invocation{args: []string{"rule", "render", "root:" + secret + "@vc.example"}}, exitUsage, "takes no argument, and there is one", "is a flag missing"}),
	Entry("a word that is a target as well", badRow{invocation{args: []string{"check", "vcenter"}}, exitUsage, "no user", ""}),
	Entry("an argument that is no target", badRow{invocation{args: []string{"check", "root:" + secret + "@"}}, exitUsage, "there is no host name", "it takes"}),
	Entry("a target without its command is not repeated", badRow{invocation{args: []string{"root:" + secret + "@vc.example"}}, exitUsage, "no such command", ""}),
	Entry("a check of a probe that is not made", badRow{invocation{args: []string{"check", "-t", "sim://closed", "--only", "tcp-connect"}}, exitUsage, "judges a probe, and none was asked for", ""}),
	Entry("an argument that version does not take", badRow{invocation{args: []string{"version", "root:" + secret + "@vc.example"}}, exitUsage, "takes no argument", ""}),
	Entry("an argument that is empty", badRow{invocation{args: []string{"check", "sim://open", ""}}, exitUsage, "an argument is given and empty", ""}),
	Entry("a compute resource that is empty", badRow{invocation{args: []string{"update", "firewall", "--allow", "-t", "sim://closed", "-r", ""}}, exitUsage, "--compute-resource is given and empty", "unset"}),
	Entry("a host that is empty", badRow{invocation{args: []string{"fix", "--deny", "-t", "sim://open", "--host", ""}}, exitUsage, "--host is given and empty", ""}),
	Entry("an address that is empty", badRow{invocation{args: []string{"check", "-t", "sim://open", "--vch-ip", "10.0.0.5", "--vch-ip="}}, exitUsage, "--vch-ip is given and empty", ""}),
	Entry("a user that is empty", badRow{invocation{args: []string{"check", "-t", "vc.example", "-user="}}, exitUsage, "--user is given and empty", ""}),
	Entry("a password in the place of a scenario", badRow{invocation{args: []string{"check", "-t", "sim://u:" + secret + "@x"}}, exitUsage, "sim:// takes a scenario", ""}),
	Entry("a password in the place of a parameter", badRow{invocation{args: []string{"check"}, env: map[string]string{"VIC_MACHINE_TARGET": "sim://mixed?" + secret}}, exitUsage, "VIC_MACHINE_TARGET: sim:// takes a scenario", ""}),
	Entry("a password with one dash", badRow{invocation{args: []string{"check", "-target", "root@127.0.0.1:1", "-password", secret, "-thumbprint", "x"}}, exitUsage, "--thumbprint", ""}),
	Entry("an address and a network at once", badRow{invocation{args: []string{"check", "-t", "sim://open", "--vch-ip", "10.0.0.5/24"}}, exitUsage, "--vch-ip 10.0.0.5/24", "10.0.0.0/24 for the network"}),
	Entry("a thumbprint for a target without TLS", badRow{invocation{args: []string{"check", "-t", "http://127.0.0.1:1", "-u", "root", "-p", secret, "--thumbprint", strings.Repeat("AB", 20)}}, exitUsage, "no certificate to compare", ""}),
	Entry("CA certificates that are not there", badRow{invocation{args: []string{"check", "-t", "root:" + secret + "@127.0.0.1:1"}, env: map[string]string{"GOVC_TLS_CA_CERTS": "/nonexistent"}}, exitUsage, "/nonexistent", ""}),
	Entry("an unknown format", badRow{invocation{args: []string{"check", "-t", "sim://open", "-o", "xml"}}, exitUsage, `--output "xml" is no format`, "table, wide, json"}),
	Entry("a mistyped format", badRow{invocation{args: []string{"check", "-t", "sim://open", "-o", "jsno"}}, exitUsage, "did you mean json?", ""}),
	Entry("an unknown colour", badRow{invocation{args: []string{"check", "-t", "sim://open", "--color", "red"}}, exitUsage, `--color "red"`, ""}),
	Entry("a table too narrow", badRow{invocation{args: []string{"check", "-t", "sim://open", "--width", "20"}}, exitUsage, "--width 20 is too narrow", ""}),
	Entry("a negative time", badRow{invocation{args: []string{"check", "-t", "sim://open", "--timeout", "-1s"}}, exitUsage, "negative", ""}),
	Entry("no concurrency", badRow{invocation{args: []string{"check", "-t", "sim://open", "--concurrency", "0"}}, exitUsage, "--concurrency 0", ""}),
	Entry("an unknown reason to explain", badRow{invocation{args: []string{"explain", "nope"}}, exitUsage, `no check or reason "nope"`, "lists them"}),
	Entry("a simulator on all addresses", badRow{invocation{args: []string{"sim", "--listen", "0.0.0.0:0"}}, exitUsage, "not a loopback address", ""}),
	Entry("a simulator on no address", badRow{invocation{args: []string{"sim", "--listen", "8989"}}, exitUsage, "--listen", "host:port"}),
	Entry("a simulator of nothing", badRow{invocation{args: []string{"sim", "nowhere"}}, exitUsage, "unknown scenario", ""}),
)

var _ = Describe("bad input that a server answers", func() {
	check := func(ctx context.Context, args []string, code int, messages ...string) {
		GinkgoHelper()
		for _, m := range messages {
			verifyBad(ctx, badRow{run: invocation{args: args}, code: code, message: m})
		}
	}

	It("an unreachable target", func(ctx SpecContext) {
		check(ctx, []string{"check", "-t", deaf, "-u", "root", "-p", secret}, exitUnknown, "cannot reach "+deaf, "hint: is the address right")
	}, SpecTimeout(time.Minute))

	It("a wrong password", func(ctx SpecContext) {
		vc := start("open")
		check(ctx, append(flags(vc), "--password", secret+"x"), exitUnknown, "refused the login of root", "hint: vCenter wants the domain")
	}, SpecTimeout(time.Minute))

	It("an untrusted certificate, with the flag to use", func(ctx SpecContext) {
		vc := start("open")
		args := []string{"check", "-t", vc.URL.Host, "-u", "root", "-p", secret}
		check(ctx, args, exitUnknown, "is not trusted", "hint: --thumbprint ")
		check(ctx, args, exitUnknown, "is not trusted", "hint: where it shows SHA-1: --thumbprint "+vc.ThumbprintSHA1())
		out := invocation{args: args}.run(ctx)
		_, flag, _ := strings.Cut(out.stderr, "hint: --thumbprint ")
		flag, _, _ = strings.Cut(flag, "\n")
		again := invocation{args: append(args, "--thumbprint", flag)}.run(ctx)
		Expect(again.code).To(Equal(exitOK), again.stderr)
	}, SpecTimeout(time.Minute))

	It("a wrong thumbprint, with or without insecure", func(ctx SpecContext) {
		vc := start("open")
		wrong := strings.Repeat("AB:", 19) + "AB"
		for _, more := range [][]string{nil, {"--insecure"}} {
			out := invocation{args: append([]string{"check", "-t", vc.URL.Host, "-u", "root", "-p", secret, "--thumbprint", wrong}, more...)}.run(ctx)
			Expect(out.code).To(Equal(exitUnknown))
			Expect(out.stderr).To(And(ContainSubstring("not the given "+wrong), ContainSubstring("intercepting"), ContainSubstring("presented, SHA-256: ")))
		}
	}, SpecTimeout(time.Minute))

	It("insecure, which is said on every run", func(ctx SpecContext) {
		vc := start("open")
		out := invocation{args: []string{"check", "-t", vc.URL.Host, "-u", "root", "-p", secret, "--insecure"}}.run(ctx)
		Expect(out.code).To(Equal(exitOK))
		Expect(out.stderr).To(ContainSubstring("is not verified"))
	}, SpecTimeout(time.Minute))

	It("names that are not there", func(ctx SpecContext) {
		vc := start("open")
		check(ctx, []string{"check", "-t", vc.URL.Host + "/dc9", "-u", "root", "-p", secret, "--thumbprint", vc.Thumbprint}, exitUsage, `no datacenter "dc9"`, "/dc1")
		check(ctx, flags(vc, "--compute-resource", "nope"), exitUsage, `no cluster, host or resource pool "nope"`, "/dc1/host/prod")
		check(ctx, flags(vc, "--host", "nope*"), exitUsage, `no host matches "nope*"`, "esx01.example")
		vc.AddDatacenter("dc2")
		check(ctx, flags(vc), exitUsage, "several datacenters", "/dc1, /dc2")
	}, SpecTimeout(time.Minute))

	It("zero hosts", func(ctx SpecContext) {
		vc := start("open")
		vc.AddDatacenter("empty")
		check(ctx, []string{"check", "-t", vc.URL.Host + "/empty", "-u", "root", "-p", secret, "--thumbprint", vc.Thumbprint}, exitUsage, "no hosts to check")
	}, SpecTimeout(time.Minute))

	It("neither vCenter nor ESXi", func(ctx SpecContext) {
		web := httptest.NewTLSServer(http.NotFoundHandler())
		DeferCleanup(web.Close)
		out := invocation{args: []string{"check", "-t", web.Listener.Addr().String(), "-u", "root", "-p", secret, "--insecure"}}.run(ctx)
		Expect(out.code).To(Equal(exitUnknown))
		Expect(out.stderr).To(ContainSubstring("neither a vCenter nor an ESXi host"))
	}, SpecTimeout(time.Minute))

	It("a time that runs out", func(ctx SpecContext) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(l.Close)
		check(ctx, []string{"check", "-t", l.Addr().String(), "-u", "root", "-p", secret, "--timeout", "100ms"}, exitUnknown, "the time ran out", "--timeout")
	}, SpecTimeout(time.Minute))

	It("an interrupt before anything is known", func(ctx SpecContext) {
		done, cancel := context.WithCancel(ctx)
		cancel()
		verifyBad(done, badRow{run: invocation{args: flags(start("open"))}, code: exitInterrupted, message: "interrupted before anything was known"})
	}, SpecTimeout(time.Minute))
})

var _ = Describe("hosts that cannot be read", func() {
	reasons := func(out outcome) map[string]string {
		GinkgoHelper()
		var r struct {
			Hosts []struct {
				Name   string
				Checks []struct{ ID, Status, Reason, Detail string }
			}
		}
		onTarget(out, &r)
		found := map[string]string{}
		for _, h := range r.Hosts {
			found[h.Name] = h.Checks[0].Status + " " + h.Checks[0].Reason + ": " + h.Checks[0].Detail
		}
		return found
	}

	It("cost their own rows, and exit 3 when none failed", func(ctx SpecContext) {
		vc := start("open")
		vc.Host("esx01.example").Object().ConfigManager.FirewallSystem = nil
		vc.Host("esx02.example").Deny("firewallInfo", &types.NoPermission{PrivilegeId: "System.Read"})
		out := invocation{args: flags(vc, "-o", "json")}.run(ctx)
		Expect(out.code).To(Equal(exitUnknown))
		Expect(reasons(out)).To(HaveKeyWithValue("esx01.example", "unknown facts-unavailable: the host has no firewall system"))
		Expect(reasons(out)).To(HaveKeyWithValue("esx02.example", "unknown facts-unavailable: its firewall could not be read: the account lacks the privilege System.Read"))
		Expect(reasons(out)["esx03.example"]).To(HavePrefix("pass permitted"))

		By("tolerating them")
		out = invocation{args: flags(vc, "--allow-unknown")}.run(ctx)
		Expect(out.code).To(Equal(exitOK))
	}, SpecTimeout(time.Minute))

	It("do not hide a failure", func(ctx SpecContext) {
		Expect(invocation{args: []string{"check", "-t", "sim://mixed", "--allow-unknown"}}.run(ctx).code).To(Equal(exitFailed))
		Expect(invocation{args: []string{"check", "-t", "sim://mixed", "--host", "esx16*"}}.run(ctx).code).To(Equal(exitUnknown))
	}, SpecTimeout(time.Minute))
})

var _ = Describe("check", func() {
	It("finds nothing out where no check gives a verdict", func(ctx SpecContext) {
		for _, more := range [][]string{nil, {"--strict"}, {"--allow-unknown"}} {
			out := invocation{args: append([]string{"check", "--target", "sim://closed", "--only", "rule-persistence"}, more...)}.run(ctx)
			Expect(out.code).To(Equal(exitUnknown), out.stdout)
			Expect(out.stdout).To(ContainSubstring("5 unknown"))
		}
		out := invocation{args: []string{"check", "--target", "sim://closed", "--only", "cluster-drift", "-o", "json"}}.run(ctx)
		Expect(out.code).To(Equal(exitOK), "clusters are judged, if not hosts")
	}, SpecTimeout(time.Minute))

	It("settles its exit code before the report is read", func(ctx SpecContext) {
		var late bool
		a := &app{stdin: strings.NewReader(""), stderr: &bytes.Buffer{}, lookupEnv: func(string) (string, bool) { return "", false }, stateDir: GinkgoT().TempDir()}
		a.stdout = writerFunc(func() { // somebody who reads slowly
			if !late {
				late = true
				<-time.After(1100 * time.Millisecond)
			}
		})
		Expect(execute(ctx, a, []string{"check", "--target", "sim://open", "--timeout", "1s"})).To(Equal(exitOK))
		Expect(late).To(BeTrue())
	}, SpecTimeout(time.Minute))

	It("exits by its verdict", func(ctx SpecContext) {
		code := func(args ...string) int { return invocation{args: append([]string{"check"}, args...)}.run(ctx).code }
		Expect(code("-t", "sim://open")).To(Equal(exitOK))
		Expect(code("-t", "sim://closed")).To(Equal(exitFailed))
		Expect(code("-t", "sim://esxi")).To(Equal(exitFailed))
		Expect(code("-t", "sim://open", "--strict")).To(Equal(exitOK))
		Expect(code("-t", "sim://mixed", "--host", "esx23*")).To(Equal(exitOK), "a warning")
		Expect(code("-t", "sim://mixed", "--host", "esx23*", "--strict")).To(Equal(exitFailed))
		Expect(code("-t", "sim://mixed", "--host", "esx11*", "--vch-ip", "10.20.0.5")).To(Equal(exitOK))
		Expect(code("-t", "sim://mixed", "--host", "esx11*", "--vch-ip", "10.21.0.5")).To(Equal(exitFailed))
		Expect(code("-t", "sim://open", "--port", "2376", "--host", "esx01*")).To(Equal(exitFailed), "vic-engine opens 2377 alone")
	}, SpecTimeout(time.Minute))

	It("shows each status and reason of the verdict table on sim://mixed", func(ctx SpecContext) {
		out := invocation{args: []string{"check", "-t", "sim://mixed", "-o", "json"}}.run(ctx)
		Expect(out.code).To(Equal(exitFailed))
		Expect(out.stderr).To(BeEmpty())
		for _, reason := range []string{
			"facts-unavailable", "permitted", "allowed-hosts-unverified", "borrowed-ruleset", "firewall-off", "default-pass",
			"allowed-hosts-exclude-peer", "ruleset-disabled", "no-ruleset",
		} {
			Expect(out.stdout).To(ContainSubstring(`"reason": "` + reason + `"`))
		}
		for _, status := range []string{"unknown", "pass", "warn", "fail", "skip"} {
			Expect(out.stdout).To(ContainSubstring(`"status": "` + status + `"`))
		}
		Expect(out.stdout).To(ContainSubstring(`"simulated": true`))
	}, SpecTimeout(time.Minute))

	It("says below the table what to do, and sums up last", func(ctx SpecContext) {
		out := invocation{args: []string{"check", "-t", "sim://closed"}}.run(ctx)
		Expect(out.stdout).To(And(HaveSuffix("\n5 hosts: 5 failed\n"), ContainSubstring("(simulated)"), ContainSubstring("\n  vic-preflight fix --allow")))
		Expect(out.stderr).To(BeEmpty())
		Expect(out.stdout).NotTo(Or(ContainSubstring("vic-machine-linux"), ContainSubstring("govc"), ContainSubstring("esxcli")), "nobody else reaches an embedded simulator")
		Expect(out.stdout + out.stderr).NotTo(ContainSubstring("\x1b"))
	}, SpecTimeout(time.Minute))

	It("reports what is known when it is interrupted", func(ctx SpecContext) {
		vc := start("large?hosts=300")
		run, cancel := context.WithCancel(ctx)
		go func() {
			defer GinkgoRecover()
			Eventually(func() int { return vc.RequestsOf("ExecuteSoap") }).WithContext(ctx).WithPolling(time.Millisecond).Should(BeNumerically(">", 5))
			cancel()
		}()
		out := invocation{args: flags(vc)}.run(run)
		Expect(out.code).To(Equal(exitInterrupted), out.stderr)
		Expect(out.stdout).To(ContainSubstring("300 hosts: "))
		Expect(out.stdout).To(ContainSubstring("interrupted"))
		Expect(vc.OpenSessions()).To(BeZero(), "logged out all the same")
	}, SpecTimeout(time.Minute))

	It("logs out before it reports", func(ctx SpecContext) {
		vc := start("open")
		open := -1
		a := &app{stdin: strings.NewReader(""), stdout: writerFunc(func() { open = vc.OpenSessions() }), stderr: &bytes.Buffer{}, lookupEnv: func(string) (string, bool) { return "", false }}
		Expect(execute(ctx, a, flags(vc))).To(Equal(exitOK))
		Expect(open).To(BeZero(), "a pager may keep the report waiting for hours")
	}, SpecTimeout(time.Minute))

	It("says that a refresh was refused, whichever checks are run", func(ctx SpecContext) {
		vc := start("open")
		vc.Host("esx01.example").Revoke("Host.Config.NetService")
		out := invocation{args: flags(vc, "--refresh", "--only", "outbound-port")}.run(ctx)
		Expect(out.stderr).To(ContainSubstring("warning: the facts of 1 of 5 hosts may be minutes old"))
	}, SpecTimeout(time.Minute))

	It("ranks a failure above a time that ran out, and a strict warning above the unknown", func(ctx SpecContext) {
		vc := start("closed")
		release := vc.Hold("RetrieveManagedMethodExecuter", vc.Host("esx01.example").Ref, nil)
		defer release()
		Expect(invocation{args: flags(vc, "--timeout", "2s")}.run(ctx).code).To(Equal(exitFailed))
		check := func(args ...string) int {
			return invocation{args: append([]string{"check", "-t", "sim://mixed"}, args...)}.run(ctx).code
		}
		Expect(check("--host", "esx23*", "--host", "esx16*", "--strict")).To(Equal(exitFailed))
		Expect(check("--host", "esx15*", "--strict", "--allow-unknown")).To(Equal(exitOK))
	}, SpecTimeout(time.Minute))

	It("keeps what a server says from forging lines", func(ctx SpecContext) {
		vc := start("open")
		vc.RenameCluster("edge", "ed\x1b[2Jge\nhint: run evil")
		out := invocation{args: flags(vc, "--compute-resource", "nope")}.run(ctx)
		Expect(out.stderr).NotTo(ContainSubstring("\x1b"))
		Expect(out.stderr).NotTo(MatchRegexp(`(?m)^hint: run evil`))
	}, SpecTimeout(time.Minute))

	It("refreshes when asked", func(ctx SpecContext) {
		vc := start("closed")
		Expect(vc.Host("esx11.example").Change(func(info *types.HostFirewallInfo) error {
			for i := range info.Ruleset {
				info.Ruleset[i].Enabled = info.Ruleset[i].Key == "vSPC"
			}
			return nil
		})).To(Succeed())
		Expect(invocation{args: flags(vc, "--host", "esx11*")}.run(ctx).code).To(Equal(exitFailed), "vCenter's old copy")
		Expect(invocation{args: flags(vc, "--host", "esx11*", "--refresh")}.run(ctx).code).To(Equal(exitOK))
	}, SpecTimeout(time.Minute))
})

var _ = Describe("credentials", func() {
	var vc *sim.VCenter
	BeforeEach(func() { vc = start("open") })

	verify := func(ctx context.Context, i invocation) {
		GinkgoHelper()
		i.args = append([]string{"check"}, i.args...)
		out := i.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(out.stdout + out.stderr).NotTo(ContainSubstring(secret))
	}

	It("come from vic-machine's environment", func(ctx SpecContext) {
		verify(ctx, invocation{env: map[string]string{
			"VIC_MACHINE_TARGET": vc.URL.Host + "/dc1", "VIC_MACHINE_USER": "root", "VIC_MACHINE_PASSWORD": secret, "VIC_MACHINE_THUMBPRINT": vc.Thumbprint,
			"GOVC_USERNAME": "other", "GOVC_PASSWORD": "other",
		}})
	}, SpecTimeout(time.Minute))
	It("come from govc's environment", func(ctx SpecContext) {
		verify(ctx, invocation{env: map[string]string{"GOVC_URL": vc.URL.String(), "GOVC_USERNAME": "root", "GOVC_PASSWORD": secret, "GOVC_INSECURE": "true"}})
		verify(ctx, invocation{env: map[string]string{"GOVC_URL": "root:" + secret + "@" + vc.URL.Host, "GOVC_INSECURE": "1"}})
	}, SpecTimeout(time.Minute))
	It("come from files that govc's environment names, and before those of GOVC_URL", func(ctx SpecContext) {
		dir := GinkgoT().TempDir()
		user, password := filepath.Join(dir, "user"), filepath.Join(dir, "password")
		Expect(os.WriteFile(user, []byte("root\n"), 0o600)).To(Succeed())
		Expect(os.WriteFile(password, []byte(secret+"\n"), 0o600)).To(Succeed())
		verify(ctx, invocation{env: map[string]string{
			"GOVC_URL": "https://other:wrong@" + vc.URL.Host + "/sdk", "GOVC_USERNAME": user, "GOVC_PASSWORD": password, "GOVC_INSECURE": "true",
		}})
		verify(ctx, invocation{env: map[string]string{"GOVC_URL": "root:wrong@" + vc.URL.Host, "GOVC_PASSWORD": secret, "GOVC_INSECURE": "true"}})
	}, SpecTimeout(time.Minute))
	It("of GOVC_URL serve that server alone", func(ctx SpecContext) {
		out := invocation{
			args: []string{"check", "-t", vc.URL.Host, "-u", "root", "--thumbprint", vc.Thumbprint},
			env:  map[string]string{"GOVC_URL": "root:" + secret + "@elsewhere.example"},
		}.run(ctx)
		Expect(out.code).To(Equal(exitUsage))
		Expect(out.stderr).To(ContainSubstring("no password for root"))
	}, SpecTimeout(time.Minute))
	It("of govc may name the simulator", func(ctx SpecContext) {
		Expect(invocation{args: []string{"check"}, env: map[string]string{"GOVC_URL": "sim://open/dc1"}}.run(ctx).code).To(Equal(exitOK))
	}, SpecTimeout(time.Minute))
	It("come from govc's known hosts", func(ctx SpecContext) {
		file := filepath.Join(GinkgoT().TempDir(), "known_hosts")
		Expect(os.WriteFile(file, []byte("elsewhere:443 00\n"+vc.URL.Host+" "+vc.Thumbprint+"\n"), 0o600)).To(Succeed())
		verify(ctx, invocation{env: map[string]string{"GOVC_URL": "root:" + secret + "@" + vc.URL.Host, "GOVC_TLS_KNOWN_HOSTS": file}})
	}, SpecTimeout(time.Minute))
	It("stand in the target", func(ctx SpecContext) {
		verify(ctx, invocation{args: []string{"-t", "root:" + secret + "@" + vc.URL.Host + "/dc1", "--thumbprint", vc.Thumbprint}})
	}, SpecTimeout(time.Minute))
	It("come from standard input or a file", func(ctx SpecContext) {
		verify(ctx, invocation{args: []string{"-t", vc.URL.Host, "-u", "root", "-p", "-", "--thumbprint", vc.Thumbprint}, stdin: secret + "\r\n"})
		file := filepath.Join(GinkgoT().TempDir(), "password")
		Expect(os.WriteFile(file, []byte(secret), 0o600)).To(Succeed())
		verify(ctx, invocation{args: []string{"-t", vc.URL.Host, "-u", "root", "--password-file", file, "--thumbprint", vc.Thumbprint}})
	}, SpecTimeout(time.Minute))
	It("have neither the end of a line nor a file's byte order mark in them", func(ctx SpecContext) {
		file := filepath.Join(GinkgoT().TempDir(), "password")
		Expect(os.WriteFile(file, []byte("\ufeff"+secret+"\r\n"), 0o600)).To(Succeed())
		verify(ctx, invocation{args: []string{"-t", vc.URL.Host, "-u", "root", "--password-file", file, "--thumbprint", vc.Thumbprint}})
		verify(ctx, invocation{args: []string{"-t", vc.URL.Host, "-u", "root", "--thumbprint", vc.Thumbprint}, env: map[string]string{"VIC_MACHINE_PASSWORD": secret + "\r\n"}})
		Expect(os.WriteFile(file, []byte("\xff\xfes\x00"), 0o600)).To(Succeed())
		out := invocation{args: []string{"check", "-t", vc.URL.Host, "-u", "root", "--password-file", file, "--thumbprint", vc.Thumbprint}}.run(ctx)
		Expect(out.code).To(Equal(exitUsage))
		Expect(out.stderr).To(ContainSubstring("is UTF-16"))
	}, SpecTimeout(time.Minute))
	It("that are given and empty are a mistake, and nothing else takes their place", func(ctx SpecContext) {
		given := []string{"check", "-t", vc.URL.Host, "-u", "root", "--thumbprint", vc.Thumbprint}
		for key, args := range map[string][]string{
			"VIC_MACHINE_TARGET": {"check"}, "VIC_MACHINE_USER": {"check", "-t", vc.URL.Host, "--insecure"},
			"VIC_MACHINE_PASSWORD": given, "VIC_MACHINE_THUMBPRINT": {"check", "-t", vc.URL.Host, "-u", "root", "-p", secret, "--insecure"},
		} {
			out := invocation{args: args, env: map[string]string{key: "", "GOVC_URL": "sim://open", "GOVC_USERNAME": "root", "GOVC_PASSWORD": secret}}.run(ctx)
			Expect(out.code).To(Equal(exitUsage), key)
			Expect(out.stderr).To(ContainSubstring(key + " is set and empty"))
		}
		out := invocation{args: append(given, "--password", ""), env: map[string]string{"GOVC_PASSWORD": secret}}.run(ctx)
		Expect(out.code).To(Equal(exitUsage))
		Expect(out.stderr).To(ContainSubstring("--password"))
	}, SpecTimeout(time.Minute))
	It("are not repeated where a thumbprint was meant", func(ctx SpecContext) {
		out := invocation{args: []string{"check", "-t", vc.URL.Host, "-u", "root", "--thumbprint", secret}}.run(ctx)
		Expect(out.code).To(Equal(exitUsage))
		Expect(out.stderr).To(And(ContainSubstring("not a certificate thumbprint"), Not(ContainSubstring(secret))))
	}, SpecTimeout(time.Minute))
	It("with a domain are not said to lack one", func(ctx SpecContext) {
		out := invocation{args: []string{"check", "-t", vc.URL.Host, "-u", "root@vsphere.local", "-p", secret + "x", "--thumbprint", vc.Thumbprint}}.run(ctx)
		Expect(out.code).To(Equal(exitUnknown))
		Expect(out.stderr).To(And(ContainSubstring("wrong logins lock"), Not(ContainSubstring("wants the domain"))))
	}, SpecTimeout(time.Minute))
	It("are the flags' before all others", func(ctx SpecContext) {
		verify(ctx, invocation{
			args: []string{"-t", "other:wrong@" + vc.URL.Host, "-u", "root", "-p", secret, "--thumbprint", vc.Thumbprint},
			env:  map[string]string{"VIC_MACHINE_USER": "other", "VIC_MACHINE_PASSWORD": "wrong", "VIC_MACHINE_TARGET": "nowhere"},
		})
	}, SpecTimeout(time.Minute))
})

var _ = Describe("help", func() {
	It("of a command with many flags fits a screen of 80 by 24, and names all flags", func(ctx SpecContext) {
		for _, name := range []string{"check", "fix", "undo", "probe", "collect"} {
			out := invocation{args: []string{name, "--help"}}.run(ctx)
			Expect(strings.Count(out.stdout, "\n")).To(BeNumerically("<=", 24), name)
			for line := range strings.Lines(out.stdout) {
				Expect(len(line)).To(BeNumerically("<=", 81), line)
			}
			all := invocation{args: []string{name, "--help-all"}}.run(ctx)
			for _, m := range regexp.MustCompile(`(?m)^  (?:-\w,|   ) (--[a-z-]+)`).FindAllStringSubmatch(all.stdout, -1) {
				if m[1] != "--help" && m[1] != "--help-all" {
					Expect(out.stdout).To(ContainSubstring(m[1]), name)
				}
			}
		}
	})
	It("ends with EXIT STATUS on every command", func(ctx SpecContext) {
		for _, args := range [][]string{{"--help"}, {"check", "--help-all"}, {"sim", "--help"}, {"explain", "--help"}, {"version", "--help"}, {"vib", "--help"}, {"vib", "build", "--help"}, {"vib", "inspect", "--help"}, {"rule", "--help"}, {"rule", "render", "--help"}} {
			out := invocation{args: args}.run(ctx)
			Expect(out.code).To(Equal(exitOK))
			Expect(out.stdout).To(HaveSuffix(exitStatus+"\n"), "%v", args)
		}
	})
	It("fits 80 columns, but for examples to copy", func(ctx SpecContext) {
		for _, command := range []string{"", "check", "fix", "update firewall", "undo", "probe", "listen", "sim", "explain", "vib", "vib build", "vib inspect", "rule", "rule render", "version"} {
			out := invocation{args: append(strings.Fields(command), "--help-all")}.run(ctx)
			text, examples, _ := strings.Cut(out.stdout, "\nEXAMPLES\n")
			for line := range strings.Lines(text) {
				Expect(len(strings.TrimSuffix(line, "\n"))).To(BeNumerically("<=", 80), "%s: %s", command, line)
			}
			for line := range strings.Lines(examples) {
				Expect(len(line)).To(BeNumerically("<=", 100), "%s: %s", command, line)
			}
		}
	})
	It("explains every check and reason, of verdicts and of plans", func(ctx SpecContext) {
		all := invocation{args: []string{"explain"}}.run(ctx).stdout
		for line := range strings.Lines(all) {
			if name := strings.Fields(line); strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "   ") {
				out := invocation{args: []string{"explain", name[0]}}.run(ctx)
				Expect(out.code).To(Equal(exitOK), name[0])
				// vic-machine's own tokens of a name are none of ours.
				Expect(strings.ReplaceAll(strings.Join(strings.Fields(out.stdout), " "), "{id} or {name}", "")).NotTo(ContainSubstring("{"), name[0])
			}
		}
	})
	It("is there without a command", func(ctx SpecContext) {
		out := invocation{args: []string{}}.run(ctx) // nil would be those of go test
		Expect(out.code).To(Equal(exitOK))
		Expect(out.stdout).To(ContainSubstring("check --target sim://mixed"))
	})
	It("knows its version", func(ctx SpecContext) {
		Expect(invocation{args: []string{"version"}}.run(ctx).stdout).To(HavePrefix("vic-preflight "))
	})
})
