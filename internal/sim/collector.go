package sim

import (
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// propertyCollector answers like the stock one, except that properties which a
// host's Deny names come back as faults in the MissingSet, as vCenter does when
// the account may not read them, and that it takes locks on the way (walk).
//
// The stock collector is embedded by value and there are no further fields:
// each session makes its own by reflect.New.
type propertyCollector struct {
	simulator.PropertyCollector
}

// RetrievePropertiesEx overrides the stock method.
func (pc *propertyCollector) RetrievePropertiesEx(ctx *simulator.Context, r *types.RetrievePropertiesEx) soap.HasFault {
	if fault := nestedPath(r.SpecSet); fault != nil {
		return &methods.RetrievePropertiesExBody{Fault_: fault}
	}
	specs, fault := walked(ctx, r.SpecSet)
	if fault != nil {
		return &methods.RetrievePropertiesExBody{Fault_: simulator.Fault("", fault)}
	}
	r.SpecSet = specs
	var restore func()
	if r.Options.MaxObjects == 0 { // the pages after the first are the stock collector's
		restore = standIn(r.SpecSet)
	}
	body := pc.PropertyCollector.RetrievePropertiesEx(ctx, r)
	if ex, ok := body.(*methods.RetrievePropertiesExBody); ok && ex.Res != nil && ex.Res.Returnval != nil {
		for i := range ex.Res.Returnval.Objects {
			if restore != nil {
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

// filters are the property filters that were made with stand-ins, and what gives
// them back what they were asked for.
var filters sync.Map // of types.ManagedObjectReference to func()

// CreateFilter overrides the stock method.
func (pc *propertyCollector) CreateFilter(ctx *simulator.Context, r *types.CreateFilter) soap.HasFault {
	if fault := nestedPath([]types.PropertyFilterSpec{r.Spec}); fault != nil {
		return &methods.CreateFilterBody{Fault_: fault}
	}
	restore := standIn([]types.PropertyFilterSpec{r.Spec})
	body := pc.PropertyCollector.CreateFilter(ctx, r)
	if made, ok := body.(*methods.CreateFilterBody); ok && restore != nil {
		filters.Store(made.Res.Returnval, restore)
	}
	return body
}

// WaitForUpdatesEx overrides the stock method. The first call collects all; from
// then on the filters stand for what they were made for, so that changes show.
func (pc *propertyCollector) WaitForUpdatesEx(ctx *simulator.Context, r *types.WaitForUpdatesEx) soap.HasFault {
	body := pc.PropertyCollector.WaitForUpdatesEx(ctx, r)
	ex, ok := body.(*methods.WaitForUpdatesExBody)
	if !ok || ex.Res == nil || ex.Res.Returnval == nil {
		return body
	}
	for _, set := range ex.Res.Returnval.FilterSet {
		restore, ok := filters.Load(set.Filter)
		if !ok {
			continue
		}
		restore.(func())()
		for _, object := range set.ObjectSet {
			for i := range object.ChangeSet {
				change := &object.ChangeSet[i]
				if info := wholeOf(ctx, object.Obj, &change.Name); info != nil {
					change.Val = *info
				}
			}
		}
	}
	return body
}

// standIn replaces the whole firewalls in a request by their parts, unless the
// request has such parts itself or has no firewall: then there is nothing to
// restore.
func standIn(specs []types.PropertyFilterSpec) (restore func()) {
	for _, spec := range specs {
		for _, set := range spec.PropSet {
			for _, path := range set.PathSet {
				for _, part := range wholeFirewalls {
					if path == part {
						return nil
					}
				}
			}
		}
	}
	for _, spec := range specs {
		for _, set := range spec.PropSet {
			for i, path := range set.PathSet {
				if part, ok := wholeFirewalls[path]; ok {
					set.PathSet[i] = part
					before := restore
					restore = func() {
						set.PathSet[i] = path
						if before != nil {
							before()
						}
					}
				}
			}
		}
	}
	return restore
}

// putFirewall puts the whole firewalls in the place of their parts.
func putFirewall(ctx *simulator.Context, content *types.ObjectContent) {
	for i := range content.PropSet {
		p := &content.PropSet[i]
		if info := wholeOf(ctx, content.Obj, &p.Name); info != nil {
			p.Val = *info
		}
	}
}

// wholeOf is the whole firewall where name is that of its part, which it sets
// right; else nil.
func wholeOf(ctx *simulator.Context, ref types.ManagedObjectReference, name *string) *types.HostFirewallInfo {
	for whole, part := range wholeFirewalls {
		if *name != part {
			continue
		}
		if info := firewallShown(ctx, ref); info != nil {
			*name = whole
			return info
		}
	}
	return nil
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

// RetrieveProperties overrides the stock method, which is the newer one without pages.
func (pc *propertyCollector) RetrieveProperties(ctx *simulator.Context, r *types.RetrieveProperties) soap.HasFault {
	body := &methods.RetrievePropertiesBody{}
	res := pc.RetrievePropertiesEx(ctx, &types.RetrievePropertiesEx{This: r.This, SpecSet: r.SpecSet}).(*methods.RetrievePropertiesExBody)
	if body.Fault_ = res.Fault_; res.Fault_ == nil {
		body.Res = &types.RetrievePropertiesResponse{Returnval: res.Res.Returnval.Objects}
	}
	return body
}

// nestedPath refuses what a vCenter 7 was seen to refuse, and the stock collector answers:
// a property inside a cluster's configurationEx.
func nestedPath(specs []types.PropertyFilterSpec) *soap.Fault {
	for _, spec := range specs {
		for _, set := range spec.PropSet {
			for _, path := range set.PathSet {
				if strings.HasPrefix(path, "configurationEx.") {
					return simulator.Fault("", &types.InvalidProperty{Name: path})
				}
			}
		}
	}
	return nil
}

func deny(ctx *simulator.Context, content *types.ObjectContent) {
	refusal := roleOf(ctx).refusal(ctx, content.Obj)
	if refusal == nil {
		return
	}
	kept := content.PropSet[:0]
	for _, p := range content.PropSet {
		if fault := refusal(p.Name); fault != nil {
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

// authorizationManager answers for the account's role; the stock one grants everything.
type authorizationManager struct {
	*simulator.AuthorizationManager
	meter *meter
}

// HasPrivilegeOnEntities overrides the stock method.
func (m *authorizationManager) HasPrivilegeOnEntities(ctx *simulator.Context, r *types.HasPrivilegeOnEntities) soap.HasFault {
	return &methods.HasPrivilegeOnEntitiesBody{Res: &types.HasPrivilegeOnEntitiesResponse{Returnval: m.granted(ctx, r.Entity, r.PrivId)}}
}

// HasUserPrivilegeOnEntities overrides the stock method. What is taken from one account
// is taken from all.
func (m *authorizationManager) HasUserPrivilegeOnEntities(ctx *simulator.Context, r *types.HasUserPrivilegeOnEntities) soap.HasFault {
	return &methods.HasUserPrivilegeOnEntitiesBody{Res: &types.HasUserPrivilegeOnEntitiesResponse{Returnval: m.granted(ctx, r.Entities, r.PrivId)}}
}

func (m *authorizationManager) granted(ctx *simulator.Context, entities []types.ManagedObjectReference, privileges []string) []types.EntityPrivilege {
	var list []types.EntityPrivilege
	for _, e := range entities {
		granted := types.EntityPrivilege{Entity: e}
		for _, id := range privileges {
			m.meter.ask(id)
			yes := roleOf(ctx).has(ownerOf(ctx, e), id)
			granted.PrivAvailability = append(granted.PrivAvailability, types.PrivilegeAvailability{PrivId: id, IsGranted: yes})
		}
		list = append(list, granted)
	}
	return list
}
