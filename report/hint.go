package report

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/profile"
)

// advice is what to do about results of one reason, and, where it takes a
// ruleset, of one ruleset.
type advice struct {
	checks.Explanation
	// requirement is the first of those that it is about; names are theirs, where the run
	// has several.
	requirement checks.Requirement
	names       []string
	status      checks.Status
	ruleset     string
	// locked rulesets are not switched by users.
	locked  bool
	results []checks.Result
	// about are the subjects of the results: two checks may say the same of a host.
	about map[string]bool
	// codes are those of the results.
	codes map[string]bool
}

// advice writes what the codes of a table mean and what to do about them, as much as
// the style says.
func (r *Run) advice(b *strings.Builder, style Style) {
	if style.Width < 1 {
		style.Width = proseWidth
	}
	all := r.advise()
	switch {
	case style.Advice == AdviceBrief:
		r.brief(b, all, style)
	case style.Advice == AdviceFull && len(all) > 0:
		b.WriteString("\nWhat to do\n")
		if r.hints(b, all, style) && r.lags() {
			b.WriteString("\n" + style.wrap("vCenter's copy lags behind what esxcli changes: check again with --refresh.") + "\n")
		}
		b.WriteString("\nvic-preflight explain REASON says more.\n")
	}
}

// lags reports whether what esxcli changes is seen late: vCenter has a copy, which
// the run did not refresh.
func (r *Run) lags() bool {
	return r.Inventory != nil && r.Inventory.Endpoint.Kind == inventory.VCenter && !r.Refreshed
}

// hints writes the advice for one target, and reports whether a command of it is
// for esxcli.
func (r *Run) hints(b *strings.Builder, all []*advice, style Style) (onHost bool) {
	places := r.places()
	for _, a := range all {
		names := make([]string, len(a.results))
		for i, res := range a.results {
			names[i] = places.of(res).name
		}
		heading := fmt.Sprintf("%s (%s)", a.title(), few(names))
		if words := classWords(gravest(a.results)); words != "" {
			heading += ": " + words
		}
		fmt.Fprintf(b, "\n%s\n", style.paint(a.status, indent(heading, "  ", style.Width)))
		fmt.Fprintln(b, indent(a.hint(r), "    ", style.Width))
		for _, line := range a.commands(r, places) {
			// Never wrapped: a command is there to be copied.
			fmt.Fprintf(b, "      %s\n", line)
			onHost = onHost || strings.Contains(line, "esxcli")
		}
	}
	return onHost
}

func (a *advice) title() string {
	title := string(a.Reason)
	if a.ruleset != "" {
		title += ", " + Clean(a.ruleset)
		if a.locked {
			title += " locked"
		}
	}
	if len(a.names) > 0 {
		title += ", for " + Clean(strings.Join(a.names, ", "))
	}
	return title
}

// advise groups the results that something is to be done about, the worst
// first, else in the order of the checks.
func (r *Run) advise() []*advice {
	if r.Inventory == nil {
		return nil
	}
	var all []*advice
	index := map[string]*advice{}
	lost := r.unconnected()
	for _, res := range r.Results {
		e, ok := checks.Explain(res.Reason)
		if !ok || e.Hint == "" || res.Status.Fine() || res.Waiver != nil {
			continue
		}
		own := res.Check == checks.OutboundPort || res.Check == checks.PeerSettings
		if res.Scope != checks.ScopeVCH && res.Reason == checks.FactsUnavailable && (lost[res.Subject] || !own && index[string(res.Reason)] != nil) {
			continue // why a host is not connected has a hint of its own
		}
		e, ruleset, locked := r.fitted(e, res)
		a := &advice{
			Explanation: e, requirement: r.requirement(res.Requirement), status: res.Status, ruleset: ruleset, locked: locked,
			results: []checks.Result{res},
		}
		key := a.key(r)
		if index[key] == nil {
			a.about, a.codes = map[string]bool{}, map[string]bool{}
			index[key], index[string(res.Reason)] = a, a
			all = append(all, a)
		}
		index[key].add(r, res)
	}
	slices.SortStableFunc(all, func(a, b *advice) int {
		return cmp.Or(checks.CompareStatus(a.status, b.status), compareClass(gravest(a.results), gravest(b.results)))
	})
	return all
}

// fitted is the explanation of a result's reason as it fits the result, with the ruleset that
// its commands are about, and whether that one is locked for users.
func (r *Run) fitted(e checks.Explanation, res checks.Result) (_ checks.Explanation, ruleset string, locked bool) {
	if slices.ContainsFunc(e.Commands, func(c string) bool { return strings.Contains(c, "{ruleset}") }) {
		ruleset = strings.Join(res.Decides, "+")
		if len(res.Rulesets) > 0 && res.Rulesets[0].Key == ruleset {
			locked = res.Rulesets[0].Locked
			if res.Reason == checks.AllowedHostsExcludePeer { // which a longer list mends
				locked = res.Rulesets[0].ListLocked
			}
		}
	}
	req := r.requirement(res.Requirement)
	cause := checks.UnavailableHint(res.Detail)
	switch {
	case req.Switched != "" && res.Reason == checks.AllowedHostsExcludePeer:
		e.Hint, e.Commands = "ESXi itself keeps these allowed hosts, "+req.Switched+": look at whether what they are for is there.", nil
	case res.Reason == checks.RulesetDisabled && !locked && broadUnasked(res, req):
		vib, _ := checks.Explain(checks.NoRuleset)
		e.Hint = fmt.Sprintf("%s The ruleset %s opens much more than this: a fix takes it by name alone.", vib.Hint, Clean(ruleset))
		e.Commands = slices.Concat(vib.Commands, e.Commands)
	case res.Reason == checks.FactsUnavailable && cause != "":
		e.Hint, e.Commands = cause, nil
	}
	return e, ruleset, locked
}

// broadUnasked reports whether the ruleset that would serve opens much more, and is none
// that a fix takes by itself.
func broadUnasked(res checks.Result, req checks.Requirement) bool {
	return len(res.Rulesets) > 0 && res.Rulesets[0].Breadth == checks.Broad && !slices.Contains(req.Switchable(), res.Rulesets[0].Key)
}

// key is equal for results that want the same advice. Of several requirements, those do
// that want the same in words and commands.
func (a *advice) key(r *Run) string {
	res := a.results[0]
	key := fmt.Sprint(a.Reason, a.ruleset, a.locked, a.Hint, res.Switch, res.Store, res.Servers)
	if !r.several() && a.requirement.Of == nil {
		return key
	}
	req := a.requirement
	key += fmt.Sprint(r.say(req, a.Hint), res.Daemon, slices.Contains(req.Switchable(), a.ruleset))
	for _, template := range a.Commands {
		switch {
		case !a.helps(template, r):
		case a.locked, strings.Contains(template, "{vib}"):
			key += req.Name
		case strings.Contains(template, "{peer}"):
			key += fmt.Sprint(res.Missing)
			fallthrough
		default:
			key += req.Say(template)
		}
	}
	return key
}

// add takes a result that wants the advice.
func (a *advice) add(r *Run, res checks.Result) {
	if name := r.about(res); name != "" && !slices.Contains(a.names, name) {
		a.names = append(a.names, name)
	}
	a.codes[r.code(res)] = true
	if a.about[res.Subject] {
		return
	}
	if len(a.about) > 0 {
		a.results = append(a.results, res)
	}
	a.about[res.Subject] = true
}

func (r *Run) unconnected() map[string]bool {
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
	name string // of the host or cluster, or the last element of the subject
	host string // inventory path, empty for what is none
	// compute is the cluster, or the standalone host, for --compute-resource.
	compute string
	// about is the subject of a result about the virtual container host; else it is empty.
	about string
}

// places are those of all subjects: a result about the virtual container host may have
// the subject of a host or a cluster.
type places struct{ hosts, vch map[string]place }

func (p places) of(res checks.Result) place {
	if res.Scope == checks.ScopeVCH {
		return p.vch[res.Subject]
	}
	return p.hosts[res.Subject]
}

func (r *Run) places() places {
	all := places{r.hostPlaces(), map[string]place{}}
	for _, res := range r.Results {
		if res.Scope != checks.ScopeVCH {
			continue // nearly always
		}
		at := all.hosts[res.Subject]
		at.name, at.about = lastElement(res.Subject), res.Subject
		at.compute = cmp.Or(at.compute, r.Compute)
		all.vch[res.Subject] = at
	}
	return all
}

func (r *Run) hostPlaces() map[string]place {
	places := make(map[string]place, len(r.Inventory.Hosts))
	named := map[string]map[string]bool{} // paths of clusters and standalone hosts, by name
	at := func(h *inventory.Host) (name, path string) {
		if h.Cluster == "" {
			return h.Name, h.Path
		}
		return h.Cluster, h.ClusterPath
	}
	for i := range r.Inventory.Hosts {
		name, path := at(&r.Inventory.Hosts[i])
		if named[name] == nil {
			named[name] = map[string]bool{}
		}
		named[name][path] = true
	}
	for i := range r.Inventory.Hosts {
		h := &r.Inventory.Hosts[i]
		compute, path := at(h)
		// A user who gave a path had to.
		if len(named[compute]) > 1 || strings.Contains(r.Compute, "/") {
			compute = path
		}
		if h.Cluster != "" {
			places[h.ClusterPath] = place{name: Clean(h.Cluster), compute: compute}
		}
		places[h.Path] = place{name: Clean(h.Name), host: h.Path, compute: compute}
	}
	return places
}

// hint says how to mend it; what users may not switch they mend by another way.
func (a *advice) hint(r *Run) string {
	if !a.locked {
		return r.say(a.requirement, a.Hint)
	}
	if r.ofProfiles() && a.alternative("-", a.results[0]) == "" {
		return fmt.Sprintf("Users may not switch %s there, and no other ruleset of the host serves.", Clean(a.ruleset))
	}
	return fmt.Sprintf("Users may not switch %s there. Another ruleset serves too.", Clean(a.ruleset))
}

// say fills the requirement's words into a hint. Where the run asks for several profiles, a
// peer is given with the name of its own, which is not known of a site's.
func (r *Run) say(req checks.Requirement, hint string) string {
	text := req.Say(hint)
	if !strings.Contains(text, "--peer ADDRESS") {
		return text
	}
	req.Peers = nil
	options := append(profile.Options(req), "--peer=ADDRESS")
	peer := strings.TrimPrefix(options[min(1, len(options)-1)], "--peer=")
	if r.severalProfiles() {
		name, known := strings.CutPrefix(options[0], "--profile=")
		if !known {
			name = "PROFILE"
		}
		peer = name + "=" + peer
	}
	return strings.Replace(text, "--peer ADDRESS", "--peer "+peer, 1)
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
// cluster, those for a host for the first one.
func (a *advice) commands(r *Run, places places) []string {
	first := a.results[0]
	var lines []string
	for _, template := range a.Commands {
		if !a.requirement.OfVCH() { // the run's own options give the peers
			template, _, _ = strings.Cut(template, allowedVCH)
		}
		switch {
		case !a.helps(template, r):
		case a.locked && strings.Contains(template, "{cluster}"):
			for _, res := range a.results[:min(len(a.results), shownComputes)] {
				line := a.fill(strings.Replace(template, "--compute-resource {cluster}", "--host {name}", 1), r, places.of(res), "", res.Missing)
				lines = append(lines, r.byOne(a.alternative(line, res)))
			}
			lines = more(lines, len(a.results))
		case strings.Contains(template, "{cluster}"):
			computes := a.computes(places)
			for _, c := range computes[:min(len(computes), shownComputes)] {
				lines = append(lines, r.byOne(a.byName(a.fill(template, r, places.of(first), c, first.Missing))))
			}
			lines = more(lines, len(computes))
		default:
			line := a.fill(template, r, places.of(first), "", a.missing(r))
			lines = append(lines, a.likewise(line, template, places))
		}
	}
	return slices.DeleteFunc(lines, func(s string) bool { return s == "" })
}

// missing are the peers that a command is about: those that a list leaves out, and of lists
// that overlap all that can be connected to.
func (a *advice) missing(r *Run) []netip.Prefix {
	if a.Reason != checks.ListsOverlap {
		return a.results[0].Missing
	}
	return slices.Collect(filter(r.requiredOf(a.results[0]).Peers, netip.Prefix.IsSingleIP))
}

// helps reports whether a command would help: not one for a ruleset that users may
// not switch, or whose list ESXi keeps, or that no fix takes by itself though ESXi brings
// it, and not vic-machine's for anything that it does not open.
func (a *advice) helps(template string, r *Run) bool {
	unasked := checks.BuiltIn(a.ruleset) && !slices.Contains(a.requirement.Switchable(), a.ruleset)
	vic := a.requirement.OfVCH()
	switch {
	case strings.Contains(template, "{ruleset}") && (a.locked || unasked || strings.Contains(a.ruleset, "+")):
		return false
	case strings.Contains(template, "allowedip") && a.requirement.Switched != "":
		return false
	case r.embedded() && (!strings.HasPrefix(template, "vic-preflight") || strings.Contains(template, "vib")):
		return false // and no SSH gets there
	case strings.HasPrefix(template, "vic-preflight") && !vic && !r.ofProfiles():
		return false // nothing is known that names the requirement
	case strings.HasPrefix(template, "vic-preflight fix --allow --target") && !vic && !a.switchable():
		return false
	case strings.Contains(template, "{vib}") && !vic && len(r.asking(a.requirement)) == 0:
		return false
	case strings.Contains(template, "--probe") && r.ofProfiles():
		return len(r.Requirements) == 1 && a.requirement.Direction == inventory.Outbound && a.requirement.Protocol == inventory.TCP
	case strings.HasPrefix(template, "vic-machine"):
		return !a.locked && a.requirement.ByVICMachine()
	}
	return true
}

// switchable reports whether a fix may do what the advice is about: enable the requirement's
// rulesets, or add to a list.
func (a *advice) switchable() bool {
	switch a.Reason {
	case checks.RulesetDisabled: // by the host's own word
		return true
	case checks.AllowedHostsExcludePeer:
		return a.requirement.Switched == ""
	}
	return a.requirement.Owner == "" || a.requirement.Owner == checks.ByUser
}

// allowedVCH is the part of a command that narrows a ruleset to virtual container hosts.
const allowedVCH = " {option} {peer} --allowed-ip vch"

// byOne leaves out a command that names a ruleset where it would be for several requirements.
func (r *Run) byOne(line string) string {
	if len(r.Requirements) > 1 && strings.Contains(line, " --ruleset ") {
		return ""
	}
	return line
}

// computes are the clusters, and standalone hosts, that the advice is for.
func (a *advice) computes(places places) []string {
	var computes []string
	for _, res := range a.results {
		if c := places.of(res).compute; !slices.Contains(computes, c) {
			computes = append(computes, c)
		}
	}
	return computes
}

// remark says something of a command, below it: behind a # it would swallow what somebody
// who copied the line types after it, --dry-run for one.
func remark(line, text string) string { return line + "\n      (" + text + ")" }

// more says of the last of a few commands for how many others it takes one.
func more(lines []string, wanted int) []string {
	if last := len(lines) - 1; wanted > shownComputes && last >= 0 && lines[last] != "" {
		lines[last] = remark(lines[last], fmt.Sprintf("likewise for %d more", wanted-shownComputes))
	}
	return lines
}

// likewise says of a command for one host that others need it too.
func (a *advice) likewise(line, template string, places places) string {
	n := len(a.results) - 1
	switch {
	case n == 0 || line == "":
		return line
	case strings.HasSuffix(line, "# on the host"):
		return strings.TrimSuffix(line, "the host") + "each host"
	case !slices.ContainsFunc(a.own(), func(mark string) bool { return strings.Contains(template, mark) }):
		return line
	}
	others := fmt.Sprintf("%d others", n)
	if n == 1 {
		others = places.of(a.results[1]).name
	}
	return remark(line, "likewise for "+others)
}

// own are the place holders for what each of the results has for itself.
func (a *advice) own() []string {
	own := []string{"{host}", "{name}", "{subject}", "{network}"}
	if a.results[0].Store.Path == "" { // it is the subject
		own = append(own, "{store}", "{datastore}")
	}
	return own
}

// byName names the ruleset that a fix does not take by itself.
func (a *advice) byName(line string) string {
	if a.Reason != checks.RulesetDisabled || line == "" || !strings.HasPrefix(line, "vic-preflight") || slices.Contains(a.requirement.Switchable(), a.ruleset) {
		return line
	}
	line += " --ruleset " + shellescape.Quote(Clean(a.ruleset))
	if broadUnasked(a.results[0], a.requirement) {
		line = remark(line, muchMore)
	}
	return line
}

const muchMore = "it opens much more than this port"

// alternative names another ruleset than the locked one, when the host has one
// that a fix may enable.
func (a *advice) alternative(line string, res checks.Result) string {
	if line == "" {
		return ""
	}
	for _, rs := range res.Rulesets {
		unasked := checks.BuiltIn(rs.Key) && !slices.Contains(a.requirement.Switchable(), rs.Key)
		if !rs.Locked && !unasked && rs.Breadth != checks.Borrowed {
			line += " --ruleset " + shellescape.Quote(Clean(rs.Key))
			if rs.Breadth == checks.Broad {
				line = remark(line, muchMore)
			}
			return line
		}
	}
	return ""
}

// placeholder is what stands in a command for a value.
var placeholder = regexp.MustCompile(`\{[a-z ]+\}`)

// fill puts values into a command's place holders. It returns nothing when a
// value is wanted that nobody has.
func (a *advice) fill(template string, r *Run, at place, compute string, missing []netip.Prefix) string {
	name := at.name
	path := at.about
	if !strings.HasPrefix(path, "/") {
		path = "" // an option
	}
	if at.host == "" && path == "" {
		name = "" // a cluster's
	}
	values := map[string]string{
		"{vib}": a.requirement.Name, "{daemon}": a.results[0].Daemon,
		"{target}": r.commandTarget(), "{host}": at.host, "{name}": name, "{cluster}": compute, "{ruleset}": a.ruleset,
		"{vch}": r.VCH, "{subject}": cmp.Or(path, at.host), "{network}": below("network", path),
	}
	a.named(values, r, path)
	template = withServers(r.withOptions(template, a), a.results[0].Servers)
	whole := true
	put := func(text string) string {
		return placeholder.ReplaceAllStringFunc(text, func(mark string) string {
			whole = whole && values[mark] != ""
			return shellescape.Quote(Clean(values[mark]))
		})
	}
	// What stands around the peers is filled apart, since they may be several.
	before, after, several := strings.Cut(a.requirement.Say(template), "{peer}")
	before, after = put(before), put(after)
	switch {
	case !whole:
		return ""
	case !several:
		return before
	}
	return withPeers(before, after, missing)
}

// named adds what the first finding names besides its subject. path is that of the subject,
// where it has one.
func (a *advice) named(values map[string]string, r *Run, path string) {
	first := a.results[0]
	store := cmp.Or(first.Store.Path, path)
	name := below("datastore", store)
	if values["{datastore}"] = name; name != "" {
		values["{store}"] = store
	}
	if first.Store.NFS {
		values["{nfs}"] = name
	}
	if first.Store.NFS && first.Store.ReadOnly {
		values["{read only nfs}"] = store
	}
	if values["{switch}"] = first.Switch; first.Switch != "" {
		values["{switch name}"] = lastElement(first.Switch)
	}
	values["{switch or}"] = cmp.Or(first.Switch, "DVS")
	values["{servers}"] = strings.Join(ntpServers(first.Servers), ",")
	if r.Inventory.Placement == nil {
		return
	}
	if dc := r.Inventory.Placement.Datacenter; dc != "" {
		values["{networks}"] = dc + "/network"
		values["{switch or}"] = cmp.Or(first.Switch, dc+"/network/DVS")
	}
	at := r.Inventory.Placement.Compute
	if values["{compute}"] = at.Path; at.Cluster { // govc takes a cluster for its hosts
		values["{drs cluster}"] = at.Path
	}
}

// ntpServers are those that hosts ask, or one for want of any.
func ntpServers(servers []string) []string {
	if len(servers) == 0 {
		return []string{"pool.ntp.org"}
	}
	return servers
}

// withServers repeats the option of govc for each NTP server.
func withServers(template string, servers []string) string {
	var options []string
	for _, server := range ntpServers(servers) {
		options = append(options, "-server", Clean(server))
	}
	return strings.Replace(template, "-server {server}", literal(options), 1)
}

// ofProfiles reports whether the run's options ask for what profiles name.
func (r *Run) ofProfiles() bool { return r.given("--profile=") || r.given("--requirements=") }

// severalProfiles reports whether the run's options ask for more than one.
func (r *Run) severalProfiles() bool {
	named := slices.Collect(filter(r.Options, func(o string) bool {
		return strings.HasPrefix(o, "--profile=") || strings.HasPrefix(o, "--requirements=")
	}))
	return len(named) > 1 || slices.Contains(named, "--profile=auto")
}

func (r *Run) given(option string) bool {
	return slices.ContainsFunc(r.Options, func(o string) bool { return strings.HasPrefix(o, option) })
}

// asksFor reports whether an option says what is required.
func asksFor(option string) bool {
	name, _, _ := strings.Cut(option, "=")
	return slices.Contains([]string{"--profile", "--requirements", "--peer", "--port", "--vch-ip"}, name)
}

// withOptions puts the run's own options behind the target of a command of ours, and those
// that ask for the one requirement where it makes a VIB or installs it. A command that
// gives peers itself gets no others, and none where those of profiles are given.
func (r *Run) withOptions(template string, a *advice) string {
	if !strings.HasPrefix(template, "vic-preflight") {
		return template
	}
	options := r.Options
	if strings.Contains(template, "{vib}") {
		of := r.asking(r.requiredOf(a.results[0]))
		template = strings.Replace(template, "vib build", strings.TrimSpace("vib build "+literal(notVCHs(of))), 1)
		options = slices.Concat(slices.DeleteFunc(slices.Clone(options), asksFor), of)
	}
	if r.ofProfiles() {
		template = strings.NewReplacer(" {option} {peer}", "", " --allowed-ip vch", "").Replace(template)
	}
	if strings.Contains(template, "{option}") {
		options = notVCHs(options)
	}
	if len(options) == 0 {
		return template
	}
	return strings.Replace(template, "--target {target}", "--target {target} "+Clean(literal(options)), 1)
}

// notVCHs leaves out the addresses of virtual container hosts.
func notVCHs(options []string) []string {
	return slices.DeleteFunc(slices.Clone(options), func(o string) bool { return strings.HasPrefix(o, "--vch-ip=") })
}

// asking are the options that ask for one requirement: those of its built-in profile where
// the run asks for that, else those of its profile, else the run's own. There are none where
// nothing names it without the hosts' settings.
func (r *Run) asking(req checks.Requirement) []string {
	if own := profile.Options(req); len(own) > 0 && (slices.Contains(r.Options, own[0]) || r.given("--profile=auto")) {
		return own
	}
	options := r.Options
	if len(req.Asked) > 0 {
		options = req.Asked
	}
	return slices.DeleteFunc(slices.Clone(options), func(o string) bool { return !asksFor(o) || strings.HasSuffix(o, "=auto") })
}

// requiredOf is the requirement that a result is about, with the host's own peers.
func (r *Run) requiredOf(res checks.Result) checks.Requirement {
	req := r.requirement(res.Requirement)
	for i := range r.Inventory.Hosts {
		if h := &r.Inventory.Hosts[i]; h.Path == res.Subject {
			req, _ = req.For(h)
		}
	}
	return req
}

// literal quotes options for a template, in which no place holder is to be seen in them.
func literal(options []string) string {
	return strings.NewReplacer("{", "", "}", "").Replace(shellescape.QuoteCommand(options))
}

// withPeers writes the missing peers, where the text is cut, into a command.
func withPeers(before, after string, missing []netip.Prefix) string {
	if len(missing) == 0 {
		return before + "ADDRESS" + after
	}
	// One command for each address, where an option takes one, or one is connected to.
	option := before[strings.LastIndex(before, " ")+1:]
	if strings.HasPrefix(option, "--ip-address=") || strings.Contains(before, " --probe ") {
		var lines []string
		for _, p := range missing {
			lines = append(lines, before+inventory.PrefixText(p)+after)
		}
		return strings.Join(lines, "\n      ")
	}
	flag := before[strings.LastIndex(strings.TrimSpace(before), " ")+1:]
	for i, p := range missing {
		if i > 0 {
			before += " " + flag
		}
		before += inventory.PrefixText(p)
	}
	return before + after
}
