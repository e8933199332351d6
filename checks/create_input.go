package checks

import (
	"fmt"
	"slices"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// inputChecks are those of what the options alone say, and the files that they name. They
// need nothing of vSphere. Their rules are those of vmware/vic at commit 9489f63e3:
// cmd/vic-machine/create/create.go, cmd/vic-machine/common and lib/install/validate.
func inputChecks() []Check {
	return []Check{
		nameAndSizes(),
		opsUserOptions(),
		staticAddresses(),
		dnsServers(),
		bridgeRange(),
		containerNetworkOptions(),
		storeOptions(),
		tlsOptions(),
		registries(),
		syslogAddress(),
		proxies(),
		isoFiles(),
	}
}

// optionJudge passes verdicts on the options of one check.
type optionJudge struct {
	vch *VCH
	inventory.Workstation
	check   string
	results []Result
}

// optionCheck makes a check out of one that reports what it finds. It is left out where
// its options are not given, and passes where nothing was found. option stands for them.
func optionCheck(c Check, option string, given func(*VCH) bool, judge func(*optionJudge)) Check {
	c.Run = func(f Facts) []Result {
		if f.VCH == nil {
			return nil
		}
		o := &optionJudge{vch: f.VCH, check: c.ID}
		if f.Inventory != nil && f.Inventory.Placement != nil {
			o.Workstation = f.Inventory.Placement.Workstation
		}
		if !given(f.VCH) {
			o.say(option, Skip, "", NotAskedFor, "no option asks for it")
			return o.results
		}
		if judge(o); len(o.results) == 0 {
			o.say(option, Pass, "", InOrder, "vic-machine create takes what is given")
		}
		return o.results
	}
	return c
}

func always(*VCH) bool { return true }

// say adds a result. A check has one for each subject: the worst, the first of those that
// are alike, with what the others say behind it.
func (o *optionJudge) say(option string, status Status, class Class, reason Reason, format string, args ...any) {
	r := Result{Check: o.check, Scope: ScopeVCH, Subject: option, Class: class, Verdict: &Verdict{
		Status: status, Reason: reason, Detail: fmt.Sprintf(format, args...),
	}}
	at := slices.IndexFunc(o.results, func(has Result) bool { return has.Subject == option })
	if at < 0 {
		o.results = append(o.results, r)
		return
	}
	worse, other := o.results[at], r
	if r.Status.Worse(worse.Status) {
		worse, other = r, worse
	}
	if !other.Status.Fine() {
		worse.Detail += fmt.Sprintf("; besides (%s): %s", other.Reason, other.Detail)
	}
	o.results[at] = worse
}

// refuse is for what vic-machine create refuses.
func (o *optionJudge) refuse(option string, reason Reason, format string, args ...any) {
	o.say(option, Fail, CreateRefuses, reason, format, args...)
}

// warn is for what it only warns of.
func (o *optionJudge) warn(option string, reason Reason, format string, args ...any) {
	o.say(option, Warn, CreateWarns, reason, format, args...)
}

// remark is for what it does not look at.
func (o *optionJudge) remark(option string, reason Reason, format string, args ...any) {
	o.say(option, Warn, CreateSilent, reason, format, args...)
}
