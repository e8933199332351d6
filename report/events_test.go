package report_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

// told is what a chronicle tells of a report, a line each and without the time.
func told(c *report.Chronicle, r *report.Report, errs ...error) []string {
	GinkgoHelper()
	if errs == nil {
		errs = make([]error, len(r.Runs))
	}
	return lines(r, c.Next(r, errs))
}

func lines(r *report.Report, events []report.Event) []string {
	GinkgoHelper()
	var out bytes.Buffer
	Expect(report.Events(&out, events, report.Style{})).To(Succeed())
	at := r.StartedAt.Add(r.Duration).UTC().Format(time.RFC3339) + " "
	list := []string{}
	for line := range strings.Lines(out.String()) {
		Expect(line).To(HavePrefix(at))
		list = append(list, strings.TrimSuffix(strings.TrimPrefix(line, at), "\n"))
	}
	return list
}

func passing(host string) found {
	return found{host: host, status: checks.Pass, reason: checks.Permitted}
}

func of(f *found, host string) found {
	f.host = host
	return *f
}

var _ = Describe("what a watch tells", func() {
	It("is nothing of the first report, nor of one that finds the same", func() {
		c := &report.Chronicle{}
		Expect(told(c, findings(0, failing("esx1", ""), passing("esx2")))).To(BeEmpty())
		Expect(told(c, findings(1, failing("esx1", ""), passing("esx2")))).To(BeEmpty())
	})

	DescribeTable("is a line for what became of a finding", func(then, now *found, want string) {
		c := &report.Chronicle{}
		told(c, findings(0, of(then, "esx1"), passing("esx2")))
		list := told(c, findings(1, of(now, "esx1"), passing("esx2")))
		if want == "" {
			Expect(list).To(BeEmpty())
			return
		}
		Expect(list).To(Equal([]string{want}))
	},
		Entry("it fails now", pass(), fail(), "NEW esx1: outbound-port: pass permitted -> FAIL ruleset-disabled: because"),
		Entry("it warns now", pass(), warns(), "new esx1: outbound-port: pass permitted -> warn borrowed-ruleset: because"),
		Entry("it fails for another reason", fail(), &found{status: checks.Fail, reason: checks.NoRuleset}, "changed esx1: outbound-port: FAIL ruleset-disabled -> FAIL no-ruleset: because"),
		Entry("it passes now", fail(), pass(), "mended esx1: outbound-port: FAIL ruleset-disabled -> pass permitted: because"),
		Entry("nothing is known now", pass(), unknown(), "unknown esx1: outbound-port: pass permitted -> unknown facts-unavailable: because"),
		Entry("nothing was known, and it passes", unknown(), pass(), "known esx1: outbound-port: unknown facts-unavailable -> pass permitted: because"),
		Entry("nothing was known, and it fails", unknown(), fail(), "NEW esx1: outbound-port: unknown facts-unavailable -> FAIL ruleset-disabled: because"),
		Entry("a waiver accepts it", fail(), waived(), "waived esx1: outbound-port: FAIL ruleset-disabled -> waived ruleset-disabled: because"),
		Entry("it was not checked, and passes", &found{}, pass(), ""),
	)

	It("names hosts that come and go, also of a selection, and no finding of one that went", func() {
		c := &report.Chronicle{}
		narrowed := func(r *report.Report) *report.Report {
			r.Runs[0].Narrowed = true
			return r
		}
		told(c, narrowed(findings(0, failing("esx1", ""), passing("esx2"), passing("esx3"))))
		Expect(told(c, narrowed(findings(1, passing("esx3"), failing("esx4", ""), passing("esx5"))))).To(ConsistOf(
			"vanished esx1: the host is no more among those that are checked",
			"vanished esx2: the host is no more among those that are checked",
			"appeared esx4: the host is checked since now",
			"appeared esx5: the host is checked since now",
			"NEW esx4: outbound-port: not there -> FAIL ruleset-disabled: because",
		))
	})

	It("calls no host gone that may be hidden", func() {
		c := &report.Chronicle{}
		told(c, findings(0, failing("esx1", ""), passing("esx2")))
		hidden := findings(1, passing("esx2"))
		hidden.Runs[0].Inventory.Hidden = []string{"/dc1/host/prod"}
		Expect(told(c, hidden)).To(Equal([]string{"unknown esx1: outbound-port: FAIL ruleset-disabled -> not looked at"}))
	})

	It("says once that a target cannot be read, and compares with what was read before", func() {
		c := &report.Chronicle{}
		told(c, findings(0, passing("esx1"), failing("esx2", "")))
		Expect(told(c, unread(1))).To(Equal([]string{"lost vc.example/dc1: NOT CHECKED: no route to host"}))
		Expect(told(c, unread(2))).To(BeEmpty())
		Expect(told(c, findings(3, failing("esx1", ""), failing("esx2", "")))).To(Equal([]string{
			"back vc.example/dc1: checked again: 2 hosts: 2 failed",
			"NEW esx1: outbound-port: pass permitted -> FAIL ruleset-disabled: because",
		}))
		Expect(told(c, unread(4))).To(HaveLen(1), "it is lost once more")
	})

	It("tells all that fails of a target that the first report could not read", func() {
		c := &report.Chronicle{}
		Expect(told(c, unread(0))).To(Equal([]string{"lost vc.example/dc1: NOT CHECKED: no route to host"}))
		Expect(told(c, findings(1, passing("esx1"), failing("esx2", "")))).To(Equal([]string{
			"back vc.example/dc1: checked again: 2 hosts: 1 failed, 1 passed",
			"NEW esx2: outbound-port: target not read -> FAIL ruleset-disabled: because",
		}))
		both := unread(0)
		both.Runs = append(both.Runs, findings(0, passing("esx7")).Runs...)
		Expect(told(&report.Chronicle{}, both)).To(BeEmpty(), "a report of several shows it")
	})

	It("says that a host has started, by times that are not the same start", func() {
		at := func(day int, start time.Time, f found) *report.Report {
			r := findings(day, f, passing("esx2"))
			r.Runs[0].Inventory.Hosts[0].BootTime = start
			return r
		}
		c, start := &report.Chronicle{}, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		told(c, at(0, time.Time{}, passing("esx1")))
		Expect(told(c, at(1, start, passing("esx1")))).To(BeEmpty(), "it was not known before")
		Expect(told(c, at(2, start.Add(2*time.Second), passing("esx1")))).To(BeEmpty(), "clocks are put right")
		Expect(told(c, at(3, start.Add(time.Hour), failing("esx1", "")))).To(Equal([]string{
			"restarted esx1: the host has started at 2026-01-01T01:00:00Z",
			"NEW esx1: outbound-port: pass permitted -> FAIL ruleset-disabled: because",
		}))
	})

	It("names hosts by their paths where names are not unique, and targets where there are several", func() {
		two := func(day int, status *found) *report.Report {
			r := findings(day, of(status, "esx1"), passing("esx1"))
			r.Runs[0].Inventory.Hosts[1] = member("edge", "esx1")
			r.Runs[0].Results[1].Subject = r.Runs[0].Inventory.Hosts[1].Path
			other := findings(day, of(status, "esx7"))
			other.Runs[0].Target = "vc2.example"
			r.Runs = append(r.Runs, other.Runs...)
			return r
		}
		c := &report.Chronicle{}
		told(c, two(0, pass()))
		Expect(told(c, two(1, fail()))).To(ConsistOf(
			"NEW vc.example/dc1: /dc1/host/prod/esx1: outbound-port: pass permitted -> FAIL ruleset-disabled: because",
			"NEW vc2.example: esx7: outbound-port: pass permitted -> FAIL ruleset-disabled: because",
		))
	})

	changed := func(day int, entries ...report.PlanEntry) *report.Report {
		r := findings(day, passing("esx1"), passing("esx2"))
		for i := range entries {
			entries[i].Host, entries[i].Path = "esx1", "/dc1/host/prod/esx1"
		}
		r.Runs[0].Plan = entries
		return r
	}
	enable := report.PlanEntry{
		Action: report.Enable, Ruleset: "vic-engine", Reason: "chosen", Detail: "the narrowest", Opens: "outbound TCP 2377",
		Before: &report.RulesetState{}, After: &report.RulesetState{Enabled: true},
	}
	made, failed, left := enable, enable, enable
	made.Done, made.Verified = true, true
	failed.Error = "enable vic-engine: refused by the host"
	left.NotBegun = true

	It("is what was changed, what takes it back, and what is left, also of a round that was ended", func() {
		c := &report.Chronicle{}
		told(c, changed(0))
		r := changed(1, made)
		r.Runs[0].Journal = "/state/j.jsonl"
		want := []string{
			"repaired esx1: vic-engine: disabled (allowed hosts: not known) -> enabled for not known; opens outbound TCP 2377; the narrowest",
			"journal vc.example/dc1: to take the changes back: vic-preflight undo /state/j.jsonl --target vc.example/dc1",
		}
		Expect(told(c, r)).To(Equal(want))
		Expect(lines(r, c.Changes(r))).To(Equal(want))
		var out bytes.Buffer
		Expect(report.Events(&out, c.Changes(r), report.Style{Width: 60})).To(Succeed())
		Expect(out.String()).To(HaveSuffix(want[1]+"\n"), "a command is copied as it stands")
		r = changed(1)
		r.Runs[0].Leftovers = []string{"vic-preflight-probe-1"}
		want = []string{"left vc.example/dc1: the virtual machine vic-preflight-probe-1 could not be removed: vic-preflight probe --cleanup removes it later"}
		Expect(told(c, r)).To(Equal(want))
		Expect(lines(r, c.Changes(r))).To(Equal(want))
		Expect(told(c, changed(2, failed))).To(Equal([]string{"FAILED esx1: enable vic-engine: refused by the host"}))
		Expect(told(c, changed(3, left))).To(BeEmpty())
	})

	It("names hosts of changes by their paths where names are not unique", func() {
		c := &report.Chronicle{}
		told(c, changed(0))
		r := changed(1, failed)
		r.Runs[0].Inventory.Hosts[1].Name = "esx1"
		Expect(lines(r, c.Changes(r))).To(Equal([]string{"FAILED /dc1/host/prod/esx1: enable vic-engine: refused by the host"}))
	})

	It("has one line, whatever a server says in an error", func() {
		c := &report.Chronicle{}
		told(c, changed(0))
		Expect(told(c, changed(1), errors.New("refused\nNEW esx2: \x1b[31mforged"))).To(Equal([]string{"error vc.example/dc1: " + report.Clean("refused\nNEW esx2: \x1b[31mforged")}))
	})

	It("is a refusal and an error once, until they are others", func() {
		refused := report.PlanEntry{Action: report.Refuse, Reason: "no-ruleset", Detail: "the host has none"}
		c := &report.Chronicle{}
		told(c, changed(0))
		unfinished := errors.New("not all was made")
		Expect(told(c, changed(1, refused), unfinished)).To(Equal([]string{
			"refused esx1: no-ruleset: the host has none", "error vc.example/dc1: not all was made",
		}))
		Expect(told(c, changed(2, refused), unfinished)).To(BeEmpty())
		other := refused
		other.Reason = "borrowed-ruleset"
		Expect(told(c, changed(2, other), unfinished)).To(Equal([]string{"refused esx1: borrowed-ruleset: the host has none"}))
		Expect(told(c, changed(3))).To(BeEmpty())
		Expect(told(c, changed(4, refused), unfinished)).To(HaveLen(2), "they came back")
		planned := changed(5, enable)
		planned.Runs[0].DryRun = true
		Expect(told(c, planned, errors.New("the plan changes 1 hosts, and --max-hosts allows 0"))).To(Equal([]string{"error vc.example/dc1: the plan changes 1 hosts, and --max-hosts allows 0"}))
	})

	It("has one line each, whatever a server calls its hosts, and breaks it on a terminal alone", func() {
		c := &report.Chronicle{}
		all := func(day int, status *found) *report.Report {
			var list []found
			for _, name := range hostileNames {
				list = append(list, of(status, name))
			}
			r := findings(day, list...)
			r.Runs[0].Inventory.Endpoint = inventory.Endpoint{InstanceUUID: "u-1"}
			return r
		}
		told(c, all(0, pass()))
		list := told(c, all(1, fail()))
		Expect(list).To(HaveLen(len(hostileNames)))
		for _, line := range list {
			Expect(line).To(And(HavePrefix("NEW "), Equal(report.Clean(line))))
		}
		told(c, findings(2, passing("esx1")))
		r := findings(3, failing("esx1", ""))
		var out bytes.Buffer
		Expect(report.Events(&out, c.Next(r, []error{nil}), report.Style{Width: 60, Colour: true})).To(Succeed())
		broken := strings.Split(out.String(), "\n")
		Expect(broken).To(HaveLen(3))
		Expect(broken[0]).To(ContainSubstring("\x1b[1;31mNEW\x1b["), "the word is painted")
		Expect(broken[1]).To(HavePrefix("  "))
		Expect(slices.MaxFunc(broken, func(a, b string) int { return len(a) - len(b) })).To(HaveLen(len(broken[0])))
	})

	It("counts its rounds for Prometheus, which takes them", func(ctx SpecContext) {
		r := findings(0, passing("esx1"))
		Expect(write("prometheus", r)).NotTo(ContainSubstring("vic_preflight_watch"), "of a single run")
		r.Watch = &report.Watch{Round: 7, Every: 5 * time.Minute}
		text := write("prometheus", r)
		Expect(text).To(And(
			ContainSubstring("# TYPE vic_preflight_watch_rounds_total counter\nvic_preflight_watch_rounds_total 7\n"),
			ContainSubstring("# TYPE vic_preflight_watch_interval_seconds gauge\nvic_preflight_watch_interval_seconds 300\n"),
		))
		_, err := run(ctx, text, "promtool", "check", "metrics")
		Expect(err).NotTo(HaveOccurred())
	}, SpecTimeout(time.Minute))
})
