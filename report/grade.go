package report

import (
	"slices"

	"github.com/vic-preflight/vic-preflight/checks"
)

// Grade is what the results come to for a gate: checks.Fail, checks.Unknown or
// checks.Pass. strict lets warnings fail; allowUnknown tolerates hosts that nothing can
// be found out about, and such a host is not failed by strict for the very state that
// makes it so; nor by what a waiver accepts. A run with OnlyNew is not failed by what failed
// before. A host on which no check gave a verdict is unknown; where none did on any,
// nothing tolerates it, nor that no host was looked at. What was found of the virtual
// container host counts as what was found on a host, whatever its class.
func (r *Run) Grade(strict, allowUnknown bool) checks.Status {
	if r.Err != nil || !slices.ContainsFunc(r.Results, judged) {
		return checks.Unknown
	}
	grade := checks.Pass
	if r.Inventory != nil && len(r.Inventory.Hidden) > 0 {
		grade = checks.Unknown
	}
	for _, res := range r.Results {
		switch {
		case r.OnlyNew && r.known(res):
		case res.Status == checks.Fail, res.Status == checks.Warn && strict && res.Waiver == nil && !(lost(res) && allowUnknown):
			return checks.Fail
		case res.Status == checks.Unknown && !allowUnknown:
			grade = checks.Unknown
		}
	}
	if !allowUnknown {
		for _, results := range r.byHost() {
			if !slices.ContainsFunc(results, judged) {
				grade = checks.Unknown
			}
		}
	}
	if r.hostless() {
		return checks.Unknown
	}
	return grade
}

// Grade is what a diff comes to for a gate: checks.Fail where there are new failures, with
// strict also new warnings; else checks.Unknown where a target of the later report was not
// read, or a finding is not known any more; else checks.Pass.
func (d *Diff) Grade(strict bool) checks.Status {
	tally := d.Tally()
	if tally.NewFailures > 0 || strict && tally.New > 0 {
		return checks.Fail
	}
	for _, c := range d.Targets {
		lost := func(d Difference) bool { return d.Change == ChangeUnknown && d.Now.unseen() }
		if c.Now.Missing == MissingRead || slices.ContainsFunc(c.Differences, lost) {
			return checks.Unknown
		}
	}
	return checks.Pass
}

func lost(r checks.Result) bool {
	return r.Reason == checks.HostDisconnected || r.Reason == checks.HostNotResponding
}

// known reports whether a failure, or a warning, is an earlier report's too.
func (r *Run) known(res checks.Result) bool {
	d, found := r.Compared.Of(res)
	return found && d.Change != ChangeNew && res.Status != checks.Unknown
}

func judged(r checks.Result) bool { return r.Status != checks.Skip }

// PlanGrade is what a plan that was not carried out comes to for a gate: checks.Fail
// where there is something to do, or it is refused; checks.Unknown where that could not
// be found out of some hosts and nothing else is to be done; else checks.Pass. Where a
// virtual container host is judged, what no plan mends counts as well, with strict a warning too.
func (r *Run) PlanGrade(strict, allowUnknown bool) checks.Status {
	grade := checks.Pass
	for _, e := range r.Plan {
		switch {
		case e.Action != None && !e.Unknown:
			return checks.Fail
		case e.Unknown && !allowUnknown:
			grade = checks.Unknown
		}
	}
	if own := r.Grade(strict, allowUnknown); r.VCH != "" && own.Worse(grade) {
		return own
	}
	return grade
}
