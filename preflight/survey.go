package preflight

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/onhost"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// survey asks hosts over SSH what has to be known before a change by the methods.
// The result is by host ID.
func survey(ctx context.Context, o Options, client *onhost.Client, hosts []*inventory.Host, methods func(*inventory.Host) []fix.Method) map[string]fix.Survey {
	surveys := make(map[string]fix.Survey, len(hosts))
	onEach(o, hosts, func(h *inventory.Host) func() {
		found := fix.Survey{Err: "not begun: the run ended before"}
		if ctx.Err() == nil {
			found = client.Survey(ctx, h, methods(h)...)
		}
		return func() { surveys[h.ID] = found }
	})
	return surveys
}

// findOrigins looks on the hosts for where the rulesets come from that permit a
// requirement and that ESXi does not bring itself. Where that fails it says so, and
// the verdict goes by what the API tells.
func findOrigins(ctx context.Context, s *session, inv *inventory.Inventory, o Options, in *inputs) {
	if !o.Origins || ctx.Err() != nil {
		return
	}
	hosts := pointers(inv, anyJudge(sync.OnceValue(o.judges), (*checks.Judge).SoftwareMatters))
	if len(hosts) == 0 {
		return
	}
	way := openHosts(ctx, s, o, in.login, hosts)
	defer way.close()
	client := &onhost.Client{Login: *in.login, Place: way.place}
	onEach(o, hosts, func(h *inventory.Host) func() {
		var keys []string
		for _, req := range o.Requirements {
			keys = append(keys, req.SiteRulesets(h)...)
		}
		slices.Sort(keys)
		found, err := client.Origins(ctx, h, slices.Compact(keys))
		return func() {
			h.Origins = found
			if err != nil {
				o.observer().Warn(fmt.Sprintf("where all rulesets of %s come from was not found out: %v", h.Name, err))
			}
		}
	})
}
