package report

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
)

// Grouping says whether a table has a row for each host or for each verdict.
type Grouping string

// The groupings. The zero value is GroupAuto.
const (
	// GroupAuto groups what nobody would read: more than 100 hosts, when lines
	// are wrapped. Output for programs keeps a line for each host.
	GroupAuto   Grouping = ""
	GroupAlways Grouping = "always"
	GroupNever  Grouping = "never"
)

// readable is how many rows are read as such: a cluster has 96 hosts at most.
const readable = 100

func (r *Run) groups(style Style) bool {
	switch style.Group {
	case GroupAlways:
		return true
	case GroupNever:
		return false
	}
	return style.Width > 0 && len(r.Inventory.Hosts) > readable
}

// group is the hosts whose rows are the same but for their names.
type group struct {
	row    []string
	status checks.Status
	hosts  []int // in inventory order
}

// groupedTable writes one table for all clusters, a row for each verdict. Hosts
// that did not pass are all named.
func (r *Run) groupedTable(b *strings.Builder, byHost map[string][]checks.Result, style Style) error {
	var groups []*group
	index := map[string]*group{}
	for i, row := range r.rows(byHost) {
		key := strings.Join(row[1:], "\x00")
		g := index[key]
		if g == nil {
			g = &group{row: row, status: checks.Worst(byHost[r.Inventory.Hosts[i].Path])}
			index[key] = g
			groups = append(groups, g)
		}
		g.hosts = append(g.hosts, i)
	}
	slices.SortStableFunc(groups, func(x, y *group) int {
		return cmp.Or(checks.CompareStatus(x.status, y.status), len(y.hosts)-len(x.hosts))
	})
	rows := make([][]string, len(groups))
	for i, g := range groups {
		rows[i] = r.groupCells(g, style)
	}
	b.WriteString("\n")
	columns := shareWidth(r.header(), rows, style.Width)
	return writeTable(b, r.header(), rows, columns, 2, func(n int) checks.Status { return groups[n].status }, style)
}

func (r *Run) groupCells(g *group, style Style) []string {
	row := slices.Clone(g.row)
	if len(g.hosts) == 1 {
		return row
	}
	row[0] = fmt.Sprintf("%d hosts", len(g.hosts))
	if g.status == checks.Pass || g.status == checks.Skip {
		return row
	}
	// A paragraph for each cluster where lines are wrapped, else one line.
	separator := "\n"
	if style.Width < 1 {
		separator = "; "
	}
	last := len(row) - 1
	row[last] = strings.Join(append([]string{row[last]}, r.named(g.hosts)...), separator)
	return row
}

// namesALine bounds a paragraph of names: wrapping takes time with its square.
const namesALine = 100

// named lists the hosts, a paragraph for each cluster, or several.
func (r *Run) named(hosts []int) []string {
	var paragraphs []string
	var names []string
	flush := func(cluster string) {
		for part := range slices.Chunk(names, namesALine) {
			place := "standalone"
			if cluster != "" {
				place = Clean(cluster)
			}
			paragraphs = append(paragraphs, fmt.Sprintf("%s: %s", place, strings.Join(part, ", ")))
		}
		names = names[:0]
	}
	for n, i := range hosts {
		h := &r.Inventory.Hosts[i]
		if n > 0 {
			if before := &r.Inventory.Hosts[hosts[n-1]]; before.ClusterPath != h.ClusterPath {
				flush(before.Cluster)
			}
		}
		names = append(names, Clean(h.Name))
	}
	flush(r.Inventory.Hosts[hosts[len(hosts)-1]].Cluster)
	return paragraphs
}

// groupedFindings writes what was found about whole clusters, each reason once
// with the clusters it is about.
func (r *Run) groupedFindings(b *strings.Builder, style Style) {
	type finding struct {
		first    checks.Result
		clusters []string
	}
	var found []*finding
	clusters := 0
	for _, c := range r.Inventory.Clusters() {
		if c.Name != "" { // the standalone hosts are no cluster
			clusters++
		}
	}
	for _, res := range r.Results {
		if res.Scope != checks.ScopeCluster || res.Status == checks.Pass || res.Status == checks.Skip {
			continue
		}
		i := slices.IndexFunc(found, func(f *finding) bool { return f.first.Check == res.Check && f.first.Reason == res.Reason })
		if i < 0 {
			i = len(found)
			found = append(found, &finding{first: res})
		}
		found[i].clusters = append(found[i].clusters, Clean(path.Base(res.Subject)))
	}
	for _, f := range found {
		line := fmt.Sprintf("%s: %s in %d of %d clusters: %s", verdictWord(f.first.Status), f.first.Check,
			len(f.clusters), clusters, strings.Join(f.clusters, ", "))
		if len(f.clusters) == clusters && clusters > 1 {
			line = fmt.Sprintf("%s: %s in all %d clusters", verdictWord(f.first.Status), f.first.Check, clusters)
		}
		b.WriteString(style.paint(f.first.Status, strings.Join(Wrap(line, style.Width), "\n")) + "\n")
	}
}
