package oracle_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// estate are hosts as they are, whatever is known of them. It does as ESXi does: a call is
// refused where the host says so, and replaces a list as a whole.
type estate struct {
	fix.Client // what is not implemented is not called
	mu         sync.Mutex
	hosts      map[string][]inventory.Ruleset // by host ID
	stale      map[string]bool                // hosts that refuse to refresh
	// fails are the calls that change something and go wrong, counted over all; lost ones
	// are made all the same.
	fails, lost map[int]bool
	calls       int
	refused     []error
}

func clone(rs *inventory.Ruleset) inventory.Ruleset {
	own := *rs
	own.Rules, own.Allowed = slices.Clone(rs.Rules), cloneList(rs.Allowed)
	return own
}

func cloneList(l *inventory.AllowedHosts) *inventory.AllowedHosts {
	if l == nil {
		return nil
	}
	return &inventory.AllowedHosts{All: l.All, Addrs: slices.Clone(l.Addrs), Networks: slices.Clone(l.Networks)}
}

func newEstate(inv *inventory.Inventory) *estate {
	e := &estate{hosts: map[string][]inventory.Ruleset{}, stale: map[string]bool{}}
	for _, h := range inv.Hosts {
		e.hosts[h.ID] = []inventory.Ruleset{}
		for _, rs := range h.Firewall.Rulesets {
			e.hosts[h.ID] = append(e.hosts[h.ID], clone(rs))
		}
		e.stale[h.ID] = h.Firewall.Stale != ""
	}
	return e
}

var errFault = errors.New("the host refused the change")

// call makes a change of a ruleset, unless it goes wrong.
func (e *estate) call(ctx context.Context, h *inventory.Host, key string, may func(*inventory.Ruleset) bool, change func(*inventory.Ruleset)) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls++
	i := slices.IndexFunc(e.hosts[h.ID], func(rs inventory.Ruleset) bool { return rs.Key == key })
	if i < 0 || !may(&e.hosts[h.ID][i]) {
		err := fmt.Errorf("a call for %s of %s that no host would do", key, h.Name)
		e.refused = append(e.refused, err)
		return err
	}
	if e.fails[e.calls] && !e.lost[e.calls] {
		return errFault
	}
	change(&e.hosts[h.ID][i])
	if e.fails[e.calls] {
		return errFault
	}
	return ctx.Err()
}

func byUsers(rs *inventory.Ruleset) bool { return rs.UserControllable != inventory.No }

func (e *estate) EnableRuleset(ctx context.Context, h *inventory.Host, key string) error {
	return e.call(ctx, h, key, byUsers, func(rs *inventory.Ruleset) { rs.Enabled = true })
}

func (e *estate) DisableRuleset(ctx context.Context, h *inventory.Host, key string) error {
	may := func(rs *inventory.Ruleset) bool { return byUsers(rs) && !rs.Required }
	return e.call(ctx, h, key, may, func(rs *inventory.Ruleset) { rs.Enabled = false })
}

func (e *estate) SetAllowedHosts(ctx context.Context, h *inventory.Host, key string, l *inventory.AllowedHosts) error {
	may := func(rs *inventory.Ruleset) bool { return rs.IPListConfigurable != inventory.No && l != nil }
	return e.call(ctx, h, key, may, func(rs *inventory.Ruleset) { rs.Allowed = cloneList(l) })
}

func (e *estate) RefreshFirewall(_ context.Context, h *inventory.Host) error {
	if e.stale[h.ID] {
		return errors.New("NoPermission")
	}
	return nil
}

func (e *estate) ReadFirewalls(_ context.Context, hosts []*inventory.Host) {
	for _, h := range hosts {
		e.read(h)
	}
}

func (e *estate) read(h *inventory.Host) {
	e.mu.Lock()
	defer e.mu.Unlock()
	h.Firewall.Rulesets, h.Firewall.Unreadable = nil, ""
	for i := range e.hosts[h.ID] {
		rs := clone(&e.hosts[h.ID][i])
		h.Firewall.Rulesets = append(h.Firewall.Rulesets, &rs)
	}
}

// seen is the inventory as another run would read it.
func (e *estate) seen(inv *inventory.Inventory) *inventory.Inventory {
	now := *inv
	now.Hosts = slices.Clone(inv.Hosts)
	for i := range now.Hosts {
		e.read(&now.Hosts[i])
	}
	return &now
}
