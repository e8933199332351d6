package vsphere

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/linger"
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
	store     types.ManagedObjectReference
	problem   string
}

// machinePrivileges are needed on the virtual machine folder.
var machinePrivileges = []string{
	"VirtualMachine.Inventory.Create", "VirtualMachine.Inventory.Delete", "VirtualMachine.Config.AddRemoveDevice",
	"VirtualMachine.Config.AdvancedConfig", "VirtualMachine.Interact.PowerOn", "VirtualMachine.Interact.PowerOff",
}

// What a machine's pool and datastore ask for.
const (
	poolPrivilege  = "Resource.AssignVMToPool"
	storePrivilege = "Datastore.AllocateSpace"
)

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
	if missing := s.missingPrivileges(ctx, []types.ManagedObjectReference{m.folder}, machinePrivileges); len(missing) > 0 {
		return nil, fmt.Errorf("a serial probe makes a virtual machine for a moment, and the account lacks the privileges %s", strings.Join(missing[m.folder], ", "))
	}
	unlicensed := s.unlicensed(ctx)
	for _, h := range hosts {
		place := t.placeFor(hostRef(h))
		if unlicensed[h.ID] {
			place.problem = "the host's licence has no network serial ports (feature " + serialFeature + ")"
		}
		m.places[h.ID] = place
	}
	m.checkPlaces(ctx)
	return m, nil
}

// checkPlaces asks for the privileges on the pools and datastores.
func (m *Machines) checkPlaces(ctx context.Context) {
	seen := map[types.ManagedObjectReference]bool{}
	var pools, stores []types.ManagedObjectReference
	for _, p := range m.places {
		if p.problem == "" && !seen[p.pool] {
			seen[p.pool] = true
			pools = append(pools, p.pool)
		}
		if p.problem == "" && !seen[p.store] {
			seen[p.store] = true
			stores = append(stores, p.store)
		}
	}
	noPool := m.s.missingPrivileges(ctx, pools, []string{poolPrivilege})
	noStore := m.s.missingPrivileges(ctx, stores, []string{storePrivilege})
	for id, p := range m.places {
		switch {
		case p.problem != "":
			continue
		case len(noPool[p.pool]) > 0:
			p.problem = "the account lacks the privilege " + poolPrivilege + " on the host's resource pool"
		case len(noStore[p.store]) > 0:
			p.problem = fmt.Sprintf("the account lacks the privilege %s on the datastore %s", storePrivilege, p.datastore)
		}
		m.places[id] = p
	}
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
	stores, _ := n.prop("datastore").(types.ArrayOfManagedObjectReference)
	for _, ref := range stores.ManagedObjectReference {
		d := t.nodes[ref]
		if d == nil {
			continue
		}
		accessible, _ := d.prop("summary.accessible").(bool)
		free, _ := d.prop("summary.freeSpace").(int64)
		mode := d.text("summary.maintenanceMode")
		if accessible && (mode == "" || mode == "normal") && free > most {
			most, place.datastore, place.store = free, d.name, ref
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
		if err := m.s.one(ctx, dc.Obj, "vmFolder", &props); err != nil {
			return fmt.Errorf("find the virtual machine folder of %s: %w", datacenter, err)
		}
		m.folder = props.VmFolder
		return nil
	}
	return fmt.Errorf("the datacenter %s is gone", datacenter)
}

// missingPrivileges asks which of the privileges the account lacks on each of
// the objects. A server that does not say lacks none: the calls will tell.
func (s *Session) missingPrivileges(ctx context.Context, on []types.ManagedObjectReference, privileges []string) map[types.ManagedObjectReference][]string {
	manager := s.client.ServiceContent.AuthorizationManager
	if manager == nil || len(on) == 0 {
		return nil
	}
	res, err := methods.HasPrivilegeOnEntities(ctx, s, &types.HasPrivilegeOnEntities{
		This: *manager, SessionId: s.key(), PrivId: privileges, Entity: on,
	})
	if err != nil {
		return nil
	}
	missing := map[types.ManagedObjectReference][]string{}
	for _, e := range res.Returnval {
		for _, p := range e.PrivAvailability {
			if !p.IsGranted {
				missing[e.Entity] = append(missing[e.Entity], p.PrivId)
			}
		}
	}
	return missing
}

// unlicensed names, by ID, the hosts whose assigned licence is known to lack
// network serial ports. A server that does not say leaves the hosts out: then
// powering on will tell.
func (s *Session) unlicensed(ctx context.Context) map[string]bool {
	lacking := map[string]bool{}
	list, err := s.assignedLicenses(ctx)
	if err != nil {
		return lacking
	}
	for _, a := range list {
		lacking[a.entity] = !slices.Contains(a.license.Features, serialFeature)
	}
	return lacking
}

// Machine is a probe's virtual machine.
type Machine struct {
	m    *Machines
	host types.ManagedObjectReference
	name string
	// vm is not known where nobody said what became of the call that makes it, or of its
	// task.
	vm, task types.ManagedObjectReference
}

// Create makes the machine on the host, powered off. Where it is not certain what became
// of it a machine comes beside the error, which is to be destroyed.
func (m *Machines) Create(ctx context.Context, h *inventory.Host, name, proxy, service string) (*Machine, error) {
	place, ok := m.places[h.ID]
	if !ok {
		return nil, errors.New("the host was not among those that were prepared")
	}
	if place.problem != "" {
		return nil, errors.New(place.problem)
	}
	spec := types.VirtualMachineConfigSpec{
		Name: name, GuestId: string(types.VirtualMachineGuestOsIdentifierOtherGuest), NumCPUs: 1, MemoryMB: 4,
		Annotation:  probeNote,
		Files:       &types.VirtualMachineFileInfo{VmPathName: fmt.Sprintf("[%s]", place.datastore)},
		ExtraConfig: []types.BaseOptionValue{&types.OptionValue{Key: probeTag, Value: time.Now().UTC().Format(time.RFC3339)}},
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
	vm := &Machine{m: m, host: hostRef(h), name: name}
	// The call is made whether or not anybody waits for its answer: see it through, or
	// the machine is nobody's.
	ctx, cancel := linger.Context(ctx, taskTime, linger.Grace)
	defer cancel()
	res, err := methods.CreateVM_Task(ctx, m.s, &types.CreateVM_Task{This: m.folder, Config: spec, Pool: place.pool, Host: &vm.host})
	switch {
	case faultOf(err) != nil:
		return nil, plain(err) // and nothing was made
	case err != nil:
		return vm, plain(err)
	}
	vm.task = res.Returnval
	made, err := m.s.await(ctx, vm.task)
	switch {
	case errors.Is(err, errTaskRuns):
		return vm, err
	case err != nil:
		return nil, err
	}
	if vm.vm, _ = made.(types.ManagedObjectReference); vm.vm.Value == "" {
		return vm, errors.New("the server did not say which virtual machine it made")
	}
	return vm, nil
}

// taskTime bounds making and powering on a machine.
const taskTime = 2 * time.Minute

// Name is the machine's name.
func (vm *Machine) Name() string { return vm.name }

// PowerOn powers the machine on, on its host. On another it would test the
// wrong one, so that is an error.
func (vm *Machine) PowerOn(ctx context.Context) error {
	// Seen through as well: a machine cannot be removed while it is powered on.
	ctx, cancel := linger.Context(ctx, taskTime, linger.Grace)
	defer cancel()
	res, err := methods.PowerOnVM_Task(ctx, vm.m.s, &types.PowerOnVM_Task{This: vm.vm, Host: &vm.host})
	if err != nil {
		return plain(err)
	}
	if _, err := vm.m.s.await(ctx, res.Returnval); err != nil {
		return err
	}
	var props mo.VirtualMachine
	if err := vm.m.s.one(ctx, vm.vm, "runtime.host", &props); err != nil {
		return err
	}
	if props.Runtime.Host == nil || *props.Runtime.Host != vm.host {
		return errors.New("it was placed on another host")
	}
	return nil
}

// PortStatus is the state of the serial port, in words.
func (vm *Machine) PortStatus(ctx context.Context) (connected bool, text string) {
	var props mo.VirtualMachine
	if err := vm.m.s.one(ctx, vm.vm, "config.hardware.device", &props); err != nil || props.Config == nil {
		return false, ""
	}
	for _, d := range props.Config.Hardware.Device {
		if port, ok := d.(*types.VirtualSerialPort); ok && port.Connectable != nil {
			ok := port.Connectable.Connected && port.Connectable.Status == string(types.VirtualDeviceConnectInfoStatusOk)
			if port.Connectable.Status == "" {
				return ok, ""
			}
			return ok, fmt.Sprintf("port status %s", port.Connectable.Status)
		}
	}
	return false, ""
}

// removalPause is the time between two tries to remove a machine.
const removalPause = time.Second

// Destroy powers the machine off when it is on, and deletes it. Where it is not certain
// whether there is one, it looks until that is known or the context ends. An error means
// that the machine is there, or may be.
func (vm *Machine) Destroy(ctx context.Context) error {
	for {
		err := vm.remove(ctx)
		if err == nil || !passes(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(removalPause):
		}
	}
}

// errUncertain means that a machine may still come to be.
var errUncertain = errors.New("it is not known whether it was made, or will be")

// passes reports whether removing a machine may go better in a moment: while a task runs
// on it, or when the connection failed.
func passes(err error) bool {
	switch deref(faultOf(err)).(type) {
	case types.TaskInProgress, types.InvalidPowerState:
		return true
	}
	return errors.Is(err, errUncertain) || errors.Is(err, errTaskRuns) || faultOf(err) == nil && isNetworkError(err)
}

// remove makes one try.
func (vm *Machine) remove(ctx context.Context) error {
	if vm.vm.Value == "" {
		if gone, err := vm.find(ctx); gone || err != nil {
			return err
		}
	}
	return vm.m.s.destroy(ctx, vm.vm)
}

// find finds out what became of a machine whose making was not seen to its end. gone
// means that there is none and will be none.
func (vm *Machine) find(ctx context.Context) (gone bool, err error) {
	if vm.task.Value != "" {
		var t mo.Task
		if err := vm.m.s.one(ctx, vm.task, "info", &t); err == nil && t.Info.State == types.TaskInfoStateError {
			return true, nil
		} else if made, ok := t.Info.Result.(types.ManagedObjectReference); err == nil && ok {
			vm.vm = made
			return false, nil
		}
	}
	found, err := vm.m.s.tagged(ctx, func(name string, _ time.Time) bool { return name == vm.name })
	if len(found) == 0 {
		return false, cmp.Or(err, errUncertain)
	}
	vm.vm = found[0].Obj
	return false, nil
}

func (s *Session) destroy(ctx context.Context, vm types.ManagedObjectReference) error {
	off, refused := methods.PowerOffVM_Task(ctx, s, &types.PowerOffVM_Task{This: vm})
	if refused == nil {
		_, _ = s.await(ctx, off.Returnval) // off already, or deleting will say what is wrong
	}
	res, err := methods.Destroy_Task(ctx, s, &types.Destroy_Task{This: vm})
	if err == nil {
		_, err = s.await(ctx, res.Returnval)
	}
	if fault.Is(err, &types.ManagedObjectNotFound{}) {
		return nil // somebody else has removed it
	}
	if err != nil && isNoPermission(refused) { // why it is still on, which is no time to delete it
		return fmt.Errorf("power it off: %w", plain(refused))
	}
	return plain(err)
}

// both is two errors in one line; either may be nil.
func both(err, other error) error {
	if err == nil || other == nil {
		return cmp.Or(err, other)
	}
	return fmt.Errorf("%w; %w", err, other)
}

// CleanupMachines deletes the virtual machines that killed probes have left
// behind, and returns their names. They are known by the tag in their
// configuration and by their name's prefix together. Those younger than age may
// belong to a probe that runs; they are counted, and left.
func (s *Session) CleanupMachines(ctx context.Context, prefix string, age time.Duration) (removed []string, young int, err error) {
	removed, err = s.removeMachines(ctx, func(name string, made time.Time) bool {
		if !strings.HasPrefix(name, prefix) {
			return false
		}
		if time.Since(made) < age {
			young++
			return false
		}
		return true
	})
	return removed, young, err
}

// removeMachines deletes the tagged virtual machines that are wanted, by their
// name and when they were made.
func (s *Session) removeMachines(ctx context.Context, wanted func(name string, made time.Time) bool) (removed []string, err error) {
	found, err := s.tagged(ctx, wanted)
	for _, n := range found {
		if one := s.destroy(ctx, n.Obj); one != nil {
			err = both(err, fmt.Errorf("remove %s: %w", n.name, one))
			continue
		}
		removed = append(removed, n.name)
	}
	return removed, err
}

// tagged are the probes' virtual machines that are wanted. One that may be such, and does
// not tell, is an error beside those that do.
func (s *Session) tagged(ctx context.Context, wanted func(name string, made time.Time) bool) (found []*node, err error) {
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
		extra, _ := n.prop("config.extraConfig").(types.ArrayOfOptionValue)
		if made, tagged := madeAt(extra.OptionValue); tagged && wanted(n.name, made) {
			found = append(found, n)
		}
		if f := n.missing("config.extraConfig"); f != nil && wanted(n.name, time.Time{}) {
			err = both(err, fmt.Errorf("whether %s is a probe's could not be read: %s", n.name, describeFault(f, "")))
		}
	}
	return found, err
}

// madeAt reads the tag of a probe's virtual machine, which is when it was made.
func madeAt(options []types.BaseOptionValue) (made time.Time, tagged bool) {
	for _, o := range options {
		if v := o.GetOptionValue(); v.Key == probeTag {
			text, _ := v.Value.(string)
			made, _ = time.Parse(time.RFC3339, text) // the zero time is old enough
			return made, true
		}
	}
	return time.Time{}, false
}
