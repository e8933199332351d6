package sim

import (
	"fmt"
	"net/netip"
	"path"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/simulator/esx"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// builder adds hosts to the simulator's registry by cloning one template. The
// simulator's own AddHost_Task copies a large configuration through XML and
// waits on a ticker, some 40 ms for each host.
type builder struct {
	vc       *VCenter
	ctx      *simulator.Context
	template *simulator.HostSystem
}

func newBuilder(vc *VCenter, ctx *simulator.Context) *builder { return &builder{vc: vc, ctx: ctx} }

func (b *builder) addDatacenter(root *simulator.Folder, spec datacenterSpec) error {
	above, name := path.Split(spec.name)
	root, err := b.folder(root, above)
	if err != nil {
		return err
	}
	body := root.CreateDatacenter(b.ctx, &types.CreateDatacenter{This: root.Self, Name: name})
	if f := body.Fault(); f != nil {
		return fmt.Errorf("create datacenter %s: %s", spec.name, f.String)
	}
	dc := b.ctx.Map.Get(body.(*methods.CreateDatacenterBody).Res.Returnval).(*simulator.Datacenter)
	hosts := b.ctx.Map.Get(dc.HostFolder).(*simulator.Folder)
	for _, c := range spec.clusters {
		folder, err := b.folder(hosts, c.folder)
		if err != nil {
			return err
		}
		if err := b.addCluster(folder, c); err != nil {
			return err
		}
	}
	return nil
}

// folder is the one at a place below another, made where it is not there.
func (b *builder) folder(at *simulator.Folder, place string) (*simulator.Folder, error) {
	for _, name := range folders(place) {
		if have, ok := b.ctx.Map.FindByName(name, at.ChildEntity).(*simulator.Folder); ok {
			at = have
			continue
		}
		made, ok := at.CreateFolder(b.ctx, &types.CreateFolder{This: at.Self, Name: name}).(*methods.CreateFolderBody)
		if !ok || made.Res == nil {
			return nil, fmt.Errorf("create folder %s of %s", name, place)
		}
		at = b.ctx.Map.Get(made.Res.Returnval).(*simulator.Folder)
	}
	return at, nil
}

func (b *builder) addCluster(folder *simulator.Folder, spec clusterSpec) error {
	if spec.name == "" {
		for _, h := range spec.hosts {
			host, fault := simulator.CreateStandaloneHost(b.ctx, folder, types.HostConnectSpec{HostName: h.name})
			if fault != nil {
				return fmt.Errorf("create host %s: %T", h.name, fault)
			}
			b.adopt(host, h)
		}
		return nil
	}
	cluster, fault := simulator.CreateClusterComputeResource(b.ctx, folder, spec.name, types.ClusterConfigSpecEx{})
	if fault != nil {
		return fmt.Errorf("create cluster %s: %T", spec.name, fault)
	}
	cluster.Host = make([]types.ManagedObjectReference, 0, len(spec.hosts))
	for _, h := range spec.hosts {
		host := b.newHost(cluster)
		b.ctx.Map.PutEntity(cluster, b.ctx.Map.NewEntity(host))
		host.Summary.Host = &host.Self
		cluster.Host = append(cluster.Host, host.Self)
		b.adopt(host, h)
	}
	summary := cluster.Summary.GetComputeResourceSummary()
	n := int32(len(spec.hosts))
	summary.NumHosts, summary.NumEffectiveHosts = n, n
	return nil
}

// newHost clones the template. What a host may change is its own, the rest of
// its configuration is shared.
func (b *builder) newHost(cluster *simulator.ClusterComputeResource) *simulator.HostSystem {
	if b.template == nil {
		b.template = simulator.NewHostSystem(b.ctx, esx.HostSystem)
	}
	host := &simulator.HostSystem{HostSystem: b.template.HostSystem}
	host.Vm, host.Datastore = nil, nil
	host.Network = cluster.Network
	config := *b.template.Config
	host.Config = &config
	return host
}

// adopt makes a host that is in the registry into the one of the spec.
func (b *builder) adopt(host *simulator.HostSystem, spec hostSpec) {
	m := b.ctx.Map
	id := stableUUID("host", b.vc.Scenario.Name+"/"+spec.name)
	if spec.facts != nil {
		id = spec.facts.UUID
	}
	if spec.facts != nil && b.vc.Scenario.bare {
		id = b.vc.Scenario.instance // by which a bare host is known
	}
	identifyHost(host, spec, id)

	dss := m.Put(&simulator.HostDatastoreSystem{Host: &host.HostSystem}).Reference()
	host.ConfigManager.DatastoreSystem = &dss

	h := &Host{
		Name: spec.name, Ref: host.Self, object: host, direct: b.vc.Scenario.bare,
		firewall: firewallOf(spec), off: spec.off, defaultPass: spec.defaultPass, denySwitch: spec.denySwitch, role: b.vc.role,
	}
	b.addFirewall(h, spec)
	h.services = newServiceSystem(h)
	m.Put(h.services)
	host.ConfigManager.ServiceSystem = &h.services.Self
	h.clock = newDateTimeSystem(h)
	m.Put(h.clock)
	host.ConfigManager.DateTimeSystem = &h.clock.Self
	h.options = newOptionManager(h, m)
	m.Put(h.options)
	host.ConfigManager.AdvancedOption = &h.options.Self
	h.addImage(m, spec)
	if spec.facts != nil {
		h.impersonate(spec.facts)
	}

	// The stock executer is made on first use and put into the registry; make
	// it now, so that ours is the later one.
	host.RetrieveManagedMethodExecuter(b.ctx, nil)
	ref := executerRef(host.Self)
	m.Put(&executer{ManagedMethodExecuter: m.Get(ref).(*simulator.ManagedMethodExecuter), host: h})

	b.addAddress(h)
	b.vc.adding.Lock()
	defer b.vc.adding.Unlock()
	b.vc.hosts[spec.name], b.vc.byRef[host.Self] = h, h
	b.vc.names = append(b.vc.names, spec.name)
}

// identifyHost gives the host what tells it from others, and its state.
func identifyHost(host *simulator.HostSystem, spec hostSpec, id string) {
	host.Name, host.Summary.Config.Name = spec.name, spec.name
	product := *host.Summary.Config.Product
	product.Version, product.Build = spec.version, "0"
	product.FullName = "VMware ESXi " + spec.version
	host.Summary.Config.Product = &product
	host.Config.Product, host.Config.Host = product, host.Self

	summary := *host.Summary.Hardware
	summary.Uuid = id
	host.Summary.Hardware = &summary
	hardware := *host.Hardware
	hardware.SystemInfo.Uuid = id
	host.Hardware = &hardware

	host.Summary.Runtime = &host.Runtime
	host.Runtime.ConnectionState = types.HostSystemConnectionStateConnected
	if spec.connection != "" {
		host.Runtime.ConnectionState = spec.connection
	}
	host.Runtime.InMaintenanceMode = spec.maintenance
}

// addFirewall puts this package's firewall in the place of the stock one, whose
// rulesets all hosts share.
func (b *builder) addFirewall(h *Host, spec hostSpec) {
	host := h.object
	stock := simulator.NewHostFirewallSystem(&host.HostSystem)
	stock.FirewallInfo = h.firewall
	if spec.noInfo {
		stock.FirewallInfo = nil
	}
	host.Config.Firewall = stock.FirewallInfo
	stock.Self = types.ManagedObjectReference{Type: "HostFirewallSystem", Value: "firewallSystem-" + host.Self.Value}
	h.system = &firewallSystem{HostFirewallSystem: stock, host: h}
	b.ctx.Map.Put(h.system)
	host.ConfigManager.FirewallSystem = &stock.Self
	if spec.denyInfo {
		h.Deny("firewallInfo", &types.NoPermission{Object: &h.system.Self, PrivilegeId: "System.Read"})
		h.Deny("config.firewall", &types.NoPermission{Object: &h.Ref, PrivilegeId: "System.Read"})
	}
}

// addAddress gives the host an address on loopback, or its own in the lab.
func (b *builder) addAddress(h *Host) {
	n := len(b.vc.names)
	h.address = netip.AddrFrom4([4]byte{127, 20, byte(n / 250), byte(n%250 + 1)})
	if h.network = b.vc.network; h.network != nil {
		if own := h.network.Address(h.Name); own.IsValid() {
			h.address = own
		}
		if err := h.tellNetwork(); err != nil {
			panic(fmt.Sprintf("the lab's network: %v", err)) // a lab that is half there proves nothing
		}
	}
	setManagementIP(h.object, h.address)
}

// setManagementIP makes the address that of the selected management vmk, where
// VirtualNicManagerInfo shows it.
func setManagementIP(host *simulator.HostSystem, address netip.Addr) {
	vnic := types.HostVirtualNic{
		Device: "vmk0", Key: "key-vim.host.VirtualNic-vmk0",
		Spec: types.HostVirtualNicSpec{Ip: &types.HostIpConfig{IpAddress: address.String(), SubnetMask: "255.255.255.0"}},
	}
	host.Config.VirtualNicManagerInfo = &types.HostVirtualNicManagerInfo{NetConfig: []types.VirtualNicManagerNetConfig{{
		NicType: string(types.HostVirtualNicManagerNicTypeManagement), MultiSelectAllowed: true,
		CandidateVnic: []types.HostVirtualNic{vnic}, SelectedVnic: []string{vnic.Key},
	}}}
}

func executerRef(host types.ManagedObjectReference) types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: "ManagedMethodExecuter", Value: host.Value}
}
