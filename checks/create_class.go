package checks

import (
	"net/netip"
	"slices"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// Classify says of the findings of the other checks what vic-machine create does about
// them. What create refuses is a failure, whatever it is besides. Results that have a class
// keep it, and without a virtual container host to be created all stay as they are. The
// results are not written to.
func Classify(results []Result, f Facts) []Result {
	if f.VCH == nil {
		return results
	}
	c := classifier{facts: f, attached: AttachedHosts(f), hosts: map[string]*inventory.Host{}, failed: map[*Verdict]*Verdict{}}
	for i := range f.Inventory.Hosts {
		c.hosts[f.Inventory.Hosts[i].Path] = &f.Inventory.Hosts[i]
	}
	left := slices.Clone(results)
	for i := range left {
		// The check esxcli says it, and what create does then.
		if left[i].Reason == SwitchUnreadable && c.silent(left[i].Subject, results) {
			left[i].Verdict = switchByESXCLI
		}
		if wrong(left[i].Status) && left[i].Class == "" {
			left[i].Class = c.classOf(left[i])
			if left[i].Class == CreateRefuses && left[i].Status != Fail {
				left[i].Verdict = c.fail(left[i].Verdict)
			}
		}
	}
	return left
}

type classifier struct {
	facts    Facts
	attached Attachment
	hosts    map[string]*inventory.Host
	failed   map[*Verdict]*Verdict // hosts that are alike go on sharing their verdicts
	// unanswered are the paths of the hosts that do not answer esxcli; nil until one is asked for.
	unanswered map[string]bool
}

func (c *classifier) classOf(res Result) Class {
	h := c.hosts[res.Subject]
	if res.Scope != ScopeHost || h == nil || !c.attached.Looks(h.ID) {
		return CreateSilent
	}
	if res.Check == OutboundPort && c.byCreate(res.Requirement) {
		return c.portByCreate(h)
	}
	return CreateSilent
}

// silent reports whether the check esxcli says of a host that it does not answer.
func (c *classifier) silent(host string, results []Result) bool {
	if c.unanswered == nil {
		c.unanswered = map[string]bool{}
		for _, res := range results {
			if res.Check == ESXCLICheck && res.Reason == ESXCLIRefused {
				c.unanswered[res.Subject] = true
			}
		}
	}
	return c.unanswered[host]
}

var switchByESXCLI = &Verdict{Status: Skip, Reason: NotJudged, Detail: "whether the firewall is on could not be read: the check esxcli says why"}

// byCreate reports whether create judges the requirement too.
func (c *classifier) byCreate(name string) bool {
	return slices.ContainsFunc(c.facts.Judged, func(j Judgements) bool { return j.Requirement.Name == name && j.Requirement.ByVICMachine() })
}

// fail is the verdict as a failure.
func (c *classifier) fail(v *Verdict) *Verdict {
	if c.failed[v] == nil {
		failed := *v
		failed.Status = Fail
		failed.Detail += "; vic-machine create refuses such a host"
		c.failed[v] = &failed
	}
	return c.failed[v]
}

// portByCreate is what create makes of a host's rulesets (lib/install/validate/config.go,
// ManagementNetAllowed and CheckFirewallForTether). It takes every ruleset that is enabled
// and opens the port, whoever owns it, and refuses nothing where esxcli says that the
// firewall is disabled. An address that is leased it cannot compare with a list.
func (c *classifier) portByCreate(h *inventory.Host) Class {
	shut := CreateRefuses
	if h.Firewall.Switch.Enabled == inventory.No {
		shut = CreateWarns
	}
	vic := VIC()
	var lists []netip.Prefix
	for _, rs := range h.Firewall.Rulesets {
		if !rs.Enabled || rs.Allowed == nil || !vic.Covers(rs) {
			continue
		}
		if rs.Allowed.All {
			return CreateSilent
		}
		prefixes, _ := rs.Allowed.Prefixes()
		lists = append(lists, prefixes...)
	}
	at, _ := c.facts.VCH.Address()
	address := at.Addr()
	switch {
	case !address.IsValid() && len(lists) > 0:
		return CreateWarns
	case address.IsValid() && slices.ContainsFunc(lists, func(p netip.Prefix) bool { return p.Contains(address) }):
		return CreateSilent
	}
	return shut
}
