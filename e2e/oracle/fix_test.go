package oracle_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"pgregory.net/rapid"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// managers are who must not be shut out.
var managers = []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}

func drawOptions(t *rapid.T, reqs []checks.Requirement) fix.AllowOptions {
	o := fix.AllowOptions{Ruleset: fix.Auto, NarrowBroad: rapid.Bool().Draw(t, "narrow broad")}
	if oneIn(t, 3, "named") {
		o.Ruleset = oneOf(t, "ruleset", keys)
	}
	switch rapid.IntRange(0, 4).Draw(t, "allowed ip") {
	case 3:
		o.Only = slices.Clone(reqs[0].Peers)
	case 4:
		o.Only = drawPeers(t)
	}
	o.Managing = []string{"vSphereClient"}
	if !oneIn(t, 4, "managers unknown") {
		o.Managers = func(*inventory.Host, string) ([]netip.Prefix, string) { return managers, "" }
	}
	return o
}

// drawFaults are calls that fail, of which some are made all the same.
func drawFaults(t *rapid.T, e *estate) {
	e.fails, e.lost = map[int]bool{}, map[int]bool{}
	if !oneIn(t, 3, "faults") {
		return
	}
	for range rapid.IntRange(1, 3).Draw(t, "faults") {
		at := rapid.IntRange(1, 8).Draw(t, "at call")
		e.fails[at], e.lost[at] = true, rapid.Bool().Draw(t, "made all the same")
	}
}

// journals is a folder in memory, where there is one: they are synced with each change.
func journals() string {
	GinkgoHelper()
	dir, err := os.MkdirTemp("/dev/shm", "oracle-")
	if err != nil {
		return GinkgoT().TempDir()
	}
	DeferCleanup(os.RemoveAll, dir)
	return dir
}

// carried is a plan that was applied and looked at.
type carried struct {
	outcomes []*fix.Outcome
	recorded *fix.Recorded
}

func carryOut(t *rapid.T, e *estate, inv *inventory.Inventory, reqs []checks.Requirement, p *fix.Plan, path string) carried {
	h := fix.Header{Tool: "test", Address: inv.Endpoint.Address, InstanceUUID: inv.Endpoint.InstanceUUID}
	for _, req := range reqs {
		h.Requirements = append(h.Requirements, *fix.RequirementOf(req))
	}
	j, err := fix.CreateJournal(path, h)
	must(t, err)
	defer os.Remove(path)
	workers := 3
	if len(e.fails) > 0 {
		workers = 1 // the same calls fail each time
	}
	outcomes, err := fix.Apply(context.Background(), p, e, j, fix.ApplyOptions{Workers: workers, HostTimeout: time.Minute})
	must(t, err)
	must(t, j.Close())
	fix.Verify(context.Background(), outcomes, e, fix.VerifyOptions{Timeout: time.Nanosecond, HostTimeout: time.Minute, Workers: 3})
	recorded, err := fix.ReadJournal(path)
	must(t, err)
	return carried{outcomes, recorded}
}

func must(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

// undone plans and makes the way back, as another run does.
func undone(t *rapid.T, e *estate, inv *inventory.Inventory, reqs []checks.Requirement, c carried, path string) *fix.Plan {
	now := e.seen(inv)
	p, err := fix.Undo(now, c.recorded.Header, fix.Relocate(now, c.recorded.Entries), nil, false)
	must(t, err)
	carryOut(t, e, now, reqs, p, path)
	return p
}

// different are the rulesets that are not as they were, as host/ruleset.
func different(before, now *estate) map[string]bool {
	found := map[string]bool{}
	for id := range now.hosts {
		for i := range now.hosts[id] {
			if was, is := &before.hosts[id][i], &now.hosts[id][i]; was.Enabled != is.Enabled || !sameBytes(was.Allowed, is.Allowed) {
				found[id+"/"+is.Key] = true
			}
		}
	}
	return found
}

// sameBytes compares lists as they are written.
func sameBytes(a, b *inventory.AllowedHosts) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.All == b.All && slices.Equal(a.Addrs, b.Addrs) && slices.Equal(a.Networks, b.Networks)
}

// planned holds the plan itself against what a fix may take.
func planned(t *rapid.T, p *fix.Plan, reqs []checks.Requirement, o fix.AllowOptions) {
	for _, hp := range p.Hosts {
		for _, c := range hp.Changes {
			rs := c.Host.Firewall.Ruleset(c.Ruleset)
			switch {
			case rs == nil:
				t.Fatalf("%s is changed and is not there", c.Ruleset)
			case c.Before.Enabled && !c.After.Enabled:
				t.Fatalf("allowing disables %s", c.Ruleset)
			case o.Ruleset == fix.Auto && !taken(reqs[slices.IndexFunc(reqs, func(r checks.Requirement) bool { return r.Name == hp.Requirement })], rs):
				t.Fatalf("%s is taken without being named\n%s", c.Ruleset, shown(c.Host))
			}
			if now, later := c.Before.Allowed, c.After.Allowed; rs.Enabled && now != nil && later != nil {
				keepsAll(t, c.Ruleset, now, later)
			}
			managed(t, c, o)
		}
	}
}

// taken reports whether a ruleset may be taken that nobody names: one that is nobody else's
// and, but for a fallback, opens little more.
func taken(req checks.Requirement, rs *inventory.Ruleset) bool {
	return owned(&req, rs) && (slices.Contains(req.Fallback, rs.Key) || !broad(&req, flow{direction: req.Direction, protocol: req.Protocol}, rs))
}

// keepsAll holds that a list that is in force loses nobody.
func keepsAll(t *rapid.T, key string, before, after *inventory.AllowedHosts) {
	if after.All {
		return
	}
	lost := before.All
	for _, text := range before.Addrs {
		lost = lost || !slices.Contains(after.Addrs, text)
	}
	for _, n := range before.Networks {
		lost = lost || !slices.Contains(after.Networks, n)
	}
	if lost {
		t.Fatalf("the list of %s loses somebody: %v, then %v", key, before, after)
	}
}

// managed holds that a ruleset by which hosts are managed is put into force for nobody
// without those who manage them.
func managed(t *rapid.T, c *fix.Change, o fix.AllowOptions) {
	after := c.After.Allowed
	fresh := !c.Before.Enabled || c.Before.Allowed != nil && c.Before.Allowed.All
	if !slices.Contains(o.Managing, c.Ruleset) || !fresh || after != nil && after.All {
		return
	}
	a := audienceOf([]*inventory.Ruleset{{Allowed: after}})
	if o.Managers == nil || slices.ContainsFunc(managers, func(p netip.Prefix) bool { return !a.has(p) }) {
		t.Fatalf("%s is put into force for %v, without who manages the host", c.Ruleset, after)
	}
}

// fixed holds that what the plan is to have done for a host is so.
func fixed(t *rapid.T, e *estate, inv *inventory.Inventory, reqs []checks.Requirement, p *fix.Plan, c carried) (chosen int) {
	failed := map[string]bool{}
	for _, o := range c.outcomes {
		if !o.Done {
			failed[o.Change.Host.ID] = true
		}
	}
	now := e.seen(inv)
	for _, hp := range p.Hosts {
		if hp.Reason != fix.Chosen && hp.Reason != fix.SharesChange || failed[hp.Host.ID] {
			continue
		}
		h := &now.Hosts[slices.IndexFunc(now.Hosts, func(h inventory.Host) bool { return h.ID == hp.Host.ID })]
		req, _ := requiredOf(h, reqs[slices.IndexFunc(reqs, func(r checks.Requirement) bool { return r.Name == hp.Requirement })])
		unknown := len(req.Peers) == 0 || len(req.Unnamed) > 0
		if r := rule(h, &req); !through(h, &req) && !(unknown && slices.Contains(r.reasons, checks.AllowedHostsUnverified)) {
			t.Fatalf("%s: %s is planned (%s, %s) and made, and is %v, %v\n%s\n%s", h.Name, req, hp.Reason, hp.Detail, r.status, r.reasons, shown(h), shown(req))
		}
		chosen++
	}
	return chosen
}

var _ = It("what is planned and made lets packets through, changes nothing else, and is undone byte for byte", func() {
	chosen, path := 0, filepath.Join(journals(), "j")
	always(func(t *rapid.T) int {
		inv, reqs := drawEstate(t, true)
		options := drawOptions(t, reqs)
		e, first := newEstate(inv), newEstate(inv)
		drawFaults(t, e)

		p := fix.Allow(checks.JudgeAll(inv, reqs...), options)
		planned(t, p, reqs, options)
		c := carryOut(t, e, inv, reqs, p, path)
		if len(e.refused) > 0 {
			t.Fatalf("%v\n%s", errors.Join(e.refused...), shown(inv.Hosts))
		}
		allowed := map[string]bool{}
		for _, o := range c.outcomes {
			allowed[o.Change.Host.ID+"/"+o.Change.Ruleset] = true
		}
		for place := range different(first, e) {
			if !allowed[place] {
				t.Fatalf("%s is changed, and was not planned", place)
			}
		}
		chosen += fixed(t, e, inv, reqs, p, c)
		again(t, e, inv, reqs, options, p, c)
		e.fails = nil
		back := undone(t, e, inv, reqs, c, path)
		if left := different(first, e); len(left) > 0 {
			t.Fatalf("%v is not as it was: %s\n%v\n%v\n%s", slices.Collect(maps.Keys(left)), reasons(back), first.hosts, e.hosts, shown(c.recorded.Entries))
		}
		return len(inv.Hosts)
	})
	Expect(chosen).To(BeNumerically(">", manyHosts/100), "what is drawn is fixed often enough to show something")
	GinkgoWriter.Printf("%d requirements fixed\n", chosen)
})

// again holds that a second run finds nothing to do on hosts where the first one did all.
func again(t *rapid.T, e *estate, inv *inventory.Inventory, reqs []checks.Requirement, o fix.AllowOptions, p *fix.Plan, c carried) {
	unsure := map[string]bool{}
	for _, hp := range p.Hosts { // what is left alone for one may do once another has changed the host
		all := hp.Reason == fix.Chosen || hp.Reason == fix.SharesChange || hp.Reason == fix.AlreadyPermitted
		unsure[hp.Host.ID] = unsure[hp.Host.ID] || !all
	}
	for _, out := range c.outcomes {
		unsure[out.Change.Host.ID] = unsure[out.Change.Host.ID] || !out.Verified
	}
	for _, change := range fix.Allow(checks.JudgeAll(e.seen(inv), reqs...), o).Changes() {
		if !unsure[change.Host.ID] {
			t.Fatalf("%s: a second run would %s %s: %v, then %v\n%s\n%s", change.Host.Name, change.Verb(), change.Ruleset, change.Before.Allowed, change.After.Allowed, shown(change.Host), shown(reqs))
		}
	}
}

var _ = It("what is closed is closed, and is undone byte for byte", func() {
	closed, path := 0, filepath.Join(journals(), "j")
	always(func(t *rapid.T) int {
		inv, reqs := drawEstate(t, true)
		e, first := newEstate(inv), newEstate(inv)
		drawFaults(t, e)
		p := fix.Deny(checks.JudgeAll(inv, reqs...), fix.DenyOptions{Managing: []string{"vSphereClient"}})
		c := carryOut(t, e, inv, reqs, p, path)
		if len(e.refused) > 0 {
			t.Fatalf("%v\n%s", errors.Join(e.refused...), shown(inv.Hosts))
		}
		changed := map[string]bool{}
		for _, o := range c.outcomes {
			if o.Done {
				closed++
				changed[o.Change.Host.ID+"/"+o.Change.Ruleset] = true
			}
			if o.Change.After.Enabled || o.Change.Ruleset == "vSphereClient" {
				t.Fatalf("%s is not to be closed", o.Change.Ruleset)
			}
		}
		for id, rulesets := range e.hosts {
			for _, rs := range rulesets {
				if changed[id+"/"+rs.Key] && rs.Enabled {
					t.Fatalf("%s of %s is open all the same", rs.Key, id)
				}
			}
		}
		for place := range different(first, e) {
			if !changed[place] && len(e.fails) == 0 {
				t.Fatalf("%s is changed, and was not planned", place)
			}
		}
		e.fails = nil
		back := undone(t, e, inv, reqs, c, path)
		if left := different(first, e); len(left) > 0 {
			t.Fatalf("%v is not as it was: %s\n%s", slices.Collect(maps.Keys(left)), reasons(back), shown(c.recorded.Entries))
		}
		return len(inv.Hosts)
	})
	Expect(closed).To(BeNumerically(">", manyHosts/100), "what is drawn is closed often enough to show something")
})

func reasons(p *fix.Plan) (text string) {
	for _, hp := range p.Hosts {
		text += fmt.Sprintf("%s: %s, %s; ", hp.Host.Name, hp.Reason, hp.Detail)
	}
	return text
}
