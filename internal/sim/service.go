package sim

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// ServiceNetwork is a Network on which the hosts' services are real ones.
type ServiceNetwork interface {
	Network
	// SetService starts or stops a host's service, such as TSM-SSH.
	SetService(host, key string, running bool) error
}

// serviceSystem is a host's HostServiceSystem. The stock simulator's hosts name
// one that does not exist.
type serviceSystem struct {
	mo.HostServiceSystem
	host *Host
}

func newServiceSystem(h *Host) *serviceSystem {
	s := &serviceSystem{host: h}
	s.Self = types.ManagedObjectReference{Type: "HostServiceSystem", Value: "serviceSystem-" + h.Ref.Value}
	s.ServiceInfo = *h.object.Config.Service // TSM-SSH and ntpd among them, both stopped
	return s
}

// show makes the API say what f makes of a service, in both places where it does. It is
// called with the lock of s held. Hosts share their lists until one changes its own.
func (s *serviceSystem) show(ctx *simulator.Context, i int, f func(*types.HostService)) {
	list := slices.Clone(s.ServiceInfo.Service)
	f(&list[i])
	s.ServiceInfo.Service = list
	ctx.WithLock(s.host.object, func() { s.host.object.Config.Service = &types.HostServiceInfo{Service: list} })
}

func (s *serviceSystem) set(ctx *simulator.Context, key string, running bool) *soap.Fault {
	for i := range s.ServiceInfo.Service {
		if s.ServiceInfo.Service[i].Key != key {
			continue
		}
		if n, ok := s.host.network.(ServiceNetwork); ok {
			if err := n.SetService(s.host.Name, key, running); err != nil {
				return simulator.Fault(err.Error(), &types.HostConfigFault{})
			}
		}
		s.show(ctx, i, func(service *types.HostService) { service.Running = running })
		return nil
	}
	return simulator.Fault("", &types.NotFound{})
}

// StartService starts a service.
func (s *serviceSystem) StartService(ctx *simulator.Context, r *types.StartService) soap.HasFault {
	body := &methods.StartServiceBody{}
	if body.Fault_ = s.set(ctx, r.Id, true); body.Fault_ == nil {
		body.Res = &types.StartServiceResponse{}
	}
	return body
}

// StopService stops a service.
func (s *serviceSystem) StopService(ctx *simulator.Context, r *types.StopService) soap.HasFault {
	body := &methods.StopServiceBody{}
	if body.Fault_ = s.set(ctx, r.Id, false); body.Fault_ == nil {
		body.Res = &types.StopServiceResponse{}
	}
	return body
}

// UpdateServicePolicy says whether a service starts with the host.
func (s *serviceSystem) UpdateServicePolicy(ctx *simulator.Context, r *types.UpdateServicePolicy) soap.HasFault {
	body := &methods.UpdateServicePolicyBody{}
	i := slices.IndexFunc(s.ServiceInfo.Service, func(service types.HostService) bool { return service.Key == r.Id })
	if i < 0 {
		body.Fault_ = simulator.Fault("", &types.NotFound{})
		return body
	}
	s.show(ctx, i, func(service *types.HostService) { service.Policy = r.Policy })
	body.Res = &types.UpdateServicePolicyResponse{}
	return body
}

// ServiceRunning reports whether a service of the host runs.
func (h *Host) ServiceRunning(key string) (running bool) {
	newContext(h.image.registry).WithLock(h.services, func() {
		running = slices.ContainsFunc(h.services.ServiceInfo.Service, func(s types.HostService) bool { return s.Key == key && s.Running })
	})
	return running
}
