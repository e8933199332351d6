package sim

import (
	"maps"
	"slices"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// role is what the account may do: all, but for the privileges that were taken, and for
// the properties that were made unreadable. It is an object of the registry, since a
// property collector is made for each session and knows nothing else.
type role struct {
	Self types.ManagedObjectReference

	mu     sync.Mutex
	denied map[types.ManagedObjectReference]map[string]types.BaseMethodFault
	// only, when set, are the privileges that there are at all.
	only []string
	// taken are the privileges that one object lacks; those of folders are all folders'.
	taken map[types.ManagedObjectReference][]string
}

var roleRef = types.ManagedObjectReference{Type: "Role", Value: "role"}

// everyFolder stands for all folders where privileges are taken.
var everyFolder = types.ManagedObjectReference{Type: "Folder"}

func newRole() *role {
	return &role{
		Self: roleRef, denied: map[types.ManagedObjectReference]map[string]types.BaseMethodFault{},
		taken: map[types.ManagedObjectReference][]string{},
	}
}

func roleOf(ctx *simulator.Context) *role { return ctx.Map.Get(roleRef).(*role) }

// Reference names the object in the simulator's registry.
func (r *role) Reference() types.ManagedObjectReference { return r.Self }

// has reports whether the account has the privilege on an object.
func (r *role) has(on types.ManagedObjectReference, privilege string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.only != nil && !slices.Contains(r.only, privilege) || slices.Contains(r.taken[on], privilege) {
		return false
	}
	return on.Type != everyFolder.Type || !slices.Contains(r.taken[everyFolder], privilege)
}

func (r *role) take(on types.ManagedObjectReference, privilege string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken[on] = append(r.taken[on], privilege)
}

// Grant makes these the only privileges of the account, on every object, instead of all.
// A role of a vCenter has System.Anonymous, System.View and System.Read by itself; this
// one has what is named.
func (vc *VCenter) Grant(privileges ...string) {
	vc.role.mu.Lock()
	defer vc.role.mu.Unlock()
	vc.role.only = append([]string{}, privileges...)
}

// Asked names, sorted, the privileges that calls took or asked about since the simulator was
// started, granted or not. Those to read properties are not among them.
func (vc *VCenter) Asked() []string {
	vc.meter.mu.Lock()
	defer vc.meter.mu.Unlock()
	return slices.Sorted(slices.Values(vc.meter.asked))
}

// Revoke takes a privilege on the host from every account: calls that need it, and
// properties, are refused.
func (h *Host) Revoke(privilege string) { h.role.take(h.Ref, privilege) }

// RevokeOnFolders takes a privilege on all folders from every account.
func (vc *VCenter) RevokeOnFolders(privilege string) { vc.role.take(everyFolder, privilege) }

// Deny makes a property of an object unreadable: reading it yields the fault. A host's are
// denied by Host.Deny.
func (vc *VCenter) Deny(ref types.ManagedObjectReference, path string, fault types.BaseMethodFault) {
	vc.role.deny(ref, path, fault)
}

func (r *role) deny(ref types.ManagedObjectReference, path string, fault types.BaseMethodFault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.denied[ref] == nil {
		r.denied[ref] = map[string]types.BaseMethodFault{}
	}
	r.denied[ref][path] = fault
}

// refusal tells by which fault a property of an object is refused, if it is; it is nil where
// none is.
func (r *role) refusal(ctx *simulator.Context, ref types.ManagedObjectReference) func(path string) types.BaseMethodFault {
	r.mu.Lock()
	defer r.mu.Unlock()
	denied := maps.Clone(r.denied[ref])
	if len(denied) == 0 && r.only == nil && len(r.taken) == 0 {
		return nil
	}
	return func(path string) types.BaseMethodFault {
		if fault := denied[path]; fault != nil {
			return fault
		}
		if n := readPrivilege(ctx, ref, path); n.privilege != "" && !r.has(n.on, n.privilege) {
			return noPermission(ref, n.privilege)
		}
		return nil
	}
}

func noPermission(object types.ManagedObjectReference, privilege string) types.BaseMethodFault {
	return &types.NoPermission{Object: &object, PrivilegeId: privilege}
}

// Privileges, by the names that the API has for them.
const (
	systemView = "System.View"
	systemRead = "System.Read"

	globalSettings = "Global.Settings"
	globalLicenses = "Global.Licenses"
	readKeyServers = "Cryptographer.ReadKeyServersInfo"

	netService     = "Host.Config.NetService"
	dateTime       = "Host.Config.DateTime"
	configImage    = "Host.Config.Image"
	storage        = "Host.Config.Storage"
	advancedConfig = "Host.Config.AdvancedConfig"
	hostSettings   = "Host.Config.Settings"

	createVM  = "VirtualMachine.Inventory.Create"
	deleteVM  = "VirtualMachine.Inventory.Delete"
	addDevice = "VirtualMachine.Config.AddRemoveDevice"
	advanced  = "VirtualMachine.Config.AdvancedConfig"
	powerOn   = "VirtualMachine.Interact.PowerOn"
	powerOff  = "VirtualMachine.Interact.PowerOff"
	assignVM  = "Resource.AssignVMToPool"
	allocate  = "Datastore.AllocateSpace"
)

// guarded are the methods with the privilege that each asks for: on the host for the
// managers of a host, on the object itself for what stands in the inventory, else on the
// root folder. They are those of the vSphere API's reference ("Required privileges" there,
// as noclue/vim_rs and govmomi's types repeat it), but for these:
//   - ExecuteSoap, esxcli's carrier, is in no reference. GROUND-TRUTH.md: it takes more than
//     read. Host.Config.Settings is assumed, for every command.
//   - QueryAssignedLicenses, and the licenses' properties, are System.View in the reference;
//     vCenters of 6.5 were seen to refuse them to accounts that may only read.
//   - ListKmipServers names none in the reference; the privilege is by its own description
//     ("Read key servers info"), assumed.
//   - Login names none: an account that may see nothing is refused (NoPermission among the
//     method's faults).
var guarded = map[string]string{
	"SessionManager.Login":  systemView,
	"SearchIndex.FindChild": systemView,

	"LicenseAssignmentManager.QueryAssignedLicenses": globalLicenses, "LicenseAssignmentManager.UpdateAssignedLicense": globalLicenses,
	"LicenseManager.AddLicense": globalLicenses, "LicenseManager.RemoveLicense": globalLicenses,
	"CryptoManagerKmip.ListKmipServers": readKeyServers,

	"HostFirewallSystem.EnableRuleset": netService, "HostFirewallSystem.DisableRuleset": netService,
	"HostFirewallSystem.UpdateRuleset": netService, "HostFirewallSystem.UpdateDefaultPolicy": netService,
	"HostFirewallSystem.RefreshFirewall": netService,
	"HostServiceSystem.StartService":     netService, "HostServiceSystem.StopService": netService, "HostServiceSystem.UpdateServicePolicy": netService,
	"HostDateTimeSystem.UpdateDateTimeConfig":               dateTime,
	"HostImageConfigManager.HostImageConfigGetAcceptance":   systemRead,
	"HostImageConfigManager.HostImageConfigGetProfile":      systemRead,
	"HostImageConfigManager.UpdateHostImageAcceptanceLevel": configImage,
	"HostImageConfigManager.FetchSoftwarePackages":          configImage,
	"HostImageConfigManager.InstallDate":                    configImage,
	"HostDatastoreSystem.CreateNasDatastore":                storage,
	"HostDatastoreSystem.RemoveDatastore":                   storage,
	"ManagedMethodExecuter.ExecuteSoap":                     hostSettings,
	"VirtualMachine.PowerOnVM_Task":                         powerOn,
	"VirtualMachine.PowerOffVM_Task":                        powerOff,
	"VirtualMachine.Destroy_Task":                           deleteVM,
}

// need is a privilege on an object.
type need struct {
	on        types.ManagedObjectReference
	privilege string
}

// needsOf are the privileges that a call takes.
func needsOf(ctx *simulator.Context, c *simulator.Method) []need {
	on := ownerOf(ctx, c.This)
	switch body := c.Body.(type) {
	case *types.UpdateOptions: // the vCenter's own, or a host's
		if on.Type == everyFolder.Type {
			return []need{{on, globalSettings}}
		}
		return []need{{on, advancedConfig}}
	case *types.QueryOptions:
		return []need{{on, systemRead}}
	case *types.CreateVM_Task:
		return needsOfVM(ctx, body)
	}
	if privilege := guarded[c.This.Type+"."+nameOf(c)]; privilege != "" {
		return []need{{on, privilege}}
	}
	return nil
}

// needsOfVM are those of Folder.CreateVM_Task, as its reference lists them; that a device
// takes AddRemoveDevice the reference says of ReconfigVM_Task alone: it is assumed here.
func needsOfVM(ctx *simulator.Context, r *types.CreateVM_Task) []need {
	needs := []need{{r.This, createVM}, {r.Pool, assignVM}}
	if len(r.Config.ExtraConfig) > 0 {
		needs = append(needs, need{r.This, advanced})
	}
	if len(r.Config.DeviceChange) > 0 {
		needs = append(needs, need{r.This, addDevice})
	}
	return append(needs, need{storeOf(ctx, r), allocate})
}

// storeOf is the datastore that a machine is to be on.
func storeOf(ctx *simulator.Context, r *types.CreateVM_Task) types.ManagedObjectReference {
	if r.Config.Files != nil {
		for _, e := range ctx.Map.All("Datastore") {
			if "["+e.Entity().Name+"]" == r.Config.Files.VmPathName {
				return e.Reference()
			}
		}
	}
	return types.ManagedObjectReference{Type: "Datastore"}
}

// ownerOf is the object of the inventory that privileges are asked on for an object: the
// host of a part of it, and the root folder for the managers of a vCenter.
func ownerOf(ctx *simulator.Context, ref types.ManagedObjectReference) types.ManagedObjectReference {
	switch obj := ctx.Map.Get(ref).(type) {
	case interface{ owner() *Host }:
		return obj.owner().Ref
	case *simulator.HostDatastoreSystem:
		return obj.Host.Self
	case mo.Entity:
		return ref
	}
	return ctx.Map.Get(vim25.ServiceInstance).(*simulator.ServiceInstance).Content.RootFolder
}

func (s *firewallSystem) owner() *Host     { return s.host }
func (s *serviceSystem) owner() *Host      { return s.host }
func (s *dateTimeSystem) owner() *Host     { return s.host }
func (m *imageConfigManager) owner() *Host { return m.host }
func (m *optionManager) owner() *Host      { return m.host }
func (e *executer) owner() *Host           { return e.host }

// viewed are the properties of the inventory's objects that the reference gives to
// System.View: names, and what an object belongs to or holds. All others are System.Read,
// of which the reference says for most properties nothing and elsewhere (of the role
// "Read-only") that it reads them all.
var viewed = []string{
	"name", "parent", "owner", "host", "vm", "network", "datastore", "childEntity", "portgroup", "resourcePool",
	"hostFolder", "vmFolder", "datastoreFolder", "networkFolder",
}

// readPrivilege is what reading a property takes, and on which object; "" where none does:
// every session reads the service's own objects, and its tasks.
func readPrivilege(ctx *simulator.Context, ref types.ManagedObjectReference, path string) need {
	if ref.Type == "LicenseManager" {
		return need{ownerOf(ctx, ref), globalLicenses}
	}
	switch ctx.Map.Get(ref).(type) {
	case mo.Entity:
		if slices.Contains(viewed, path) {
			return need{ref, systemView}
		}
		return need{ref, systemRead}
	case interface{ owner() *Host }:
		return need{ownerOf(ctx, ref), systemRead}
	}
	return need{}
}
