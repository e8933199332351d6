package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// Hints writes what to do about the results, each reason once, with the
// subjects it applies to and commands to copy. It writes nothing when there is
// nothing to do.
func Hints(w io.Writer, r *Report, style Style) error {
	type group struct {
		checks.Explanation
		status   checks.Status
		subjects []string
		seen     map[string]bool
		first    checks.Result
	}
	var groups []*group
	names := r.names()
	for _, res := range r.Results {
		e, ok := checks.Explain(res.Reason)
		if !ok || e.Hint == "" || res.Status == checks.Pass || res.Status == checks.Skip {
			continue
		}
		if h := r.host(res.Subject); res.Reason == checks.FactsUnavailable && h != nil && !h.IsConnected() {
			continue // why it is not connected has a hint of its own
		}
		i := slices.IndexFunc(groups, func(g *group) bool { return g.Reason == res.Reason })
		if i < 0 {
			groups = append(groups, &group{Explanation: e, status: res.Status, first: res, seen: map[string]bool{}})
			i = len(groups) - 1
		}
		if g := groups[i]; !g.seen[res.Subject] {
			g.seen[res.Subject] = true
			g.subjects = append(g.subjects, names[res.Subject])
		}
	}
	if len(groups) == 0 {
		return nil
	}
	slices.SortStableFunc(groups, func(a, b *group) int {
		switch {
		case a.status.Worse(b.status):
			return -1
		case b.status.Worse(a.status):
			return 1
		}
		return 0
	})

	var b strings.Builder
	b.WriteString("What to do\n")
	for _, g := range groups {
		title := fmt.Sprintf("%s (%s)", g.Reason, few(g.subjects))
		fmt.Fprintf(&b, "\n%s\n", style.paint(g.status, indent(title, "  ", style.Width)))
		fmt.Fprintln(&b, indent(g.Hint, "    ", style.Width))
		for _, c := range g.Commands {
			if line, ok := r.command(c, g.first); ok {
				// Never wrapped: a command is there to be copied.
				fmt.Fprintf(&b, "      %s\n", line)
			}
		}
	}
	b.WriteString("\nvic-preflight explain REASON says more.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// few lists up to four names and counts the others.
func few(names []string) string {
	const shown = 4
	if len(names) <= shown+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}

func (r *Report) names() map[string]string {
	names := map[string]string{}
	for _, h := range r.Inventory.Hosts {
		names[h.Path] = Clean(h.Name)
		if h.Cluster != "" {
			names[h.ClusterPath] = Clean(h.Cluster)
		}
	}
	return names
}

// host returns the host of that path, nil when there is none.
func (r *Report) host(path string) *inventory.Host {
	for i := range r.Inventory.Hosts {
		if r.Inventory.Hosts[i].Path == path {
			return &r.Inventory.Hosts[i]
		}
	}
	return nil
}

// command fills a command's place holders for the first subject of a hint. It
// is not ok when a value is wanted that nobody has.
func (r *Report) command(template string, res checks.Result) (string, bool) {
	h := r.host(res.Subject)
	values := map[string]string{"{target}": r.Target}
	if h != nil {
		values["{host}"], values["{cluster}"] = h.Path, h.Cluster
		if h.Cluster == "" {
			values["{cluster}"] = h.Name
		}
	}
	values["{ruleset}"], _, _ = strings.Cut(res.Decides, "+")
	if len(r.Requirement.Peers) > 0 {
		p := r.Requirement.Peers[0]
		values["{peer}"] = p.String()
		if p.IsSingleIP() {
			values["{peer}"] = p.Addr().String()
		}
	} else {
		values["{peer}"] = "VCH_ADDRESS"
	}
	for placeholder, value := range values {
		if !strings.Contains(template, placeholder) {
			continue
		}
		if value == "" {
			return "", false
		}
		template = strings.ReplaceAll(template, placeholder, shellQuote(Clean(value)))
	}
	return template, !strings.Contains(template, "{")
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
