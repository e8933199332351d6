package sim

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// vmxProcesses dial, as ESXi's vmx does, for the network serial ports of
// virtual machines that are powered on: from a loopback address of the host's
// own, through the host's simulated firewall, and again and again while the
// machine is on (vmware/vic #2528). It sees every change in the simulator.
type vmxProcesses struct {
	vc *VCenter

	mu      sync.Mutex
	running map[types.ManagedObjectReference]context.CancelFunc
}

// Reference names the handler in the simulator's registry.
func (v *vmxProcesses) Reference() types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: "VMX", Value: "vmx"}
}

// PutObject gives a host that a client has added a firewall of its own. A machine is
// powered on later.
func (v *vmxProcesses) PutObject(_ *simulator.Context, obj mo.Reference) {
	if host, ok := obj.(*simulator.HostSystem); ok && v.vc.hostOf(host.Self) == nil {
		newBuilder(v.vc, v.vc.context()).adopt(host, hostSpec{name: host.Name, version: host.Config.Product.Version})
	}
}

// RemoveObject hangs up for a machine that is destroyed.
func (v *vmxProcesses) RemoveObject(_ *simulator.Context, ref types.ManagedObjectReference) {
	v.stop(ref)
}

// UpdateObject starts and stops with the machine's power. It is called with the
// machine's lock held, so the dialling is for another goroutine.
func (v *vmxProcesses) UpdateObject(_ *simulator.Context, obj mo.Reference, changes []types.PropertyChange) {
	vm, ok := obj.(*mo.VirtualMachine)
	if !ok {
		return
	}
	for _, ch := range changes {
		if ch.Name != "runtime.powerState" {
			continue
		}
		v.stop(vm.Self)
		if ch.Val != types.VirtualMachinePowerStatePoweredOn || vm.Runtime.Host == nil || vm.Config == nil {
			continue
		}
		host := v.vc.hostOf(*vm.Runtime.Host)
		for _, d := range vm.Config.Hardware.Device {
			if port, ok := d.(*types.VirtualSerialPort); ok && host != nil {
				if uri, ok := port.Backing.(*types.VirtualSerialPortURIBackingInfo); ok {
					v.start(vm, host, *uri)
				}
			}
		}
	}
}

func (v *vmxProcesses) stop(ref types.ManagedObjectReference) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if cancel := v.running[ref]; cancel != nil {
		cancel()
		delete(v.running, ref)
	}
}

func (v *vmxProcesses) stopAll() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, cancel := range v.running {
		cancel()
	}
	v.running = nil
}

func (v *vmxProcesses) start(vm *mo.VirtualMachine, host *Host, uri types.VirtualSerialPortURIBackingInfo) {
	p := &vmxProcess{vc: v.vc, vm: vm, name: vm.Name, uuid: vm.Config.Uuid, host: host, service: uri.ServiceURI, plain: uri.ProxyURI == ""}
	at, err := url.Parse(uri.ProxyURI)
	if err != nil || uri.ProxyURI == "" {
		at, err = url.Parse(uri.ServiceURI)
	}
	if err != nil || uri.Direction != string(types.VirtualDeviceURIBackingOptionDirectionClient) {
		return
	}
	p.address = at.Host
	ctx, cancel := context.WithCancel(context.Background())
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.running == nil {
		cancel()
		return
	}
	v.running[vm.Self] = cancel
	go p.run(ctx)
}

// vmxProcess is one machine's.
type vmxProcess struct {
	vc                           *VCenter
	vm                           *mo.VirtualMachine
	name, uuid, service, address string
	// plain ports have no concentrator, and say nothing by themselves.
	plain bool
	host  *Host
}

// retryPause is how long a vmx waits before it dials again. Of a real one the
// time is not known.
const retryPause = time.Second

func (p *vmxProcess) run(ctx context.Context) {
	p.show(ctx, false)
	select {
	case <-ctx.Done():
		return
	case <-time.After(p.vc.dialAfter):
	}
	for ctx.Err() == nil {
		if conn, err := p.dial(ctx); err == nil {
			p.show(ctx, true)
			p.speak(ctx, conn)
		}
		p.show(ctx, false)
		select {
		case <-ctx.Done():
		case <-time.After(retryPause):
		}
	}
}

// show makes the serial port's state what it is. The task that powers the
// machine on holds its lock, so this waits for that.
func (p *vmxProcess) show(ctx context.Context, connected bool) {
	if ctx.Err() != nil {
		return // the machine is being destroyed
	}
	sctx := p.vc.context()
	sctx.WithLock(p.vm, func() {
		devices := slices.Clone(p.vm.Config.Hardware.Device)
		for i, d := range devices {
			port, ok := d.(*types.VirtualSerialPort)
			if !ok {
				continue
			}
			changed := *port
			changed.Connectable = &types.VirtualDeviceConnectInfo{
				StartConnected: true, Connected: connected, Status: string(types.VirtualDeviceConnectInfoStatusRecoverableError),
			}
			if connected {
				changed.Connectable.Status = string(types.VirtualDeviceConnectInfoStatusOk)
			}
			devices[i] = &changed
		}
		sctx.Update(p.vm, []types.PropertyChange{{Name: "config.hardware.device", Val: devices}})
	})
}

// dial goes through the host's firewall: what that drops is never sent.
func (p *vmxProcess) dial(ctx context.Context) (net.Conn, error) {
	if n := p.host.network; n != nil {
		return n.Dial(ctx, p.host.Name, p.address)
	}
	to, err := net.ResolveTCPAddr("tcp", p.address)
	if err != nil {
		return nil, err
	}
	if !p.host.lets(to.AddrPort()) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	d := net.Dialer{Timeout: 5 * time.Second}
	if to.IP.IsLoopback() && to.IP.To4() != nil {
		d.LocalAddr = &net.TCPAddr{IP: net.IP(p.host.address.AsSlice())}
	}
	return d.DialContext(ctx, "tcp", to.String())
}

// lets reports whether the host's firewall passes TCP to the address.
func (h *Host) lets(to netip.AddrPort) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.off || h.notLoaded || h.defaultPass {
		return true
	}
	for _, rs := range h.firewall.Ruleset {
		if rs.Enabled && opens(rs, int32(to.Port())) && admits(rs.AllowedHosts, to.Addr().Unmap()) {
			return true
		}
	}
	return false
}

func opens(rs types.HostFirewallRuleset, port int32) bool {
	for _, r := range rs.Rule {
		last := max(r.Port, r.EndPort)
		if r.Direction == types.HostFirewallRuleDirectionOutbound && r.Protocol == "tcp" &&
			r.PortType != types.HostFirewallRulePortTypeSrc && r.Port <= port && port <= last {
			return true
		}
	}
	return false
}

func admits(list *types.HostFirewallRulesetIpList, to netip.Addr) bool {
	if list == nil || list.AllIp {
		return list != nil
	}
	for _, s := range list.IpAddress {
		if a, err := netip.ParseAddr(s); err == nil && a.Unmap() == to {
			return true
		}
	}
	for _, n := range list.IpNetwork {
		if a, err := netip.ParseAddr(n.Network); err == nil && netip.PrefixFrom(a, int(n.PrefixLength)).Contains(to) {
			return true
		}
	}
	return false
}

// speak is the machine's side of the concentrator's telnet, in the order seen
// in vmware/vic #6390: options, suboptions, DO-PROXY, and the UUID when asked.
func (p *vmxProcess) speak(ctx context.Context, conn net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer conn.Close()
	if p.plain {
		_, _ = io.Copy(io.Discard, conn)
		return
	}
	const iac, sb, se, will, do, vmware = 255, 250, 240, 251, 253, 232
	send := func(sub byte, data string) {
		msg := append([]byte{iac, sb, vmware, sub}, bytes.ReplaceAll([]byte(data), []byte{iac}, []byte{iac, iac})...)
		_, _ = conn.Write(append(msg, iac, se))
	}
	_, _ = conn.Write([]byte{iac, will, vmware})
	var in []byte
	buf := make([]byte, 1024)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		in = append(in, buf[:n]...)
		for {
			switch {
			case len(in) >= 3 && in[0] == iac && in[1] != sb:
				if in[1] == do && in[2] == vmware {
					send(0, "\x00\x01\x02\x03FGPQRS") // KNOWN-SUBOPTIONS-1
				}
				in = in[3:]
				continue
			case len(in) >= 6 && in[0] == iac && in[1] == sb:
				end := bytes.Index(in, []byte{iac, se})
				if end < 0 {
					break
				}
				switch in[3] {
				case 1: // KNOWN-SUBOPTIONS-2
					send(70, "C"+p.service) // DO-PROXY, as a client
				case 81: // GET-VM-VC-UUID
					send(80, spaced(p.uuid))
				case 83: // GET-VM-NAME
					send(82, p.name)
				}
				in = in[end+2:]
				continue
			}
			break
		}
	}
}

// spaced writes a UUID as vmx does: "42 0a ... 5f-11 ... 0c".
func spaced(uuid string) string {
	hex := strings.ReplaceAll(uuid, "-", "")
	var b strings.Builder
	for i := 0; i+1 < len(hex); i += 2 {
		switch {
		case i == 16:
			b.WriteByte('-')
		case i > 0:
			b.WriteByte(' ')
		}
		b.WriteString(hex[i : i+2])
	}
	return b.String()
}
