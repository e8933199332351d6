package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
)

// report is the part of a target's JSON report that these specs read.
type report struct {
	Target, Error, Status string
	Hosts                 []struct {
		Name, Path, Cluster string
		Checks              []struct {
			ID, Status, Reason string
			Rulesets           []struct {
				Key     string
				Enabled bool
			}
		}
	}
}

func parse(out outcome) report {
	GinkgoHelper()
	targets := parseAll(out)
	Expect(targets).To(HaveLen(1))
	return targets[0]
}

func parseAll(out outcome) []report {
	GinkgoHelper()
	var r struct{ Targets []report }
	Expect(json.Unmarshal([]byte(out.stdout), &r)).To(Succeed(), out.stderr)
	return r.Targets
}

var _ = Describe("vic-preflight check", func() {
	It("gives a verdict for each host of govmomi's own simulator", func(ctx SpecContext) {
		url := serve(`https://[^ ]+`, vcsim)
		env := environment("GOVC_URL="+url, "GOVC_USERNAME=user", "GOVC_PASSWORD=pass", "GOVC_INSECURE=true")
		out := command(ctx, env, preflight, "check", "-o", "json")
		r := parse(out)
		Expect(r.Hosts).To(HaveLen(4))
		clusters := map[string]int{}
		for _, h := range r.Hosts {
			clusters[h.Cluster]++
			Expect(h.Checks[0].ID).To(Equal("outbound-port"))
			Expect(h.Checks[0].Reason).To(Equal("firewall-off"), "the stock simulator says that its firewall is off")
		}
		Expect(clusters).To(Equal(map[string]int{"DC0_C0": 2, "DC0_C1": 2}))
		Expect(out.code).To(Equal(0))
	}, SpecTimeout(2*time.Minute))

	It("agrees with govc on every host about which rulesets are enabled", func(ctx SpecContext) {
		s := serveScenario("mixed")
		compared := 0
		for _, h := range parse(command(ctx, s.env(), preflight, "check", "-o", "json")).Hosts {
			ours := map[string]bool{}
			for _, rs := range h.Checks[0].Rulesets {
				ours[rs.Key] = rs.Enabled
			}
			theirs := map[string]bool{}
			for _, enabled := range []bool{true, false} {
				out := command(ctx, s.env(), govc, "firewall.ruleset.find", "-c=false", "-host", h.Path, "-direction", "outbound", "-port", "2377", fmt.Sprintf("-enabled=%v", enabled))
				for line := range strings.Lines(out.stdout) {
					if f := strings.Fields(line); len(f) > 0 {
						theirs[f[0]] = enabled
					}
				}
			}
			if h.Checks[0].Reason == "facts-unavailable" {
				Expect(ours).To(BeEmpty(), h.Name)
				continue
			}
			Expect(ours).To(Equal(theirs), h.Name)
			compared++
		}
		Expect(compared).To(Equal(16))
	}, SpecTimeout(3*time.Minute))

	It("serves a simulator that govc's esxcli understands", func(ctx SpecContext) {
		s := serveScenario("mixed")
		out := command(ctx, s.env(), govc, "host.esxcli", "-host", "/dc1/host/edge/esx11.example", "network", "firewall", "ruleset", "allowedip", "list", "--ruleset-id=vSPC")
		Expect(out.code).To(Equal(0), out.stderr)
		Expect(out.stdout).To(ContainSubstring("10.20.0.0/16"))
		out = command(ctx, s.env(), govc, "host.esxcli", "-host", "/dc1/host/prod/esx06.example", "network", "firewall", "ruleset", "list")
		Expect(out.stdout).To(MatchRegexp(`vic-engine\s+false`))
	}, SpecTimeout(time.Minute))

	It("mends what its own hints say, by govc", func(ctx SpecContext) {
		s := serveScenario("closed")
		out := command(ctx, s.env(), preflight, "check", "--hints", "--host", "esx03*")
		Expect(out.code).To(Equal(1))
		line := regexp.MustCompile(`govc host.esxcli .*`).FindString(out.stdout)
		Expect(line).NotTo(BeEmpty())
		Expect(command(ctx, s.env(), govc, strings.Fields(line)[1:]...).code).To(Equal(0))
		Expect(command(ctx, s.env(), preflight, "check", "--host", "esx03*", "--refresh").code).To(Equal(0))
	}, SpecTimeout(time.Minute))

	It("reports what is known on Ctrl-C, and exits 130", func(ctx SpecContext) {
		vc, s := hostScenario("closed")
		release := vc.Hold("RetrieveManagedMethodExecuter", vc.Host("esx02.example").Ref, nil)
		defer release()
		cmd := exec.Command(preflight, "check", "--concurrency", "2")
		cmd.Env = s.env()
		session, err := gexec.Start(cmd, nil, nil)
		Expect(err).NotTo(HaveOccurred())
		Eventually(func() int { return vc.RequestsOf("ExecuteSoap") }).WithContext(ctx).Should(BeNumerically(">", 1))
		session.Signal(syscall.SIGINT)
		Eventually(session).WithContext(ctx).Should(gexec.Exit(130))
		Expect(string(session.Out.Contents())).To(And(ContainSubstring("5 hosts: 5 failed"), ContainSubstring("interrupted")))
	}, SpecTimeout(time.Minute))

	It("says its version", func(ctx SpecContext) {
		Expect(command(ctx, environment(), preflight, "version").stdout).To(HavePrefix("vic-preflight "))
	}, SpecTimeout(time.Minute))
})

// examples are the vic-preflight commands in a text that need nothing but the
// built-in simulator.
func examples(text string) []string {
	var found []string
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "$"))
		if strings.Contains(line, "sim://") && strings.Contains(line, "vic-preflight ") {
			found = append(found, line)
		}
	}
	return found
}

var _ = Describe("the documentation", func() {
	verify := func(ctx SpecContext, text string, atLeast int) {
		GinkgoHelper()
		list := examples(text)
		Expect(len(list)).To(BeNumerically(">=", atLeast))
		bin := GinkgoT().TempDir()
		Expect(os.Symlink(preflight, filepath.Join(bin, "vic-preflight"))).To(Succeed())
		env := append(environment(), "PATH="+bin+":"+os.Getenv("PATH"))
		for _, line := range list {
			line = strings.Replace(line, "./bin/vic-preflight", "vic-preflight", 1)
			line = strings.Replace(line, "go run ./cmd/vic-preflight", "vic-preflight", 1)
			out := command(ctx, env, "sh", "-c", line)
			// The simulated hosts of these scenarios fail, of all others pass.
			want := 0
			switch {
			case strings.Contains(line, "sim://vic-broken"):
				want = 1 // what no fix is for is left
			case strings.Contains(line, "--fix"), strings.Contains(line, " fix "), strings.Contains(line, "update firewall"):
				want = map[bool]int{true: 1}[strings.Contains(line, "--dry-run")]
			case strings.Contains(line, "sim://estate"), strings.Contains(line, "sim://mixed"), strings.Contains(line, "sim://closed"):
				want = 1
			}
			Expect(out.code).To(Equal(want), "%s\n%s", line, out.stderr)
			Expect(out.stdout).NotTo(BeEmpty(), line)
		}
	}

	It("has examples in the help that run", func(ctx SpecContext) {
		for name, atLeast := range map[string]int{"check": 3, "create": 3, "watch": 2} {
			verify(ctx, command(ctx, environment(), preflight, name, "--help-all").stdout, atLeast)
		}
	}, SpecTimeout(time.Minute))

	It("has examples in the README that run", func(ctx SpecContext) {
		text, err := os.ReadFile("../README.md")
		Expect(err).NotTo(HaveOccurred())
		verify(ctx, string(text), 2)
	}, SpecTimeout(time.Minute))
})
