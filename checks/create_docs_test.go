package checks_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
)

var update = flag.Bool("update", false, "rewrite docs/create.md")

var _ = Describe("docs/create.md", func() {
	It("is what the explanations say; make golden writes it", func() {
		file := filepath.Join("..", "docs", "create.md")
		if *update {
			Expect(os.WriteFile(file, []byte(createDocs()), 0o644)).To(Succeed())
		}
		text, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(text)).To(Equal(createDocs()))
	})
	It("tells of every reason of the checks of create", func() {
		for _, c := range checks.Create() {
			Expect(c.Reasons).NotTo(BeEmpty(), c.ID)
			for _, reason := range c.Reasons {
				_, known := checks.Explain(reason)
				Expect(known).To(BeTrue(), "%s of %s", reason, c.ID)
			}
		}
	})
	It("quotes create where it speaks, and says why ours differs where it is silent", func() {
		for _, e := range checks.Explanations() {
			switch e.Class {
			case checks.CreateRefuses, checks.CreateWarns:
				Expect(e.Create).NotTo(BeEmpty(), string(e.Reason))
			case checks.CreateSilent:
				Expect(e.Create).To(BeEmpty(), string(e.Reason))
				Expect(e.Differs).NotTo(BeEmpty(), string(e.Reason))
			}
			if e.Class != "" {
				Expect(e.Hint).NotTo(BeEmpty(), string(e.Reason))
			}
		}
	})
})

const createIntro = "# What `vic-machine create` asks for\n" + `
Made of the explanations in ` + "`checks/`" + ` by ` + "`make golden`" + `. What create says is quoted from vmware/vic at commit 9489f63e3.

**This tool says fail, and vic-machine create goes through?** Then create has not looked: at a host without the image store, one
that is powered off or not connected, or at another spelling of the same network. **create refuses, and this tool says less?**
create stops at the first reason of a kind and this tool does not, so that it is mostly the other way round; what it could not
read it calls unknown. Each table says why ours differs.

Every finding has one of three classes:

| class | status | what it means |
|---|---|---|
| ` + "`create-refuses`" + ` | fail | vic-machine create refuses, by this alone |
| ` + "`create-warns`" + ` | warn | it says so, and goes on |
| ` + "`create-silent`" + ` | warn | it does not look: the finding is this tool's own |

A severity or a waiver changes the status of a finding, never its class.

**Hosts.** create judges firewalls and licenses on the hosts alone that are connected, powered on, and have the image store
for reading and writing. What it would refuse on another host is a warning here, of class ` + "`create-silent`" + `: the host takes
part again later. A host of which it is not known whether create looks at it is judged as if it did. Where no host has the image
store, all hosts that are connected are judged so, as if it was mended already.

**One result for each subject.** Where several things are wrong with one, the worst gives the status, the reason and the
class, and the detail tells of the others.

**The checks that need no virtual container host** are in [verdicts.md](verdicts.md). In a run about one they have a class too:
what ` + "`outbound-port`" + ` finds on a host that create looks at is ` + "`create-refuses`" + ` where create's own reading of the rulesets
refuses, and then a failure always: it takes every enabled ruleset that opens the port, whoever owns it, compares their lists
with the static address of the management network alone, and asks for nothing where the firewall is switched off. It only warns
(` + "`create-warns`" + `) of lists where the address is leased. All else of those checks is ` + "`create-silent`" + `. For a master switch that
cannot be read create refuses: that is the check ` + "`esxcli`" + `.

**What is not known** is no pass. create takes some of it for a reason to refuse (a license that it may not read), and crashes
at some (DRS or a mount's accessibility that the server leaves out), with exit code 0. Here it is unknown: exit code 3.
`

// portIntro is on the one check of the port that create makes too.
const portIntro = "\n## `outbound-port`\n\nAn enabled ruleset lets the port out, to the virtual container host: [the whole table](verdicts.md). " +
	"The class is by create's own reading of the host.\n\n| reason | what it means | create says | why ours differs |\n|---|---|---|---|\n"

// createDocs has a table for each check.
func createDocs() string {
	var b strings.Builder
	b.WriteString(createIntro)
	b.WriteString(portIntro)
	for _, reason := range []checks.Reason{checks.RulesetDisabled, checks.NoRuleset, checks.AllowedHostsExcludePeer, checks.DefaultPass, checks.FirewallOff} {
		e, _ := checks.Explain(reason)
		row(&b, "`"+string(e.Reason)+"`", say(e.Meaning), quoted(e.Create), e.Differs)
	}
	for _, c := range checks.Create() {
		fmt.Fprintf(&b, "\n## `%s`\n\n%s. %s\n\n| reason | status, class | what it means | create says | why ours differs |\n|---|---|---|---|---|\n", c.ID, say(c.Title), say(c.Why))
		for _, reason := range c.Reasons {
			e, _ := checks.Explain(reason)
			if e.Class == "" {
				continue // the same for all
			}
			row(&b, "`"+string(e.Reason)+"`", statusOf(e)+", `"+string(e.Class)+"`", say(e.Meaning), quoted(e.Create), e.Differs)
		}
	}
	b.WriteString("\n## Of all checks\n\n| reason | status | what it means | why ours differs |\n|---|---|---|---|\n")
	for _, e := range checks.Explanations() {
		if status := unfound[e.Reason]; status != "" {
			row(&b, "`"+string(e.Reason)+"`", status, e.Meaning, e.Differs)
		}
	}
	return b.String()
}

func quoted(text string) string {
	if text == "" {
		return ""
	}
	return "“" + text + "”"
}

// unfound are the statuses of results of the checks of create that are no findings.
var unfound = map[checks.Reason]string{
	checks.InOrder: "pass", checks.DefaultDNSServers: "pass", checks.PlaceUnreadable: "unknown", checks.FileNotRead: "unknown",
	checks.NotApplicable: "skip", checks.NotAskedFor: "skip", checks.NotJudged: "skip", checks.NotTried: "skip",
	checks.RegistryNotTried: "skip", checks.ISOFilesNotJudged: "skip",
}

func statusOf(e checks.Explanation) string {
	if e.Class == checks.CreateRefuses {
		return "fail"
	}
	return "warn"
}

func say(text string) string { return checks.VIC().Say(text) }

func row(b *strings.Builder, cells ...string) {
	for _, cell := range cells {
		fmt.Fprintf(b, "| %s ", strings.ReplaceAll(cell, "|", `\|`))
	}
	b.WriteString("|\n")
}
