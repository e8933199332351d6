package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
)

// item is one answer about one thing, as the formats for programs count it: a check of
// a host, a cluster or a virtual container host, a change, or what is to be said of the target itself. Its texts
// are cleaned.
type item struct {
	kind itemKind
	// subject names the host, the cluster or the target, check what was asked of it.
	// Together they are no other item's in the section.
	subject, check string
	// asked is the check as all items call it that are about it.
	asked string
	// path is empty where the subject is the target.
	path   string
	status checks.Status
	// requirement is the name of the one that was asked for, where the run has several.
	requirement string
	// reason is a code, detail and hint are sentences; hint is often empty.
	reason, detail, hint string
	// class is what create does about a finding; else empty.
	class  checks.Class
	waiver *checks.Waiver
	// probe is the vantage and the outcome, empty when no connection was tried.
	probe string
}

// itemKind is what an item is about.
type itemKind uint8

const (
	ofTarget itemKind = iota
	ofHost
	ofCluster
	ofVCH
	ofChange
)

// section is the items of one cluster, of the standalone hosts, of the virtual container
// host, or of the target itself.
type section struct {
	run *Run
	// title is no other section's in the report.
	title           string
	target, cluster string
	items           []item
}

// labels are the names of a target and of what is in it. They are cleaned, and no two
// hosts, no two clusters and no two targets have the same one.
type labels struct {
	target string
	// hosts and clusters are by path. The standalone hosts' cluster is empty.
	hosts, clusters map[string]string
}

// labels has an element for each run.
func (r *Report) labels() []labels {
	targets := make([]string, len(r.Runs))
	for i, run := range r.Runs {
		targets[i] = Clean(run.Target)
	}
	targets = distinct(targets, nil)
	list := make([]labels, len(r.Runs))
	for i, run := range r.Runs {
		list[i] = run.labels(targets[i])
	}
	return list
}

func (r *Run) labels(target string) labels {
	l := labels{target: target, hosts: map[string]string{}, clusters: map[string]string{}}
	if r.Inventory == nil {
		return l
	}
	var names, paths []string
	for _, h := range r.Inventory.Hosts {
		names, paths = append(names, Clean(h.Name)), append(paths, Clean(h.Path))
	}
	for i, name := range distinct(names, paths) {
		l.hosts[r.Inventory.Hosts[i].Path] = name
	}
	names, paths = nil, nil
	clusters := r.Inventory.Clusters()
	for _, c := range clusters {
		names, paths = append(names, Clean(c.Name)), append(paths, Clean(c.Path))
	}
	for i, name := range distinct(names, paths) {
		l.clusters[clusters[i].Path] = name
	}
	return l
}

// distinct returns names of which no two are alike: what has no name, or shares it, is
// called by its path, and what shares that too is numbered. paths may be nil.
func distinct(names, paths []string) []string {
	times := make(map[string]int, len(names))
	for _, n := range names {
		times[n]++
	}
	out, taken, last := make([]string, len(names)), make(map[string]bool, len(names)), map[string]int{}
	for i, n := range names {
		if (times[n] > 1 || n == "") && paths != nil {
			n = cmp.Or(paths[i], n)
		}
		out[i] = n
		for taken[out[i]] {
			last[n]++
			out[i] = fmt.Sprintf("%s (%d)", n, last[n]+1)
		}
		taken[out[i]] = true
	}
	return out
}

// sections are those of all targets, in the order of the report. No target is without.
func (r *Report) sections() []section {
	var all []section
	for i, l := range r.labels() {
		all = append(all, r.Runs[i].sections(l)...)
	}
	titles := make([]string, len(all))
	for i, s := range all {
		titles[i] = s.title
	}
	for i, title := range distinct(titles, nil) {
		all[i].title = title
		all[i].distinguish()
	}
	return all
}

// distinguish sees that no two items are called alike.
func (s *section) distinguish() {
	asked := make(map[[2]string]int, len(s.items))
	for i := range s.items {
		key := [2]string{s.items[i].subject, s.items[i].check}
		if asked[key]++; asked[key] > 1 {
			s.items[i].check += fmt.Sprintf(" (%d)", asked[key])
		}
	}
}

func (r *Run) sections(l labels) []section {
	var all []section
	if own := append(r.remarks(l), r.changes(l)...); len(own) > 0 {
		all = append(all, section{run: r, title: l.target, target: l.target, items: own})
	}
	if r.Inventory == nil {
		return all
	}
	if list := r.vchResults(); len(list) > 0 {
		s := section{run: r, title: l.target + ", " + r.vchName(), target: l.target}
		for _, res := range list {
			s.items = append(s.items, r.item(ofVCH, Clean(res.Subject), res))
		}
		all = append(all, s)
	}
	byHost, byCluster := r.byHost(), r.bySubject(checks.ScopeCluster)
	for _, c := range r.Inventory.Clusters() {
		s := section{run: r, target: l.target, cluster: l.clusters[c.Path]}
		s.title = l.target + ", standalone hosts"
		if c.Path != "" {
			s.title = l.target + ", cluster " + s.cluster
		}
		for _, i := range c.Hosts {
			s.items = append(s.items, r.hostItems(i, l, byHost)...)
		}
		for _, res := range byCluster[c.Path] {
			s.items = append(s.items, r.item(ofCluster, s.cluster, res))
		}
		all = append(all, s)
	}
	return all
}

// hostItems are never none: a host is told of also when nothing was asked of it.
func (r *Run) hostItems(i int, l labels, byHost map[string][]checks.Result) []item {
	h := &r.Inventory.Hosts[i]
	name := l.hosts[h.Path]
	var items []item
	for _, res := range byHost[h.Path] {
		it := r.item(ofHost, name, res)
		if len(h.Probes) > 0 {
			it.probe = probeCell(r.probesOf(h, res))
		}
		items = append(items, it)
	}
	if len(items) == 0 {
		items = append(items, item{
			kind: ofHost, subject: name, path: Clean(h.Path), check: "checks", status: checks.Skip, reason: "not-checked", detail: "no check was asked of the host",
		})
	}
	return items
}

func (r *Run) item(kind itemKind, subject string, res checks.Result) item {
	check := res.Check
	if r.several() && res.Requirement != "" {
		check += " (" + Clean(res.Requirement) + ")"
	}
	it := item{
		requirement: Clean(r.about(res)), kind: kind, subject: subject, path: Clean(res.Subject), check: check, asked: check, status: res.Status, reason: string(res.Reason),
		detail: Clean(res.Detail), hint: Clean(r.hintOf(res)), class: classOf(res), waiver: res.Waiver,
	}
	if r.OnlyNew && it.status == checks.Fail && r.known(res) { // the gate lets it pass, and so must who reads this
		it.status = checks.Warn
		it.detail += "; the baseline has it too"
	}
	return it
}

// of stands before what is said of the item.
func (it *item) of() string {
	if it.requirement == "" {
		return ""
	}
	return it.requirement + ": "
}

// remarks are what is to be said of the target itself: that nothing, or not all, is
// known of it, and what was left there.
func (r *Run) remarks(l labels) []item {
	var items []item
	remark := func(status checks.Status, check, reason, detail string) {
		items = append(items, item{subject: l.target, check: check, status: status, reason: reason, detail: Clean(detail)})
	}
	if r.Err != nil {
		remark(checks.Unknown, "target", "not-checked", r.Err.Error())
	} else if !slices.ContainsFunc(r.Results, judged) {
		remark(checks.Unknown, "target", "not-checked", "no check gave a verdict on any host")
	}
	if r.Inventory != nil && r.hostless() && r.creates() {
		remark(checks.Unknown, "hosts", "not-checked", noHost)
	}
	if r.Interrupted {
		remark(checks.Unknown, "run", "interrupted", "the run was interrupted: what is not known was not read")
	}
	if r.Inventory != nil {
		for _, hidden := range r.Inventory.Hidden {
			remark(checks.Unknown, "hosts", "hidden-cluster", "the hosts of "+hidden+" cannot be listed: nothing is known of them")
		}
	}
	for _, left := range r.Leftovers {
		remark(checks.Warn, "cleanup", "leftover", leftover(left))
	}
	return items
}

func leftover(machine string) string {
	return "the virtual machine " + machine + " could not be removed: vic-preflight probe --cleanup removes it later"
}

// changes are the entries of the plan but those that leave a host alone.
func (r *Run) changes(l labels) []item {
	var items []item
	for i := range r.Plan {
		e := &r.Plan[i]
		if e.Action == None && !e.Unknown {
			continue
		}
		result, status := e.result(r.DryRun)
		if e.Unknown {
			result, status = "unknown", checks.Unknown
		}
		reason := e.Reason
		if e.Action != None && e.Action != Refuse {
			reason = "change-" + strings.ReplaceAll(strings.ToLower(result), " ", "-")
		}
		it := item{
			kind: ofChange, subject: cmp.Or(l.hosts[e.Path], Clean(e.Host)), path: Clean(e.Path), status: status, reason: reason,
			check:  strings.TrimSpace(fmt.Sprintf("change: %s %s", e.Action, e.thing())) + forRequirement(e),
			detail: fmt.Sprintf("%s: %s", result, e.text()),
		}
		for _, warning := range e.Warnings {
			it.detail += "; " + Clean(warning)
		}
		items = append(items, it)
	}
	return items
}

// forRequirement names it behind what is done, where there are several.
func forRequirement(e *PlanEntry) string {
	if e.Requirement == "" {
		return ""
	}
	return fmt.Sprintf(" (%s)", Clean(e.Requirement))
}

// accepted says in words why a waiver accepts what it does.
func accepted(w *checks.Waiver) string {
	j := waiverJSON(w)
	ticket := ""
	if j.Ticket != "" {
		ticket = ", " + j.Ticket
	}
	return fmt.Sprintf("waived until %s%s: %s", j.Expires, ticket, j.Because)
}
