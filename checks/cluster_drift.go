package checks

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// ClusterDrift is the ID of the check that compares the hosts of a cluster.
const ClusterDrift = "cluster-drift"

func clusterDrift() Check {
	return Check{
		ID:    ClusterDrift,
		Title: "The hosts of a cluster treat the port alike",
		Why: "vSphere moves container VMs between the hosts of a cluster. One host that differs breaks some " +
			"containers, some of the time.",
		Run: func(f Facts) []Result {
			var results []Result
			seen := newVerdicts()
			for _, c := range f.Inventory.Clusters() {
				if c.Name == "" {
					continue // standalone hosts have nothing to differ from
				}
				r := judgeDrift(f, c, seen)
				r.Check, r.Scope, r.Subject = ClusterDrift, ScopeCluster, c.Path
				results = append(results, r)
			}
			return results
		},
	}
}

func judgeDrift(f Facts, c inventory.Cluster, seen verdicts) Result {
	groups := map[string][]string{} // how a host treats the port: host names
	status := map[string]Status{}
	judged := 0
	for _, i := range c.Hosts {
		h := &f.Inventory.Hosts[i]
		r := seen.judge(h, f.Requirement)
		if r.Status == Unknown {
			continue
		}
		judged++
		how := string(r.Reason)
		if r.Reason == AllowedHostsUnverified {
			own := reachOf(match(h.Firewall.Rulesets, f.Requirement.Port).own)
			how += " for " + own.canonical()
		}
		groups[how], status[how] = append(groups[how], h.Name), r.Status
	}
	switch {
	case judged < 2:
		return Result{
			Status: Skip, Reason: TooFewHosts,
			Detail: fmt.Sprintf("%s could be judged, which leaves nothing to compare", count(judged, "host")),
		}
	case len(groups) == 1:
		return Result{Status: Pass, Reason: Uniform, Detail: fmt.Sprintf("all %d hosts treat the port alike", judged)}
	}

	// The norm is what the others are to become: the best verdict in the
	// cluster, and of equally good ones the most common. Beyond that the choice
	// only has to be the same in every run.
	hows := slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		return cmp.Or(CompareStatus(status[b], status[a]), cmp.Compare(len(groups[b]), len(groups[a])), cmp.Compare(a, b))
	})
	parts := make([]string, len(hows)-1)
	for i, how := range hows[1:] {
		parts[i] = fmt.Sprintf("%s on %s", how, strings.Join(groups[how], ", "))
	}
	return Result{
		Status: Warn, Reason: Drift,
		Detail: fmt.Sprintf("%d of %s differ from the rest (%s): %s",
			judged-len(groups[hows[0]]), count(judged, "host"), hows[0], strings.Join(parts, "; ")),
	}
}

// canonical lists what a reach lets through, equal for equal reaches.
func (r reach) canonical() string {
	texts := make([]string, len(r.prefixes))
	for i, p := range r.prefixes {
		texts[i] = p.String()
	}
	slices.Sort(texts)
	return strings.Join(slices.Compact(texts), ", ")
}

func count(n int, noun string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
