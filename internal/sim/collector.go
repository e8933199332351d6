package sim

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// propertyCollector answers like the stock one, except that properties which a
// host's Deny names come back as faults in the MissingSet, as vCenter does when
// the account may not read them.
//
// The stock collector is embedded by value and there are no further fields:
// each session makes its own by reflect.New.
type propertyCollector struct {
	simulator.PropertyCollector
}

// RetrievePropertiesEx overrides the stock method.
func (pc *propertyCollector) RetrievePropertiesEx(ctx *simulator.Context, r *types.RetrievePropertiesEx) soap.HasFault {
	body := pc.PropertyCollector.RetrievePropertiesEx(ctx, r)
	if ex, ok := body.(*methods.RetrievePropertiesExBody); ok && ex.Res != nil && ex.Res.Returnval != nil {
		for i := range ex.Res.Returnval.Objects {
			deny(ctx, &ex.Res.Returnval.Objects[i])
		}
	}
	return body
}

// RetrieveProperties overrides the stock method.
func (pc *propertyCollector) RetrieveProperties(ctx *simulator.Context, r *types.RetrieveProperties) soap.HasFault {
	body := pc.PropertyCollector.RetrieveProperties(ctx, r)
	if old, ok := body.(*methods.RetrievePropertiesBody); ok && old.Res != nil {
		for i := range old.Res.Returnval {
			deny(ctx, &old.Res.Returnval[i])
		}
	}
	return body
}

func deny(ctx *simulator.Context, content *types.ObjectContent) {
	denied := deniedOf(ctx, content.Obj)
	if len(denied) == 0 {
		return
	}
	kept := content.PropSet[:0]
	for _, p := range content.PropSet {
		if fault, no := denied[p.Name]; no {
			content.MissingSet = append(content.MissingSet, types.MissingProperty{
				Path:  p.Name,
				Fault: types.LocalizedMethodFault{Fault: fault, LocalizedMessage: "denied"},
			})
			continue
		}
		kept = append(kept, p)
	}
	content.PropSet = kept
}

func deniedOf(ctx *simulator.Context, ref types.ManagedObjectReference) map[string]types.BaseMethodFault {
	switch obj := ctx.Map.Get(ref).(type) {
	case *firewallSystem:
		return obj.denied
	case *simulator.HostSystem:
		if fw, ok := ctx.Map.Get(executerRef(obj.Self)).(*executer); ok {
			return fw.host.denied
		}
	}
	return nil
}

// authorizationManager answers for the privileges that a host's Revoke took;
// the stock one grants everything.
type authorizationManager struct {
	*simulator.AuthorizationManager
	meter *meter
}

// HasPrivilegeOnEntities overrides the stock method.
func (m *authorizationManager) HasPrivilegeOnEntities(ctx *simulator.Context, r *types.HasPrivilegeOnEntities) soap.HasFault {
	body := &methods.HasPrivilegeOnEntitiesBody{Res: &types.HasPrivilegeOnEntitiesResponse{}}
	for _, e := range r.Entity {
		granted := types.EntityPrivilege{Entity: e}
		for _, id := range r.PrivId {
			yes := true
			if x, ok := ctx.Map.Get(executerRef(e)).(*executer); ok {
				yes = x.host.has(id)
			} else if e.Type == "Folder" {
				yes = !m.meter.revokedOnFolders(id)
			}
			granted.PrivAvailability = append(granted.PrivAvailability, types.PrivilegeAvailability{PrivId: id, IsGranted: yes})
		}
		body.Res.Returnval = append(body.Res.Returnval, granted)
	}
	return body
}
