package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
)

// Explanations lists the checks and the reasons, of results and of plans, in the
// requirement's words.
func Explanations(w io.Writer, req checks.Requirement, plans []checks.Explanation) error {
	var b strings.Builder
	for i, list := range [][]checks.Check{checks.Default(), checks.Create()} {
		b.WriteString([]string{"Checks\n", "\nChecks of vic-preflight create besides\n"}[i])
		for _, c := range list {
			fmt.Fprintf(&b, "  %-32s%s\n", c.ID, req.Say(c.Title))
		}
	}
	for _, list := range []struct {
		title string
		of    []checks.Explanation
	}{{"Reasons", checks.Explanations()}, {"Reasons of a plan", plans}} {
		fmt.Fprintf(&b, "\n%s\n", list.title)
		for _, e := range list.of {
			first, _, _ := strings.Cut(meant(e, req).Say(e.Meaning), ". ")
			lines := Wrap(strings.TrimSuffix(first, "."), 50)
			fmt.Fprintf(&b, "  %-32s%s\n", e.Reason, strings.Join(lines, "\n"+strings.Repeat(" ", 34)))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Explain says what a check or a reason means, and how to mend it. known is false for a
// name that is neither.
func Explain(w io.Writer, name string, req checks.Requirement, plans []checks.Explanation) (known bool, err error) {
	wrapped := func(text string, width int, hang string) string {
		return strings.Join(Wrap(req.Say(text), width), "\n"+hang)
	}
	for _, c := range slices.Concat(checks.Default(), checks.Create()) {
		if c.ID == name {
			_, err := fmt.Fprintf(w, "%s: %s\n\n%s\n", c.ID, req.Say(c.Title), wrapped(c.Why, 78, ""))
			if len(c.Reasons) > 0 && err == nil {
				_, err = fmt.Fprintf(w, "\nIts reasons: %s\n", wrapped(listed(c.Reasons), 65, strings.Repeat(" ", 13)))
			}
			return true, err
		}
	}
	e, known := checks.Explain(checks.Reason(name))
	of := ""
	for _, p := range plans {
		if !known && string(p.Reason) == name {
			e, known, of = p, true, " (of a plan)"
		}
	}
	if !known {
		return false, nil
	}
	var b strings.Builder
	if words := classWords(e.Class); words != "" {
		of = fmt.Sprintf(" (%s): %s", checkOf(e.Reason), words)
	}
	commands := req
	req = meant(e, req)
	fmt.Fprintf(&b, "%s%s\n\n%s\n", e.Reason, of, wrapped(e.Meaning, 78, ""))
	if text := e.Meaning + e.Hint; !req.OfVCH() && (strings.Contains(text, "peer}") || strings.Contains(text, "{option}")) {
		fmt.Fprintf(&b, "\n%s\n", wrapped(whosePeer, 78, ""))
	}
	if e.Create != "" {
		fmt.Fprintf(&b, "\n%s\n", strings.Join(Wrap("vic-machine create says: “"+e.Create+"”", 78), "\n"))
	}
	if e.Differs != "" {
		fmt.Fprintf(&b, "\nWhat differs: %s\n", strings.Join(Wrap(e.Differs, 66), "\n              "))
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, "\nWhat to do: %s\n", wrapped(e.Hint, 66, "            "))
	}
	for _, c := range e.Commands {
		fmt.Fprintf(&b, "  %s\n", placeholders.Replace(commands.Say(c)))
	}
	_, err = io.WriteString(w, b.String())
	return true, err
}

// whosePeer says who the peer of an explanation is.
const whosePeer = "The peer is the virtual container host, whose address --vch-ip gives; with --profile it is the profile's, and --peer gives it."

// meant is the requirement in whose words a reason is explained: that of create's own, and
// else none, since a reason of the port is one of every profile.
func meant(e checks.Explanation, req checks.Requirement) checks.Requirement {
	if e.Class != "" {
		return req
	}
	return checks.Any()
}

// listed are reasons in a sentence.
func listed(reasons []checks.Reason) string {
	texts := make([]string, len(reasons))
	for i, reason := range reasons {
		texts[i] = string(reason)
	}
	return strings.Join(texts, ", ")
}

// checkOf names the checks of create that have a reason.
func checkOf(reason checks.Reason) string {
	var ids []string
	for _, c := range checks.Create() {
		if slices.Contains(c.Reasons, reason) {
			ids = append(ids, c.ID)
		}
	}
	return strings.Join(ids, ", ")
}

// placeholders writes the commands' place holders as manuals do.
var placeholders = strings.NewReplacer(
	"{target}", "TARGET", "{host}", "HOST", "{name}", "HOST", "{cluster}", "CLUSTER", "{drs cluster}", "CLUSTER", "{compute}", "CLUSTER",
	"{subject}", "PATH", "{store}", "DATASTORE", "{datastore}", "DATASTORE", "{nfs}", "DATASTORE", "{read only nfs}", "DATASTORE", "{network}", "NETWORK", "{networks}", "/DATACENTER/network", "{vch}", "VCH",
	"{switch}", "DVS", "{switch name}", "DVS", "{switch or}", "/DATACENTER/network/DVS", "{server}", "NTP-SERVER", "{servers}", "NTP-SERVER",
	"{ruleset}", "RULESET", "{peer}", "ADDRESS", "{daemon}", "SERVICE",
)
