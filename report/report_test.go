package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func outbound(key string, enabled bool, allowed *inventory.AllowedHosts, port, end int) *inventory.Ruleset {
	return &inventory.Ruleset{
		Key: key, Enabled: enabled, Allowed: allowed,
		Rules: []inventory.Rule{{Port: port, EndPort: end, Direction: "outbound", PortType: "dst", Protocol: "tcp"}},
	}
}

func everybody() *inventory.AllowedHosts { return &inventory.AllowedHosts{All: true} }

func member(cluster, name string, rulesets ...*inventory.Ruleset) inventory.Host {
	h := inventory.Host{
		Name: name, Path: "/dc1/host/" + cluster + "/" + name, Cluster: cluster, ClusterPath: "/dc1/host/" + cluster,
		Connection: inventory.Connected, Version: "7.0.3",
		Firewall: inventory.Firewall{
			ID: "fw", Rulesets: rulesets, OutgoingBlocked: inventory.Yes,
			Switch: inventory.Switch{Enabled: inventory.Yes, Loaded: inventory.Yes, DefaultPass: inventory.No},
		},
	}
	if cluster == "" {
		h.Path, h.ClusterPath = "/dc1/host/"+name+"/"+name, ""
	}
	return h
}

func build(hosts []inventory.Host, peers ...string) *report.Report {
	req := checks.VIC()
	for _, p := range peers {
		req.Peers = append(req.Peers, netip.MustParsePrefix(p))
	}
	return about(hosts, req)
}

// about is a report on one target.
func about(hosts []inventory.Host, reqs ...checks.Requirement) *report.Report {
	inv := &inventory.Inventory{
		Endpoint:   inventory.Endpoint{Address: "vc.example", Kind: inventory.VCenter, FullName: "VMware vCenter Server 8.0.3", InstanceUUID: "u-1"},
		Datacenter: "/dc1", Hosts: hosts,
	}
	at, took := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), 1500*time.Millisecond
	run := &report.Run{Target: "vc.example/dc1", StartedAt: at, Duration: took, Inventory: inv, Requirements: reqs}
	judge(run)
	return &report.Report{ToolVersion: "v0.0.0", StartedAt: at, Duration: took, Requirements: reqs, Runs: []*report.Run{run}}
}

// judge runs the checks on what the run found.
func judge(r *report.Run) {
	r.Results = checks.Run(checks.Default(), checks.Facts{Inventory: r.Inventory, Judged: checks.JudgeAll(r.Inventory, r.Requirements...)})
}

// planned is a report with every kind of plan entry.
func planned(dryRun bool) *report.Report {
	hosts := []inventory.Host{member("prod", "esx1.example", outbound("vic-engine", true, everybody(), 2377, 0))}
	whole := build(hosts)
	r := whole.Runs[0]
	shut, open := &report.RulesetState{Allowed: everybody()}, &report.RulesetState{Enabled: true, Allowed: everybody()}
	vch := &report.RulesetState{Enabled: true, Allowed: &inventory.AllowedHosts{Addrs: []string{"10.0.0.5"}}}
	change := func(host string, before, after *report.RulesetState, done, verified bool, failure string) report.PlanEntry {
		return report.PlanEntry{
			Host: host, Path: "/dc1/host/prod/" + host, Cluster: "prod", Action: report.Enable, Ruleset: "vSPC",
			Reason: "chosen", Detail: "named by --ruleset", Opens: "all outbound TCP, for any address",
			Before: before, After: after, Done: done && !dryRun, Verified: verified && !dryRun, Error: failure,
			Warnings: []string{"vSPC lets all outbound TCP, for any address"},
		}
	}
	r.DryRun = dryRun
	r.Plan = []report.PlanEntry{
		{Host: "esx1.example", Path: "/dc1/host/prod/esx1.example", Cluster: "prod", Action: report.None, Reason: "already-permitted", Detail: "vic-engine lets TCP 2377 out to any address"},
		change("esx2.example", shut, open, true, true, ""),
		change("esx3.example", shut, vch, true, false, ""),
		{Host: "esx5.example", Path: "/dc1/host/prod/esx5.example", Cluster: "prod", Action: report.Refuse, Reason: "not-user-controllable", Detail: "the host says that users may not switch the ruleset vic-engine"},
	}
	if !dryRun {
		r.Plan = append(r.Plan, change("esx4.example", shut, open, false, false, "EnableRuleset vSPC on esx4.example: the host refused the change"))
		r.Journal = "/var/lib/j.jsonl"
	}
	return whole
}

// withSetting is a report of a run that changed the vCenter's setting, and no host.
func withSetting() *report.Report {
	whole := build([]inventory.Host{member("prod", "esx1.example", outbound("vic-engine", true, everybody(), 2377, 0))})
	r := whole.Runs[0]
	r.Journal = "/var/lib/j.jsonl"
	r.Plan = []report.PlanEntry{{
		Host: "vc.example", Path: "/", Action: report.Set, Reason: "chosen", Detail: "vic-machine create needs it",
		Opens: "the serial ports of container VMs survive a restart of the vCenter", Done: true, Verified: true,
		Setting: &report.PlanSetting{Name: inventory.SettingName, After: []string{"true"}},
	}, {
		Host: "esx1.example", Path: "/dc1/host/prod/esx1.example", Cluster: "prod", Action: report.None, Reason: "already-permitted", Detail: "vic-engine lets TCP 2377 out to any address",
	}}
	return whole
}

// reports are the cases of the golden files.
func reports() map[string]*report.Report {
	lost := member("edge", "esx2.example")
	lost.Connection = inventory.Disconnected
	mixed := []inventory.Host{
		member("edge", "esx1.example", outbound("vSPC", true, &inventory.AllowedHosts{Addrs: []string{"10.0.0.9"}}, 0, 65535)),
		lost,
		member("prod", "esx3.example", outbound("vic-engine", true, everybody(), 2377, 0)),
		member("prod", "esx4.example", outbound("vSPC", false, everybody(), 0, 65535), outbound("vic-engine", false, everybody(), 2377, 0)),
		member("", "esx5.example", outbound("vicoutgoing", true, everybody(), 2377, 0)),
	}
	mixed[2].BootTime = time.Date(2025, 12, 24, 18, 0, 0, 0, time.UTC)
	many := make([]inventory.Host, 0, 40)
	for i := range 40 {
		many = append(many, member("big", "esx"+string(rune('a'+i%26))+string(rune('a'+i/26))+".example", outbound("vic-engine", i%7 != 0, everybody(), 2377, 0)))
	}
	wide := member("a cluster with a rather long name", longName, outbound("a-site-ruleset-with-a-long-name", true, everybody(), 2377, 0))
	unicodeHost := member("プロダクション", "ホスト一号.example", outbound("vSPC", false, everybody(), 0, 65535))
	// Several targets: one that could not be reached, and hosts of equal names.
	several := build(mixed[2:4])
	second := build([]inventory.Host{member("prod", "esx3.example", outbound("vic-engine", false, everybody(), 2377, 0))}).Runs[0]
	second.Target = "vc2.example"
	several.Runs = append(several.Runs, second, &report.Run{
		Target: "vc3.example", StartedAt: several.StartedAt, Duration: time.Second, Err: errors.New("cannot reach vc3.example: the connection was refused"),
	})
	// Several requirements, one of which another ruleset would serve.
	backup := checks.Requirement{
		Name: "backup", Direction: inventory.Inbound, Protocol: inventory.TCP, Ports: []int{902}, Prefer: []string{"NFC"},
		Words: checks.Words{Peer: "a backup proxy", PeerOption: "--peer", Breaks: "backups stop"},
	}
	nfc := &inventory.Ruleset{Key: "NFC", Allowed: everybody(), Rules: []inventory.Rule{{Port: 902, Direction: "inbound", PortType: "dst", Protocol: "tcp"}}}
	both := member("prod", "esx3.example", outbound("vic-engine", true, everybody(), 2377, 0), nfc)
	profiles := about([]inventory.Host{both}, checks.VIC(), backup)
	profiles.Runs[0].Options = []string{"--insecure", "--requirements=site.yaml", "--requirements=backup.yaml", "--peer=backup=10.0.0.9"}
	profiles.Runs[0].Journal = "/var/lib/j.jsonl"
	profiles.Runs[0].Plan = []report.PlanEntry{
		{Host: "esx3.example", Path: "/dc1/host/prod/esx3.example", Cluster: "prod", Requirement: "vic", Action: report.None, Reason: "already-permitted", Detail: "vic-engine lets TCP 2377 out to any address"},
		{
			Host: "esx3.example", Path: "/dc1/host/prod/esx3.example", Cluster: "prod", Requirement: "backup", Action: report.Enable, Ruleset: "NFC",
			Reason: "chosen", Detail: "the ruleset that is made for it", Opens: "inbound TCP 902, for any address", Done: true, Error: "the host refused the change",
			Before: &report.RulesetState{Allowed: everybody()}, After: &report.RulesetState{Enabled: true, Allowed: everybody()},
		},
	}
	unreached := &report.Report{
		ToolVersion: "v0.0.0", StartedAt: several.StartedAt, Duration: time.Second, Requirements: several.Requirements, Runs: several.Runs[2:],
	}
	waived := build(mixed[2:4])
	waived.Runs[0].Results = checks.Waive(waived.Runs[0].Results, []checks.Waiver{{
		Check: checks.OutboundPort, Reason: checks.RulesetDisabled, Host: "esx4.*", Because: "is replaced in May", Ticket: "OPS-42",
		Expires: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC),
	}}, waived.Runs[0].Target, waived.StartedAt)
	evil := member("c\x1b[2Jlear", "esx\x1b[31m\x07\r\n\u202eevil.example", outbound("vSPC", false, everybody(), 0, 65535))
	return map[string]*report.Report{
		"one":       build(mixed[2:3]),
		"mixed":     build(mixed, "10.0.0.5/32"),
		"many":      build(many),
		"wide":      build([]inventory.Host{wide}),
		"unicode":   build([]inventory.Host{unicodeHost}),
		"evil":      build([]inventory.Host{evil}),
		"planned":   planned(true),
		"several":   several,
		"profiles":  profiles,
		"unreached": unreached,
		"applied":   planned(false),
		"setting":   withSetting(),
		"waived":    waived,
		"create":    created(),
		"refused":   refused(),
		"accepted":  acceptable(),
		"estate":    wrong(),
	}
}

// longName is a host's whose name takes a line of its own.
const longName = "esxi-frankfurt-rack-0042-slot-0017.datacenter.internal.example.com"

func golden(name, got string) {
	GinkgoHelper()
	file := filepath.Join("testdata", name)
	if *update {
		Expect(os.WriteFile(file, []byte(got), 0o600)).To(Succeed())
	}
	want, err := os.ReadFile(file)
	Expect(err).NotTo(HaveOccurred(), "make golden writes it")
	Expect(got).To(Equal(string(want)), name)
}

func render(r *report.Report, style report.Style) string {
	GinkgoHelper()
	var out bytes.Buffer
	Expect(report.Table(&out, r, style)).To(Succeed())
	return out.String()
}

var _ = Describe("the output", func() {
	for name, r := range reports() {
		It("of "+name+" is as it was reviewed", func() {
			for suffix, style := range map[string]report.Style{".80.txt": {Width: 80}, ".160.txt": {Width: 160}, ".plain.txt": {}} {
				golden(name+suffix, render(r, style))
			}
			var wide bytes.Buffer
			Expect(report.Wide(&wide, r, report.Style{Width: 80, Advice: report.AdviceFull})).To(Succeed())
			golden(name+".wide.txt", wide.String())
			for _, format := range report.Formats() {
				if format.ForPrograms && format.Name != "html" { // html_test.go has a few of its own
					var out bytes.Buffer
					Expect(format.Write(&out, r, report.Style{})).To(Succeed())
					golden(name+"."+format.Name, out.String())
				}
			}
		})

		It("of "+name+" fits its schema", func() {
			var out bytes.Buffer
			Expect(report.JSON(&out, r)).To(Succeed())
			value, err := jsonschema.UnmarshalJSON(&out)
			Expect(err).NotTo(HaveOccurred())
			Expect(schema().Validate(value)).To(Succeed())
		})

		It("of "+name+" fits 80 columns, but for commands to copy", func() {
			for line := range strings.Lines(render(r, report.Style{Width: 80})) {
				line = strings.TrimSuffix(line, "\n")
				if command := regexp.MustCompile(`^ +(govc|esxcli|vic-machine-linux|vic-preflight|ls) `); !command.MatchString(line) && line != longName && strings.TrimSpace(line) != longStore {
					Expect(twwidth.Width(line)).To(BeNumerically("<=", 80), line)
				}
			}
		})

		It("of "+name+" holds no control characters", func() {
			for _, style := range []report.Style{{}, {Width: 80}} {
				text := strings.ReplaceAll(render(r, style), "\n", "")
				Expect(strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) })).To(Equal(-1))
			}
		})
	}

	It("gives every host one line when it is not wrapped", func() {
		r := reports()["many"]
		var out bytes.Buffer
		Expect(report.Table(&out, r, report.Style{})).To(Succeed())
		for _, h := range r.Runs[0].Inventory.Hosts {
			lines := 0
			for line := range strings.Lines(out.String()) {
				if strings.HasPrefix(line, h.Name) {
					lines++
				}
			}
			Expect(lines).To(Equal(1), h.Name)
		}
	})

	for _, name := range []string{"mixed", "many"} {
		It("of "+name+", grouped, is as it was reviewed", func() {
			golden(name+".grouped.txt", render(reports()[name], report.Style{Width: 80, Group: report.GroupAlways}))
		})
	}

	It("names every host that did not pass, grouped or not", func() {
		hosts := make([]inventory.Host, 0, 400)
		for i := range 400 {
			hosts = append(hosts, member(fmt.Sprintf("c%d", i/150), fmt.Sprintf("esx%03d.example", i), outbound("vic-engine", i%3 != 0, everybody(), 2377, 0)))
			if i%50 == 1 {
				hosts[i].Connection = inventory.Disconnected
			}
		}
		r := build(hosts)
		for _, group := range []report.Grouping{report.GroupAuto, report.GroupAlways, report.GroupNever} {
			for _, width := range []int{0, 80, 200} {
				text := render(r, report.Style{Width: width, Group: group})
				if group == report.GroupAuto && width > 0 {
					Expect(text).To(ContainSubstring("    and 107 more: --group always names them"))
					continue
				}
				words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n,;:", r) })
				for i, h := range hosts {
					if i%3 == 0 || i%50 == 1 {
						Expect(words).To(ContainElement(h.Name), "%q at width %d", group, width)
					}
				}
				Expect(text).To(ContainSubstring("400 hosts: 131 failed, 8 unknown, 261 passed"))
			}
		}
	})

	It("groups by itself what nobody would read, and nothing else", func() {
		passing := func(n int) *report.Report {
			hosts := make([]inventory.Host, n)
			for i := range hosts {
				hosts[i] = member("c", fmt.Sprintf("esx%03d.example", i), outbound("vic-engine", true, everybody(), 2377, 0))
			}
			return build(hosts)
		}
		rows := func(r *report.Report, style report.Style) int { return strings.Count(render(r, style), "vic-engine") }
		Expect(rows(passing(8), report.Style{Width: 80})).To(Equal(8))
		Expect(rows(passing(9), report.Style{Width: 80})).To(Equal(1), "hosts that pass are folded where there are many")
		Expect(rows(passing(101), report.Style{Width: 80})).To(Equal(1))
		Expect(rows(passing(101), report.Style{Width: 80, Group: report.GroupNever})).To(Equal(101))
		Expect(rows(passing(101), report.Style{})).To(Equal(101), "output for programs keeps a line for each host")
		Expect(rows(passing(2), report.Style{Group: report.GroupAlways})).To(Equal(1))
	})

	It("loses no word of a detail to the width", func() {
		r := reports()["mixed"]
		for _, width := range []int{60, 80, 120, 200} {
			var wide bytes.Buffer
			Expect(report.Wide(&wide, r, report.Style{Width: width, Advice: report.AdviceFull})).To(Succeed())
			text := strings.Join(strings.Fields(wide.String()), " ")
			for _, word := range []string{"leaves", "disconnected", "service.xml", "reboot"} {
				Expect(text).To(ContainSubstring(word), "width %d", width)
			}
		}
	})

	It("colours, and says the same without", func() {
		r := reports()["mixed"]
		coloured := render(r, report.Style{Width: 120, Colour: true})
		Expect(coloured).To(ContainSubstring("\x1b[1;31m"))
		stripped := coloured
		for _, code := range []string{"\x1b[1;31m", "\x1b[35m", "\x1b[33m", "\x1b[32m", "\x1b[2m", "\x1b[0m", "\x1b[22;0m", "\x1b[22m"} {
			stripped = strings.ReplaceAll(stripped, code, "")
		}
		Expect(stripped).To(Equal(render(r, report.Style{Width: 120})))
	})

	It("does not depend on the environment's idea of widths", func() {
		before := render(reports()["unicode"], report.Style{Width: 80})
		GinkgoT().Setenv("RUNEWIDTH_EASTASIAN", "1")
		Expect(render(reports()["unicode"], report.Style{Width: 80})).To(Equal(before))
	})

	It("says nothing to do when there is nothing to do", func() {
		for _, advice := range []report.Advice{report.AdviceBrief, report.AdviceFull} {
			Expect(render(reports()["one"], report.Style{Advice: advice})).NotTo(ContainSubstring("explain"))
			Expect(render(reports()["one"], report.Style{Advice: advice})).To(HaveSuffix("vic-engine\n\n1 host: 1 passed\n"))
		}
	})

	It("quotes names in commands", func() {
		h := member("my cluster", "esx1.example", outbound("vSPC", false, everybody(), 0, 65535))
		Expect(render(build([]inventory.Host{h}), report.Style{})).To(ContainSubstring("--compute-resource 'my cluster'"))
	})

	It("counts hosts by their worst status, and every host", func() {
		s := reports()["mixed"].Summary()
		Expect(s).To(Equal(report.Summary{Hosts: 5, Pass: 1, Warn: 1, Fail: 2, Unknown: 1}))
	})

	It("says when it was interrupted", func() {
		r := reports()["mixed"]
		r.Runs[0].Interrupted = true
		Expect(render(r, report.Style{Width: 80})).To(ContainSubstring("interrupted"))
		var out bytes.Buffer
		Expect(report.JSON(&out, r)).To(Succeed())
		Expect(out.String()).To(ContainSubstring(`"interrupted": true`))
	})
})

// published is the schema in docs.
func published() any {
	GinkgoHelper()
	file, err := os.Open(filepath.Join("..", "docs", "report.schema.json"))
	Expect(err).NotTo(HaveOccurred())
	defer file.Close()
	doc, err := jsonschema.UnmarshalJSON(file)
	Expect(err).NotTo(HaveOccurred())
	return doc
}

func compiled(doc any) *jsonschema.Schema {
	GinkgoHelper()
	c := jsonschema.NewCompiler()
	Expect(c.AddResource("report.json", doc)).To(Succeed())
	s, err := c.Compile("report.json")
	Expect(err).NotTo(HaveOccurred())
	return s
}

// schema is the published one, closed: what it does not name is refused.
func schema() *jsonschema.Schema {
	GinkgoHelper()
	return compiled(closed(published()))
}

// closed refuses, in every object of a schema, the keys that it does not name.
func closed(part any) any {
	switch part := part.(type) {
	case map[string]any:
		for _, inner := range part {
			closed(inner)
		}
		if _, object := part["properties"].(map[string]any); object {
			part["additionalProperties"] = false
		}
	case []any:
		for _, inner := range part {
			closed(inner)
		}
	}
	return part
}

var _ = Describe("what a server says", func() {
	It("makes no line of its own, whatever separates lines", func() {
		r := reports()["one"]
		forged := "esx9 connected pass"
		h := &r.Runs[0].Inventory.Hosts[0]
		h.Connection = inventory.ConnectionState("odd\n" + forged + "\u2028" + forged + "\u2029" + forged + "\u0085" + forged)
		for _, format := range report.Formats() {
			var out bytes.Buffer
			Expect(format.Write(&out, r, report.Style{})).To(Succeed())
			for _, line := range strings.FieldsFunc(out.String(), func(c rune) bool { return strings.ContainsRune("\n\u0085\u2028\u2029", c) }) {
				Expect(strings.TrimSpace(line)).NotTo(HavePrefix(forged))
			}
		}
	})
})

var _ = Describe("the table in a job's log", func() {
	It("holds nothing that the runner of GitHub Actions obeys", func() {
		r := build([]inventory.Host{
			member("::error::c", "::error::x", outbound("##[error]r", true, everybody(), 2377, 0)), member("##[group]", "esx1 ##[error]", outbound("vSPC", false, everybody(), 0, 65535)),
		})
		for _, format := range report.Formats() {
			if !format.ForPrograms {
				var out bytes.Buffer
				Expect(format.Write(&out, r, report.Style{})).To(Succeed())
				Expect(out.String()).To(And(ContainSubstring("error"), Not(MatchRegexp(`(?m)^\s*::|##\[`))))
			}
		}
	})
})

var _ = Describe("the schema", func() {
	It("lists every reason there is, and no other", func() {
		text, err := os.ReadFile(filepath.Join("..", "docs", "report.schema.json"))
		Expect(err).NotTo(HaveOccurred())
		var doc struct {
			Defs struct {
				Reason struct{ Enum []checks.Reason }
				Status struct{ Enum []checks.Status }
			} `json:"$defs"`
		}
		Expect(json.Unmarshal(text, &doc)).To(Succeed())
		var known []checks.Reason
		for _, e := range checks.Explanations() {
			known = append(known, e.Reason)
		}
		Expect(doc.Defs.Reason.Enum).To(ConsistOf(known))
		Expect(doc.Defs.Status.Enum).To(ConsistOf(checks.Statuses()))
	})
	It("is open for readers, and closed for these tests", func() {
		var out bytes.Buffer
		Expect(report.JSON(&out, reports()["one"])).To(Succeed())
		text := strings.Replace(out.String(), `"simulated": false`, `"simulated": false, "surprise": 1`, 1)
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		Expect(err).NotTo(HaveOccurred())
		Expect(compiled(published()).Validate(value)).To(Succeed())
		Expect(schema().Validate(value)).NotTo(Succeed())
	})
})

// FuzzTable feeds names as a server could send them.
func FuzzTable(f *testing.F) {
	for _, r := range reports() {
		if r.Runs[0].Inventory == nil || len(r.Runs[0].Inventory.Hosts) == 0 {
			continue
		}
		h := r.Runs[0].Inventory.Hosts[0]
		f.Add(h.Name, h.Cluster, "vSPC", 80)
	}
	f.Add("a\tb", "\x00", "", 61)
	f.Fuzz(func(t *testing.T, name, cluster, key string, width int) {
		if width < 60 || width > 300 {
			return
		}
		r := build([]inventory.Host{member(cluster, name, outbound(key, false, everybody(), 0, 65535)), member(cluster, "other", outbound("vSPC", true, everybody(), 0, 65535))})
		grouping := report.GroupNever
		if width%2 == 0 {
			grouping = report.GroupAlways
		}
		var out bytes.Buffer
		if err := report.Table(&out, r, report.Style{Width: width, Group: grouping}); err != nil {
			t.Fatal(err)
		}
		// A name is never broken, however long, and its column is as wide in all rows.
		long := slices.ContainsFunc(strings.Fields(out.String()), func(word string) bool { return twwidth.Width(word) > 16 })
		for line := range strings.Lines(out.String()) {
			line = strings.TrimSuffix(line, "\n")
			if strings.ContainsFunc(line, unicode.IsControl) {
				t.Fatalf("control character in %q", line)
			}
			command := strings.HasPrefix(line, "  vic-preflight ") // is there to be copied
			if w := twwidth.Width(line); w > width && !long && !command {
				t.Fatalf("%d columns, more than %d: %q", w, width, line)
			}
		}
		if !slices.ContainsFunc(strings.Split(out.String(), "\n"), func(s string) bool { return strings.HasPrefix(s, "2 hosts:") }) {
			t.Fatal("no summary")
		}
	})
}
