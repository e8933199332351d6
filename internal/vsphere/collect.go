package vsphere

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
	"golang.org/x/sync/errgroup"

	"github.com/vic-preflight/vic-preflight/internal/guard"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// batchSize is how many hosts' firewalls one call reads. 25 to 100 cost the
// same; a batch is also what is read again when one host of it faults.
const batchSize = 50

// batchesInFlight is how many batches are read at a time. An answer is up to a
// megabyte, and more of them keep no vCenter busier.
const batchesInFlight = 8

// CollectOptions say what to read besides the rulesets.
type CollectOptions struct {
	// Refresh asks each host to refresh vCenter's copy of its firewall first.
	Refresh bool
	// Switch picks the hosts whose master switch is asked for, by their
	// rulesets; nil means all. It is two calls for each.
	Switch func(*inventory.Host) bool
	// Software picks the hosts whose installed packages are asked for, by their
	// rulesets; nil means none. It is a call for each and one for many together,
	// and two more for each where that call is refused.
	Software func(*inventory.Host) bool
	// PeerSettings, when set, has the hosts' own settings read too, and is called once when
	// all are there, before Switch and Software: each host has one for each PeerOrigin. It is
	// a call for each connected host, one for each batch of hosts that are not selected and
	// in a selected one's cluster, and one for the vCenter's key servers where a host has
	// vSAN.
	PeerSettings func(*inventory.Inventory)
	// HostTimeout bounds what is asked of one host (the refresh, its options, the master
	// switch, the packages), so that one that hangs costs itself. 0 means 30 seconds.
	HostTimeout time.Duration
	// Progress, when set, is told how many of a stage's hosts are done. A stage's
	// total does not change. It is called from several goroutines.
	Progress func(stage string, done, total int)
}

func (o CollectOptions) withDefaults() CollectOptions {
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	if o.HostTimeout <= 0 {
		o.HostTimeout = 30 * time.Second
	}
	return o
}

// Collect reads the facts of the selected hosts: two calls and one for each
// further batch of hosts, two for each host whose master switch is wanted, and
// those that CollectOptions.Software names.
// One host's fault, or a property it does not show, costs that host's
// facts and never another's.
//
// When the context ends half way, Collect returns what it has, with the other
// hosts marked as unread, and the context's error. An *SelectionError means
// that the selection fits no host.
func (s *Session) Collect(ctx context.Context, sel Selection, opts CollectOptions) (*inventory.Inventory, error) {
	opts = opts.withDefaults()
	t, err := s.readTree(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the inventory of %s: %w", s.cfg.Target.Address, err)
	}
	dc, nodes, err := s.locate(ctx, t, sel)
	if err != nil {
		if wrong := new(SelectionError); errors.As(err, &wrong) && dc != nil {
			wrong.Datacenter = t.path(dc)
		}
		return nil, err
	}
	inv := &inventory.Inventory{Endpoint: s.Endpoint(), Hosts: make([]inventory.Host, len(nodes)), Hidden: t.hidden(dc, sel)}
	if dc != nil {
		inv.Datacenter = t.path(dc)
	}
	for i, n := range nodes {
		inv.Hosts[i] = t.host(n)
		inv.Hosts[i].Firewall.Unreadable = unreadFirewall(n)
		inv.Hosts[i].Software.NotAsked = true
	}
	slices.SortStableFunc(inv.Hosts, func(a, b inventory.Host) int {
		return cmp.Or(cmp.Compare(a.ClusterPath, b.ClusterPath), cmp.Compare(a.Name, b.Name))
	})
	if inv.Endpoint.Kind == inventory.ESXi && inv.Endpoint.InstanceUUID == "" {
		inv.Endpoint.InstanceUUID = inv.Hosts[0].UUID
	}

	readable := make([]*inventory.Host, 0, len(inv.Hosts))
	for i := range inv.Hosts {
		if h := &inv.Hosts[i]; h.Firewall.ID != "" {
			readable = append(readable, h)
		}
	}
	if opts.Refresh {
		s.refresh(ctx, connected(readable), opts)
	}
	switches := s.startSwitches(ctx, opts, len(readable))
	if opts.PeerSettings == nil {
		s.readBatches(ctx, opts.Progress, switches.ask, firewalls(ctx, readable))
	} else {
		s.readSettings(ctx, t, inv, opts)
		opts.PeerSettings(inv)
		switches.ask(readable) // which of them depends on the settings
	}
	switches.wait()
	s.ReadSoftware(ctx, readable, opts)
	return inv, ctx.Err()
}

// unreadFirewall says why a host's firewall is not known before it was read.
func unreadFirewall(n *node) string {
	if _, ok := n.ref1("configManager.firewallSystem"); ok {
		return "its firewall was not read"
	}
	if f := n.missing("configManager.firewallSystem"); f != nil {
		return fmt.Sprintf("its firewall could not be read: %s", describeFault(f, ""))
	}
	return "the host has no firewall system"
}

func connected(hosts []*inventory.Host) []*inventory.Host {
	return slices.DeleteFunc(slices.Clone(hosts), func(h *inventory.Host) bool { return !h.IsConnected() })
}

func firewallRef(h *inventory.Host) types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: "HostFirewallSystem", Value: h.Firewall.ID}
}

func hostRef(h *inventory.Host) types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: kindHost, Value: h.ID}
}

// each calls f for every host, some at a time, until the context ends. Each call
// has a bound of its own.
func (s *Session) each(ctx context.Context, stage string, hosts []*inventory.Host, opts CollectOptions, f func(context.Context, *inventory.Host)) {
	count := counter(stage, len(hosts), opts.Progress)
	crew := s.newCrew(len(hosts), func(h *inventory.Host) {
		if ctx.Err() == nil {
			f(withCallBound(ctx, opts.HostTimeout), h)
			count(1)
		}
	})
	for _, h := range hosts {
		crew.queue <- h
	}
	crew.finish()
}

// refresh brings vCenter's copies up to date.
func (s *Session) refresh(ctx context.Context, hosts []*inventory.Host, opts CollectOptions) {
	for _, h := range hosts {
		h.Firewall.Stale = "it was not asked"
	}
	s.each(ctx, "refresh", hosts, opts, func(ctx context.Context, h *inventory.Host) {
		h.Firewall.Stale = ""
		if err := s.RefreshFirewall(ctx, h); err != nil {
			h.Firewall.Stale = Describe(err)
		}
	})
}

// RefreshFirewall asks the host to refresh what the API shows of its firewall.
// It needs the privilege Host.Config.NetService.
func (s *Session) RefreshFirewall(ctx context.Context, h *inventory.Host) error {
	_, err := methods.RefreshFirewall(ctx, s, &types.RefreshFirewall{This: firewallRef(h)})
	return plain(err)
}

// object is what a batch reads, and what is done with that, or with why it was not read.
type object struct {
	ref  types.ManagedObjectReference
	take func(*types.ObjectContent)
	fail func(error)
}

// group are hosts of which batches read the same.
type group struct {
	hosts      []*inventory.Host
	properties []types.PropertySpec
	objects    func(*inventory.Host) []object
}

// firewalls are those of the hosts.
func firewalls(ctx context.Context, hosts []*inventory.Host) group {
	return group{
		hosts,
		[]types.PropertySpec{{Type: "HostFirewallSystem", PathSet: []string{"firewallInfo"}}},
		func(h *inventory.Host) []object { return firewallObjects(ctx, h) },
	}
}

// firewallObjects is the host's firewall; nothing where it has none.
func firewallObjects(ctx context.Context, h *inventory.Host) []object {
	if h.Firewall.ID == "" {
		return nil
	}
	return []object{{
		ref:  firewallRef(h),
		take: func(content *types.ObjectContent) { setFirewall(&h.Firewall, content) },
		fail: func(err error) {
			if ctx.Err() != nil && h.Firewall.Unreadable == "" {
				return // read well before; this run's own clock does not unread it
			}
			h.Firewall.Unreadable = fmt.Sprintf("its firewall could not be read: %s", Describe(err))
		},
	}}
}

// readSettings reads firewalls and the hosts' settings of whom they talk to.
func (s *Session) readSettings(ctx context.Context, t *tree, inv *inventory.Inventory, opts CollectOptions) {
	r := s.newPeerReading(t, inv, opts)
	all := make([]*inventory.Host, len(inv.Hosts))
	for i := range inv.Hosts {
		all[i] = &inv.Hosts[i]
	}
	s.readBatches(ctx, opts.Progress, func([]*inventory.Host) {}, r.groups(ctx, all)...)
	r.finish(ctx, inv)
}

// readBatches reads all hosts of the groups in batches, and calls then for each batch that
// is there.
func (s *Session) readBatches(ctx context.Context, progress func(string, int, int), then func([]*inventory.Host), groups ...group) {
	var g errgroup.Group
	g.SetLimit(min(s.cfg.Workers, batchesInFlight))
	total := 0
	for _, of := range groups {
		total += len(of.hosts)
	}
	count := counter("read", total, progress)
	for _, of := range groups {
		for batch := range slices.Chunk(of.hosts, batchSize) {
			g.Go(func() error {
				var list []object
				for _, h := range batch {
					list = append(list, of.objects(h)...)
				}
				s.readBatch(ctx, of.properties, list)
				count(len(batch))
				then(batch)
				return nil
			})
		}
	}
	_ = g.Wait() // readBatch reports by object
}

// readBatch reads a batch, and halves it when the server faults on it as a whole, as
// vCenter does when one of the objects is gone, or when the answer cannot be read.
func (s *Session) readBatch(ctx context.Context, properties []types.PropertySpec, list []object) {
	if len(list) == 0 {
		return
	}
	byRef := make(map[types.ManagedObjectReference]object, len(list))
	spec := types.PropertyFilterSpec{PropSet: properties}
	for _, o := range list {
		byRef[o.ref] = o
		spec.ObjectSet = append(spec.ObjectSet, types.ObjectSpec{Obj: o.ref})
	}
	err := guard.Do(func() error {
		return s.retrieve(ctx, []types.PropertyFilterSpec{spec}, func(content *types.ObjectContent) {
			if o, asked := byRef[content.Obj]; asked {
				o.take(content)
			}
		})
	})
	switch {
	case err == nil:
	case len(list) > 1 && (faultOf(err) != nil || isAnswerError(err)):
		half := len(list) / 2
		s.readBatch(ctx, properties, list[:half])
		s.readBatch(ctx, properties, list[half:])
	default:
		for _, o := range list {
			o.fail(err)
		}
	}
}

// isAnswerError reports whether an answer was not what it should be, or too much, which
// may be one object's doing.
func isAnswerError(err error) bool {
	var unread *answerError
	return errors.As(err, &unread) || errors.Is(err, errElement)
}

func setFirewall(fw *inventory.Firewall, content *types.ObjectContent) {
	for _, m := range content.MissingSet {
		fw.Unreadable = fmt.Sprintf("its firewall could not be read: %s", describeFault(m.Fault.Fault, ""))
	}
	for _, p := range content.PropSet {
		if facts, ok := p.Val.(firewallFacts); ok {
			fw.Unreadable = ""
			fw.IncomingBlocked, fw.OutgoingBlocked, fw.Rulesets = facts.incomingBlocked, facts.outgoingBlocked, facts.rulesets
			return
		}
	}
	if len(content.MissingSet) == 0 {
		// Seen on disconnected and on old hosts: vmware/vic #6049, #6071.
		fw.Unreadable = "there is no firewall information of the host"
	}
}

func rulesetOf(rs *types.HostFirewallRuleset) *inventory.Ruleset {
	return &inventory.Ruleset{
		Key: rs.Key, Label: rs.Label, Enabled: rs.Enabled, Required: rs.Required, Service: rs.Service,
		UserControllable:   inventory.FromPtr(rs.UserControllable),
		IPListConfigurable: inventory.FromPtr(rs.IpListUserConfigurable),
		Rules:              rules(rs.Rule),
		Allowed:            allowed(rs.AllowedHosts),
	}
}

func rules(list []types.HostFirewallRule) []inventory.Rule {
	out := make([]inventory.Rule, len(list))
	for i, r := range list {
		out[i] = inventory.Rule{
			Port: int(r.Port), EndPort: int(r.EndPort), Direction: string(r.Direction),
			PortType: string(r.PortType), Protocol: r.Protocol,
		}
	}
	return out
}

func allowed(list *types.HostFirewallRulesetIpList) *inventory.AllowedHosts {
	if list == nil {
		return nil
	}
	a := &inventory.AllowedHosts{All: list.AllIp, Addrs: list.IpAddress}
	for _, n := range list.IpNetwork {
		a.Networks = append(a.Networks, inventory.Network{Address: n.Network, Bits: int(n.PrefixLength)})
	}
	return a
}
