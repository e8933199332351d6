package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/types"
)

// enterprisePlus are the features of vSphere's edition of that name, as a support bundle
// of ESXi 6.0 lists them.
const enterprisePlus = `vsmp:0 (Unlimited virtual SMP)
vimapi (vSphere API)
vstorage (Storage APIs)
vmsafe (VMsafe)
vmotion (vSphere vMotion)
xswitchvmotion (X-Switch vMotion)
das (vSphere HA)
dr (vSphere Data Protection)
endpoint (vShield Endpoint)
replication (vSphere Replication)
vshield (vShield Zones)
hotplug (Hot-Pluggable virtual HW)
svmotion (vSphere Storage vMotion)
smartcard (Shared Smart Card Reader)
ft:4 (vSphere FT (up to 4 virtual CPUs))
vvolumes (Virtual Volumes)
storageawarenessapi (APIs for Storage Awareness)
spbm (Storage-Policy Based Management)
drs (vSphere DRS)
serialuri:2 (Remote virtual Serial Port Concentrator)
mpio (MPIO / Third-Party Multi-Pathing)
vaai (vSphere Storage APIs for Array Integration)
bigdataex (Big Data Extensions)
rem (Reliable Memory)
dvs (vSphere Distributed Switch)
hostprofile (vSphere Host Profiles)
autodeploy (vSphere Auto Deploy)
sriov (SR-IOV)
sioshares (vSphere Storage I/O Control)
dpvmotion (Direct Path vMotion)
storagedrs (vSphere Storage DRS)
metrovmotion (vSphere vMotion Metro)
viewaccel (vSphere View Accelerator)
appha (vSphere App HA)
vflash (vSphere Flash Read Cache)
contentlib (Content Library)
xvcvmotion (Cross Virtual Center vMotion)
vgpu (vGPU)`

// enterprisePlusLicense is one that does not expire. All hosts may share it.
func enterprisePlusLicense() types.LicenseManagerLicenseInfo {
	info := types.LicenseManagerLicenseInfo{
		LicenseKey: "00000-00000-00000-00000-00001", EditionKey: "esx.enterprisePlus.cpuPackage",
		Name: "vSphere Enterprise Plus", CostUnit: "cpuPackage", Total: 64,
	}
	for line := range strings.Lines(enterprisePlus) {
		key, label, _ := strings.Cut(strings.TrimSpace(line), " (")
		info.Properties = append(info.Properties, types.KeyAnyValue{
			Key: "feature", Value: types.KeyValue{Key: key, Value: strings.TrimSuffix(label, ")")},
		})
	}
	return info
}

// keepEvalLicense undoes what the stock license manager does to a variable of its package:
// it appends to its properties for each model that a process makes.
func keepEvalLicense() (restore func()) {
	kept := slices.Clip(simulator.EvalLicense.Properties) // what is appended goes elsewhere
	simulator.EvalLicense.Properties = kept
	return func() { simulator.EvalLicense.Properties = kept }
}

// assignments are the vCenter's licenses; nil on a bare host.
func (vc *VCenter) assignments() *simulator.LicenseAssignmentManager {
	m := vc.model.Map()
	manager := m.Get(*vc.content().LicenseManager).(*simulator.LicenseManager)
	if manager.LicenseAssignmentManager == nil {
		return nil
	}
	return m.Get(*manager.LicenseAssignmentManager).(*simulator.LicenseAssignmentManager)
}

// nameLicenses sets right whom the licenses are assigned to: the stock simulator assigns
// one before a host has its name, and the vCenter's before that has its UUID.
func (vc *VCenter) nameLicenses() {
	about := vc.content().About
	list := vc.assignments().QueryAssignedLicensesResponse.Returnval
	for i := range list {
		a := &list[i]
		switch h := vc.hostOf(types.ManagedObjectReference{Type: "HostSystem", Value: a.EntityId}); {
		case h != nil:
			a.EntityDisplayName = h.Name
		case a.Scope == "": // the vCenter's own
			a.EntityId, a.Scope = about.InstanceUuid, about.InstanceUuid
		}
	}
}

// licenseHosts assigns one license to all hosts.
func (vc *VCenter) licenseHosts(info types.LicenseManagerLicenseInfo) {
	list := vc.assignments().QueryAssignedLicensesResponse.Returnval
	for i := range list {
		if vc.hostOf(types.ManagedObjectReference{Type: "HostSystem", Value: list[i].EntityId}) != nil {
			list[i].AssignedLicense = info
		}
	}
	manager := vc.model.Map().Get(*vc.content().LicenseManager).(*simulator.LicenseManager)
	manager.Licenses = append(manager.Licenses, info)
}

// ChangeLicense changes the host's license, or that of a bare host. Its properties are
// the host's own, and may be written to.
func (h *Host) ChangeLicense(f func(*types.LicenseManagerLicenseInfo)) {
	h.changeLicenses(func(list []types.LicenseManagerLicenseInfo) []types.LicenseManagerLicenseInfo {
		for i := range list {
			list[i].Properties = slices.Clone(list[i].Properties)
			f(&list[i])
		}
		return list
	})
}

// DropFeatures takes features, such as serialuri, from the host's license.
func (h *Host) DropFeatures(features ...string) {
	h.ChangeLicense(func(info *types.LicenseManagerLicenseInfo) {
		info.Properties = slices.DeleteFunc(info.Properties, func(p types.KeyAnyValue) bool {
			feature, ok := p.Value.(types.KeyValue)
			name, _, _ := strings.Cut(feature.Key, ":")
			return ok && p.Key == "feature" && slices.Contains(features, name)
		})
	})
}

// Unlicense takes the host's license away.
func (h *Host) Unlicense() {
	h.changeLicenses(func([]types.LicenseManagerLicenseInfo) []types.LicenseManagerLicenseInfo { return nil })
}

// changeLicenses replaces the licenses that are assigned to the host. A bare host has none
// assigned: it has those that were added.
func (h *Host) changeLicenses(f func([]types.LicenseManagerLicenseInfo) []types.LicenseManagerLicenseInfo) {
	ctx := newContext(h.image.registry)
	si := ctx.Map.Get(vim25.ServiceInstance).(*simulator.ServiceInstance)
	manager := ctx.Map.Get(*si.Content.LicenseManager).(*simulator.LicenseManager)
	if h.direct {
		ctx.WithLock(manager, func() { manager.Licenses = f(slices.Clone(manager.Licenses)) })
		return
	}
	assigned := ctx.Map.Get(*manager.LicenseAssignmentManager).(*simulator.LicenseAssignmentManager)
	ctx.WithLock(assigned, func() {
		var list []types.LicenseAssignmentManagerLicenseAssignment
		for _, a := range assigned.QueryAssignedLicensesResponse.Returnval {
			if a.EntityId != h.Ref.Value {
				list = append(list, a)
				continue
			}
			for _, info := range f([]types.LicenseManagerLicenseInfo{a.AssignedLicense}) {
				a.AssignedLicense = info
				list = append(list, a)
			}
		}
		assigned.QueryAssignedLicensesResponse.Returnval = list
	})
}

// evaluate says when the host's evaluation ends, which the stock license does not tell.
func (h *Host) evaluate(left time.Duration) {
	h.ChangeLicense(func(info *types.LicenseManagerLicenseInfo) {
		info.Properties = append(info.Properties, types.KeyAnyValue{Key: "expirationDate", Value: time.Now().Add(left).UTC()})
	})
}
