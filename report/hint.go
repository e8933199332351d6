package report

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
)

// advice is what to do about results of one reason, and, where it takes a
// ruleset, of one ruleset.
type advice struct {
	checks.Explanation
	status  checks.Status
	ruleset string
	// locked rulesets are not switched by users.
	locked  bool
	results []checks.Result
}

// Hints writes what to do about the results, each reason once for each ruleset
// it takes, with the subjects it applies to and commands to copy. It writes
// nothing when there is nothing to do.
func Hints(w io.Writer, r *Report, style Style) error {
	all := r.advise()
	if len(all) == 0 {
		return nil
	}
	places := r.places()
	var b strings.Builder
	b.WriteString("What to do\n")
	onHost := false
	for _, a := range all {
		names := make([]string, len(a.results))
		for i, res := range a.results {
			names[i] = places[res.Subject].name
		}
		title := string(a.Reason)
		if a.ruleset != "" {
			title += ", " + Clean(a.ruleset)
			if a.locked {
				title += " locked"
			}
		}
		fmt.Fprintf(&b, "\n%s\n", style.paint(a.status, indent(fmt.Sprintf("%s (%s)", title, few(names)), "  ", style.Width)))
		fmt.Fprintln(&b, indent(a.hint(), "    ", style.Width))
		for _, line := range a.commands(r, places) {
			// Never wrapped: a command is there to be copied.
			fmt.Fprintf(&b, "      %s\n", line)
			onHost = onHost || strings.Contains(line, "esxcli")
		}
	}
	if onHost {
		b.WriteString("\n" + indent("vCenter's copy lags behind what esxcli changes: check again with --refresh.", "", style.Width) + "\n")
	}
	b.WriteString("\nvic-preflight explain REASON says more.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// advise groups the results that something is to be done about, the worst
// first, else in the order of the checks.
func (r *Report) advise() []*advice {
	var all []*advice
	index := map[string]*advice{}
	lost := r.unconnected()
	for _, res := range r.Results {
		e, ok := checks.Explain(res.Reason)
		if !ok || e.Hint == "" || res.Status == checks.Pass || res.Status == checks.Skip {
			continue
		}
		if res.Reason == checks.FactsUnavailable && (lost[res.Subject] || res.Check != checks.OutboundPort && index[string(res.Reason)] != nil) {
			continue // why a host is not connected has a hint of its own
		}
		ruleset, locked := "", false
		if slices.ContainsFunc(e.Commands, func(c string) bool { return strings.Contains(c, "{ruleset}") }) {
			ruleset = res.Decides
			locked = len(res.Rulesets) > 0 && res.Rulesets[0].Key == ruleset && res.Rulesets[0].Locked
		}
		key := fmt.Sprint(res.Reason, ruleset, locked)
		if index[key] == nil {
			index[key] = &advice{Explanation: e, status: res.Status, ruleset: ruleset, locked: locked}
			index[string(res.Reason)] = index[key]
			all = append(all, index[key])
		}
		if a := index[key]; len(a.results) == 0 || a.results[len(a.results)-1].Subject != res.Subject {
			a.results = append(a.results, res)
		}
	}
	slices.SortStableFunc(all, func(a, b *advice) int { return checks.CompareStatus(a.status, b.status) })
	return all
}

func (r *Report) unconnected() map[string]bool {
	lost := map[string]bool{}
	for i := range r.Inventory.Hosts {
		if h := &r.Inventory.Hosts[i]; !h.IsConnected() && h.Connection != "" {
			lost[h.Path] = true
		}
	}
	return lost
}

// place is what a command needs to know of a subject.
type place struct {
	name string // of the host or cluster
	host string // inventory path, empty for a cluster
	// compute is the cluster, or the standalone host, for --compute-resource.
	compute string
}

func (r *Report) places() map[string]place {
	places := make(map[string]place, len(r.Inventory.Hosts))
	for i := range r.Inventory.Hosts {
		h := &r.Inventory.Hosts[i]
		compute := h.Cluster
		if compute == "" {
			compute = h.Name
		} else {
			places[h.ClusterPath] = place{name: Clean(h.Cluster), compute: h.Cluster}
		}
		places[h.Path] = place{name: Clean(h.Name), host: h.Path, compute: compute}
	}
	return places
}

// hint says how to mend it; what users may not switch they mend by another way.
func (a *advice) hint() string {
	if !a.locked {
		return a.Hint
	}
	return fmt.Sprintf("Users may not switch %s there. Another ruleset serves too; vSPC opens all outbound TCP, which --allowed-ip narrows.", Clean(a.ruleset))
}

// few lists up to four names and counts the others.
func few(names []string) string {
	const shown = 4
	if len(names) <= shown+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}

// shownComputes is for how many clusters a command is written out.
const shownComputes = 3

// commands fills the explanation's commands: those for a cluster once for each
// cluster, those for a host for the first one. Commands that would not help are
// left out: for a ruleset that users may not switch or that opens too much, and
// vic-machine's for another port than the one it opens.
func (a *advice) commands(r *Report, places map[string]place) []string {
	first := a.results[0]
	// Nobody else reaches a simulator that ends with the run.
	embedded := strings.HasPrefix(r.Target, "sim://")
	var lines []string
	for _, template := range a.Commands {
		switch {
		case strings.Contains(template, "{ruleset}") && (a.locked || strings.Contains(a.ruleset, "+") || a.ruleset == checks.RemoteSerialPort):
		case embedded && !strings.HasPrefix(template, "vic-preflight"):
		case strings.HasPrefix(template, "vic-machine") && (a.locked || r.Requirement.Port != checks.DefaultPort):
		case a.locked && strings.Contains(template, "{cluster}"):
			for _, res := range a.results[:min(len(a.results), shownComputes)] {
				line := a.fill(strings.Replace(template, "--compute-resource {cluster}", "--host {name}", 1), r, places[res.Subject], "", res.Missing)
				lines = append(lines, alternative(line, res))
			}
		case strings.Contains(template, "{cluster}"):
			var computes []string
			for _, res := range a.results {
				if c := places[res.Subject].compute; !slices.Contains(computes, c) && len(computes) < shownComputes {
					computes = append(computes, c)
				}
			}
			for _, c := range computes {
				lines = append(lines, a.fill(template, r, places[first.Subject], c, first.Missing))
			}
		default:
			line := a.fill(template, r, places[first.Subject], "", first.Missing)
			if n := len(a.results) - 1; n > 0 && strings.HasSuffix(line, "# on the host") {
				line = strings.TrimSuffix(line, "the host") + "each host"
			} else if n > 0 && (strings.Contains(template, "{host}") || strings.Contains(template, "{name}")) {
				others := fmt.Sprintf("%d others", n)
				if n == 1 {
					others = places[a.results[1].Subject].name
				}
				comment := "   # "
				if strings.Contains(line, comment) {
					comment = "; "
				}
				line += comment + "likewise for " + others
			}
			lines = append(lines, line)
		}
	}
	return slices.DeleteFunc(lines, func(s string) bool { return s == "" })
}

// alternative names another ruleset than the locked one, when the host has one
// that a fix may enable.
func alternative(line string, res checks.Result) string {
	if line == "" {
		return ""
	}
	for _, rs := range res.Rulesets {
		if !rs.Locked && rs.Breadth != checks.Borrowed && rs.Key != checks.RemoteSerialPort {
			return line + " --ruleset " + shellQuote(Clean(rs.Key))
		}
	}
	return ""
}

// fill puts values into a command's place holders. It returns nothing when a
// value is wanted that nobody has.
func (a *advice) fill(template string, r *Report, at place, compute string, missing []netip.Prefix) string {
	name := at.name
	if at.host == "" {
		name = "" // a cluster's
	}
	values := []string{"{target}", r.Target, "{host}", at.host, "{name}", name, "{cluster}", compute, "{ruleset}", a.ruleset}
	for i := 0; i < len(values); i += 2 {
		if strings.Contains(template, values[i]) && values[i+1] == "" {
			return ""
		}
		values[i+1] = shellQuote(Clean(values[i+1]))
	}
	line := strings.NewReplacer(values...).Replace(template)
	before, after, wanted := strings.Cut(line, "{peer}")
	if !wanted {
		return line
	}
	if len(missing) == 0 {
		return before + "VCH_ADDRESS" + after
	}
	// One command for each address that is missing, as options repeat.
	option := before[strings.LastIndex(before, " ")+1:]
	if strings.HasPrefix(option, "--ip-address=") {
		var lines []string
		for _, p := range missing {
			lines = append(lines, before+prefixText(p)+after)
		}
		return strings.Join(lines, "\n      ")
	}
	flag := before[strings.LastIndex(strings.TrimSpace(before), " ")+1:]
	for i, p := range missing {
		if i > 0 {
			before += " " + flag
		}
		before += prefixText(p)
	}
	return before + after
}

func prefixText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// shellQuote quotes a value for a POSIX shell when it needs it: inventory names
// hold blanks and more.
func shellQuote(s string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@%+=,[]", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !safe(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
