package sim

import (
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// peerSpec says whom a host talks to by its own settings. A service that is not told of is
// not set up.
type peerSpec struct {
	logHost string   // Syslog.global.logHost
	ntp     []string // servers
	// noNTPD hosts have servers, and an ntpd that is stopped.
	noNTPD  bool
	vCenter string
	nfs     []string // servers, each with one datastore
	iscsi   []string // targets of the software adapter, each an address and a port
	// adapters are VMkernel adapters besides vmk0, in the order of their numbers.
	adapters []adapterSpec
}

// adapterSpec is a VMkernel adapter for one kind of traffic.
type adapterSpec struct {
	traffic types.HostVirtualNicManagerNicType
	address string
}

// furnishPeers sets up the hosts of the scenario as their specs say.
func (vc *VCenter) furnishPeers() error {
	mounted := map[string][]string{} // the hosts of an NFS server, by its address
	var servers []string
	for _, dc := range vc.Scenario.datacenters {
		for _, c := range dc.clusters {
			for _, spec := range c.hosts {
				if err := vc.Host(spec.name).setUp(&spec.peers); err != nil {
					return fmt.Errorf("set up %s: %w", spec.name, err)
				}
				for _, server := range spec.peers.nfs {
					if mounted[server] == nil {
						servers = append(servers, server)
					}
					mounted[server] = append(mounted[server], spec.name)
				}
			}
		}
	}
	for _, server := range servers {
		vc.mountNFS(server, mounted[server])
	}
	return nil
}

// setUp is called before the simulator serves.
func (h *Host) setUp(p *peerSpec) error {
	if p.logHost != "" {
		h.SetOption("Syslog.global.logHost", p.logHost)
	}
	if len(p.ntp) > 0 {
		h.SetNTP(!p.noNTPD, p.ntp...)
	}
	if p.vCenter != "" {
		h.SetManagedBy(p.vCenter)
		h.changeService("vpxa", func(s *types.HostService) { s.Running = true })
	}
	h.addAdapters(p.adapters)
	return h.addISCSI(p.iscsi)
}

// addAdapters adds VMkernel adapters. Every adapter is a candidate for every kind of
// traffic, as on ESXi, and each is selected for its own alone.
func (h *Host) addAdapters(adapters []adapterSpec) {
	management := h.object.Config.VirtualNicManagerInfo.NetConfig[0]
	vmks := []types.HostVirtualNic{management.CandidateVnic[0]}
	for i, a := range adapters {
		device := fmt.Sprintf("vmk%d", i+1)
		vmks = append(vmks, types.HostVirtualNic{
			Device: device, Key: "key-vim.host.VirtualNic-" + device,
			Spec: types.HostVirtualNicSpec{Ip: &types.HostIpConfig{IpAddress: a.address, SubnetMask: "255.255.255.0"}},
		})
	}
	info := &types.HostVirtualNicManagerInfo{NetConfig: []types.VirtualNicManagerNetConfig{management}}
	for i, a := range adapters {
		// The keys have the traffic in front (govmomi's template of ESXi 6.5).
		c := types.VirtualNicManagerNetConfig{NicType: string(a.traffic), MultiSelectAllowed: true, CandidateVnic: slices.Clone(vmks)}
		for n := range c.CandidateVnic {
			c.CandidateVnic[n].Key = c.NicType + "." + c.CandidateVnic[n].Key
		}
		c.SelectedVnic = []string{c.CandidateVnic[i+1].Key}
		info.NetConfig = append(info.NetConfig, c)
	}
	h.object.Config.VirtualNicManagerInfo = info
}

// addISCSI turns the software adapter on, with targets to discover.
func (h *Host) addISCSI(targets []string) error {
	if len(targets) == 0 {
		return nil
	}
	hba := &types.HostInternetScsiHba{
		HostHostBusAdapter: types.HostHostBusAdapter{
			Key: "key-vim.host.InternetScsiHba-vmhba65", Device: "vmhba65", Bus: 65, Status: "online",
			Model: "iSCSI Software Adapter", Driver: "iscsi_vmk", StorageProtocol: "scsi",
		},
		IsSoftwareBased: true, CanBeDisabled: types.NewBool(true), IScsiName: "iqn.1998-01.com.vmware:" + h.Name,
	}
	for _, target := range targets {
		address, text, err := net.SplitHostPort(target)
		if err != nil {
			return err
		}
		port, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return err
		}
		hba.ConfiguredSendTarget = append(hba.ConfiguredSendTarget, types.HostInternetScsiHbaSendTarget{Address: address, Port: int32(port)})
	}
	device := *h.object.Config.StorageDevice // hosts share the template's
	device.HostBusAdapter = append(slices.Clip(device.HostBusAdapter), hba)
	device.SoftwareInternetScsiEnabled = true
	h.object.Config.StorageDevice = &device
	return nil
}

// mountNFS mounts a datastore of an NFS server on hosts, which list it among their file
// systems too.
func (vc *VCenter) mountNFS(server string, hosts []string) {
	name := "nfs-" + server
	vc.addExport(server, name, hosts)
	for _, host := range hosts {
		volumes := &types.HostFileSystemVolumeInfo{}
		config := vc.Host(host).object.Config
		if config.FileSystemVolume != nil {
			*volumes = *config.FileSystemVolume // hosts share the template's
		}
		volumes.MountInfo = append(slices.Clip(volumes.MountInfo), types.HostFileSystemMountInfo{
			MountInfo: types.HostMountInfo{
				Path: "/vmfs/volumes/" + name, AccessMode: string(types.HostMountModeReadWrite),
				Mounted: types.NewBool(true), Accessible: types.NewBool(true),
			},
			Volume: &types.HostNasVolume{
				HostFileSystemVolume: types.HostFileSystemVolume{
					Type: string(types.HostFileSystemVolumeFileSystemTypeNFS), Name: name, Capacity: 2 * room,
				},
				RemoteHost: server, RemotePath: "/export/" + name, RemoteHostNames: []string{server},
			},
		})
		config.FileSystemVolume = volumes
	}
}

// addKeyServer makes the vCenter trust a key provider of one server.
func (vc *VCenter) addKeyServer(provider, name, address string, port int32) {
	manager := vc.model.Map().Get(*vc.content().CryptoManager).(*simulator.CryptoManagerKmip)
	manager.KmipServers = append(slices.Clip(manager.KmipServers), types.KmipClusterInfo{
		ClusterId: types.KeyProviderId{Id: provider}, UseAsDefault: true,
		ManagementType: string(types.KmipClusterInfoKmsManagementTypeVCenter),
		Servers:        []types.KmipServerInfo{{Name: name, Address: address, Port: port}},
	})
}

// optionManager is a host's OptionManager. The stock simulator's is one for all hosts that
// are clones of one template.
//
// The stock object must be the first field: the property collector looks for the managed
// object there.
type optionManager struct {
	*simulator.OptionManager
	host *Host
}

func newOptionManager(h *Host, m *simulator.Registry) *optionManager {
	self := types.ManagedObjectReference{Type: "OptionManager", Value: "EsxHostAdvSettings-" + h.Ref.Value}
	template := m.Get(*h.object.ConfigManager.AdvancedOption).(*simulator.OptionManager)
	return &optionManager{simulator.NewOptionManager(&self, template.Setting, nil).(*simulator.OptionManager), h}
}

// show makes a list the host's options, in both places where the API has them. It is called
// with the lock of m held.
func (m *optionManager) show(ctx *simulator.Context, list []types.BaseOptionValue) {
	m.Setting = list
	ctx.WithLock(m.host.object, func() { m.host.object.Config.Option = list })
}

// advancedConfig guards what changes a host's options.
const advancedConfig = "Host.Config.AdvancedConfig"

// UpdateOptions overrides the stock method, which writes to values that hosts share.
func (m *optionManager) UpdateOptions(ctx *simulator.Context, r *types.UpdateOptions) soap.HasFault {
	if !m.host.has(advancedConfig) {
		return &methods.UpdateOptionsBody{Fault_: simulator.Fault("", &types.NoPermission{Object: &m.host.Ref, PrivilegeId: advancedConfig})}
	}
	m.Setting = ownValues(m.Setting)
	body := m.OptionManager.UpdateOptions(r)
	m.show(ctx, m.Setting)
	return body
}

// SetOption sets an advanced option of the host, such as Syslog.global.logHost, or unsets it
// where there is no value.
func (h *Host) SetOption(key string, values ...any) {
	ctx := newContext(h.image.registry)
	ctx.WithLock(h.options, func() { h.options.show(ctx, withOption(h.options.Setting, key, values)) })
}
