package sim

import (
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
	s.ServiceInfo.Service = []types.HostService{{
		Key: "TSM-SSH", Label: "SSH", Policy: string(types.HostServicePolicyOff), Uninstallable: false, Ruleset: []string{"sshServer"},
	}}
	return s
}

func (s *serviceSystem) set(key string, running bool) *soap.Fault {
	if !s.host.has(netService) {
		return simulator.Fault("", &types.NoPermission{Object: &s.host.Ref, PrivilegeId: netService})
	}
	for i := range s.ServiceInfo.Service {
		if s.ServiceInfo.Service[i].Key != key {
			continue
		}
		if n, ok := s.host.network.(ServiceNetwork); ok {
			if err := n.SetService(s.host.Name, key, running); err != nil {
				return simulator.Fault(err.Error(), &types.HostConfigFault{})
			}
		}
		s.ServiceInfo.Service[i].Running = running
		return nil
	}
	return simulator.Fault("", &types.NotFound{})
}

// StartService starts a service.
func (s *serviceSystem) StartService(r *types.StartService) soap.HasFault {
	body := &methods.StartServiceBody{}
	if body.Fault_ = s.set(r.Id, true); body.Fault_ == nil {
		body.Res = &types.StartServiceResponse{}
	}
	return body
}

// StopService stops a service.
func (s *serviceSystem) StopService(r *types.StopService) soap.HasFault {
	body := &methods.StopServiceBody{}
	if body.Fault_ = s.set(r.Id, false); body.Fault_ == nil {
		body.Res = &types.StopServiceResponse{}
	}
	return body
}

// ServiceRunning reports whether a service of the host runs.
func (h *Host) ServiceRunning(key string) bool {
	for _, s := range h.services.ServiceInfo.Service {
		if s.Key == key {
			return s.Running
		}
	}
	return false
}
