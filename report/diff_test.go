package report_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

// found is what a check of outbound-port has come to on a host.
type found struct {
	host, uuid string
	status     checks.Status
	reason     checks.Reason
	waived     bool
}

var expires = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)

// findings is a report of a day, with these results on one target.
func findings(day int, list ...found) *report.Report {
	hosts := make([]inventory.Host, len(list))
	for i, f := range list {
		hosts[i] = member("prod", f.host)
		hosts[i].UUID = f.uuid
	}
	r := build(hosts)
	run := r.Runs[0]
	run.Results = nil
	for i, f := range list {
		if f.reason == "" {
			continue // the check was not run
		}
		v := &checks.Verdict{Status: f.status, Reason: f.reason, Detail: "because"}
		if f.waived {
			v.Waiver = &checks.Waiver{Because: "is replaced in May", Expires: expires}
		}
		run.Results = append(run.Results, checks.Result{
			Check: checks.OutboundPort, Requirement: "vic", Scope: checks.ScopeHost, Subject: hosts[i].Path, Verdict: v,
		})
	}
	r.StartedAt = r.StartedAt.AddDate(0, 0, day)
	run.StartedAt = r.StartedAt
	return r
}

// unread is a report of a target that could not be reached.
func unread(day int) *report.Report {
	r := findings(day)
	r.Runs[0] = &report.Run{Target: r.Runs[0].Target, StartedAt: r.StartedAt, Requirements: r.Requirements, Err: errors.New("no route to host")}
	return r
}

func saved(r *report.Report) *report.Saved {
	GinkgoHelper()
	var out bytes.Buffer
	Expect(report.JSON(&out, r)).To(Succeed())
	s, err := report.ReadSaved(&out)
	Expect(err).NotTo(HaveOccurred())
	return s
}

// difference compares the two by their files, and makes sure that the later run would
// say the same of itself.
func difference(then, now *report.Report) *report.Diff {
	GinkgoHelper()
	d, err := report.NewDiff(saved(then), saved(now))
	Expect(err).NotTo(HaveOccurred())
	d.ToolVersion, d.OldName, d.NewName = "v0.0.0", "old.json", "new.json"
	for i, run := range now.Runs {
		own := saved(then).Compare("old.json", run)
		Expect(own.Tally).To(Equal(d.Targets[i].Tally))
		Expect(own.Differences).To(Equal(d.Targets[i].Differences))
		Expect(own.Appeared).To(Equal(d.Targets[i].Appeared))
		Expect(own.Vanished).To(Equal(d.Targets[i].Vanished))
	}
	return d
}

// only is what became of the one finding; empty where there is none.
func only(d *report.Diff) report.Change {
	GinkgoHelper()
	Expect(d.Targets).To(HaveLen(1))
	list := d.Targets[0].Differences
	Expect(len(list)).To(BeNumerically("<=", 1))
	if len(list) == 0 {
		return ""
	}
	return list[0].Change
}

var _ = DescribeTable("what became of a finding",
	func(then, now *found, want report.Change) {
		list := func(f *found) []found {
			if f == nil {
				return []found{{host: "esx2", status: checks.Pass, reason: checks.Permitted}}
			}
			f.host = "esx1"
			return []found{*f, {host: "esx2", status: checks.Pass, reason: checks.Permitted}}
		}
		Expect(only(difference(findings(0, list(then)...), findings(1, list(now)...)))).To(Equal(want))
	},
	Entry("it fails now", pass(), fail(), report.ChangeNew),
	Entry("it warns now", pass(), warns(), report.ChangeNew),
	Entry("a warning fails now", warns(), fail(), report.ChangeNew),
	Entry("it fails now, and nobody knew", unknown(), fail(), report.ChangeNew),
	Entry("it fails now, and was not checked then", &found{}, fail(), report.ChangeNew),
	Entry("a host that was not there fails", nil, fail(), report.ChangeNew),
	Entry("a host that was not there passes", nil, pass(), report.Change("")),
	Entry("a waiver has run out", waived(), fail(), report.ChangeNew),
	Entry("a waived warning warns again", waived(), &found{status: checks.Warn, reason: checks.RulesetDisabled}, report.ChangeNew),
	Entry("it is the same failure", fail(), fail(), report.ChangeUnchanged),
	Entry("it is the same warning", warns(), warns(), report.ChangeUnchanged),
	Entry("it is as unknown as it was", unknown(), unknown(), report.ChangeUnchanged),
	Entry("it is waived as it was", waived(), waived(), report.ChangeUnchanged),
	Entry("it fails for another reason", fail(), &found{status: checks.Fail, reason: checks.NoRuleset}, report.ChangeChanged),
	Entry("it is unknown for another reason", unknown(), &found{status: checks.Unknown, reason: checks.FactsStale}, report.ChangeChanged),
	Entry("a severity has made a warning of it", fail(), &found{status: checks.Warn, reason: checks.RulesetDisabled}, report.ChangeChanged),
	Entry("it is waived now", fail(), waived(), report.ChangeWaived),
	Entry("it is new and waived at once", pass(), waived(), report.ChangeWaived),
	Entry("it passes now", fail(), pass(), report.ChangeMended),
	Entry("a warning passes now", warns(), pass(), report.ChangeMended),
	Entry("what was waived passes now", waived(), pass(), report.ChangeMended),
	Entry("a failure only warns now", fail(), warns(), report.ChangeMended),
	Entry("the host is gone", fail(), nil, report.ChangeGone),
	Entry("a host that passed is gone", pass(), nil, report.Change("")),
	Entry("nothing is left to judge", warns(), &found{status: checks.Skip, reason: checks.NothingToPersist}, report.ChangeGone),
	Entry("nothing is known of a failure now", fail(), unknown(), report.ChangeUnknown),
	Entry("nothing is known of what passed", pass(), unknown(), report.ChangeUnknown),
	Entry("nothing is known of what was waived", waived(), unknown(), report.ChangeUnknown),
	Entry("a failure was not checked now", fail(), &found{}, report.ChangeUnknown),
	Entry("a failed connection was not tried now", fail(), &found{status: checks.Skip, reason: checks.NotProbed}, report.ChangeUnknown),
	Entry("nothing was tried then or now", &found{status: checks.Skip, reason: checks.NotProbed}, &found{status: checks.Skip, reason: checks.NotProbed}, report.Change("")),
	Entry("it passed and passes", pass(), pass(), report.Change("")),
	Entry("it was unknown and passes", unknown(), pass(), report.Change("")),
)

func pass() *found    { return &found{status: checks.Pass, reason: checks.Permitted} }
func warns() *found   { return &found{status: checks.Warn, reason: checks.BorrowedRuleset} }
func fail() *found    { return &found{status: checks.Fail, reason: checks.RulesetDisabled} }
func unknown() *found { return &found{status: checks.Unknown, reason: checks.FactsUnavailable} }
func waived() *found {
	return &found{status: checks.Warn, reason: checks.RulesetDisabled, waived: true}
}

func failing(host, uuid string) found {
	return found{host: host, uuid: uuid, status: checks.Fail, reason: checks.RulesetDisabled}
}

var _ = Describe("a target that one of the reports knows nothing of", func() {
	It("has nothing mended and nothing gone where it could not be read", func() {
		d := difference(findings(0, failing("esx1", ""), failing("esx2", "")), unread(1))
		Expect(d.Tally()).To(Equal(report.Tally{Unknown: 2}))
		Expect(d.Targets[0].Vanished).To(BeEmpty())
		Expect(d.Targets[0].Now.Missing).To(Equal(report.MissingRead))
		Expect(table(d, report.Style{})).To(And(ContainSubstring("vc.example/dc1: NOT CHECKED in the new report"), ContainSubstring("target not read"), ContainSubstring("2 not known now")))
	})
	It("has everything new where it could not be read then", func() {
		d := difference(unread(0), findings(1, failing("esx1", "")))
		Expect(d.Tally()).To(Equal(report.Tally{New: 1, NewFailures: 1}))
		Expect(d.Targets[0].Appeared).To(BeEmpty(), "nobody looked")
	})
	It("says nothing where neither read it", func() {
		Expect(difference(unread(0), unread(1)).Tally()).To(BeZero())
	})
	It("is one of its own where the other does not have it", func() {
		other := findings(1, failing("esx1", ""))
		other.Runs[0].Inventory.Endpoint.InstanceUUID, other.Runs[0].Target = "u-2", "vc2.example"
		d := difference(findings(0, failing("esx1", "")), other)
		Expect(d.Targets).To(HaveLen(2))
		Expect(d.Targets[0].Then.Missing).To(Equal(report.MissingTarget))
		Expect(d.Targets[1].Now.Missing).To(Equal(report.MissingTarget))
		Expect(d.Tally()).To(Equal(report.Tally{New: 1, NewFailures: 1, Unknown: 1}), "what nobody looked at is not gone")
	})
	It("is known by its instanceUuid under another name, and by its datacenter among several", func() {
		then, now := findings(0, failing("esx1", "")), findings(1, failing("esx1", ""))
		then.Runs[0].Target = "vcenter.old.example"
		Expect(difference(then, now).Tally()).To(Equal(report.Tally{Unchanged: 1}))
		second := findings(0, failing("esx9", "")).Runs[0]
		second.Target = "vc.example/dc1"
		then.Runs = append(then.Runs, second)
		Expect(difference(then, now).Targets[0].Vanished).To(ConsistOf(HaveField("Name", "esx9")))
	})
})

var _ = Describe("hosts that were not looked at", func() {
	then := func() *report.Report { return findings(0, failing("esx1", ""), failing("esx2", "")) }
	DescribeTable("did not vanish", func(change func(*report.Run)) {
		now := findings(1, failing("esx2", ""))
		change(now.Runs[0])
		d := difference(then(), now)
		Expect(d.Tally()).To(Equal(report.Tally{Unknown: 1, Unchanged: 1}))
		Expect(d.Targets[0].Vanished).To(BeEmpty())
	},
		Entry("because a selection left them out", func(r *report.Run) { r.Narrowed = true }),
		Entry("because the run was interrupted", func(r *report.Run) { r.Interrupted = true }),
		Entry("because a cluster's hosts are hidden", func(r *report.Run) { r.Inventory.Hidden = []string{"/dc1/host/prod"} }),
	)
	It("are those of another datacenter", func() {
		now := findings(1, failing("esx2", ""))
		h := &now.Runs[0].Inventory.Hosts[0]
		h.Path, h.ClusterPath = "/dc2/host/prod/esx2", "/dc2/host/prod"
		now.Runs[0].Results[0].Subject = h.Path
		Expect(difference(then(), now).Tally()).To(Equal(report.Tally{New: 1, NewFailures: 1, Unknown: 2}))
	})
	It("vanished else", func() {
		d := difference(then(), findings(1, failing("esx2", "")))
		Expect(d.Tally()).To(Equal(report.Tally{Gone: 1, Unchanged: 1}))
		Expect(d.Targets[0].Vanished).To(Equal([]report.Subject{{Name: "esx1", Path: "/dc1/host/prod/esx1"}}))
	})
})

var _ = Describe("a host", func() {
	one := func(d *report.Diff) report.Difference {
		GinkgoHelper()
		Expect(d.Targets[0].Differences).To(HaveLen(1))
		return d.Targets[0].Differences[0]
	}
	It("is known by its hardware after a rename, and says what it was", func() {
		d := difference(findings(0, failing("esx1", "a")), findings(1, failing("esx9", "a")))
		Expect(one(d).Change).To(Equal(report.ChangeUnchanged))
		Expect(one(d).Was).To(Equal("/dc1/host/prod/esx1"))
		d = difference(findings(0, failing("esx1", "a")), findings(1, found{"esx9", "a", checks.Pass, checks.Permitted, false}))
		Expect(table(d, report.Style{})).To(ContainSubstring("esx9 (was esx1)"))
	})
	It("is not the one that has taken its name", func() {
		then := findings(0, failing("esx1", "a"), found{"esx2", "b", checks.Pass, checks.Permitted, false})
		now := findings(1, failing("esx2", "a"), found{"esx1", "b", checks.Pass, checks.Permitted, false})
		Expect(one(difference(then, now)).Change).To(Equal(report.ChangeUnchanged))
		d := difference(findings(0, failing("esx1", "a")), findings(1, failing("esx1", "c")))
		Expect(d.Tally()).To(Equal(report.Tally{New: 1, NewFailures: 1, Gone: 1}), "another machine")
	})
	It("is known by its path where the hardware does not tell", func() {
		Expect(one(difference(findings(0, failing("esx1", "")), findings(1, failing("esx1", "a")))).Change).To(Equal(report.ChangeUnchanged))
		Expect(one(difference(findings(0, failing("esx1", "a")), findings(1, failing("esx1", "")))).Change).To(Equal(report.ChangeUnchanged))
		twins := func(day int) *report.Report {
			return findings(day, failing("esx1", "0"), found{"esx2", "0", checks.Pass, checks.Permitted, false})
		}
		Expect(one(difference(twins(0), twins(1))).Change).To(Equal(report.ChangeUnchanged), "boards without a UUID of their own")
	})
})

var _ = Describe("a cluster", func() {
	drift := func(day int, reason checks.Reason, status checks.Status) *report.Report {
		r := findings(day, found{host: "esx1"})
		r.Runs[0].Results = []checks.Result{{
			Check: checks.ClusterDrift, Requirement: "vic", Scope: checks.ScopeCluster, Subject: "/dc1/host/prod", Verdict: &checks.Verdict{Status: status, Reason: reason, Detail: "d"},
		}}
		return r
	}
	It("has findings of its own", func() {
		even, uneven := drift(0, checks.Uniform, checks.Pass), drift(1, checks.Drift, checks.Warn)
		Expect(only(difference(even, uneven))).To(Equal(report.ChangeNew))
		Expect(only(difference(uneven, even))).To(Equal(report.ChangeMended))
		Expect(table(difference(even, uneven), report.Style{})).To(ContainSubstring("cluster prod"))
		few := drift(1, checks.TooFewHosts, checks.Skip)
		Expect(only(difference(uneven, few))).To(Equal(report.ChangeGone))
		few.Runs[0].Results = nil
		Expect(only(difference(uneven, few))).To(Equal(report.ChangeUnknown), "the check was not run")
		Expect(only(difference(uneven, findings(1)))).To(Equal(report.ChangeUnknown), "nothing of the datacenter was looked at")
	})
})

var _ = Describe("any two reports", func() {
	reasons := map[checks.Status][]checks.Reason{
		checks.Pass: {checks.Permitted}, checks.Fail: {checks.RulesetDisabled, checks.NoRuleset}, checks.Warn: {checks.BorrowedRuleset, checks.FirewallOff},
		checks.Unknown: {checks.FactsUnavailable, checks.FactsStale}, checks.Skip: {checks.NotProbed, checks.NothingToPersist},
	}
	random := func(r *rand.Rand, day int) *report.Report {
		if r.IntN(20) == 0 {
			return unread(day)
		}
		var list []found
		for n := range 12 {
			f := found{host: fmt.Sprintf("esx%d", n)}
			if r.IntN(2) == 0 {
				f.uuid = fmt.Sprintf("u%d", n)
			}
			f.status = checks.Statuses()[r.IntN(5)]
			f.reason = reasons[f.status][r.IntN(len(reasons[f.status]))]
			f.waived = f.status == checks.Warn && r.IntN(3) == 0
			if r.IntN(10) == 0 {
				f.reason = ""
			}
			if r.IntN(6) > 0 {
				list = append(list, f)
			}
		}
		rep := findings(day, list...)
		rep.Runs[0].Narrowed = r.IntN(6) == 0
		return rep
	}
	clear := func(s report.Side) bool {
		return s.Missing == "" && !s.Waived() && (s.Status == checks.Fail || s.Status == checks.Warn || s.Status == checks.Pass)
	}
	byPath := func(d *report.Diff) map[string]report.Difference {
		m := map[string]report.Difference{}
		for _, f := range d.Targets[0].Differences {
			m[f.Path] = f
		}
		return m
	}
	It("mirror each other: what is new one way is mended the other, and what is not known is neither", func() {
		r := rand.New(rand.NewPCG(1, 2))
		seen := map[report.Change]int{}
		for range 120 {
			a, b := random(r, 0), random(r, 1)
			self := difference(a, a).Tally()
			self.Unchanged = 0
			Expect(self).To(BeZero())
			forth, back := byPath(difference(a, b)), byPath(difference(b, a))
			for path, f := range forth {
				seen[f.Change]++
				if clear(f.Then) && clear(f.Now) {
					Expect(f.Change == report.ChangeNew).To(Equal(back[path].Change == report.ChangeMended), "%v", f)
					Expect(f.Change == report.ChangeMended).To(Equal(back[path].Change == report.ChangeNew), "%v", f)
				}
				switch f.Change {
				case report.ChangeMended:
					Expect(clear(f.Now)).To(BeTrue(), "%v", f)
				case report.ChangeGone:
					Expect(f.Now.Missing == report.MissingHost || f.Now.Reason == checks.NothingToPersist).To(BeTrue(), "%v", f)
				case report.ChangeNew:
					Expect(back[path].Change).To(BeElementOf(report.ChangeMended, report.ChangeGone, report.ChangeUnknown, report.ChangeWaived), "%v", f)
				}
			}
		}
		Expect(seen).To(HaveLen(len(report.Changes())), "every change came up")
	})
})

// table is the diff for people.
func table(d *report.Diff, style report.Style) string {
	GinkgoHelper()
	var out bytes.Buffer
	Expect(d.Table(&out, style)).To(Succeed())
	return out.String()
}

// pairs are two reports with everything in them.
func pairs() *report.Diff {
	then := findings(0,
		failing("esx1.example", "a"), failing("esx2.example", "b"), failing("esx3.example", "c"), failing("esx4.example", "d"),
		found{"esx5.example", "e", checks.Pass, checks.Permitted, false}, found{"esx6.example", "f", checks.Pass, checks.Permitted, false},
		failing("esx7.example", "g"), failing("esx8.example", "h"), found{"esx10.example", "", checks.Pass, checks.Permitted, false},
	)
	now := findings(1,
		failing("esx1.example", "a"), found{"esx2.example", "b", checks.Fail, checks.AllowedHostsExcludePeer, false},
		found{"esx3.example", "c", checks.Pass, checks.Permitted, false}, found{"esx4.example", "d", checks.Unknown, checks.FactsUnavailable, false},
		failing("esx5.example", "e"), found{"esx6.example", "f", checks.Warn, checks.BorrowedRuleset, false},
		found{"esx7.example", "g", checks.Warn, checks.RulesetDisabled, true}, failing("esx9.example", "i"), failing("esx10-renamed.example", ""),
	)
	lost := unread(1).Runs[0]
	lost.Target = "vc2.example"
	was := findings(0, failing("esx1.example", "z")).Runs[0]
	was.Target, was.Inventory.Endpoint.InstanceUUID = "vc2.example", "u-2"
	then.Runs, now.Runs = append(then.Runs, was), append(now.Runs, lost)
	return difference(then, now)
}

// diffSchema is the published one, closed.
func diffSchema() *jsonschema.Schema {
	GinkgoHelper()
	file, err := os.Open(filepath.Join("..", "docs", "diff.schema.json"))
	Expect(err).NotTo(HaveOccurred())
	defer file.Close()
	doc, err := jsonschema.UnmarshalJSON(file)
	Expect(err).NotTo(HaveOccurred())
	return compiled(closed(doc))
}

func fitsSchema(s *jsonschema.Schema, text []byte) {
	GinkgoHelper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	Expect(err).NotTo(HaveOccurred())
	Expect(s.Validate(value)).To(Succeed())
}

var _ = Describe("a diff", func() {
	It("is as it was reviewed, and fits its schema", func() {
		d := pairs()
		for suffix, style := range map[string]report.Style{".80.txt": {Width: 80}, ".160.txt": {Width: 160}, ".plain.txt": {}} {
			golden("diff"+suffix, table(d, style))
		}
		for line := range strings.Lines(table(d, report.Style{Width: 80})) {
			Expect(twwidth.Width(strings.TrimSuffix(line, "\n"))).To(BeNumerically("<=", 80), line)
		}
		var out bytes.Buffer
		Expect(d.JSON(&out)).To(Succeed())
		golden("diff.json", out.String())
		fitsSchema(diffSchema(), out.Bytes())
	})
	It("has the worst first", func() {
		var order []report.Change
		for _, f := range pairs().Targets[0].Differences {
			order = append(order, f.Change)
		}
		Expect(slices.Compact(order)).To(Equal(report.Changes()))
	})
	It("puts hosts that are alike in one row where nobody would read them, and says how many more", func() {
		var then, now []found
		for i := range 150 {
			then = append(then, found{fmt.Sprintf("esx%03d", i), "", checks.Pass, checks.Permitted, false})
			now = append(now, failing(fmt.Sprintf("esx%03d", i), ""))
		}
		d := difference(findings(0, then...), findings(1, now...))
		text := table(d, report.Style{Width: 80})
		Expect(strings.Count(text, "\n")).To(BeNumerically("<", 15))
		Expect(text).To(And(ContainSubstring("150 hosts"), ContainSubstring("and 126 more"), ContainSubstring("150 new failures")))
		Expect(strings.Count(table(d, report.Style{}), "NEW")).To(Equal(150), "output for programs keeps a line for each")
	})
	It("cleans what a file, and a file's name, says", func() {
		evil := "esx\x1b[31m\n\u202e\u2028evil"
		then, now := findings(0, failing("esx1", "")), findings(1, failing("esx2", ""), failing("esx3", ""))
		forge := func(r *report.Report) *report.Saved {
			var out bytes.Buffer
			Expect(report.JSON(&out, r)).To(Succeed())
			forged := strings.NewReplacer("esx", `esx\u001b[31m\n\u202e\u2028`, "because", `be\u0007`, `"ruleset-disabled"`, `"x\u009b"`,
				"vc.example/dc1", `vc\r\n`, `"outbound-port"`, `"o\u001b]0;"`, `"cluster": "prod"`, `"cluster": "\u200b"`).Replace(out.String())
			s, err := report.ReadSaved(strings.NewReader(forged))
			Expect(err).NotTo(HaveOccurred())
			return s
		}
		d, err := report.NewDiff(forge(then), forge(now))
		Expect(err).NotTo(HaveOccurred())
		d.ToolVersion, d.OldName, d.NewName = "v0", evil, evil
		var out bytes.Buffer
		Expect(d.JSON(&out)).To(Succeed())
		fitsSchema(diffSchema(), out.Bytes())
		for _, text := range []string{table(d, report.Style{}), table(d, report.Style{Width: 80}), out.String()} {
			Expect(text).To(ContainSubstring("esx[31m"))
			Expect(text).NotTo(ContainSubstring(`\u`))
			Expect(strings.ContainsFunc(text, func(r rune) bool {
				return r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
			})).To(BeFalse(), "%q", text)
		}
		Expect(strings.Count(table(d, report.Style{}), "\n")).To(Equal(10), "no line of its own")
	})
	It("is of reports about the same", func() {
		other := findings(1, failing("esx1", ""))
		other.Requirements = []checks.Requirement{checks.VIC().At(2376)}
		_, err := report.NewDiff(saved(findings(0, failing("esx1", ""))), saved(other))
		Expect(err).To(MatchError("it is a report for TCP 2377, not for TCP 2376"))
		other.Requirements[0].Name = "docker"
		_, err = report.NewDiff(saved(findings(0, failing("esx1", ""))), saved(other))
		Expect(err).To(MatchError("it is a report for TCP 2377, not for TCP 2376"))
	})
})

var _ = Describe("a run against an earlier report", func() {
	against := func() *report.Report {
		GinkgoHelper()
		then := findings(0, failing("esx1", "a"), found{"esx2", "b", checks.Pass, checks.Permitted, false}, failing("esx3", "c"), failing("esx4", "d"))
		now := findings(1, failing("esx1", "a"), failing("esx2", "b"), found{"esx3", "c", checks.Pass, checks.Permitted, false})
		now.Runs[0].Compared = saved(then).Compare("report.json", now.Runs[0])
		return now
	}
	It("counts in the table, and names what is new", func() {
		Expect(render(against(), report.Style{})).To(And(
			ContainSubstring("against report.json of 2026-01-02 03:04 UTC: 1 new failure, 1 mended, 1 unchanged, 1 gone\n"),
			ContainSubstring("new failures: esx2\n"),
		))
	})
	It("says of every result what became of it, within the schema", func() {
		r := against()
		var out bytes.Buffer
		Expect(report.JSON(&out, r)).To(Succeed())
		fitsSchema(schema(), out.Bytes())
		Expect(out.String()).To(And(
			ContainSubstring(`"change": "new"`), ContainSubstring(`"change": "unchanged"`), ContainSubstring(`"change": "mended"`),
			ContainSubstring(`"elsewhere"`), ContainSubstring(`"baseline": {`), ContainSubstring(`"vanished"`),
		))
		change := func(host int) report.Change {
			d, _ := r.Runs[0].Compared.Of(r.Runs[0].Results[host])
			return d.Change
		}
		Expect([]report.Change{change(0), change(1), change(2)}).To(Equal([]report.Change{report.ChangeUnchanged, report.ChangeNew, report.ChangeMended}))
	})
	It("fails a gate by what is new alone, where that is asked for", func() {
		r := against().Runs[0]
		Expect(r.Grade(false, false)).To(Equal(checks.Fail))
		r.OnlyNew = true
		Expect(r.Grade(false, false)).To(Equal(checks.Fail))

		old := findings(1, failing("esx1", ""), found{"esx2", "", checks.Warn, checks.BorrowedRuleset, false})
		run := old.Runs[0]
		run.Compared, run.OnlyNew = saved(old).Compare("x", run), true
		Expect(run.Grade(true, false)).To(Equal(checks.Pass), "it failed before")
		run.Compared = saved(findings(0, failing("esx1", ""))).Compare("x", run)
		Expect(run.Grade(false, false)).To(Equal(checks.Pass))
		Expect(run.Grade(true, false)).To(Equal(checks.Fail), "a warning is new")

		dark := findings(1, found{"esx1", "", checks.Unknown, checks.FactsUnavailable, false}, failing("esx2", ""))
		run = dark.Runs[0]
		run.Compared, run.OnlyNew = saved(dark).Compare("x", run), true
		Expect(run.Grade(false, false)).To(Equal(checks.Unknown), "it was unknown before, and is no greener for that")
		Expect(run.Grade(false, true)).To(Equal(checks.Pass))
	})
	It("has everything new where the report does not have the target", func() {
		now := findings(1, failing("esx1", "a"))
		now.Runs[0].Inventory.Endpoint.InstanceUUID = "u-2"
		now.Runs[0].Target = "vc2.example"
		then := saved(findings(0, failing("esx1", "a")))
		now.Runs[0].Compared = then.Compare("report.json", now.Runs[0])
		Expect(render(now, report.Style{})).To(ContainSubstring("against report.json, which does not have this target: 1 new failure\n"))
	})
})
