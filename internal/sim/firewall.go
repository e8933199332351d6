package sim

import (
	"errors"
	"net/netip"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// Host is one simulated host, with the firewall that it really has. vCenter's
// copy of it is in the firewallSystem.
type Host struct {
	Name string
	// Ref is the host's managed object.
	Ref types.ManagedObjectReference

	object *simulator.HostSystem
	system *firewallSystem
	// address is the host's own; it dials from it.
	address netip.Addr
	network Network // nil on loopback

	services *serviceSystem
	clock    *dateTimeSystem
	options  *optionManager
	image    image // h.mu guards what can change
	// direct hosts have no vCenter before them whose copy could lag.
	direct     bool
	denySwitch bool
	untold     untold
	role       *role

	mu          sync.Mutex
	firewall    *types.HostFirewallInfo // replaced, never written to
	off         bool
	notLoaded   bool
	defaultPass bool
	lag         int // refreshes that vCenter's copy does not take over
}

// untold is what the host's esxcli leaves out of the firewall's state.
type untold struct{ enabled, loaded, defaultAction bool }

// UUID is that of the host's hardware.
func (h *Host) UUID() string { return h.object.Summary.Hardware.Uuid }

func (h *Host) lagging() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lag > 0
}

// Firewall returns what the host's firewall is now, not vCenter's copy. It must
// not be written to.
func (h *Host) Firewall() *types.HostFirewallInfo {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.firewall
}

// Change replaces the host's own firewall by what f makes of it, as a change on
// the host itself does: vCenter learns of it by the next refresh.
func (h *Host) Change(f func(*types.HostFirewallInfo) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	changed := clone(h.firewall)
	if err := f(changed); err != nil {
		return err
	}
	h.firewall = changed
	return h.tellNetwork()
}

// tellNetwork carries the firewall over to the network. It is called with h.mu
// held.
func (h *Host) tellNetwork() error {
	if h.network == nil {
		return nil
	}
	return h.network.SetFirewall(h.Name, FirewallState{
		Info: h.firewall, Off: h.off || h.notLoaded, DefaultPass: h.defaultPass,
	})
}

// FirewallRef is the managed object of the host's firewall system.
func (h *Host) FirewallRef() types.ManagedObjectReference { return h.system.Self }

// Deny makes a property unreadable: reading it yields the fault. The path is
// one of the HostSystem's, or firewallInfo.
func (h *Host) Deny(path string, fault types.BaseMethodFault) {
	if path == "firewallInfo" {
		h.role.deny(h.system.Self, path, fault)
		return
	}
	h.role.deny(h.Ref, path, fault)
}

// Object gives tests access to the simulator's object.
func (h *Host) Object() *simulator.HostSystem { return h.object }

// hostMessage is an error in ESXi's own words and spelling.
type hostMessage string

func (m hostMessage) Error() string { return string(m) }

var errNoRuleset = errors.New("no such ruleset")

const (
	errRequired    hostMessage = "Invalid operation requested: this ruleset is required and cannot be disabled."
	errLocked      hostMessage = "Invalid operation requested: Can not change this ruleset, it is owned by system service."
	errSystemOwned hostMessage = "Invalid operation requested: Can not change allowed ip list this ruleset, it is owned by system service."
)

// setEnabled is called without the host's locks.
func (h *Host) setEnabled(key string, enabled bool) func(*types.HostFirewallInfo) error {
	// A host of 7.0 refused to enable ntpClient while ntpd was stopped
	// (vmware/ansible-vsphere-gos-validation #731). Later ones say whether users may.
	stopped := enabled && key == "ntpClient" && h.AtLeast("7.0") && !h.ServiceRunning("ntpd")
	return func(info *types.HostFirewallInfo) error {
		rs := find(info, key)
		switch {
		case rs == nil:
			return errNoRuleset
		case rs.Required && !enabled:
			return errRequired
		case rs.UserControllable == nil && stopped, rs.UserControllable != nil && !*rs.UserControllable:
			return errLocked
		}
		rs.Enabled = enabled
		return nil
	}
}

func setAllowed(key string, list *types.HostFirewallRulesetIpList) func(*types.HostFirewallInfo) error {
	return func(info *types.HostFirewallInfo) error {
		rs := find(info, key)
		switch {
		case rs == nil:
			return errNoRuleset
		case rs.IpListUserConfigurable != nil && !*rs.IpListUserConfigurable:
			return errSystemOwned
		}
		rs.AllowedHosts = list
		return nil
	}
}

// firewallSystem replaces the stock HostFirewallSystem: a firewall of its own
// for each host, all the methods, and vCenter's copy apart from the host's.
//
// The stock object must be the first field: the property collector looks for
// the managed object there.
type firewallSystem struct {
	*simulator.HostFirewallSystem
	host *Host
}

// change makes a change on the host and, since it came through vCenter, in
// vCenter's copy. It touches one ruleset: what else the copy lags in, it goes
// on lagging in.
func (s *firewallSystem) change(ctx *simulator.Context, f func(*types.HostFirewallInfo) error) *soap.Fault {
	if fault := s.host.away(); fault != nil {
		return fault
	}
	if err := s.host.Change(f); err != nil {
		return hostFault(err)
	}
	if s.FirewallInfo == nil || s.host.lagging() {
		return nil
	}
	view := clone(s.FirewallInfo)
	if err := f(view); err != nil {
		view = s.host.Firewall() // the copy lacks the ruleset: take it over
	}
	s.show(ctx, view)
	return nil
}

// away is the fault by which vCenter answers for a host that it does not reach; nil
// where it does.
func (h *Host) away() *soap.Fault {
	switch h.object.Runtime.ConnectionState {
	case types.HostSystemConnectionStateDisconnected:
		return simulator.Fault("The operation is not allowed in the current connection state of the host.", &types.HostNotConnected{})
	case types.HostSystemConnectionStateNotResponding:
		return simulator.Fault("Unable to communicate with the remote host, since it is disconnected.", &types.HostNotReachable{})
	}
	return nil
}

// show makes info vCenter's copy, in both places where it is kept. It is called
// with the lock of s held.
func (s *firewallSystem) show(ctx *simulator.Context, info *types.HostFirewallInfo) {
	ctx.Update(s, []types.PropertyChange{{Name: "firewallInfo", Val: *info}})
	s.FirewallInfo = info
	ctx.WithLock(s.host.object, func() { s.host.object.Config.Firewall = info })
}

func hostFault(err error) *soap.Fault {
	if errors.Is(err, errNoRuleset) {
		return simulator.Fault("", &types.NotFound{})
	}
	return simulator.Fault(err.Error(), &types.HostConfigFault{})
}

// EnableRuleset overrides the stock method.
func (s *firewallSystem) EnableRuleset(ctx *simulator.Context, r *types.EnableRuleset) soap.HasFault {
	body := &methods.EnableRulesetBody{}
	if body.Fault_ = s.change(ctx, s.host.setEnabled(r.Id, true)); body.Fault_ == nil {
		body.Res = &types.EnableRulesetResponse{}
	}
	return body
}

// DisableRuleset overrides the stock method.
func (s *firewallSystem) DisableRuleset(ctx *simulator.Context, r *types.DisableRuleset) soap.HasFault {
	body := &methods.DisableRulesetBody{}
	if body.Fault_ = s.change(ctx, s.host.setEnabled(r.Id, false)); body.Fault_ == nil {
		body.Res = &types.DisableRulesetResponse{}
	}
	return body
}

// UpdateRuleset replaces the allowed hosts as a whole.
func (s *firewallSystem) UpdateRuleset(ctx *simulator.Context, r *types.UpdateRuleset) soap.HasFault {
	body := &methods.UpdateRulesetBody{}
	list := r.Spec.AllowedHosts
	if body.Fault_ = s.change(ctx, setAllowed(r.Id, &list)); body.Fault_ == nil {
		body.Res = &types.UpdateRulesetResponse{}
	}
	return body
}

// UpdateDefaultPolicy leaves unset fields as they are.
func (s *firewallSystem) UpdateDefaultPolicy(ctx *simulator.Context, r *types.UpdateDefaultPolicy) soap.HasFault {
	set := func(info *types.HostFirewallInfo) error {
		if v := r.DefaultPolicy.IncomingBlocked; v != nil {
			info.DefaultPolicy.IncomingBlocked = v
		}
		if v := r.DefaultPolicy.OutgoingBlocked; v != nil {
			info.DefaultPolicy.OutgoingBlocked = v
		}
		return nil
	}
	body := &methods.UpdateDefaultPolicyBody{}
	if body.Fault_ = s.change(ctx, set); body.Fault_ == nil {
		body.Res = &types.UpdateDefaultPolicyResponse{}
	}
	return body
}

// RefreshFirewall brings vCenter's copy up to what the host has.
func (s *firewallSystem) RefreshFirewall(ctx *simulator.Context, _ *types.RefreshFirewall) soap.HasFault {
	if fault := s.host.away(); fault != nil {
		return &methods.RefreshFirewallBody{Fault_: fault}
	}
	if err := s.host.reload(); err != nil {
		return &methods.RefreshFirewallBody{Fault_: simulator.Fault(err.Error(), &types.SystemErrorFault{Reason: err.Error()})}
	}
	body := &methods.RefreshFirewallBody{Res: &types.RefreshFirewallResponse{}}
	s.host.mu.Lock()
	behind := s.host.lag > 0
	s.host.lag = max(s.host.lag-1, 0)
	s.host.mu.Unlock()
	if s.FirewallInfo != nil && !behind {
		s.show(ctx, s.host.Firewall())
	}
	return body
}
