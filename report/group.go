package report

import (
	"cmp"
	"fmt"
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
	GroupAuto Grouping = ""
	// GroupAlways names all hosts of a row that did not pass.
	GroupAlways Grouping = "always"
	// GroupNever gives each host a line, those that pass among them.
	GroupNever Grouping = "never"
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

// groupedTable writes one table for all clusters, a row for each verdict, with the
// names of the hosts that did not pass: all of them where that was asked for.
func (r *Run) groupedTable(b *strings.Builder, rows []row, style Style) error {
	type bundle struct {
		row
		members []int // in inventory order
	}
	var bundles []*bundle
	index := map[string]*bundle{}
	for i, row := range rows {
		key := row.alike(!r.mixed())
		in := index[key]
		if in == nil {
			in = &bundle{row: row}
			index[key] = in
			bundles = append(bundles, in)
		}
		in.members = append(in.members, i)
	}
	slices.SortStableFunc(bundles, func(x, y *bundle) int {
		return cmp.Or(checks.CompareStatus(x.status, y.status), len(y.members)-len(x.members))
	})
	shown := make([]row, len(bundles))
	for i, in := range bundles {
		shown[i] = in.row
		if shown[i].hosts = len(in.members); shown[i].hosts > 1 {
			shown[i].name = counted(shown[i].hosts, "host")
		}
	}
	table, err := r.layOut(shown, style, false)
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "\n%s\n", table.header)
	for _, in := range bundles {
		b.WriteString(table.next() + "\n")
		if len(in.members) > 1 && !in.status.Fine() {
			r.writeNames(b, in.members, style)
		}
	}
	r.groupedFindings(b, style)
	return nil
}

// fewNames is how many hosts a row that is about more names.
const fewNames = 24

// writeNames names the hosts of a row, a line for each cluster, or says how many more
// there are and what names them.
func (r *Run) writeNames(b *strings.Builder, hosts []int, style Style) {
	shown := hosts
	if style.Group != GroupAlways && len(hosts) > fewNames {
		shown = hosts[:fewNames]
	}
	for _, line := range r.named(shown) {
		b.WriteString(indent(line, "    ", style.Width) + "\n")
	}
	if more := len(hosts) - len(shown); more > 0 {
		fmt.Fprintf(b, "    and %d more: --group always names them, --group never gives each a line\n", more)
	}
}

// namesALine bounds a paragraph of names: wrapping takes time with its square.
const namesALine = 100

// named lists the hosts, a paragraph for each cluster, or several.
func (r *Run) named(hosts []int) []string {
	var paragraphs []string
	for _, cluster := range chunks(hosts, func(x, y int) bool {
		return r.Inventory.Hosts[x].ClusterPath == r.Inventory.Hosts[y].ClusterPath
	}) {
		place := cmp.Or(Clean(r.Inventory.Hosts[cluster[0]].Cluster), "standalone")
		for part := range slices.Chunk(cluster, namesALine) {
			names := make([]string, len(part))
			for i, host := range part {
				names[i] = Clean(r.Inventory.Hosts[host].Name)
			}
			paragraphs = append(paragraphs, fmt.Sprintf("%s: %s", place, strings.Join(names, ", ")))
		}
	}
	return paragraphs
}

// chunks cuts a list where neighbours do not belong together.
func chunks[T any](list []T, together func(x, y T) bool) (parts [][]T) {
	for i, x := range list {
		if i == 0 || !together(list[i-1], x) {
			parts = append(parts, nil)
		}
		last := len(parts) - 1
		parts[last] = append(parts[last], x)
	}
	return parts
}

// groupedFindings writes what was found about whole clusters, each reason once
// with the clusters it is about.
func (r *Run) groupedFindings(b *strings.Builder, style Style) {
	clusters := 0
	for _, c := range r.Inventory.Clusters() {
		if c.Name != "" { // the standalone hosts are no cluster
			clusters++
		}
	}
	of := slices.Collect(filter(r.Results, func(res checks.Result) bool { return res.Scope == checks.ScopeCluster }))
	for _, f := range join(of, func(f *finding, res checks.Result) bool { return f.Check == res.Check && f.Reason == res.Reason }) {
		what := f.Check
		if r.several() {
			what += " for " + Clean(strings.Join(f.names, ", "))
		}
		line := fmt.Sprintf("%s: %s in %d of %d clusters: %s", verdictWord(f.Status), what,
			len(f.clusters), clusters, strings.Join(f.clusters, ", "))
		if len(f.clusters) == clusters && clusters > 1 {
			line = fmt.Sprintf("%s: %s in all %d clusters", verdictWord(f.Status), what, clusters)
		}
		b.WriteString(style.paint(f.Status, style.wrap(line)) + "\n")
	}
}
