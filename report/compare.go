package report

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/vic-preflight/vic-preflight/checks"
)

// Change is what became of a finding between two reports. A finding is a result that
// is neither pass nor skip: about a host, a check and a requirement.
type Change string

// The changes. What is unknown is never green: a finding of which nothing is known any
// more is ChangeUnknown, not mended and not gone.
const (
	// ChangeNew fails now, or warns, and did not then, or nobody knew.
	ChangeNew Change = "new"
	// ChangeUnknown is not known now, and was then.
	ChangeUnknown Change = "unknown"
	// ChangeChanged is as bad as it was, for another reason; or it only warns of what
	// it failed for, by another severity.
	ChangeChanged Change = "changed"
	// ChangeWaived was accepted by a waiver since.
	ChangeWaived Change = "waived"
	// ChangeGone has nothing more to be about: the host was taken out, or there is
	// nothing left to judge.
	ChangeGone Change = "gone"
	// ChangeMended failed and does not fail now, or warned and passes.
	ChangeMended Change = "mended"
	// ChangeUnchanged is the same for the same reason.
	ChangeUnchanged Change = "unchanged"
)

// Changes are all of them, in the order in which tables show them.
func Changes() []Change {
	return []Change{ChangeNew, ChangeUnknown, ChangeChanged, ChangeWaived, ChangeGone, ChangeMended, ChangeUnchanged}
}

// Missing says why a report has no result.
type Missing string

// The reasons why there is none; empty where there is one.
const (
	MissingTarget Missing = "target-absent"
	// MissingRead targets were asked for, and nothing was found out about them.
	MissingRead Missing = "target-unread"
	MissingHost Missing = "host-absent"
	// MissingLook hosts may be there: not all of the target was looked at.
	MissingLook  Missing = "not-looked-at"
	MissingCheck Missing = "check-not-run"
)

// Side is what one of the two reports says.
type Side struct {
	// Missing is empty where there is a result; else the rest is.
	Missing Missing
	Status  checks.Status
	Reason  checks.Reason
	Detail  string

	waiver *jsonWaiver
}

// Waived reports whether a waiver accepts the result.
func (s *Side) Waived() bool { return s.waiver != nil }

// Difference is a finding in two reports.
type Difference struct {
	Change Change
	Scope  checks.Scope
	// Name, Path, UUID and Cluster are the subject's, as the later report that knows
	// it has them. Was is its path then, where it is another one now.
	Name, Path, UUID, Cluster, Was string
	Check, Requirement             string
	Then, Now                      Side
}

// Standing says which target of a report is compared.
type Standing struct {
	Target string
	// StartedAt is zero where the report does not have the target.
	StartedAt time.Time
	// Missing is MissingTarget, MissingRead, or empty.
	Missing Missing
}

// Subject names a host or a cluster.
type Subject struct {
	Name string `json:"name"`
	Path string `json:"path"`
	UUID string `json:"uuid,omitempty"`
}

// Tally counts findings by what became of them.
type Tally struct {
	New int `json:"new"`
	// NewFailures are counted in New: the others are warnings.
	NewFailures int `json:"newFailures"`
	Unknown     int `json:"unknown"`
	Changed     int `json:"changed"`
	Waived      int `json:"waived"`
	Gone        int `json:"gone"`
	Mended      int `json:"mended"`
	Unchanged   int `json:"unchanged"`
}

func (t *Tally) of(c Change) *int {
	switch c {
	case ChangeNew:
		return &t.New
	case ChangeUnknown:
		return &t.Unknown
	case ChangeChanged:
		return &t.Changed
	case ChangeWaived:
		return &t.Waived
	case ChangeGone:
		return &t.Gone
	case ChangeMended:
		return &t.Mended
	}
	return &t.Unchanged
}

func (t *Tally) add(u Tally) {
	for _, c := range Changes() {
		*t.of(c) += *u.of(c)
	}
	t.NewFailures += u.NewFailures
}

// Comparison is one target in two reports.
type Comparison struct {
	// Report names the earlier one where this one is a run's; else it is empty.
	Report    string
	Then, Now Standing
	// Appeared and Vanished are hosts that one of the two alone has. What was not
	// looked at did not vanish.
	Appeared, Vanished []Subject
	// Differences are all findings, the worst change first.
	Differences []Difference
	Tally

	index map[resultKey]int
	// known are results that were unknown and pass now: no findings any more, and none that
	// was mended. restarted are hosts that have started since.
	known     []Difference
	restarted []restart
}

// restart is a host that has started, and when.
type restart struct {
	Subject
	at string
}

// resultKey is what a result is about, in one target.
type resultKey struct{ path, check, requirement string }

// Of returns what became of a result of the later report. It is false for one that is
// no finding and was none.
func (c *Comparison) Of(res checks.Result) (Difference, bool) {
	if c == nil {
		return Difference{}, false
	}
	i, ok := c.index[resultKey{Clean(res.Subject), res.Check, res.Requirement}]
	if !ok {
		return Difference{}, false
	}
	return c.Differences[i], true
}

// Compare says what became of the earlier report's findings in a run, whose results it
// does not write to. name is the report's, for people. All failures are new where the
// report does not have the target.
func (s *Saved) Compare(name string, run *Run) *Comparison {
	now := run.saved()
	c := compare(s.earlier(now), now)
	c.Report = Clean(name)
	return c
}

// saved is the run as it is read again.
func (r *Run) saved() *savedTarget {
	t := &savedTarget{Target: Clean(r.Target), startedAt: r.StartedAt, Interrupted: r.Interrupted, Partial: r.partial()}
	if r.Err != nil {
		t.Error = Clean(r.Err.Error())
	}
	if r.Inventory == nil {
		return t
	}
	t.Endpoint.InstanceUUID = Clean(r.Inventory.Endpoint.InstanceUUID)
	t.Hosts = savedHosts(r.Inventory)
	byHost := r.byHost()
	for i := range t.Hosts {
		for _, res := range byHost[r.Inventory.Hosts[i].Path] {
			t.Hosts[i].Checks = append(t.Hosts[i].Checks, saved(res))
		}
	}
	if r.creates() {
		t.VCH = &savedVCH{}
	}
	for _, res := range r.Results {
		switch res.Scope {
		case checks.ScopeCluster:
			t.Checks = append(t.Checks, saved(res))
		case checks.ScopeVCH:
			t.VCH.Checks = append(t.VCH.Checks, saved(res))
		}
	}
	return t
}

func saved(res checks.Result) savedCheck {
	return savedCheck{
		ID: res.Check, Requirement: res.Requirement, Scope: res.Scope, Subject: Clean(res.Subject),
		Status: res.Status, Reason: res.Reason, Detail: Clean(res.Detail), Waiver: waiverJSON(res.Waiver),
	}
}

// partial reports whether the target may have hosts that were not looked at.
func (r *Run) partial() bool {
	return r.Narrowed || r.Inventory != nil && len(r.Inventory.Hidden) > 0
}

// comparer gathers what the hosts and clusters of a target, and its virtual container host,
// have come to.
type comparer struct {
	*Comparison
	then, now *savedTarget
	// placesThen and placesNow are the datacenters and the folders and clusters that
	// hosts were looked at in, by path.
	placesThen, placesNow map[string]bool
}

// compare compares a target of two reports; one of them may be nil.
func compare(then, now *savedTarget) *Comparison {
	c := comparer{Comparison: &Comparison{Then: then.standing(), Now: now.standing(), index: map[resultKey]int{}}, then: then, now: now}
	if then == nil {
		c.then = &savedTarget{}
	}
	if now == nil {
		c.now = &savedTarget{}
	}
	c.placesThen, c.placesNow = c.then.places(), c.now.places()
	c.hosts()
	c.clusters()
	c.vch()
	c.sort()
	return c.Comparison
}

func (t *savedTarget) standing() Standing {
	switch {
	case t == nil:
		return Standing{Missing: MissingTarget}
	case t.Error != "":
		return Standing{t.Target, t.startedAt, MissingRead}
	}
	return Standing{t.Target, t.startedAt, ""}
}

func (t *savedTarget) places() map[string]bool {
	places := map[string]bool{}
	for i := range t.Hosts {
		places[datacenter(t.Hosts[i].Path)] = true
		places[path.Dir(t.Hosts[i].Path)] = true
	}
	return places
}

func datacenter(path string) string {
	before, _, _ := strings.Cut(path, "/host/")
	return before
}

func (c *comparer) hosts() {
	known := make([]bool, len(c.then.Hosts))
	for i, j := range pairHosts(c.then.Hosts, c.now.Hosts) {
		now := &c.now.Hosts[i]
		of := now.difference()
		if j >= 0 {
			known[j] = true
			then := &c.then.Hosts[j]
			if then.Path != now.Path {
				of.Was = then.Path
			}
			if startedSince(then.BootTime, now.BootTime) {
				c.restarted = append(c.restarted, restart{Subject{now.Name, now.Path, now.UUID}, now.BootTime})
			}
			c.results(of, then.Checks, now.Checks, MissingCheck, MissingCheck)
			continue
		}
		missing := absence(c.Then, c.then, c.placesThen, now.Path)
		if missing == MissingHost {
			c.Appeared = append(c.Appeared, Subject{now.Name, now.Path, now.UUID})
		}
		c.results(of, nil, now.Checks, missing, "")
	}
	for j := range c.then.Hosts {
		if then := &c.then.Hosts[j]; !known[j] {
			missing := absence(c.Now, c.now, c.placesNow, then.Path)
			if missing == MissingHost {
				c.Vanished = append(c.Vanished, Subject{then.Name, then.Path, then.UUID})
			}
			c.results(then.difference(), then.Checks, nil, "", missing)
		}
	}
}

func (h *savedHost) difference() Difference {
	return Difference{Scope: checks.ScopeHost, Name: h.Name, Path: h.Path, UUID: h.UUID, Cluster: h.Cluster}
}

// absence says why a report has nothing of what is at the path. Where it has nothing
// at all of a datacenter, it was not looked at.
func absence(standing Standing, t *savedTarget, places map[string]bool, path string) Missing {
	switch {
	case standing.Missing != "":
		return standing.Missing
	case t.Partial, t.Interrupted, !places[datacenter(path)]:
		return MissingLook
	}
	return MissingHost
}

// clusters are known by their paths: they have nothing else that lasts.
func (c *comparer) clusters() {
	then, now := bySubject(c.then.Checks), bySubject(c.now.Checks)
	for _, s := range subjects(c.now.Checks, c.then.Checks) {
		missing := func(standing Standing, t *savedTarget, places map[string]bool) Missing {
			if standing.Missing == "" && places[s] {
				return MissingCheck
			}
			return absence(standing, t, places, s)
		}
		of := Difference{Scope: checks.ScopeCluster, Name: path.Base(s), Path: s}
		c.results(of, then[s], now[s], missing(c.Then, c.then, c.placesThen), missing(c.Now, c.now, c.placesNow))
	}
}

func bySubject(list []savedCheck) map[string][]savedCheck {
	by := map[string][]savedCheck{}
	for _, res := range list {
		by[res.Subject] = append(by[res.Subject], res)
	}
	return by
}

// subjects are those of two lists, in their order, each once.
func subjects(lists ...[]savedCheck) []string {
	var all []string
	seen := map[string]bool{}
	for _, res := range slices.Concat(lists...) {
		if !seen[res.Subject] {
			seen[res.Subject] = true
			all = append(all, res.Subject)
		}
	}
	return all
}

// vch compares what was found of the virtual container host itself, check by check: what
// a check that was run does not name any more is gone with the option that named it.
func (c *comparer) vch() {
	for _, check := range c.vchChecks() {
		then, now := c.then.vchOf(check), c.now.vchOf(check)
		subjectsThen, subjectsNow := bySubject(then), bySubject(now)
		missing := func(standing Standing, t *savedTarget, ran bool) Missing {
			switch {
			case standing.Missing != "":
				return standing.Missing
			case t.VCH == nil || t.Interrupted:
				return MissingLook
			case !ran:
				return MissingCheck
			}
			return MissingHost
		}
		for _, s := range subjects(now, then) {
			of := Difference{Scope: checks.ScopeVCH, Name: s, Path: s}
			c.results(of, subjectsThen[s], subjectsNow[s], missing(c.Then, c.then, len(then) > 0), missing(c.Now, c.now, len(now) > 0))
		}
	}
}

// vchChecks are the IDs of those that either report has of the virtual container host.
func (c *comparer) vchChecks() []string {
	var ids []string
	for _, t := range []*savedTarget{c.now, c.then} {
		for _, res := range t.vchOf("") {
			if !slices.Contains(ids, res.ID) {
				ids = append(ids, res.ID)
			}
		}
	}
	return ids
}

// vchOf are the results of one check about the virtual container host, or of all.
func (t *savedTarget) vchOf(check string) []savedCheck {
	if t.VCH == nil {
		return nil
	}
	return slices.Collect(filter(t.VCH.Checks, func(res savedCheck) bool { return check == "" || res.ID == check }))
}

// results compares those of one subject.
func (c *comparer) results(of Difference, then, now []savedCheck, missingThen, missingNow Missing) {
	side := func(list []savedCheck, key resultKey, missing Missing) Side {
		for i := range list {
			if r := &list[i]; r.ID == key.check && r.Requirement == key.requirement {
				return Side{Status: r.Status, Reason: r.Reason, Detail: r.Detail, waiver: r.Waiver}
			}
		}
		return Side{Missing: missing}
	}
	for n, res := range slices.Concat(now, then) {
		key := resultKey{of.Path, res.ID, res.Requirement}
		of.Check, of.Requirement = res.ID, res.Requirement
		of.Then, of.Now = side(then, key, missingThen), side(now, key, missingNow)
		if n >= len(now) && of.Now.Missing == "" {
			continue // it was compared
		}
		switch of.Change = changed(&of.Then, &of.Now); {
		case of.Change != "":
			c.Differences = append(c.Differences, of)
		case of.Then.unseen() && of.Now.Status == checks.Pass:
			c.known = append(c.known, of)
		}
	}
}

// changed says what became of a result; empty where there is nothing to tell.
func changed(then, now *Side) Change {
	was, is := then.weight(), now.weight()
	same := then.Missing == now.Missing && then.Reason == now.Reason
	switch {
	case now.Waived() && then.Waived() && same:
		return ChangeUnchanged
	case now.Waived():
		return ChangeWaived
	case is > was:
		return ChangeNew
	case is > 0 && is == was && same:
		return ChangeUnchanged
	case is > 0 && (is == was || then.Reason == now.Reason):
		return ChangeChanged
	case is > 0:
		return ChangeMended // a failure is a warning now
	case now.unseen() && then.unseen() && same:
		return ChangeUnchanged
	case now.unseen() && then.unseen():
		return ChangeChanged
	case now.unseen():
		return ChangeUnknown
	case was == 0 && !then.Waived():
		return ""
	case now.unasked():
		return ChangeUnknown
	case now.Missing != "", now.Status == checks.Skip:
		return ChangeGone
	}
	return ChangeMended
}

// weight is how bad a result is that no waiver accepts.
func (s *Side) weight() int {
	switch {
	case s.Missing != "" || s.Waived():
		return 0
	case s.Status == checks.Fail:
		return 2
	case s.Status == checks.Warn:
		return 1
	}
	return 0
}

// unseen is a check that could not find out.
func (s *Side) unseen() bool { return s.Missing == "" && s.Status == checks.Unknown }

// unasked is a check that nobody made, or of a host that nobody looked at.
func (s *Side) unasked() bool {
	if s.Missing != "" {
		return s.Missing != MissingHost
	}
	return s.Status == checks.Skip && s.Reason != checks.NothingToPersist && s.Reason != checks.TooFewHosts
}

// sort puts the worst first, counts, and makes results known by what they are about.
func (c *comparer) sort() {
	order := Changes()
	slices.SortStableFunc(c.Differences, func(x, y Difference) int {
		return cmp.Or(
			slices.Index(order, x.Change)-slices.Index(order, y.Change),
			y.Now.weight()-x.Now.weight(), y.Then.weight()-x.Then.weight(),
		)
	})
	for i := range c.Differences {
		d := &c.Differences[i]
		*c.of(d.Change)++
		if d.Change == ChangeNew && d.Now.Status == checks.Fail {
			c.NewFailures++
		}
		if d.Now.Missing == "" {
			c.index[resultKey{d.Path, d.Check, d.Requirement}] = i
		}
	}
}
