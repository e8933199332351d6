package vsphere

import (
	"context"
	"fmt"
	"slices"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// plainError says in plain words what an error of the API means, and keeps the
// error for errors.Is.
type plainError struct{ cause error }

func plain(err error) error {
	if err == nil {
		return nil
	}
	return &plainError{err}
}

func (e *plainError) Error() string { return Describe(e.cause) }

func (e *plainError) Unwrap() error { return e.cause }

// EnableRuleset enables a ruleset. Its allowed hosts stay as they are. It needs
// the privilege Host.Config.NetService, as all changes here do.
func (s *Session) EnableRuleset(ctx context.Context, h *inventory.Host, key string) error {
	_, err := methods.EnableRuleset(ctx, s, &types.EnableRuleset{This: firewallRef(h), Id: key})
	return plain(err)
}

// DisableRuleset disables a ruleset. Its allowed hosts stay as they are.
func (s *Session) DisableRuleset(ctx context.Context, h *inventory.Host, key string) error {
	_, err := methods.DisableRuleset(ctx, s, &types.DisableRuleset{This: firewallRef(h), Id: key})
	return plain(err)
}

// SetAllowedHosts replaces the allowed hosts of a ruleset as a whole: the API
// knows no adding.
func (s *Session) SetAllowedHosts(ctx context.Context, h *inventory.Host, key string, list *inventory.AllowedHosts) error {
	spec := types.HostFirewallRulesetRulesetSpec{
		AllowedHosts: types.HostFirewallRulesetIpList{AllIp: list.All, IpAddress: list.Addrs},
	}
	for _, n := range list.Networks {
		spec.AllowedHosts.IpNetwork = append(spec.AllowedHosts.IpNetwork,
			types.HostFirewallRulesetIpNetwork{Network: n.Address, PrefixLength: int32(n.Bits)})
	}
	_, err := methods.UpdateRuleset(ctx, s, &types.UpdateRuleset{This: firewallRef(h), Id: key, Spec: spec})
	return plain(err)
}

// ReadFirewalls reads the rulesets of the hosts again, in place, in batches. A
// host that cannot be read gets its Firewall.Unreadable set.
func (s *Session) ReadFirewalls(ctx context.Context, hosts []*inventory.Host) {
	s.readBatches(ctx, func(string, int, int) {}, func([]*inventory.Host) {}, firewalls(ctx, hosts))
}

// privilegeBatch is how many objects one question about privileges names.
const privilegeBatch = 500

// Privileged tells for each host, by ID, whether the session's account has the
// privilege there. Hosts of which the server does not say are left out.
func (s *Session) Privileged(ctx context.Context, hosts []*inventory.Host, privilege string) (map[string]bool, error) {
	refs := make([]types.ManagedObjectReference, len(hosts))
	for i, h := range hosts {
		refs[i] = hostRef(h)
	}
	return s.granted(ctx, refs, privilege)
}

// granted tells for each object, by ID, whether the session's account has the privilege
// there.
func (s *Session) granted(ctx context.Context, refs []types.ManagedObjectReference, privilege string) (map[string]bool, error) {
	granted := make(map[string]bool, len(refs))
	manager := s.client.ServiceContent.AuthorizationManager
	if manager == nil {
		return granted, nil
	}
	for batch := range slices.Chunk(refs, privilegeBatch) {
		req := types.HasPrivilegeOnEntities{This: *manager, SessionId: s.key(), PrivId: []string{privilege}, Entity: batch}
		res, err := methods.HasPrivilegeOnEntities(ctx, s, &req)
		if err != nil {
			return nil, fmt.Errorf("ask for the privilege %s: %w", privilege, plain(err))
		}
		for _, e := range res.Returnval {
			for _, p := range e.PrivAvailability {
				if p.PrivId == privilege {
					granted[e.Entity.Value] = p.IsGranted
				}
			}
		}
	}
	return granted, nil
}

// machinesSpec is of the devices of all virtual machines of the hosts.
func machinesSpec(hosts []*inventory.Host) types.PropertyFilterSpec {
	spec := types.PropertyFilterSpec{PropSet: []types.PropertySpec{{
		Type: "VirtualMachine", PathSet: []string{"name", "runtime.host", "runtime.powerState", "config.hardware.device"},
	}}}
	for _, h := range hosts {
		spec.ObjectSet = append(spec.ObjectSet, types.ObjectSpec{
			Obj: hostRef(h), Skip: types.NewBool(true),
			SelectSet: []types.BaseSelectionSpec{&types.TraversalSpec{Type: kindHost, Path: "vm"}},
		})
	}
	return spec
}

// SerialVMs names, by host ID, the powered-on virtual machines that have a
// serial port over the network. It reads the devices of all virtual machines of
// the hosts, which is much: it is for the few hosts that are to be changed.
func (s *Session) SerialVMs(ctx context.Context, hosts []*inventory.Host) (map[string][]string, error) {
	found := map[string][]string{}
	for batch := range slices.Chunk(hosts, batchSize) {
		t := newTree(types.ManagedObjectReference{})
		if err := s.ofHosts(ctx, batch, machinesSpec, t.add); err != nil {
			return nil, fmt.Errorf("read the virtual machines: %w", plain(err))
		}
		for _, vm := range t.kind("VirtualMachine") {
			host, _ := vm.ref1("runtime.host")
			devices, _ := vm.prop("config.hardware.device").(types.ArrayOfVirtualDevice)
			on := vm.prop("runtime.powerState") == types.VirtualMachinePowerStatePoweredOn
			if on && slices.ContainsFunc(devices.VirtualDevice, isNetworkSerial) {
				found[host.Value] = append(found[host.Value], vm.name)
			}
		}
	}
	return found, nil
}

func isNetworkSerial(d types.BaseVirtualDevice) bool {
	port, ok := d.(*types.VirtualSerialPort)
	if !ok {
		return false
	}
	_, ok = port.Backing.(*types.VirtualSerialPortURIBackingInfo)
	return ok
}
