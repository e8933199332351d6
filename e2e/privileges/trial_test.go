package privileges_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
)

// trial is one run of a job, under a role.
type trial struct {
	code int
	// report is the JSON report, or the file of facts, without what differs from run to run.
	report string
	// verdicts are the statuses of each host and check in it.
	verdicts map[string]string
	// state is what the simulator is like afterwards.
	state string
	// said is all that was printed.
	said string
	// asked are the privileges that the run's calls took.
	asked []string
}

// same reports whether the command worked as well as it did in another trial.
func (t *trial) same(as *trial) bool {
	return t.code == as.code && t.report == as.report && t.state == as.state
}

// try runs a job on a simulator of its own. An account without a role may do all.
func (j *job) try(ctx context.Context, role ...string) *trial {
	GinkgoHelper()
	vc := simtest.Start(GinkgoTB(), j.scenario, sim.Options{User: "root", Password: "pw"})
	defer vc.Close()
	dir, err := os.MkdirTemp(GinkgoT().TempDir(), "run")
	Expect(err).NotTo(HaveOccurred())
	if j.bend != nil {
		j.bend(vc, dir)
	}
	if j.before != "" {
		run(ctx, vc, dir, j.before)
	}
	if j.ready != nil {
		j.ready(vc)
	}
	if len(role) > 0 {
		vc.Grant(role...)
	}
	t := run(ctx, vc, dir, j.args)
	t.state, t.asked = stateOf(vc), vc.Asked() // what came before may have asked for more: that is dropped
	return t
}

// run runs the program with arguments in which DIR stands for a directory, and @FILE for what
// is in a file.
func run(ctx context.Context, vc *sim.VCenter, dir, args string) *trial {
	GinkgoHelper()
	words := strings.Fields(strings.ReplaceAll(args, "DIR", dir))
	for i, word := range words {
		if file, ok := strings.CutPrefix(word, "@"); ok {
			text, err := os.ReadFile(file)
			Expect(err).NotTo(HaveOccurred())
			words[i] = string(text)
		}
	}
	if name := words[0]; name != "collect" && name != "create" && !strings.Contains(args, "--cleanup") {
		words = append(words, "-o", "json")
	}
	cmd := exec.CommandContext(ctx, preflight, words...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "VIC_MACHINE_TARGET=" + vc.URL.Host, "VIC_MACHINE_USER=root",
		"VIC_MACHINE_PASSWORD=pw", "VIC_MACHINE_THUMBPRINT=" + vc.Thumbprint,
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	Expect(cmd.ProcessState).NotTo(BeNil(), "%v", err)
	report := stdout.Bytes()
	if facts, err := os.ReadFile(filepath.Join(dir, "facts.json")); err == nil {
		report = facts
	}
	t := &trial{code: cmd.ProcessState.ExitCode(), said: stdout.String() + stderr.String() + string(report), verdicts: map[string]string{}}
	var tree any = string(report) + summary(stderr.String())
	if json.Unmarshal(report, &tree) == nil {
		tree = t.settle(tree, "")
	}
	text, err := json.MarshalIndent(tree, "", " ")
	Expect(err).NotTo(HaveOccurred())
	t.report = strings.NewReplacer(dir, "DIR", vc.URL.Host, "VCENTER").Replace(string(text))
	t.report = passing.ReplaceAllString(t.report, "…")
	return t
}

// summary is what cleaning up says, which has no report.
func summary(stderr string) string {
	lines := slices.Collect(strings.Lines(stderr))
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return !strings.HasPrefix(l, "vic-preflight: ") }), "")
}

// passing is what differs from run to run within sentences.
var passing = regexp.MustCompile(`\b\d+(\.\d+)?(ms|µs|s)\b|:\d{4,5}\b|vic-preflight-probe-[\w.-]+|journals/\S+\.jsonl|serial://\S+`)

// settle leaves out what differs from run to run, and keeps the verdicts.
func (t *trial) settle(node any, path string) any {
	switch node := node.(type) {
	case map[string]any:
		for _, name := range []string{"name", "id", "requirement"} {
			if text, ok := node[name].(string); ok {
				path += "/" + text
			}
		}
		if status, ok := node["status"].(string); ok {
			t.verdicts[path] = status
		}
		for key, value := range node {
			if strings.HasSuffix(key, "Ms") || strings.HasSuffix(key, "At") || key == "bootTime" || key == "target" || key == "uuid" || key == "instanceUuid" {
				delete(node, key)
				continue
			}
			node[key] = t.settle(value, path)
		}
	case []any:
		for i, value := range node {
			node[i] = t.settle(value, path)
		}
	}
	return node
}

// stateOf is all that the product may change.
func stateOf(vc *sim.VCenter) string {
	var b strings.Builder
	for _, name := range vc.HostNames() {
		h := vc.Host(name)
		for _, rs := range h.Firewall().Ruleset {
			fmt.Fprintf(&b, "%s %s %t %v\n", name, rs.Key, rs.Enabled, rs.AllowedHosts)
		}
		fmt.Fprintf(&b, "%s ssh %t\n", name, h.ServiceRunning("TSM-SSH"))
	}
	for _, o := range vc.Model().Map().OptionManager().Setting {
		if o := o.GetOptionValue(); o.Key == "config.vpxd.SerialPort.PersistNetworkBacking" {
			fmt.Fprintf(&b, "%s %v\n", o.Key, o.Value)
		}
	}
	fmt.Fprintf(&b, "%d machines, %d sessions\n", len(vc.Model().Map().All("VirtualMachine")), vc.OpenSessions())
	return b.String()
}
