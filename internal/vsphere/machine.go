package vsphere

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// probeTag marks a probe's virtual machine in its extraConfig, so that those of
// a killed run can be told from a user's machines of a similar name.
const probeTag = "vic-preflight.probe"

// probeNote is what an administrator reads who finds such a machine.
const probeNote = "Made by vic-preflight to see whether this host can reach a virtual container host. It can be deleted: vic-preflight probe --cleanup"

// Machines makes the virtual machines of serial probes: diskless, one CPU, 4 MB,
// one network serial port, pinned to a host.
type Machines struct {
	s      *Session
	folder types.ManagedObjectReference
	places map[string]machinePlace // by host ID
}

// machinePlace is where a host's machine can be.
type machinePlace struct {
	pool      types.ManagedObjectReference
	datastore string
	problem   string
}

// machinePrivileges are needed on the virtual machine folder.
var machinePrivileges = []string{
	"VirtualMachine.Inventory.Create", "VirtualMachine.Inventory.Delete", "VirtualMachine.Config.AddRemoveDevice",
	"VirtualMachine.Interact.PowerOn", "VirtualMachine.Interact.PowerOff",
}

// serialFeature is the licence feature of network serial ports; its key carries
// a number behind a colon.
const serialFeature = "serialuri"

// PrepareMachines finds out where each host's machine can be, and whether the
// account and the licences allow it. What is missing everywhere is an error;
// what is missing for one host is told when its machine is created.
func (s *Session) PrepareMachines(ctx context.Context, datacenter string, hosts []*inventory.Host) (*Machines, error) {
	m := &Machines{s: s, places: map[string]machinePlace{}}
	t := newTree(s.client.ServiceContent.RootFolder)
	if err := s.retrieve(ctx, []types.PropertyFilterSpec{s.placesSpec(hosts)}, t.add); err != nil {
		return nil, fmt.Errorf("read where probes can be placed: %w", plain(err))
	}
	if err := m.findFolder(ctx, datacenter); err != nil {
		return nil, err
	}
	if missing, err := s.missingPrivileges(ctx, m.folder, machinePrivileges); err == nil && len(missing) > 0 {
		return nil, fmt.Errorf("a serial probe makes a virtual machine for a moment, and the account lacks the privileges %s", strings.Join(missing, ", "))
	}
	unlicensed := s.unlicensed(ctx)
	for _, h := range hosts {
		place := t.placeFor(hostRef(h))
		if unlicensed[h.ID] {
			place.problem = "the host's licence has no network serial ports (feature " + serialFeature + ")"
		}
		m.places[h.ID] = place
	}
	return m, nil
}

func (s *Session) placesSpec(hosts []*inventory.Host) types.PropertyFilterSpec {
	spec := types.PropertyFilterSpec{PropSet: []types.PropertySpec{
		{Type: kindHost, PathSet: []string{"name", "parent", "datastore"}},
		{Type: kindCompute, PathSet: []string{"name", "resourcePool"}},
		{Type: "Datastore", PathSet: []string{"name", "summary.accessible", "summary.freeSpace", "summary.maintenanceMode"}},
	}}
	for _, h := range hosts {
		spec.ObjectSet = append(spec.ObjectSet, types.ObjectSpec{
			Obj: hostRef(h),
			SelectSet: []types.BaseSelectionSpec{
				&types.TraversalSpec{Type: kindHost, Path: "parent"},
				&types.TraversalSpec{Type: kindHost, Path: "datastore"},
			},
		})
	}
	return spec
}

// placeFor picks the host's pool and its accessible datastore with most room.
func (t *tree) placeFor(host types.ManagedObjectReference) machinePlace {
	n := t.nodes[host]
	if n == nil {
		return machinePlace{problem: "the host is no longer in the inventory"}
	}
	var place machinePlace
	if c := t.parent(n); c != nil {
		place.pool, _ = c.ref1("resourcePool")
	}
	if place.pool.Value == "" {
		place.problem = "the host's resource pool cannot be read"
		return place
	}
	most := int64(-1)
	stores, _ := n.props["datastore"].(types.ArrayOfManagedObjectReference)
	for _, ref := range stores.ManagedObjectReference {
		d := t.nodes[ref]
		if d == nil {
			continue
		}
		accessible, _ := d.props["summary.accessible"].(bool)
		free, _ := d.props["summary.freeSpace"].(int64)
		mode := d.text("summary.maintenanceMode")
		if accessible && (mode == "" || mode == "normal") && free > most {
			most, place.datastore = free, d.text("name")
		}
	}
	if place.datastore == "" {
		place.problem = "the host has no accessible datastore for the probe's virtual machine"
	}
	return place
}

func (m *Machines) findFolder(ctx context.Context, datacenter string) error {
	t, err := m.s.readTree(ctx)
	if err != nil {
		return fmt.Errorf("read the inventory: %w", plain(err))
	}
	for _, dc := range t.kind(kindDatacenter) {
		if t.path(dc) != datacenter {
			continue
		}
		var props mo.Datacenter
		o := object.NewDatacenter(m.s.client, dc.ref)
		if err := o.Properties(ctx, dc.ref, []string{"vmFolder"}, &props); err != nil {
			return fmt.Errorf("find the virtual machine folder of %s: %w", datacenter, plain(err))
		}
		m.folder = props.VmFolder
		return nil
	}
	return fmt.Errorf("the datacenter %s is gone", datacenter)
}

// missingPrivileges asks which of the privileges the account lacks on one object.
func (s *Session) missingPrivileges(ctx context.Context, on types.ManagedObjectReference, privileges []string) ([]string, error) {
	manager := s.client.ServiceContent.AuthorizationManager
	if manager == nil {
		return nil, nil
	}
	res, err := methods.HasPrivilegeOnEntities(ctx, s, &types.HasPrivilegeOnEntities{
		This: *manager, SessionId: s.key(), PrivId: privileges, Entity: []types.ManagedObjectReference{on},
	})
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, e := range res.Returnval {
		for _, p := range e.PrivAvailability {
			if !p.IsGranted {
				missing = append(missing, p.PrivId)
			}
		}
	}
	return missing, nil
}

// unlicensed names, by ID, the hosts whose assigned licence is known to lack
// network serial ports. A server that does not say leaves the hosts out: then
// powering on will tell.
func (s *Session) unlicensed(ctx context.Context) map[string]bool {
	lacking := map[string]bool{}
	if s.client.ServiceContent.LicenseManager == nil {
		return lacking
	}
	var lm mo.LicenseManager
	common := object.NewCommon(s.client, *s.client.ServiceContent.LicenseManager)
	if common.Properties(ctx, common.Reference(), []string{"licenseAssignmentManager"}, &lm) != nil || lm.LicenseAssignmentManager == nil {
		return lacking
	}
	res, err := methods.QueryAssignedLicenses(ctx, s, &types.QueryAssignedLicenses{This: *lm.LicenseAssignmentManager})
	if err != nil {
		return lacking
	}
	for _, a := range res.Returnval {
		has := slices.ContainsFunc(a.AssignedLicense.Properties, func(p types.KeyAnyValue) bool {
			kv, ok := p.Value.(types.KeyValue)
			return ok && p.Key == "feature" && strings.HasPrefix(kv.Key, serialFeature)
		})
		lacking[a.EntityId] = !has
	}
	return lacking
}

// Machine is a probe's virtual machine.
type Machine struct {
	m    *Machines
	vm   *object.VirtualMachine
	host types.ManagedObjectReference
	name string
}

// Create makes the machine on the host, powered off.
func (m *Machines) Create(ctx context.Context, h *inventory.Host, name, proxy, service string) (*Machine, error) {
	place, ok := m.places[h.ID]
	if !ok || place.problem != "" {
		return nil, errors.New(place.problem)
	}
	spec := types.VirtualMachineConfigSpec{
		Name: name, GuestId: string(types.VirtualMachineGuestOsIdentifierOtherGuest), NumCPUs: 1, MemoryMB: 4,
		Annotation:  probeNote,
		Files:       &types.VirtualMachineFileInfo{VmPathName: fmt.Sprintf("[%s]", place.datastore)},
		ExtraConfig: []types.BaseOptionValue{&types.OptionValue{Key: probeTag, Value: name}},
		DeviceChange: []types.BaseVirtualDeviceConfigSpec{&types.VirtualDeviceConfigSpec{
			Operation: types.VirtualDeviceConfigSpecOperationAdd,
			Device: &types.VirtualSerialPort{
				YieldOnPoll: true,
				VirtualDevice: types.VirtualDevice{
					Key: -1,
					Connectable: &types.VirtualDeviceConnectInfo{
						StartConnected: true, AllowGuestControl: false,
					},
					Backing: &types.VirtualSerialPortURIBackingInfo{
						VirtualDeviceURIBackingInfo: types.VirtualDeviceURIBackingInfo{
							Direction: string(types.VirtualDeviceURIBackingOptionDirectionClient), ServiceURI: service, ProxyURI: proxy,
						},
					},
				},
			},
		}},
	}
	host := hostRef(h)
	res, err := methods.CreateVM_Task(ctx, m.s, &types.CreateVM_Task{This: m.folder, Config: spec, Pool: place.pool, Host: &host})
	if err != nil {
		return nil, plain(err)
	}
	// The task goes on whether or not anybody waits: see it through, or the
	// machine is nobody's.
	info, err := object.NewTask(m.s.client, res.Returnval).WaitForResult(context.WithoutCancel(ctx), nil)
	if err != nil {
		return nil, plain(err)
	}
	ref, ok := info.Result.(types.ManagedObjectReference)
	if !ok {
		return nil, errors.New("the server did not say which virtual machine it made")
	}
	return &Machine{m: m, vm: object.NewVirtualMachine(m.s.client, ref), host: host, name: name}, nil
}

// Name is the machine's name.
func (vm *Machine) Name() string { return vm.name }

// PowerOn powers the machine on, on its host. On another it would test the
// wrong one, so that is an error.
func (vm *Machine) PowerOn(ctx context.Context) error {
	res, err := methods.PowerOnVM_Task(ctx, vm.m.s, &types.PowerOnVM_Task{This: vm.vm.Reference(), Host: &vm.host})
	if err != nil {
		return plain(err)
	}
	if err := object.NewTask(vm.m.s.client, res.Returnval).Wait(ctx); err != nil {
		return plain(err)
	}
	var props mo.VirtualMachine
	if err := vm.vm.Properties(ctx, vm.vm.Reference(), []string{"runtime.host"}, &props); err != nil {
		return plain(err)
	}
	if props.Runtime.Host == nil || *props.Runtime.Host != vm.host {
		return errors.New("it was placed on another host")
	}
	return nil
}

// PortStatus is the state of the serial port, in words.
func (vm *Machine) PortStatus(ctx context.Context) (connected bool, text string) {
	var props mo.VirtualMachine
	if err := vm.vm.Properties(ctx, vm.vm.Reference(), []string{"config.hardware.device"}, &props); err != nil || props.Config == nil {
		return false, ""
	}
	for _, d := range props.Config.Hardware.Device {
		if port, ok := d.(*types.VirtualSerialPort); ok && port.Connectable != nil {
			ok := port.Connectable.Connected && port.Connectable.Status == string(types.VirtualDeviceConnectInfoStatusOk)
			return ok, fmt.Sprintf("the port says connected=%v, %s", port.Connectable.Connected, port.Connectable.Status)
		}
	}
	return false, ""
}

// Destroy powers the machine off when it is on, and deletes it.
func (vm *Machine) Destroy(ctx context.Context) error { return destroy(ctx, vm.vm) }

func destroy(ctx context.Context, vm *object.VirtualMachine) error {
	if task, err := vm.PowerOff(ctx); err == nil {
		_ = task.Wait(ctx) // off already, or deleting will say what is wrong
	}
	task, err := vm.Destroy(ctx)
	if err != nil {
		return plain(err)
	}
	return plain(task.Wait(ctx))
}

// CleanupMachines deletes the virtual machines that killed probes have left
// behind, and returns their names. They are known by the tag in their
// configuration and by their name's prefix together.
func (s *Session) CleanupMachines(ctx context.Context, prefix string) (removed []string, err error) {
	t := newTree(s.client.ServiceContent.RootFolder)
	err = s.retrieve(ctx, []types.PropertyFilterSpec{{
		ObjectSet: []types.ObjectSpec{{
			Obj: s.client.ServiceContent.RootFolder, Skip: types.NewBool(true),
			SelectSet: []types.BaseSelectionSpec{
				traversal("folder", kindFolder, "childEntity", "folder", "datacenter"),
				traversal("datacenter", kindDatacenter, "vmFolder", "folder"),
			},
		}},
		PropSet: []types.PropertySpec{{Type: "VirtualMachine", PathSet: []string{"name", "config.extraConfig"}}},
	}}, t.add)
	if err != nil {
		return nil, fmt.Errorf("read the virtual machines: %w", plain(err))
	}
	for _, n := range t.kind("VirtualMachine") {
		extra, _ := n.props["config.extraConfig"].(types.ArrayOfOptionValue)
		tagged := slices.ContainsFunc(extra.OptionValue, func(o types.BaseOptionValue) bool { return o.GetOptionValue().Key == probeTag })
		if !tagged || !strings.HasPrefix(n.text("name"), prefix) {
			continue
		}
		if one := destroy(ctx, object.NewVirtualMachine(s.client, n.ref)); one != nil {
			err = errors.Join(err, fmt.Errorf("remove %s: %w", n.text("name"), one))
			continue
		}
		removed = append(removed, n.text("name"))
	}
	return removed, err
}
