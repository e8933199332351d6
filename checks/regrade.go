package checks

import "slices"

// neverWrong are the reasons of results that pass, are left out or are unknown, and
// of no others.
var neverWrong = []Reason{
	SwitchedWhenNeeded, SettingsKnown,
	Permitted, FactsUnavailable, Filtering, SwitchNotAsked, HostConnected, SurvivesReboot, NothingToPersist,
	NotProbed, Reachable, Accepted, ProbeFailed, NotProvable, Uniform, TooFewHosts,
}

// Gradable reports whether results with this reason can be warnings or failures, so
// that they can be regraded and waived. It is false for an unknown reason.
func Gradable(reason Reason) bool {
	if slices.ContainsFunc(explanations, func(e Explanation) bool { return e.Reason == reason }) {
		return !slices.Contains(neverWrong, reason)
	}
	e, _ := Explain(reason)
	return e.Class != "" // of the checks of Create findings alone have one
}

// Regrade returns the results with the severities that a user gives to reasons: Warn or
// Fail. It turns warnings into failures and back, and touches nothing else: what passes,
// is left out or is unknown stays so, whatever its reason, and a severity that is
// neither Warn nor Fail counts for nothing. What a waiver has accepted stays a warning:
// Regrade and Waive may come in either order. The results are not written to.
func Regrade(results []Result, severities map[Reason]Status) []Result {
	left := slices.Clone(results)
	regraded := map[*Verdict]*Verdict{} // hosts that are alike go on sharing their verdicts
	for i, res := range results {
		status := severities[res.Reason]
		if !wrong(status) || !wrong(res.Status) || status == res.Status || res.Waiver != nil {
			continue
		}
		if regraded[res.Verdict] == nil {
			v := *res.Verdict
			v.Status = status
			regraded[res.Verdict] = &v
		}
		left[i].Verdict = regraded[res.Verdict]
	}
	return left
}

func wrong(s Status) bool { return s == Warn || s == Fail }
