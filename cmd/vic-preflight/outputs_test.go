package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v4"
	"golang.org/x/net/html"
)

// hostIn is a host of a target.
type hostIn struct{ target, host string }

// worstOf has the worst status of what was said of each host, in the order of statuses.
type worstOf map[hostIn]string

func (w worstOf) add(target, host, status string) {
	rank := map[string]int{"": 0, "skip": 1, "pass": 2, "warn": 3, "unknown": 4, "fail": 5}
	if key := (hostIn{target, host}); rank[status] > rank[w[key]] {
		w[key] = status
	}
}

// jsonReport is what is read of a report in JSON or YAML.
type jsonReport struct {
	Targets []struct {
		Target, Error string
		Hosts         []struct{ Name, Cluster, Status string }
	}
}

func (r *jsonReport) hosts() worstOf {
	found := worstOf{}
	for _, t := range r.Targets {
		for _, h := range t.Hosts {
			found.add(t.Target, h.Name, h.Status)
		}
	}
	return found
}

// The readers of the other formats. What a format does not tell apart is told so.

func fromJUnit(text string) worstOf {
	GinkgoHelper()
	var r struct {
		Suites []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Name    string    `xml:"name,attr"`
				Failed  *struct{} `xml:"failure"`
				Errored *struct{} `xml:"error"`
				Left    *struct{} `xml:"skipped"`
				Out     string    `xml:"system-out"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	Expect(xml.Unmarshal([]byte(text), &r)).To(Succeed())
	found := worstOf{}
	for _, s := range r.Suites {
		target, _, ofHosts := strings.Cut(s.Name, ", ")
		for _, c := range s.Cases {
			host, check, _ := strings.Cut(c.Name, ": ")
			if !ofHosts || check == "cluster-drift" {
				continue
			}
			status := "pass"
			switch {
			case c.Failed != nil:
				status = "fail"
			case c.Errored != nil:
				status = "unknown"
			case c.Left != nil:
				status = "skip"
			case strings.HasPrefix(c.Out, "warning: "):
				status = "warn"
			}
			found.add(target, host, status)
		}
	}
	return found
}

var tapLine = regexp.MustCompile(`(?m)^(ok|not ok) \d+ - (\S+), (?:cluster \S+|standalone hosts): (\S+): (\S+)(?: # (SKIP))?.*$`)

// fromTAP knows ok and not ok.
func fromTAP(text string) worstOf {
	found := worstOf{}
	for _, m := range tapLine.FindAllStringSubmatch(text, -1) {
		status := map[string]string{"ok": "pass", "not ok": "fail"}[m[1]]
		if m[4] != "cluster-drift" {
			found.add(m[2], m[3], status)
		}
	}
	return found
}

func fromPrometheus(text string) worstOf {
	GinkgoHelper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	Expect(err).NotTo(HaveOccurred())
	found := worstOf{}
	for _, m := range families["vic_preflight_host_status"].GetMetric() {
		label := map[string]string{}
		for _, l := range m.GetLabel() {
			label[l.GetName()] = l.GetValue()
		}
		if m.GetGauge().GetValue() == 1 {
			found.add(label["target"], label["host"], label["status"])
		}
	}
	return found
}

// fromHTML reads the heat map, whose links are called by the host and its status, target
// by target.
func fromHTML(text string, targets []string) worstOf {
	GinkgoHelper()
	doc, err := html.Parse(strings.NewReader(text))
	Expect(err).NotTo(HaveOccurred())
	found := worstOf{}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.Data != "a" {
			continue
		}
		attr := map[string]string{}
		for _, a := range n.Attr {
			attr[a.Key] = a.Val
		}
		var target, host int
		if _, err := fmt.Sscanf(attr["href"], "#h%d-%d", &target, &host); err == nil && strings.Contains(attr["aria-label"], ", ") {
			name, status, _ := strings.Cut(attr["aria-label"], ", ")
			found.add(targets[target], name, status)
		}
	}
	return found
}

var _ = Describe("one run with every report", func() {
	It("says the same of every host in each of them, also where a target could not be reached", func(ctx SpecContext) {
		dir := GinkgoT().TempDir()
		args := []string{"check", "sim://mixed", "sim://open", "--target", "sim://nosuch"}
		formats := []string{"json", "yaml", "junit", "tap", "markdown", "prometheus", "nagios", "html", "github", "wide"}
		for _, f := range formats {
			args = append(args, "-o", f+"="+filepath.Join(dir, f))
		}
		out := invocation{args: args}.run(ctx)
		Expect(out.code).To(Equal(exitFailed), out.stderr)
		text := map[string]string{"table": out.stdout}
		for _, f := range formats {
			b, err := os.ReadFile(filepath.Join(dir, f))
			Expect(err).NotTo(HaveOccurred())
			if text[f] = string(b); f == "markdown" {
				text[f] = html.UnescapeString(text[f])
			}
			Expect(text[f]).To(ContainSubstring("sim://nosuch"), f)
		}
		var fromJSON, fromYAML jsonReport
		Expect(json.Unmarshal([]byte(text["json"]), &fromJSON)).To(Succeed())
		Expect(yaml.Unmarshal([]byte(text["yaml"]), &fromYAML)).To(Succeed())
		want := fromJSON.hosts()
		Expect(want).To(HaveLen(25))
		Expect(fromYAML).To(Equal(fromJSON))
		Expect(fromJUnit(text["junit"])).To(Equal(want))
		Expect(fromPrometheus(text["prometheus"])).To(Equal(want))
		var targets []string
		for _, t := range fromJSON.Targets {
			targets = append(targets, t.Target)
		}
		Expect(fromHTML(text["html"], targets)).To(Equal(want))
		tap := fromTAP(text["tap"])
		Expect(tap).To(HaveLen(25))
		count := map[string]int{}
		for key, status := range want {
			count[status]++
			good := status == "pass" || status == "warn"
			Expect(tap[key] == "pass").To(Equal(good), "%v", key)
			Expect(strings.Contains(text["markdown"], "<code>"+key.host+"</code>")).To(Or(BeTrue(), Equal(!good)), "%v", key)
			Expect(text["table"]).To(MatchRegexp(`(?mi)^%s +%s `, regexp.QuoteMeta(key.host), status))
			if status == "fail" {
				Expect(text["github"]).To(ContainSubstring(key.host + " at " + key.target))
				Expect(text["nagios"]).To(ContainSubstring(key.host + " at " + key.target + " (FAIL"))
			}
		}
		Expect(text["nagios"]).To(ContainSubstring(fmt.Sprintf("| failed=%d;;;0;25 unknown=%d;;;0;25 warnings=%d;;;0;25 passed=%d;;;0;25", count["fail"], count["unknown"], count["warn"], count["pass"])))
	}, SpecTimeout(time.Minute))

	It("is there, too, when nothing could be reached", func(ctx SpecContext) {
		for _, format := range []string{"json", "yaml", "junit", "tap", "markdown", "prometheus", "nagios", "html", "github", "table"} {
			file := filepath.Join(GinkgoT().TempDir(), format)
			out := invocation{args: []string{"check", "-t", "root:" + secret + "@127.0.0.1:1", "--insecure", "-o", format + "=" + file}}.run(ctx)
			Expect(out.code).To(Equal(exitUnknown))
			text, err := os.ReadFile(file)
			Expect(err).NotTo(HaveOccurred())
			Expect(string(text)).To(And(ContainSubstring("127.0.0.1:1"), Not(ContainSubstring(secret))), format)
		}
	}, SpecTimeout(time.Minute))

	It("adds to the summary of a job on GitHub, and takes nothing from it", func(ctx SpecContext) {
		summary := filepath.Join(GinkgoT().TempDir(), "summary.md")
		Expect(os.WriteFile(summary, []byte("# before\n"), 0o600)).To(Succeed())
		out := invocation{args: []string{"check", "sim://mixed", "-o", "github"}, env: map[string]string{"GITHUB_STEP_SUMMARY": summary}}.run(ctx)
		Expect(out.stdout).To(HavePrefix("::error title="))
		text, err := os.ReadFile(summary)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(text)).To(And(HavePrefix("# before\n"), ContainSubstring("<code>esx03.example</code>")))
		out = invocation{args: []string{"check", "sim://mixed", "-o", "json"}, env: map[string]string{"GITHUB_STEP_SUMMARY": summary}}.run(ctx)
		Expect(out.code).To(Equal(exitFailed))
		again, err := os.ReadFile(summary)
		Expect(err).NotTo(HaveOccurred())
		Expect(again).To(Equal(text), "only where github was asked for")
	}, SpecTimeout(time.Minute))

	DescribeTable("exits for Nagios", func(ctx SpecContext, code int, word string, args ...string) {
		out := invocation{args: append([]string{"check", "-o", "nagios", "--nagios-exit"}, args...)}.run(ctx)
		Expect(out.code).To(Equal(code))
		Expect(out.stdout).To(HavePrefix("VIC-PREFLIGHT " + word + ": "))
		Expect(strings.Count(out.stdout, "\n")).To(Equal(1))
	},
		Entry("well", 0, "OK", "sim://open", SpecTimeout(time.Minute)),
		Entry("with warnings", 1, "WARNING", "sim://mixed", "--host", "esx05*", SpecTimeout(time.Minute)),
		Entry("warnings that count", 2, "CRITICAL", "sim://mixed", "--host", "esx05*", "--strict", SpecTimeout(time.Minute)),
		Entry("with failures", 2, "CRITICAL", "sim://mixed", SpecTimeout(time.Minute)),
		Entry("without an answer", 3, "UNKNOWN", "-t", "root:x@127.0.0.1:1", "--insecure", SpecTimeout(time.Minute)),
		Entry("with a command line that is wrong", 3, "UNKNOWN", "sim://open", "--port", "0", SpecTimeout(time.Minute)),
		Entry("with a flag that is not there", 3, "UNKNOWN", "sim://open", "--nosuch", SpecTimeout(time.Minute)),
		Entry("with a command line that is wrong after one dash", 3, "UNKNOWN", "-nagios-exit", "sim://open", "--port", "0", SpecTimeout(time.Minute)),
		Entry("with a target that is none", 3, "UNKNOWN", "sim://nosuch", SpecTimeout(time.Minute)),
	)

	It("exits for Nagios, too, where the flag has a value or stands in a file, and names what is wrong", func(ctx SpecContext) {
		for _, more := range [][]string{{"--nagios-exit=true"}, {"-nagios-exit"}, {"--config", configured("nagios-exit: true\n")}} {
			out := invocation{args: append([]string{"check", "sim://open", "--baseline", "nosuch.json"}, more...)}.run(ctx)
			Expect(out.code).To(Equal(nagiosUnknown), "%v: %s", more, out.stderr)
			Expect(out.stdout).To(HavePrefix("VIC-PREFLIGHT UNKNOWN: "))
			out = invocation{args: append([]string{"check", "root:x@127.0.0.1:1", "--insecure"}, more...)}.run(ctx)
			Expect(out.code).To(Equal(nagiosUnknown))
			Expect(out.stderr).To(ContainSubstring("cannot reach 127.0.0.1:1"), "%v", more)
		}
	}, SpecTimeout(time.Minute))

	DescribeTable("does not hide behind a report that cannot be written", func(ctx SpecContext, code int, message string, args ...string) {
		out := invocation{args: append(args, "-o", "json=/dev/full")}.run(ctx)
		Expect(out.code).To(Equal(code), out.stderr)
		Expect(out.stderr).To(And(ContainSubstring("write the report: write json to /dev/full: "), ContainSubstring(message)))
	},
		Entry("when all is well", exitUnknown, "", "check", "sim://open", SpecTimeout(time.Minute)),
		Entry("what failed", exitFailed, "", "check", "sim://closed", SpecTimeout(time.Minute)),
		Entry("why nothing is known", exitUnknown, "cannot reach 127.0.0.1:1", "check", "root:x@127.0.0.1:1", "--insecure", SpecTimeout(time.Minute)),
		Entry("a change that was not made", exitUnverified, "--max-hosts allows 1", "fix", "--allow", "sim://closed", "--max-hosts", "1", SpecTimeout(time.Minute)),
	)

	It("lets no diff pass for a target that was not checked", func(ctx SpecContext) {
		dir := GinkgoT().TempDir()
		then, now := filepath.Join(dir, "then.json"), filepath.Join(dir, "now.json")
		vc := start("open")
		Expect(invocation{args: append(flags(vc), "-o", "json="+then)}.run(ctx).code).To(Equal(exitOK))
		Expect(invocation{args: append(flags(vc), "--password", secret+"x", "-o", "json="+now)}.run(ctx).code).To(Equal(exitUnknown))
		out := invocation{args: []string{"diff", then, now, "--fail-on", "new"}}.run(ctx)
		Expect(out.code).To(Equal(exitUnknown), out.stdout)
		Expect(out.stdout).To(ContainSubstring("NOT CHECKED in the new report"))
		Expect(out.stdout).NotTo(ContainSubstring("no finding"))
		Expect(invocation{args: []string{"diff", now, then, "--fail-on", "new"}}.run(ctx).code).To(Equal(exitOK))
	}, SpecTimeout(time.Minute))
})

var _ = Describe("the table on a screen of 80 by 24", func() {
	It("ends with every host that failed, and the summary", func(ctx SpecContext) {
		out := invocation{args: []string{"check", "sim://mixed", "--width", "80"}}.run(ctx)
		lines := strings.Split(strings.TrimSuffix(out.stdout, "\n"), "\n")
		last := strings.Join(lines[len(lines)-23:], "\n") // the last one is the shell's
		Expect(last).To(HaveSuffix("\n20 hosts: 6 failed, 4 unknown, 6 with warnings, 4 passed"))
		var r struct {
			Hosts []struct{ Name, Status string }
		}
		onTarget(invocation{args: []string{"check", "sim://mixed", "-o", "json"}}.run(ctx), &r)
		for _, h := range r.Hosts {
			if h.Status == "fail" {
				Expect(last).To(ContainSubstring(strings.TrimSuffix(h.Name, ".example")))
			}
		}
	}, SpecTimeout(time.Minute))

	It("has a line a host, and each sentence once", func(ctx SpecContext) {
		out := invocation{args: []string{"check", "sim://mixed", "--width", "80"}}.run(ctx)
		for line := range strings.Lines(out.stdout) {
			if !strings.HasPrefix(strings.TrimSpace(line), "vic-preflight ") { // a command is there to be copied
				Expect(len(line)).To(BeNumerically("<=", 81), line)
			}
		}
		for i := 1; i <= 6; i++ {
			Expect(regexp.MustCompile(fmt.Sprintf(`(?m)^esx0%d.example  `, i)).FindAllString(out.stdout, -1)).To(HaveLen(1))
		}
		Expect(strings.Count(out.stdout, "it is disabled")).To(Equal(1))
	}, SpecTimeout(time.Minute))
})

var _ = Describe("a gate that known failures do not shut", func() {
	It("does not shut those who read its reports either", func(ctx SpecContext) {
		vc := start("closed")
		baseline := filepath.Join(GinkgoT().TempDir(), "baseline.json")
		Expect(invocation{args: flags(vc, "-o", "json="+baseline)}.run(ctx).code).To(Equal(exitFailed))
		for format, bad := range map[string]string{"junit": `<failure`, "tap": "\nnot ok ", "github": "::error "} {
			args := flags(vc, "-o", format)
			Expect(invocation{args: args}.run(ctx).stdout).To(ContainSubstring(bad), format)
			out := invocation{args: append(args, "--baseline", baseline, "--fail-on", "new")}.run(ctx)
			Expect(out.code).To(Equal(exitOK), out.stderr)
			Expect(out.stdout).To(And(Not(ContainSubstring(bad)), ContainSubstring("the baseline has it too")), format)
		}
	}, SpecTimeout(time.Minute))
})
