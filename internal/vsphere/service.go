package vsphere

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// sshService is the key of the SSH service of an ESXi host.
const sshService = "TSM-SSH"

// StartSSH starts the host's SSH service unless it runs. restore puts it back
// as it was, and is never nil; it works after the run's context has ended. It
// needs the privilege Host.Config.NetService.
func (s *Session) StartSSH(ctx context.Context, h *inventory.Host) (restore func(context.Context) error, err error) {
	nothing := func(context.Context) error { return nil }
	var host mo.HostSystem
	if err := s.one(ctx, hostRef(h), "configManager.serviceSystem", &host); err != nil {
		return nothing, err
	}
	if host.ConfigManager.ServiceSystem == nil {
		return nothing, errors.New("the host has no service system")
	}
	system := *host.ConfigManager.ServiceSystem
	var services mo.HostServiceSystem
	if err := s.one(ctx, system, "serviceInfo", &services); err != nil {
		return nothing, err
	}
	i := slices.IndexFunc(services.ServiceInfo.Service, func(x types.HostService) bool { return x.Key == sshService })
	switch {
	case i < 0:
		return nothing, fmt.Errorf("the host has no service %s", sshService)
	case services.ServiceInfo.Service[i].Running:
		return nothing, nil
	}
	restore = func(ctx context.Context) error {
		_, err := methods.StopService(ctx, s, &types.StopService{This: system, Id: sshService})
		return plain(err)
	}
	_, err = methods.StartService(ctx, s, &types.StartService{This: system, Id: sshService})
	if isNoPermission(err) {
		return nothing, plain(err)
	}
	return restore, plain(err) // it may have been started all the same
}

// one reads one property of one object into dst.
func (s *Session) one(ctx context.Context, ref types.ManagedObjectReference, path string, dst any) error {
	spec := types.PropertyFilterSpec{
		ObjectSet: []types.ObjectSpec{{Obj: ref}},
		PropSet:   []types.PropertySpec{{Type: ref.Type, PathSet: []string{path}}},
	}
	var found []types.ObjectContent
	err := s.retrieve(ctx, []types.PropertyFilterSpec{spec}, func(o *types.ObjectContent) { found = append(found, *o) })
	if err != nil {
		return plain(err)
	}
	return plain(mo.LoadObjectContent(found, dst))
}

// ManagementAddresses returns each host's address on its management network, by
// the host's ID: that of the first vmk selected for management. Hosts that do
// not tell are left out.
func (s *Session) ManagementAddresses(ctx context.Context, hosts []*inventory.Host) (map[string]string, error) {
	addresses := map[string]string{}
	for batch := range slices.Chunk(hosts, batchSize) {
		spec := types.PropertyFilterSpec{PropSet: []types.PropertySpec{{Type: kindHost, PathSet: []string{netConfig}}}}
		for _, h := range batch {
			spec.ObjectSet = append(spec.ObjectSet, types.ObjectSpec{Obj: hostRef(h)})
		}
		t := newTree(types.ManagedObjectReference{})
		if err := s.retrieve(ctx, []types.PropertyFilterSpec{spec}, t.add); err != nil {
			return nil, fmt.Errorf("read the hosts' management addresses: %w", plain(err))
		}
		for ref, n := range t.nodes {
			nics, _ := n.prop(netConfig).(nicFacts)
			if ip := nics.managementIP(); ip != "" {
				addresses[ref.Value] = ip
			}
		}
	}
	return addresses, nil
}

func (f nicFacts) managementIP() string {
	for _, n := range f {
		if n.traffic == types.HostVirtualNicManagerNicTypeManagement && n.ipv4 != "" {
			return n.ipv4
		}
	}
	return ""
}
