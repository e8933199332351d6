package fix

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// Method is a way to open the port.
type Method string

// The methods. The zero value is MethodRuleset.
const (
	// MethodRuleset switches a ruleset that the host has, through the API.
	MethodRuleset Method = ""
	// MethodVIB installs a VIB that brings a ruleset, over SSH.
	MethodVIB Method = "vib"
	// MethodServiceXML writes a ruleset into the host's service.xml, over SSH. It
	// is gone after the host's next start.
	MethodServiceXML Method = "service-xml"
)

// VIBChange is what is done about a VIB.
type VIBChange struct {
	// Name is the VIB's, ID esxcli's vendor_type_name_version.
	Name, ID string
	// AcceptanceBefore is the host's acceptance level when the change lowers it
	// to the community's (or, undone, sets it back); empty when it stays.
	AcceptanceBefore string
}

// FileChange is what is done about a file on the host.
type FileChange struct {
	Path          string
	Before, After []byte
}

// Survey is what a host says of itself over SSH, before anything is changed.
type Survey struct {
	// Err says why nothing is known; empty when the rest is.
	Err string
	// Rulesets are the keys of the host's own list, which vCenter's may lag.
	Rulesets []string
	// Acceptance is the acceptance level, as esxcli spells it.
	Acceptance string
	SecureBoot inventory.Tristate
	// VIBs are the installed ones, and those that the next start brings.
	VIBs []InstalledVIB
	// File is service.xml, where that was asked for.
	File []byte
}

// InstalledVIB is a VIB on a host.
type InstalledVIB struct{ Name, ID string }

func (s *Survey) vib(name string) string {
	for _, v := range s.VIBs {
		if v.Name == name {
			return v.ID
		}
	}
	return ""
}

// OtherVIB is the ID of a VIB of the name that is not the one of the ID; empty when
// there is none.
func (s *Survey) OtherVIB(name, id string) string {
	for _, v := range s.VIBs {
		if v.Name == name && v.ID != id {
			return v.ID
		}
	}
	return ""
}

// CommunitySupported is the acceptance level that takes a community VIB.
const CommunitySupported = "CommunitySupported"

// Offer is what is to be brought to hosts that lack it.
type Offer struct {
	Method Method
	// Ruleset is what a host would have afterwards.
	Ruleset inventory.Ruleset

	// VIB is of MethodVIB. Suits says why a host of the version would not take
	// it, empty when it would, and what speaks against it all the same.
	VIB             VIBChange
	Suits           func(version string) (problem string, doubts []string)
	MaintenanceMode bool
	// Signed VIBs have a signature. A host with UEFI Secure Boot does not start with one
	// that has none, whatever level it claims.
	Signed bool
	// Community VIBs need the acceptance level CommunitySupported, which
	// LowerAcceptance permits to set.
	Community, LowerAcceptance bool
	// SecureBootUnknown permits hosts that do not tell whether they have it.
	SecureBootUnknown bool
	// Also is what the VIB brings besides, a phrase each.
	Also []string

	// Insert is of MethodServiceXML: it makes the new file of the old one, and says what
	// is odd about that.
	Insert func(file []byte) (edited []byte, doubts []string, err error)
}

// ServiceXML is the file that MethodServiceXML writes.
const ServiceXML = "/etc/vmware/firewall/service.xml"

// Wants reports whether the host needs the offer as far as the API tells, and
// may have to be surveyed.
func (o *Offer) Wants(j *checks.Judgement) bool { return o.beforehand(j).Reason == "" }

// Decisive are, of several requirements that the offer is for, the judgements that say what
// becomes of each host: one that wants the offer before one that keeps it away, and that
// before one that needs nothing.
func (o *Offer) Decisive(judged []checks.Judgements) checks.Judgements {
	rank := func(j *checks.Judgement) int {
		switch o.beforehand(j).Reason {
		case "":
			return 0
		case AlreadyPermitted:
			return 2
		}
		return 1
	}
	all := judged[0]
	all.Hosts = slices.Clone(all.Hosts)
	at := map[string]int{} // by host ID
	for i := range all.Hosts {
		at[all.Hosts[i].Host.ID] = i
	}
	for _, more := range judged[1:] {
		for _, j := range more.Hosts {
			if i, ok := at[j.Host.ID]; !ok {
				at[j.Host.ID], all.Hosts = len(all.Hosts), append(all.Hosts, j)
			} else if rank(&j) < rank(&all.Hosts[i]) {
				all.Hosts[i] = j
			}
		}
	}
	return all
}

// Bring plans to bring the offer to every host that does not let the requirement
// through. Surveys, by host ID, are of the hosts that Wants is true of.
func Bring(judged checks.Judgements, o Offer, surveys map[string]Survey) *Plan {
	p := &Plan{Hosts: make([]HostPlan, len(judged.Hosts))}
	for i := range judged.Hosts {
		j := &judged.Hosts[i]
		p.Hosts[i] = o.host(j, surveys[j.Host.ID])
	}
	return p
}

// beforehand is the plan of a host that needs no survey; else it has no reason.
func (o *Offer) beforehand(j *checks.Judgement) HostPlan {
	h, verdict := j.Host, j.Port
	if hp, yes := unavailable(h); yes {
		return hp
	}
	rs := h.Firewall.Ruleset(o.Ruleset.Key)
	brought := rs != nil && rs.Enabled
	switch {
	case (verdict.Reason == checks.Permitted || verdict.Reason == checks.ListsOverlap) && (o.Method != MethodVIB || brought || j.Lasts()):
		return HostPlan{Host: h, Reason: AlreadyPermitted, Detail: verdict.Detail + untilReboot(j)}
	case verdict.Reason == checks.AllowedHostsUnverified:
		return HostPlan{Host: h, Reason: Unverified, Detail: verdict.Detail}
	case verdict.Status == checks.Unknown:
		return HostPlan{Host: h, Reason: HostUnavailable, Detail: verdict.Detail}
	case rs != nil:
		hp := HostPlan{Host: h, Reason: RulesetExists, Detail: fmt.Sprintf("the host has a ruleset %s already, which does not let the port out as it is", rs.Key)}
		if slices.ContainsFunc(verdict.Rulesets, func(v checks.RulesetVerdict) bool {
			return v.Key == rs.Key && v.Breadth != checks.Borrowed && !v.Locked
		}) {
			hp.Detail += fmt.Sprintf("; fix --allow --ruleset %s switches it", rs.Key)
		}
		return hp
	}
	return HostPlan{Host: h}
}

func (o *Offer) host(j *checks.Judgement, s Survey) HostPlan {
	h, hp := j.Host, o.beforehand(j)
	if hp.Reason != "" {
		return hp
	}
	switch {
	case s.Err != "":
		hp.Reason, hp.Detail = NotSurveyed, s.Err
		return hp
	case slices.Contains(s.Rulesets, o.Ruleset.Key):
		hp.Reason = RulesetExists
		hp.Detail = fmt.Sprintf("the host itself has a ruleset %s already, which vCenter does not show yet", o.Ruleset.Key)
		return hp
	}
	c := &Change{
		Host: h, Ruleset: o.Ruleset.Key, Method: o.Method, Before: State{Absent: true}, After: StateOf(&o.Ruleset),
		Opens: Opens(&o.Ruleset, o.Ruleset.Allowed),
	}
	var problem string
	if o.Method == MethodVIB {
		problem = o.planVIB(&hp, c, s)
	} else {
		problem = o.planFile(&hp, c, s)
	}
	if problem != "" {
		return HostPlan{Host: h, Reason: HostUnsuited, Detail: problem}
	}
	hp.Reason, hp.Detail, hp.Changes = Chosen, c.Why, []*Change{c}
	hp.Warnings = append(stale(h), hp.Warnings...)
	return hp
}

// planVIB returns why the host would not take the VIB; empty when it would.
func (o *Offer) planVIB(hp *HostPlan, c *Change, s Survey) (problem string) {
	h := hp.Host
	low := s.Acceptance == CommunitySupported || !o.Community
	unsigned := o.Community || !o.Signed
	unsuited, doubts := o.Suits(h.Version)
	switch installed := s.vib(o.VIB.Name); {
	case installed == o.VIB.ID:
		return fmt.Sprintf("%s is installed already, and its ruleset does not show: esxcli network firewall refresh on the host, or a start", o.VIB.ID)
	case installed != "":
		return fmt.Sprintf("another VIB of that name, %s, is installed and would be replaced: remove it, or build this one with another --name", installed)
	case unsuited != "":
		return unsuited
	case unsigned && s.SecureBoot == inventory.Yes:
		return "the host was started with UEFI Secure Boot, and would not start again with a VIB that is not signed"
	case unsigned && s.SecureBoot == inventory.Unknown && !o.SecureBootUnknown && !beforeSecureBoot(h.Version):
		return "whether the host was started with UEFI Secure Boot is not known, and one that was would not start again; --secure-boot-unknown installs all the same"
	case o.MaintenanceMode && h.Maintenance != inventory.Yes:
		return "the VIB asks for maintenance mode, and the host is not in it"
	case !low && !o.LowerAcceptance:
		return fmt.Sprintf("the host's acceptance level is %s, which takes no community VIB; --lower-acceptance-level lowers it to %s", s.Acceptance, CommunitySupported)
	}
	own := o.VIB
	if !low {
		own.AcceptanceBefore = s.Acceptance
		hp.Warnings = append(hp.Warnings, fmt.Sprintf("lowers the host's acceptance level from %s to %s, which the host shows as a security alert", s.Acceptance, CommunitySupported))
	}
	for _, doubt := range doubts {
		hp.Warnings = append(hp.Warnings, fmt.Sprintf("the host may refuse the VIB %s: %s", own.ID, doubt))
	}
	for _, also := range o.Also {
		hp.Warnings = append(hp.Warnings, fmt.Sprintf("the VIB %s also brings %s", own.ID, also))
	}
	c.VIB = &own
	c.Why = fmt.Sprintf("the VIB %s brings a ruleset that survives reboots", own.ID)
	return ""
}

// beforeSecureBoot reports whether a version of ESXi is older than its Secure
// Boot, which came with 6.5.
func beforeSecureBoot(version string) bool {
	return strings.HasPrefix(version, "5.") || strings.HasPrefix(version, "6.0")
}

// planFile returns why service.xml cannot be edited; empty when it can.
func (o *Offer) planFile(hp *HostPlan, c *Change, s Survey) (problem string) {
	after, doubts, err := o.Insert(s.File)
	if err != nil {
		return fmt.Sprintf("%s is left alone: %v", ServiceXML, err)
	}
	c.File = &FileChange{Path: ServiceXML, Before: s.File, After: after}
	c.Why = "a service of its own in service.xml"
	hp.Warnings = append(hp.Warnings, lostByHand)
	for _, doubt := range doubts {
		hp.Warnings = append(hp.Warnings, fmt.Sprintf("in %s %s", ServiceXML, doubt))
	}
	return ""
}

// undoOnHost adds to a host's plan what takes a change on the host itself back.
func undoOnHost(hp *HostPlan, e Entry, survey Survey, force bool) {
	c := &Change{
		Host: hp.Host, Ruleset: e.Ruleset, Method: e.Method, Why: "as it was before",
		Before: State{Absent: true}, After: e.Before.state(), Opens: "nothing any more",
	}
	if rs := hp.Host.Firewall.Ruleset(e.Ruleset); rs != nil {
		c.Before = StateOf(rs)
	}
	gone := c.Before.Absent && !slices.Contains(survey.Rulesets, e.Ruleset)
	switch {
	case survey.Err != "":
		hp.Reason, hp.Detail = NotSurveyed, survey.Err
		return
	case e.Method == MethodVIB && !c.After.Absent:
		hp.Reason, hp.Detail = NoRuleset, fmt.Sprintf("the VIB %s was removed by an undo; fix --allow --method vib installs it again", e.VIB.ID)
		return
	case e.Method == MethodVIB && survey.OtherVIB(e.VIB.Name, e.VIB.ID) != "":
		hp.Reason = ChangedSince
		hp.Detail = fmt.Sprintf("somebody has installed another VIB of that name since, %s: it is theirs to remove", survey.OtherVIB(e.VIB.Name, e.VIB.ID))
		return
	case e.Method == MethodVIB:
		// A level that is not the lowered one is somebody's choice since.
		leveled := e.VIB.AcceptanceBefore == "" || survey.Acceptance != CommunitySupported
		if survey.vib(e.VIB.Name) == "" && leveled && gone {
			return // removed already, with all that came with it
		}
		c.VIB = &VIBChange{Name: e.VIB.Name, ID: e.VIB.ID, AcceptanceBefore: e.VIB.AcceptanceBefore}
	case bytes.Equal(survey.File, e.File.Before) && c.Before.Equal(c.After) && gone == c.After.Absent:
		return // restored already, or by a reboot
	case c.After.Absent && gone && !bytes.Contains(survey.File, []byte("<id>"+e.Ruleset+"</id>")):
		return // whatever became of the file, what was inserted is not in it
	case !bytes.Equal(survey.File, e.File.Before) && !bytes.Equal(survey.File, e.File.After) && !force:
		hp.Reason = ChangedSince
		hp.Detail = fmt.Sprintf("somebody has changed %s since; --force puts it back as it was before this tool's change all the same", e.File.Path)
		return
	default:
		c.File = &FileChange{Path: e.File.Path, Before: survey.File, After: e.File.Before}
	}
	if !c.After.Absent {
		c.Opens = fmt.Sprintf("what %s of the restored file lets through", e.Ruleset)
		hp.Warnings = append(hp.Warnings, lostByHand)
	}
	hp.Changes = append(hp.Changes, c)
	if !hp.Reason.Refused() {
		hp.Reason, hp.Detail = Chosen, c.Why
	}
}

// lostByHand warns of what is written by hand.
const lostByHand = "does not survive a reboot of the host: a built-in ruleset (fix --allow) or a VIB (--method vib) does"

// OnHost reports whether an entry was made on the host itself, so that undoing
// it takes a login there.
func (e *Entry) OnHost() bool { return e.Method != MethodRuleset }
