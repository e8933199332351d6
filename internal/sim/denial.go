package sim

import (
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// denials are the properties that the account may not read, but for those of hosts: each
// of these has its own. They are an object of the registry, since a property collector is
// made for each session and knows nothing else.
type denials struct {
	Self  types.ManagedObjectReference
	meter *meter

	mu sync.Mutex
	on map[types.ManagedObjectReference]map[string]types.BaseMethodFault
}

var denialsRef = types.ManagedObjectReference{Type: "Denials", Value: "denials"}

func newDenials(m *meter) *denials {
	return &denials{Self: denialsRef, meter: m, on: map[types.ManagedObjectReference]map[string]types.BaseMethodFault{}}
}

// Reference names the object in the simulator's registry.
func (d *denials) Reference() types.ManagedObjectReference { return d.Self }

// of tells which properties of an object are denied; it is nil where none is.
func (d *denials) of(ctx *simulator.Context, ref types.ManagedObjectReference) func(path string) types.BaseMethodFault {
	if ref.Type == "LicenseManager" && d.meter.revokedOnFolders(globalLicenses) {
		return func(string) types.BaseMethodFault { return noPermission(ref, globalLicenses) }
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	denied := d.on[ref]
	if len(denied) == 0 {
		return nil
	}
	return func(path string) types.BaseMethodFault {
		d.mu.Lock()
		defer d.mu.Unlock()
		return denied[path]
	}
}

// Deny makes a property of an object unreadable: reading it yields the fault. A host's are
// denied by Host.Deny.
func (vc *VCenter) Deny(ref types.ManagedObjectReference, path string, fault types.BaseMethodFault) {
	d := vc.denials
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.on[ref] == nil {
		d.on[ref] = map[string]types.BaseMethodFault{}
	}
	d.on[ref][path] = fault
}

func noPermission(object types.ManagedObjectReference, privilege string) types.BaseMethodFault {
	return &types.NoPermission{Object: &object, PrivilegeId: privilege}
}

// Privileges on the root folder that guard what all of a vCenter shares.
const (
	globalSettings = "Global.Settings"
	globalLicenses = "Global.Licenses"
	readKeyServers = "Cryptographer.ReadKeyServersInfo"
)
