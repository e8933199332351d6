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
		Why: "Virtual machines move between the hosts of a cluster. Where one host differs, what needs the port " +
			"works some of the time.",
		Run: func(f Facts) []Result {
			var results []Result
			clusters := f.Inventory.Clusters()
			for _, judged := range f.Judged {
				byHost := make(map[*inventory.Host]*Judgement, len(judged.Hosts))
				for i := range judged.Hosts {
					byHost[judged.Hosts[i].Host] = &judged.Hosts[i]
				}
				for _, c := range clusters {
					if c.Name == "" {
						continue // standalone hosts have nothing to differ from
					}
					results = append(results, Result{
						Check: ClusterDrift, Requirement: judged.Requirement.Name, Scope: ScopeCluster, Subject: c.Path,
						Verdict: judgeDrift(f.Inventory, byHost, c),
					})
				}
			}
			return results
		},
	}
}

// judgeDrift leaves out the hosts that nothing is required of.
func judgeDrift(inv *inventory.Inventory, byHost map[*inventory.Host]*Judgement, c inventory.Cluster) *Verdict {
	groups := map[string][]string{} // how a host treats the port: host names
	status := map[string]Status{}
	judged := 0
	for _, i := range c.Hosts {
		j := byHost[&inv.Hosts[i]]
		if j == nil || j.Port.Status == Unknown {
			continue
		}
		judged++
		v := j.Port
		how := string(v.Reason)
		if v.reach != "" {
			how += " for " + v.reach
		}
		groups[how], status[how] = append(groups[how], j.Host.Name), v.Status
	}
	switch {
	case judged < 2:
		return &Verdict{
			Status: Skip, Reason: TooFewHosts,
			Detail: fmt.Sprintf("%s could be judged, which leaves nothing to compare", count(judged, "host")),
		}
	case len(groups) == 1:
		return &Verdict{Status: Pass, Reason: Uniform, Detail: fmt.Sprintf("all %d hosts treat the port alike", judged)}
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
	return &Verdict{
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
