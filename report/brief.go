package report

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"github.com/vic-preflight/vic-preflight/checks"
)

const (
	// briefLines is how many lines of brief advice a report has, shared by its targets.
	briefLines = 10
	// fewestBriefLines is how many each target has at least.
	fewestBriefLines = 4
)

// cause is a code of the table, with all hosts that have it.
type cause struct {
	code  string
	class checks.Class
	worst checks.Status
	hosts []string // subjects
	about map[string]bool
	first checks.Result
	// differ means that the hosts' facts do: the sentence is what they have in common.
	differ   bool
	lines    []string // as they are written
	commands []string
	// computes are the clusters, and standalone hosts, that want such a command.
	computes []string
	shown    bool
}

// brief writes the codes that the table shows, the worst first, each with its hosts, its
// sentence and a command, in as many lines as the style has, or more where it takes more
// to name or count every host and every requirement that failed. What is left out is counted, with the way to
// see it.
func (r *Run) brief(b *strings.Builder, all []*advice, style Style) {
	causes := r.causes(all, style)
	if len(causes) == 0 {
		return
	}
	left := style.advised - 1
	show := func(c *cause) { c.shown, left = true, left-len(c.lines) }
	named := map[string]bool{} // hosts that failed and stand in a line, and of several requirements those
	for _, c := range causes {
		if c.worst != checks.Fail {
			continue
		}
		// What create refuses has to be mended, each of it.
		news := slices.ContainsFunc(c.hosts, func(h string) bool { return !named[h] }) || r.several() && !named[c.first.Requirement]
		if news || c.class == checks.CreateRefuses {
			show(c)
			named[c.first.Requirement] = true
			for _, h := range c.hosts {
				named[h] = true
			}
		}
	}
	helps := func(c *cause) bool { return len(c.commands) > 0 }
	if !slices.ContainsFunc(causes, func(c *cause) bool { return c.shown && helps(c) }) {
		if i := slices.IndexFunc(causes, func(c *cause) bool { return c.worst == checks.Fail && helps(c) }); i >= 0 {
			show(causes[i]) // a report that has a command shows one
		}
	}
	seen := map[string]bool{}
	for _, c := range slices.SortedStableFunc(slices.Values(causes), func(x, y *cause) int { return len(y.hosts) - len(x.hosts) }) {
		i := slices.IndexFunc(c.commands, func(line string) bool { return !seen[line] })
		if !c.shown || i < 0 {
			continue
		}
		command, remark, _ := strings.Cut(c.commands[i], "\n")
		if more := len(c.computes) - 1; more > 0 && strings.Contains(command, "--compute-resource") {
			remark = fmt.Sprintf("(likewise in %s)", counted(more, "more cluster"))
		}
		lines := []string{"  " + command} // never wrapped: it is there to be copied
		if remark != "" {
			lines = append(lines, "  "+strings.TrimSpace(remark))
		}
		if height := (twwidth.Width(lines[0])+style.Width-1)/style.Width + len(lines) - 1; height <= left || len(seen) == 0 { // one in any case
			c.lines = append(c.lines, lines...)
			seen[c.commands[i]] = true
			left -= height
		}
	}
	var rest []string
	for _, c := range causes {
		switch {
		case c.shown:
		case len(c.lines) <= left:
			show(c)
		default:
			rest = append(rest, c.code)
		}
	}
	writeCauses(b, causes, rest, style)
}

// writeCauses writes the causes that are shown, and counts the rest.
func writeCauses(b *strings.Builder, causes []*cause, rest []string, style Style) {
	b.WriteString("\n")
	for _, c := range causes {
		if c.shown {
			b.WriteString(strings.Join(c.lines, "\n") + "\n")
		}
	}
	if len(rest) > 0 {
		rest[0] = fmt.Sprintf("--hints tells of %d more: %s", len(rest), rest[0])
		b.WriteString(fitting(rest, style.Width) + "\n")
	}
}

// causes groups the results of hosts by their codes, the worst first, else in the order
// of the checks.
func (r *Run) causes(all []*advice, style Style) []*cause {
	var causes []*cause
	index := map[string]*cause{}
	lost := r.unconnected()
	for _, res := range r.Results {
		unread := res.Reason == checks.FactsUnavailable
		if res.Scope == checks.ScopeCluster || res.Status.Fine() || unread && lost[res.Subject] || res.Waiver != nil {
			continue
		}
		code, class := r.code(res), classOf(res)
		c := index[code+string(class)]
		if c == nil {
			c = &cause{code: code, class: class, worst: res.Status, first: res, about: map[string]bool{}}
			index[code+string(class)] = c
			causes = append(causes, c)
		}
		if res.Status.Worse(c.worst) {
			c.worst = res.Status
		}
		if c.about[res.Subject] {
			continue
		}
		c.about[res.Subject] = true
		c.differ = c.differ || res.Detail != c.first.Detail
		c.hosts = append(c.hosts, res.Subject)
	}
	slices.SortStableFunc(causes, func(x, y *cause) int {
		return cmp.Or(checks.CompareStatus(x.worst, y.worst), compareClass(x.class, y.class))
	})
	names, places := r.shortNames(), r.places()
	for _, c := range causes {
		hosts := make([]string, len(c.hosts))
		for i, path := range c.hosts {
			hosts[i] = cmp.Or(names[path], places.vch[path].name)
		}
		about := few(hosts)
		if c.class != "" {
			about += fmt.Sprintf(" (%s)", classWords(c.class))
		}
		c.lines = hanging(fmt.Sprintf("%s %s: %s", c.code, about, r.sentence(c.first, !c.differ)), style.Width-1)
		c.lines[0] = style.paint(c.worst, c.code) + " " + strings.TrimPrefix(c.lines[0], c.code)
		for _, a := range all {
			if a.codes[c.code] {
				c.commands = append(c.commands, a.commands(r, places)...)
				for _, compute := range a.computes(places) {
					if !slices.Contains(c.computes, compute) {
						c.computes = append(c.computes, compute)
					}
				}
			}
		}
	}
	return causes
}

// code is a result's reason, with its requirement where there are several.
func (r *Run) code(res checks.Result) string {
	return r.of(res) + string(res.Reason)
}

// sentence is what is said of a reason: the facts of the one result, or what all have
// in common.
func (r *Run) sentence(res checks.Result, one bool) string {
	if one {
		return Clean(res.Detail)
	}
	e, _ := checks.Explain(res.Reason)
	first, _, _ := strings.Cut(e.Meaning, ". ")
	text := r.requirement(res.Requirement).Say(strings.TrimSuffix(first, "."))
	if setting, _, ok := strings.Cut(r.requiredOf(res).From, ": "); ok { // and each host has what it says for itself
		text += fmt.Sprintf(" (%s)", Clean(setting))
	}
	if len(text) > 1 && unicode.IsUpper(rune(text[1])) {
		return text // ESXi
	}
	return strings.ToLower(text[:1]) + text[1:]
}

// waived writes what is accepted for a time, and why: each waiver once, with all that it
// fits.
func (r *Run) waived(b *strings.Builder, style Style) {
	if style.Width < 1 {
		style.Width = proseWidth
	}
	type accepted struct {
		code   string
		waiver *checks.Waiver
	}
	var order []accepted
	subjects := map[accepted][]string{}
	type of struct {
		accepted
		subject string
	}
	told := map[of]bool{} // two checks may say the same of a host
	for _, res := range r.Results {
		if res.Waiver == nil {
			continue // nearly always
		}
		key := accepted{r.code(res), res.Waiver}
		if told[of{key, res.Subject}] {
			continue
		}
		told[of{key, res.Subject}] = true
		if subjects[key] == nil {
			order = append(order, key)
		}
		subjects[key] = append(subjects[key], res.Subject)
	}
	if len(order) == 0 {
		return
	}
	b.WriteString("\n")
	names, places := r.shortNames(), r.places()
	for _, key := range order {
		fits := make([]string, len(subjects[key]))
		for i, subject := range subjects[key] {
			fits[i] = cmp.Or(names[subject], places.hosts[subject].name, places.vch[subject].name)
		}
		text := fmt.Sprintf("waived until %s: %s (%s): %s", key.waiver.Expires.Format(time.DateOnly), key.code, few(fits), Clean(key.waiver.Because))
		if key.waiver.Ticket != "" {
			text += fmt.Sprintf(" (%s)", Clean(key.waiver.Ticket))
		}
		b.WriteString(style.paint(checks.Warn, strings.Join(hanging(text, style.Width), "\n")) + "\n")
	}
}

// shortNames are the hosts' names by their paths, without the domain where that leaves
// no two alike.
func (r *Run) shortNames() map[string]string {
	short, full := map[string]string{}, map[string]string{}
	count := map[string]int{}
	for i := range r.Inventory.Hosts {
		h := &r.Inventory.Hosts[i]
		name := Clean(h.Name)
		full[h.Path] = name
		if _, err := netip.ParseAddr(name); err != nil {
			name, _, _ = strings.Cut(name, ".")
		}
		short[h.Path] = name
		count[name]++
	}
	for path, name := range short {
		if count[name] > 1 || name == "" {
			short[path] = full[path]
		}
	}
	return short
}
