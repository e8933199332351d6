package checks

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// Create returns the checks of what vic-machine create asks for besides those of Default,
// in the order in which reports show them. A run about a virtual container host makes
// both. They answer nothing where Facts.VCH is nil.
func Create() []Check {
	return append([]Check{
		targetDatacenter(),
		managedByVCenter(),
		computeResource(),
		imageStore(),
		volumeStore(),
		datastoreAccess(),
		storageQuota(),
		attachedHosts(),
		networks(),
		bridgeNetwork(),
		containerNetworks(),
		networkHosts(),
		persistNetworkBacking(),
		license(),
		licenseExpiry(),
		drs(),
		vmGroup(),
		esxcli(),
		vchName(),
		opsUser(),
		timeSync(),
		inbound443(),
	}, inputChecks()...)
}

// site is where a virtual container host is to be created, with all that is known of it.
type site struct {
	facts Facts
	vch   *VCH
	inventory.Placement
	endpoint inventory.Endpoint
	// hosts are those of the compute resource that were read, in the inventory's order;
	// all where its list of hosts is not known.
	hosts []*inventory.Host

	// What is made when it is first asked for.
	attached *Attachment
	mounts   map[*inventory.Datastore]map[string]inventory.Mount
}

func siteOf(f Facts) *site {
	s := &site{facts: f, vch: f.VCH, endpoint: f.Inventory.Endpoint, mounts: map[*inventory.Datastore]map[string]inventory.Mount{}}
	if f.Inventory.Placement != nil {
		s.Placement = *f.Inventory.Placement
	}
	members := map[string]bool{}
	for _, id := range s.Compute.Hosts {
		members[id] = true
	}
	for i := range f.Inventory.Hosts {
		if h := &f.Inventory.Hosts[i]; s.Compute.Hosts == nil || members[h.ID] {
			s.hosts = append(s.hosts, h)
		}
	}
	return s
}

// onSite makes a Check.Run out of one over the site.
func onSite(run func(*site) []Result) func(Facts) []Result {
	return func(f Facts) []Result {
		if f.VCH == nil {
			return nil
		}
		return run(siteOf(f))
	}
}

// wasRead reports whether anybody looked at the site: where nobody did, lists that are
// empty say nothing.
func (s *site) wasRead() bool { return s.Compute.ID != "" || s.Compute.Problem != "" }

func (s *site) onVCenter() bool { return s.endpoint.Kind == inventory.VCenter }

// finding is what a check has found, with what vic-machine create does about it.
type finding struct {
	class Class
	*Verdict
}

func found(status Status, class Class, reason Reason, format string, args []any) finding {
	return finding{class, &Verdict{Status: status, Reason: reason, Detail: fmt.Sprintf(format, args...)}}
}

// refuses is for what vic-machine create refuses.
func refuses(reason Reason, format string, args ...any) finding {
	return found(Fail, CreateRefuses, reason, format, args)
}

// warns is for what it only warns of.
func warns(reason Reason, format string, args ...any) finding {
	return found(Warn, CreateWarns, reason, format, args)
}

// ours is for what it does not look at.
func ours(reason Reason, format string, args ...any) finding {
	return found(Warn, CreateSilent, reason, format, args)
}

func inOrder(format string, args ...any) finding { return found(Pass, "", InOrder, format, args) }

func notKnown(format string, args ...any) finding {
	return found(Unknown, "", PlaceUnreadable, format, args)
}

func leftOut(reason Reason, format string, args ...any) finding {
	return found(Skip, "", reason, format, args)
}

// gravest is the worst of the findings about one subject, the first of several that are
// alike. What the others say follows, but for those that are fine: there is one result
// for each subject, and no reason is left untold.
func gravest(list []finding) finding {
	at := 0
	for i, f := range list {
		if f.Status.Worse(list[at].Status) {
			at = i
		}
	}
	v := *list[at].Verdict
	for i, f := range list {
		if i != at && !f.Status.Fine() {
			v.Detail += fmt.Sprintf("; besides (%s): %s", f.Reason, f.Detail)
		}
	}
	return finding{list[at].class, &v}
}

// result is a finding about the virtual container host: subject is an inventory path,
// or an option where there is no object.
func (f finding) result(check, subject string) Result {
	return Result{Check: check, Scope: ScopeVCH, Subject: subject, Class: f.class, Verdict: f.Verdict}
}

// one makes the only result of a check.
func (f finding) one(check, subject string) []Result { return []Result{f.result(check, subject)} }

// computeSubject is the path of the compute resource, or its option where none was found.
func (s *site) computeSubject() string {
	if s.Compute.Path != "" {
		return s.Compute.Path
	}
	return "--compute-resource"
}

// unplaced is what checks say that need a compute resource where there is none: that is a
// finding of its own, which is not repeated.
func (s *site) unplaced() (f finding, yes bool) {
	switch {
	case s.Compute.ID != "":
		return finding{}, false
	case s.Compute.Problem != "":
		return leftOut(NotJudged, "there is no compute resource to judge it for"), true
	}
	return notKnown("the compute resource was not read"), true
}

// unread says why the compute resource does not tell something.
func (s *site) unread(what string) finding {
	return notKnown("%s is not known: %s", what, cmp.Or(s.Compute.Unreadable, "it was not read"))
}

// perHost judges the hosts of the compute resource one by one.
func (s *site) perHost(check string, judge func(*inventory.Host) finding) []Result {
	if f, yes := s.unplaced(); yes {
		return f.one(check, s.computeSubject())
	}
	if len(s.hosts) == 0 {
		return leftOut(NotJudged, "no host of the compute resource was read").one(check, s.computeSubject())
	}
	results := make([]Result, len(s.hosts))
	for i, h := range s.hosts {
		f := judge(h)
		results[i] = Result{Check: check, Scope: ScopeHost, Subject: h.Path, Class: f.class, Verdict: f.Verdict}
	}
	return results
}

// perAttached judges all hosts of the compute resource by what vic-machine create asks of
// those that it looks at. On the others it refuses nothing, and what is wrong with them is
// a warning of ours.
func (s *site) perAttached(check string, judge func(*inventory.Host) finding) []Result {
	return s.perHost(check, func(h *inventory.Host) finding {
		f := judge(h)
		if f.Status != Fail || s.attachment().Looks(h.ID) {
			return f
		}
		return ours(f.Reason, "%s; create does not look at this host: %s", f.Detail, s.attachment().Others[h.ID])
	})
}

// base is the last element of a path.
func base(full string) string { return path.Base(full) }

// few lists up to four names and counts the others.
func few(names []string) string {
	const shown = 4
	if len(names) <= shown+1 {
		return enumerate(names)
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}
