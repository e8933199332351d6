package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// configured writes a configuration file and returns its path.
func configured(text string) string {
	GinkgoHelper()
	path := filepath.Join(GinkgoT().TempDir(), ".vic-preflight.yaml")
	Expect(os.WriteFile(path, []byte(text), 0o600)).To(Succeed())
	return path
}

var _ = Describe("a configuration file", func() {
	It("gives targets, with their credentials and selections", func(ctx SpecContext) {
		vc, other := start("mixed"), start("open")
		dir := GinkgoT().TempDir()
		Expect(os.WriteFile(filepath.Join(dir, "pw"), []byte(secret+"\n"), 0o600)).To(Succeed())
		file := filepath.Join(dir, "gate.yaml")
		Expect(os.WriteFile(file, []byte(`
targets:
  - {target: `+vc.URL.Host+`, user: root, password-file: pw, thumbprint: "`+vc.ThumbprintSHA1()+`", compute-resource: prod, host: "esx0[12]*"}
  - {target: `+other.URL.Host+`, user: root, password-env: OTHER_PASSWORD, insecure: true}
only: outbound-port
output: [json, table=`+filepath.Join(dir, "table.txt")+`]
`), 0o600)).To(Succeed())
		out := invocation{args: []string{"check", "--config", file}, env: map[string]string{"OTHER_PASSWORD": secret}}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		var r struct {
			Targets []struct {
				Hosts []struct{ Checks []struct{ ID string } }
			}
		}
		Expect(json.Unmarshal([]byte(out.stdout), &r)).To(Succeed())
		Expect(r.Targets).To(HaveLen(2))
		Expect(r.Targets[0].Hosts).To(HaveLen(2), "as it is selected")
		Expect(r.Targets[1].Hosts).To(HaveLen(5))
		Expect(r.Targets[0].Hosts[0].Checks).To(HaveLen(1))
		Expect(filepath.Join(dir, "table.txt")).To(BeAnExistingFile())
		Expect(out.stdout + out.stderr).NotTo(ContainSubstring(secret))

		By("flags win")
		out = invocation{args: []string{"check", vc.URL.Host, "--config", file, "--only", "host-state", "--host", "esx03*", "-o", "json"}}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(json.Unmarshal([]byte(out.stdout), &r)).To(Succeed())
		Expect(r.Targets).To(HaveLen(1))
		Expect(r.Targets[0].Hosts).To(HaveLen(1))
		Expect(r.Targets[0].Hosts[0].Checks).To(HaveExactElements(HaveField("ID", "host-state")))

		By("the environment wins over the file")
		out = invocation{args: []string{"check", "--config", file}, env: map[string]string{"VIC_MACHINE_TARGET": "sim://closed"}}.run(ctx)
		Expect(out.stdout).To(ContainSubstring(`"target": "sim://closed"`))
	}, SpecTimeout(time.Minute))

	It("is found in the working directory, and said to be used", func(ctx SpecContext) {
		GinkgoT().Chdir(filepath.Dir(configured("targets: [{target: 'sim://open'}]\nstrict: true\n")))
		out := invocation{args: []string{"check"}}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(out.stderr).To(Equal("note: using the configuration in .vic-preflight.yaml\n"))
		Expect(invocation{args: []string{"check", "--config", "-"}}.run(ctx).code).To(Equal(exitUsage), "there is no target without it")
	}, SpecTimeout(time.Minute))

	DescribeTable("that was merely found does not say who gets a password, nor what is written elsewhere",
		func(ctx SpecContext, text, says string, args ...string) {
			vc := start("open")
			text = strings.NewReplacer("SERVER", vc.URL.Host, "PRINT", vc.ThumbprintSHA1(), "ELSEWHERE", GinkgoT().TempDir()).Replace(text)
			dir := filepath.Dir(configured(text))
			Expect(os.WriteFile(filepath.Join(dir, "pw"), []byte(secret+"\n"), 0o600)).To(Succeed())
			GinkgoT().Chdir(dir)
			line := strings.Fields(strings.ReplaceAll(strings.Join(append([]string{"check"}, args...), " "), "SERVER", vc.URL.Host))
			env := map[string]string{"VIC_MACHINE_PASSWORD": secret, "VIC_MACHINE_USER": "root"}
			out := invocation{args: line, env: env}.run(ctx)
			Expect(out.code).To(Equal(exitUsage), out.stderr)
			Expect(out.stderr).To(ContainSubstring("vic-preflight: .vic-preflight.yaml"))
			Expect(out.stderr).To(ContainSubstring(strings.ReplaceAll(says, "SERVER", vc.URL.Host) + ", and the file was merely found in the working directory: it may not say "))
			Expect(out.stderr).To(ContainSubstring("hint: read it; --config .vic-preflight.yaml says that you mean it"))
			Expect(vc.Requests()).To(BeZero(), "nothing was sent")
			Expect(invocation{args: append(line, "--config", ".vic-preflight.yaml"), env: env}.run(ctx).stderr).NotTo(ContainSubstring("merely found"))
		},
		Entry("a target", "targets: [{target: SERVER, insecure: true}]", "it names the target SERVER", SpecTimeout(time.Minute)),
		Entry("a target with a password of its own choice", "targets: [{target: 'sim://open'}, {target: SERVER, user: root, password-file: pw, insecure: true}]", "it names the target SERVER", SpecTimeout(time.Minute)),
		Entry("that anybody may answer for a server", "insecure: true", "it gives insecure", "-t", "SERVER", SpecTimeout(time.Minute)),
		Entry("that anybody may answer for a server that it lists", "targets: [{target: SERVER, insecure: true}]", "it gives insecure", "-t", "SERVER", SpecTimeout(time.Minute)),
		Entry("whose certificate it is", "thumbprint: PRINT", "it gives thumbprint", "-t", "SERVER", SpecTimeout(time.Minute)),
		Entry("whose keys the hosts' are", "ssh-known-hosts: known", "it gives ssh-known-hosts", "-t", "sim://open", SpecTimeout(time.Minute)),
		Entry("a report elsewhere", "output: json=ELSEWHERE/x.json", "/x.json", "-t", "sim://open", SpecTimeout(time.Minute)),
		Entry("a report above it", "output: [table, json=../x.json]", "../x.json", "-t", "sim://open", SpecTimeout(time.Minute)),
	)

	It("that was merely found does what a team's file is for", func(ctx SpecContext) {
		vc := start("open")
		dir := filepath.Dir(configured("user: root\npassword-file: pw\ncompute-resource: prod\nprofile: vic\noutput: [table, json=out/report.json]\nwaivers: [{reason: drift, because: known, expires: 2999-01-01}]\n"))
		Expect(os.WriteFile(filepath.Join(dir, "pw"), []byte(secret+"\n"), 0o600)).To(Succeed())
		Expect(os.Mkdir(filepath.Join(dir, "out"), 0o700)).To(Succeed())
		GinkgoT().Chdir(dir)
		out := invocation{args: []string{"check"}, env: map[string]string{"VIC_MACHINE_TARGET": vc.URL.Host, "VIC_MACHINE_THUMBPRINT": vc.ThumbprintSHA1()}}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(filepath.Join(dir, "out", "report.json")).To(BeAnExistingFile())
		out = invocation{args: []string{"fix", "--allow", "-t", vc.URL.Host, "--thumbprint", vc.ThumbprintSHA1(), "--dry-run"}}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
	}, SpecTimeout(time.Minute))

	DescribeTable("that is wrong is a usage error with the line, and nothing is done",
		func(ctx SpecContext, text, message string) {
			for _, args := range [][]string{{"check", "sim://open", "--config"}, {"config", "check"}} {
				out := invocation{args: append(args, configured(text))}.run(ctx)
				Expect(out.code).To(Equal(exitUsage))
				Expect(out.stderr).To(ContainSubstring(message))
				Expect(out.stdout + out.stderr).NotTo(ContainSubstring(secret))
			}
		},
		Entry("an unknown key", "strct: true\n", ".vic-preflight.yaml:1:1: ", SpecTimeout(time.Minute)),
		Entry("what is near", "strct: true\n", "strict", SpecTimeout(time.Minute)),
		Entry("a password", "password: "+secret+"\n", "name a file that holds it by password-file", SpecTimeout(time.Minute)),
		Entry("a change", "fix: true\n", "give --fix on the command line", SpecTimeout(time.Minute)),
	)

	It("has each of its faults on a line of its own", func(ctx SpecContext) {
		file := configured("strct: true\nport: vic\nwaivers: [{reason: no-rulset}]\n")
		out := invocation{args: []string{"config", "check", file}}.run(ctx)
		Expect(out.stderr).To(And(MatchRegexp(`(?m)^vic-preflight: \S+:1:1: `), MatchRegexp(`(?m)^vic-preflight: \S+:2:7: `), MatchRegexp(`(?m)^vic-preflight: \S+:3:`)))
	}, SpecTimeout(time.Minute))

	It("that is asked for and not there is an error", func(ctx SpecContext) {
		out := invocation{args: []string{"check", "sim://open", "--config", "/nonexistent.yaml"}}.run(ctx)
		Expect(out.code).To(Equal(exitUsage))
		Expect(out.stderr).To(ContainSubstring("/nonexistent.yaml: no such file"))
	}, SpecTimeout(time.Minute))

	It("raises and lowers severities", func(ctx SpecContext) {
		file := configured("severities: {maintenance: fail, ruleset-disabled: warn}\n")
		args := []string{"check", "sim://mixed", "--config", file, "--host", "esx03*", "--only", "outbound-port"}
		Expect(invocation{args: args}.run(ctx).code).To(Equal(exitOK))
		Expect(invocation{args: []string{"check", "sim://mixed", "--config", file, "--host", "esx05*"}}.run(ctx).code).To(Equal(exitFailed))
	}, SpecTimeout(time.Minute))

	It("waives a failure until the day that it expires", func(ctx SpecContext) {
		text := func(expires time.Time) string {
			return "waivers:\n" +
				"  - {reason: ruleset-disabled, host: 'esx0[346]*', target: 'sim://*', because: replaced in May, ticket: OPS-42, expires: " + expires.UTC().Format(time.DateOnly) + "}\n" +
				"  - {reason: no-ruleset, because: nothing like it, expires: 2999-01-01}\n"
		}
		args := []string{"check", "sim://mixed", "--compute-resource", "prod", "--strict", "--skip", "cluster-drift,host-state", "--config"}
		out := invocation{args: append(args, configured(text(time.Now().Add(24*time.Hour))))}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stdout)
		Expect(out.stdout).To(And(
			ContainSubstring("ruleset-disabled (waived)"), MatchRegexp(`replaced in\s+May \(OPS-42\)`), HaveSuffix("; 3 waived\n"),
		))
		Expect(out.stderr).To(And(
			ContainSubstring("warning: a waiver fits nothing: no-ruleset (nothing like it; expires on 2999-01-01)"),
			Not(ContainSubstring("fits nothing: ruleset-disabled")),
		))
		out = invocation{args: append(args, configured(text(time.Now())))}.run(ctx)
		Expect(out.code).To(Equal(exitFailed))
		Expect(out.stderr).To(And(ContainSubstring("expired on"), Not(ContainSubstring("a waiver fits nothing: ruleset-disabled"))))
	}, SpecTimeout(time.Minute))

	It("waives by the target's name also what is in a file of facts, and tells of no waiver that was not asked for", func(ctx SpecContext) {
		facts := filepath.Join(GinkgoT().TempDir(), "facts.json")
		Expect(invocation{args: []string{"collect", "sim://closed", "-o", facts}}.run(ctx).code).To(Equal(exitOK))
		file := configured("waivers:\n" +
			"  - {reason: ruleset-disabled, target: 'sim://closed', because: later, expires: 2999-01-01}\n" +
			"  - {check: cluster-drift, reason: drift, because: old, expires: 2999-01-01}\n")
		out := invocation{args: []string{"check", "--facts", facts, "--config", file, "--skip", "cluster-drift"}}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stdout)
		Expect(out.stderr).NotTo(ContainSubstring("fits nothing"))
		out = invocation{args: []string{"check", "--facts", facts, "--config", configured("wait: 10m\n")}}.run(ctx)
		Expect(out.code).To(Equal(exitFailed), "no time mends a file")
		Expect(invocation{args: []string{"fix", "--allow", "--dry-run", "sim://open", "--config", file}}.run(ctx).stderr).To(BeEmpty())
		Expect(invocation{args: []string{"check", "sim://open", "--config", file}}.run(ctx).stderr).To(ContainSubstring("fits nothing: drift, check cluster-drift"))
	}, SpecTimeout(time.Minute))

	It("leaves a command what it does not take", func(ctx SpecContext) {
		file := configured("max-hosts: 3\nprobe-retries: 2\nonly: host-state\nssh-key: /nonexistent\nwait: 10m\n")
		Expect(invocation{args: []string{"check", "sim://open", "--config", file, "--wait", "1s"}}.run(ctx).code).To(Equal(exitOK))
		Expect(invocation{args: append([]string{"fix", "--allow", "sim://open", "--config", file}, journalIn()...)}.run(ctx).code).To(Equal(exitOK))
		out := invocation{args: append([]string{"fix", "--allow", "sim://closed", "--config", file}, journalIn()...)}.run(ctx)
		Expect(out.stderr).To(ContainSubstring("--max-hosts allows 3"))
	}, SpecTimeout(time.Minute))

	It("says what must be open, unless the command line does", func(ctx SpecContext) {
		file := configured("profile: ntp\nrequirements: site.yaml\npeer: ['ntp=10.0.0.1', 'site=10.0.0.2']\n")
		Expect(os.WriteFile(filepath.Join(filepath.Dir(file), "site.yaml"), []byte("profile: site\ntitle: x\npeer: {kind: a host}\nrequirements:\n"+
			"  - {direction: outbound, protocol: tcp, ports: [9000-9002], owner: user, breaks: x}\nsource: x\n"), 0o600)).To(Succeed())
		port := configured("port: 9999\nvch-ip: 10.0.0.7\nprobe: local\n")
		required := func(args ...string) (list []string) {
			GinkgoHelper()
			out := invocation{args: append([]string{"check", "sim://open", "--only", "outbound-port", "-o", "json", "--config"}, args...)}.run(ctx)
			var found struct {
				Requirements []struct {
					Name  string
					Ports []int
					Peers []string
				}
			}
			Expect(json.Unmarshal([]byte(out.stdout), &found)).To(Succeed(), out.stderr)
			for _, r := range found.Requirements {
				list = append(list, fmt.Sprintf("%s %v %v", r.Name, r.Ports, r.Peers))
			}
			return list
		}
		Expect(required(file)).To(Equal([]string{"ntp [123] [10.0.0.1/32]", "site [9000 9001 9002] [10.0.0.2/32]"}))
		Expect(required(file, "--peer", "ntp=10.0.0.3")).To(Equal([]string{"ntp [123] [10.0.0.3/32]", "site [9000 9001 9002] []"}))
		Expect(required(file, "--profile", "kms")).To(Equal([]string{"kms [5696] []"}))
		Expect(required(file, "--port", "2378")).To(Equal([]string{"vic [2378] []"}))
		Expect(required(file, "--vch-ip", "10.0.0.5")).To(Equal([]string{"vic [2377] [10.0.0.5/32]"}))
		Expect(required(port, "--profile", "ntp")).To(Equal([]string{"ntp [123] []"}))
		Expect(invocation{args: []string{"create", "sim://open", "--config", file, "--name", "x", "--image-store", "nfs", "--bridge-network", "b"}}.run(ctx).stderr).NotTo(ContainSubstring("profile"))

		out := invocation{args: []string{"check", "sim://open", "--config", configured("profile: ntp\nport: 2378\n")}}.run(ctx)
		Expect(out.code).To(Equal(exitUsage))
		Expect(out.stderr).To(ContainSubstring("--vch-ip and --port are of a virtual container host"))
	}, SpecTimeout(time.Minute))

	It("gives what does not go together to none", func(ctx SpecContext) {
		dir := GinkgoT().TempDir()
		facts, kept := filepath.Join(dir, "facts.json"), filepath.Join(dir, "kept.json")
		Expect(invocation{args: []string{"collect", "sim://open", "-o", facts}}.run(ctx).code).To(Equal(exitOK))
		file := configured("refresh: true\nprobe: serial\nssh: true\nwait: 10m\nnagios-exit: true\noutput: [json=" + kept + "]\n")
		Expect(invocation{args: []string{"check", "--facts", facts, "--config", file}}.run(ctx).code).To(Equal(exitOK))
		Expect(kept).To(BeAnExistingFile())
		Expect(os.Remove(kept)).To(Succeed())
		Expect(invocation{args: []string{"fix", "--allow", "--dry-run", "sim://closed", "--config", file}}.run(ctx).code).To(Equal(exitFailed))
		Expect(kept).NotTo(BeAnExistingFile(), "it is the check's")
	}, SpecTimeout(time.Minute))

	It("that is right says so, and what will soon expire", func(ctx SpecContext) {
		soon := time.Now().UTC().Add(72 * time.Hour).Format(time.DateOnly)
		out := invocation{args: []string{"config", "check", configured("waivers: [{reason: drift, because: so, expires: " + soon + "}]\n")}}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(out.stdout).To(HaveSuffix(": nothing is wrong (targets: 0, settings: 0, waivers: 1)\n"))
		Expect(out.stderr).To(ContainSubstring("expires soon"))
	}, SpecTimeout(time.Minute))
})
