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
	replaced := false
	if r.Options.MaxObjects == 0 { // the pages after the first are the stock collector's
		replaced = standIn(r.SpecSet)
	}
	body := pc.PropertyCollector.RetrievePropertiesEx(ctx, r)
	if ex, ok := body.(*methods.RetrievePropertiesExBody); ok && ex.Res != nil && ex.Res.Returnval != nil {
		for i := range ex.Res.Returnval.Objects {
			if replaced {
				putFirewall(ctx, &ex.Res.Returnval.Objects[i])
			}
			deny(ctx, &ex.Res.Returnval.Objects[i])
		}
	}
	return body
}

// wholeFirewalls are the properties that hold a host's firewall, 17 kB each as
// XML. The stock collector copies a value through XML and back, which is most of
// what it costs to read one. A Host's firewall is never written to, so that it
// needs no copy: a small part of it stands in for it until the answer is made.
var wholeFirewalls = map[string]string{
	"firewallInfo": "firewallInfo.defaultPolicy", "config.firewall": "config.firewall.defaultPolicy",
}

// standIn replaces the whole firewalls in a request by their parts, unless the
// request has such parts itself.
func standIn(specs []types.PropertyFilterSpec) (replaced bool) {
	for _, spec := range specs {
		for _, set := range spec.PropSet {
			for _, path := range set.PathSet {
				for _, part := range wholeFirewalls {
					if path == part {
						return false
					}
				}
			}
		}
	}
	for _, spec := range specs {
		for _, set := range spec.PropSet {
			for i, path := range set.PathSet {
				if part, ok := wholeFirewalls[path]; ok {
					set.PathSet[i], replaced = part, true
				}
			}
		}
	}
	return replaced
}

// putFirewall puts the whole firewalls in the place of their parts.
func putFirewall(ctx *simulator.Context, content *types.ObjectContent) {
	for i := range content.PropSet {
		p := &content.PropSet[i]
		for whole, part := range wholeFirewalls {
			if p.Name != part {
				continue
			}
			if info := firewallShown(ctx, content.Obj); info != nil {
				p.Name, p.Val = whole, *info
			}
		}
	}
}

// firewallShown is vCenter's copy of a host's firewall.
func firewallShown(ctx *simulator.Context, ref types.ManagedObjectReference) (info *types.HostFirewallInfo) {
	switch obj := ctx.Map.Get(ref).(type) {
	case *firewallSystem:
		ctx.WithLock(obj, func() { info = obj.FirewallInfo })
	case *simulator.HostSystem:
		ctx.WithLock(obj, func() { info = obj.Config.Firewall })
	}
	return info
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
