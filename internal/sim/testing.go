package sim

import (
	"crypto/tls"
	"slices"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// What follows lets a test look at a running simulator and break it. All of it
// may be called while the simulator serves.

// meter counts what reaches the server.
type meter struct {
	user        string
	mu          sync.Mutex
	requests    map[string]int
	connections int
	faults      map[faultKey]*injected
	pageSize    int32
	asked       []string // privileges, each once
	// readOnly refuses what is more than reading, and refusals name it.
	readOnly bool
	refusals []string
}

// ask keeps that a privilege was asked for.
func (m *meter) ask(privilege string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Contains(m.asked, privilege) {
		m.asked = append(m.asked, privilege)
	}
}

type faultKey struct {
	method string
	ref    types.ManagedObjectReference
}

type injected struct {
	fault types.BaseMethodFault
	left  int // how often; below 0 means always
	// hold, when set, keeps the call waiting until it is closed.
	hold <-chan struct{}
}

// call is the registry's Handler: it sees every call before it is made, and
// may answer it with a fault. Returning nothing lets the call go on.
func (m *meter) call(ctx *simulator.Context, c *simulator.Method) (mo.Reference, types.BaseMethodFault) {
	fault, hold := m.count(c)
	if refused := m.refuse(ctx, c); refused != nil {
		return nil, refused
	}
	if hold != nil {
		<-hold
	}
	return nil, fault
}

func (m *meter) count(c *simulator.Method) (types.BaseMethodFault, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests[c.Name]++
	// Single sign-on does not tell upper and lower case apart in a user's name.
	if login, ok := c.Body.(*types.Login); ok && strings.EqualFold(login.UserName, m.user) {
		login.UserName = m.user
	}
	if ex, ok := c.Body.(*types.RetrievePropertiesEx); ok && m.pageSize > 0 {
		ex.Options.MaxObjects = m.pageSize
	}
	f := m.faults[faultKey{c.Name, c.This}]
	if f == nil {
		f = m.faults[faultKey{method: c.Name}]
	}
	if f == nil || f.left == 0 {
		return nil, nil
	}
	f.left--
	return f.fault, f.hold
}

// connect sees every connection: each starts with a handshake.
func (m *meter) connect(*tls.ClientHelloInfo) (*tls.Config, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.connections++
	return nil, nil
}

// Requests is how many calls were made.
func (vc *VCenter) Requests() int {
	vc.meter.mu.Lock()
	defer vc.meter.mu.Unlock()
	sum := 0
	for _, n := range vc.meter.requests {
		sum += n
	}
	return sum
}

// RequestsOf is how many calls of one method were made.
func (vc *VCenter) RequestsOf(method string) int {
	vc.meter.mu.Lock()
	defer vc.meter.mu.Unlock()
	return vc.meter.requests[method]
}

// Connections is how many connections were accepted.
func (vc *VCenter) Connections() int {
	vc.meter.mu.Lock()
	defer vc.meter.mu.Unlock()
	return vc.meter.connections
}

// Fault makes every further call of the method on the object fail; the zero
// reference means any object, and a nil fault that calls go well again.
func (vc *VCenter) Fault(method string, ref types.ManagedObjectReference, fault types.BaseMethodFault) {
	vc.FaultTimes(method, ref, fault, -1)
}

// FaultTimes makes the next n calls of the method on the object fail.
func (vc *VCenter) FaultTimes(method string, ref types.ManagedObjectReference, fault types.BaseMethodFault, n int) {
	vc.meter.mu.Lock()
	defer vc.meter.mu.Unlock()
	vc.meter.faults[faultKey{method, ref}] = &injected{fault: fault, left: n}
}

// Hold keeps every call of the method on the object waiting until release is
// called; then they fail, or go on when fault is nil.
func (vc *VCenter) Hold(method string, ref types.ManagedObjectReference, fault types.BaseMethodFault) (release func()) {
	hold := make(chan struct{})
	vc.meter.mu.Lock()
	defer vc.meter.mu.Unlock()
	vc.meter.faults[faultKey{method, ref}] = &injected{fault: fault, left: -1, hold: hold}
	return sync.OnceFunc(func() { close(hold) })
}

// SetPageSize makes property answers come in pages, asked for or not.
func (vc *VCenter) SetPageSize(n int32) {
	vc.meter.mu.Lock()
	defer vc.meter.mu.Unlock()
	vc.meter.pageSize = n
}

// OpenSessions is how many logins were not logged out.
func (vc *VCenter) OpenSessions() int { return len(vc.sessions()) }

// Certificate is the served certificate in DER.
func (vc *VCenter) Certificate() []byte { return vc.server.Certificate().Raw }

// AddDatacenter adds an empty datacenter.
func (vc *VCenter) AddDatacenter(name string) {
	vc.root().CreateDatacenter(vc.context(), &types.CreateDatacenter{This: vc.root().Self, Name: name})
}

// RenameCluster gives a cluster another name.
func (vc *VCenter) RenameCluster(from, to string) {
	for _, e := range vc.model.Map().All("ClusterComputeResource") {
		if c := e.(*simulator.ClusterComputeResource); c.Name == from {
			c.Name = to
		}
	}
}

// AddPool adds a resource pool to a cluster's root pool.
func (vc *VCenter) AddPool(cluster, name string) {
	ctx := vc.context()
	for _, e := range vc.model.Map().All("ClusterComputeResource") {
		c := e.(*simulator.ClusterComputeResource)
		if c.Name != cluster {
			continue
		}
		root := vc.model.Map().Get(*c.ResourcePool).(*simulator.ResourcePool)
		body := root.CreateResourcePool(ctx, &types.CreateResourcePool{This: root.Self, Name: name, Spec: types.DefaultResourceConfigSpec()})
		if ok := body.(*methods.CreateResourcePoolBody); ok.Fault() != nil {
			panic(ok.Fault().String)
		}
	}
}

// AddSerialVM adds a powered-on virtual machine with a serial port over the
// network to a host. It is there to be read, nothing more.
func (vc *VCenter) AddSerialVM(host, name string) {
	h := vc.Host(host).object
	vm := &simulator.VirtualMachine{}
	vm.Name = name
	vm.Runtime.Host = &h.Self
	vm.Runtime.PowerState = types.VirtualMachinePowerStatePoweredOn
	vm.Config = &types.VirtualMachineConfigInfo{Hardware: types.VirtualHardware{Device: []types.BaseVirtualDevice{
		&types.VirtualSerialPort{VirtualDevice: types.VirtualDevice{Backing: &types.VirtualSerialPortURIBackingInfo{
			VirtualDeviceURIBackingInfo: types.VirtualDeviceURIBackingInfo{ServiceURI: "tcp://203.0.113.20:2377", Direction: "client"},
		}}},
	}}}
	vc.model.Map().PutEntity(h, vm)
	h.Vm = append(h.Vm, vm.Self)
}

// ChangeAll changes the firewall of every host, and vCenter's copy with it.
func (vc *VCenter) ChangeAll(f func(*types.HostFirewallInfo)) {
	ctx := vc.context()
	for _, name := range vc.HostNames() {
		h := vc.Host(name)
		_ = h.Change(func(info *types.HostFirewallInfo) error { f(info); return nil })
		ctx.WithLock(h.system, func() { h.system.show(ctx, h.Firewall()) })
	}
}

// Lag makes vCenter's copy of the host's firewall stay behind: neither changes
// nor the next n refreshes show in it.
func (h *Host) Lag(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lag = n
}

// RemoveRuleset takes a ruleset away from the host, as removing its VIB does.
// vCenter's copy still shows it.
func (h *Host) RemoveRuleset(key string) {
	_ = h.Change(func(info *types.HostFirewallInfo) error {
		info.Ruleset = slices.DeleteFunc(info.Ruleset, func(rs types.HostFirewallRuleset) bool { return rs.Key == key })
		return nil
	})
}
