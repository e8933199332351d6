package preflight

import (
	"errors"
	"fmt"
	"sync"

	"github.com/vic-preflight/vic-preflight/fix"
)

// mostRepairs is how often a host is repaired that is never well in between: then somebody
// else takes the change back, or it does not take.
const mostRepairs = 3

// repairs counts, by the hosts' IDs, the rounds of a watch that changed a host since it was
// well. A nil one counts nothing.
type repairs struct {
	mu    sync.Mutex
	since map[string]int
}

// spare refuses to repair hosts once more that were repaired often enough, and forgets of
// those that need no repair. Of a host that nothing is known of it forgets nothing.
func (r *repairs) spare(p *fix.Plan) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	bad := map[string]bool{}
	for _, h := range p.Hosts {
		bad[h.Host.ID] = bad[h.Host.ID] || len(h.Changes) > 0 || h.Reason.Refused()
	}
	for id, is := range bad {
		if !is {
			delete(r.since, id)
		}
	}
	p.Refuse(func(h *fix.HostPlan) (fix.Reason, string) {
		if r.since[h.Host.ID] < mostRepairs {
			return "", ""
		}
		return fix.RepairedInVain, fmt.Sprintf("the host was changed in %d rounds and needed it again each time: somebody else takes the change back, or it does not take; it is left alone until it is well for a round", mostRepairs)
	})
}

// count counts the hosts that were changed, or that it was tried on, once each.
func (r *repairs) count(outcomes []*fix.Outcome) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.since == nil {
		r.since = map[string]int{}
	}
	tried := map[string]bool{}
	for _, out := range outcomes {
		if out.Change != nil && !errors.Is(out.Err, fix.ErrNotStarted) {
			tried[out.Change.Host.ID] = true
		}
	}
	for id := range tried {
		r.since[id]++
	}
}
