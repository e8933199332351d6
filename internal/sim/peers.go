package sim

import (
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// peerSpec says whom a host talks to by its own settings. A service that is not told of is
// not set up.
type peerSpec struct {
	logHost string
	ntp     []string // servers
	// noNTPD hosts have servers, and an ntpd that is stopped.
	noNTPD  bool
	vCenter string
	nfs     []string // servers, each with one datastore
	nfs41   []string // likewise, by NFS 4.1
	iscsi   []string // targets of the software adapter, each an address and a port
	// adapters are VMkernel adapters besides vmk0, in the order of their numbers.
	adapters []adapterSpec
}

// adapterSpec is a VMkernel adapter for one kind of traffic.
type adapterSpec struct {
	traffic types.HostVirtualNicManagerNicType
	address string
}

// setUp sets a host up. It is called before the simulator serves.
func (h *Host) setUp(p *peerSpec) {
	if p.logHost != "" {
		h.SetOption(logHost, p.logHost)
	}
	if len(p.ntp) > 0 {
		h.SetNTP(!p.noNTPD, p.ntp...)
	}
	h.SetManagedBy(p.vCenter)
	if p.vCenter != "" {
		h.changeService("vpxa", func(s *types.HostService) { s.Running = true })
	}
	for _, server := range p.nfs {
		h.addMount(server, types.HostFileSystemVolumeFileSystemTypeNFS)
	}
	for _, server := range p.nfs41 {
		h.addMount(server, types.HostFileSystemVolumeFileSystemTypeNFS41)
	}
	h.addAdapters(p.adapters)
	h.addISCSI(p.iscsi)
}

// logHost is the option that names a host's log collectors.
const logHost = "Syslog.global.logHost"

// addAdapters adds VMkernel adapters. Every adapter is a candidate for every kind of
// traffic, as on ESXi, and each is selected for its own alone.
func (h *Host) addAdapters(adapters []adapterSpec) {
	info := *h.object.Config.VirtualNicManagerInfo
	vmks := []types.HostVirtualNic{info.NetConfig[0].CandidateVnic[0]}
	selected := map[string][]string{}
	var traffics []string
	for i, a := range adapters {
		device, traffic := fmt.Sprintf("vmk%d", i+1), string(a.traffic)
		vmk := types.HostVirtualNic{
			Device: device, Key: "key-vim.host.VirtualNic-" + device,
			Spec: types.HostVirtualNicSpec{Ip: &types.HostIpConfig{IpAddress: a.address, SubnetMask: "255.255.255.0"}},
		}
		if selected[traffic] == nil {
			traffics = append(traffics, traffic)
		}
		vmks, selected[traffic] = append(vmks, vmk), append(selected[traffic], traffic+"."+vmk.Key)
	}
	info.NetConfig = slices.Clip(info.NetConfig)
	for _, traffic := range traffics {
		c := types.VirtualNicManagerNetConfig{NicType: traffic, MultiSelectAllowed: true, CandidateVnic: slices.Clone(vmks), SelectedVnic: selected[traffic]}
		for n := range c.CandidateVnic { // whose keys have the traffic in front (govmomi's template of ESXi 6.5)
			c.CandidateVnic[n].Key = traffic + "." + c.CandidateVnic[n].Key
		}
		info.NetConfig = append(info.NetConfig, c)
	}
	h.object.Config.VirtualNicManagerInfo = &info
}

// addISCSI turns the software adapter on, with targets to discover.
func (h *Host) addISCSI(targets []string) {
	if len(targets) == 0 {
		return
	}
	hba := &types.HostInternetScsiHba{
		HostHostBusAdapter: types.HostHostBusAdapter{
			Key: "key-vim.host.InternetScsiHba-vmhba65", Device: "vmhba65", Bus: 65, Status: "online",
			Model: "iSCSI Software Adapter", Driver: "iscsi_vmk", StorageProtocol: "scsi",
		},
		IsSoftwareBased: true, CanBeDisabled: types.NewBool(true), IScsiName: "iqn.1998-01.com.vmware:" + h.Name,
	}
	for _, target := range targets {
		t := types.HostInternetScsiHbaSendTarget{}
		t.Address, t.Port = splitPort(target)
		hba.ConfiguredSendTarget = append(hba.ConfiguredSendTarget, t)
	}
	device := *h.object.Config.StorageDevice // hosts share the template's
	device.HostBusAdapter = append(slices.Clip(device.HostBusAdapter), hba)
	device.SoftwareInternetScsiEnabled = true
	h.object.Config.StorageDevice = &device
}

// splitPort is an address, and a port where it has one.
func splitPort(text string) (address string, port int32) {
	address, after, err := net.SplitHostPort(text)
	n, wrong := strconv.ParseInt(after, 10, 32)
	if err != nil || wrong != nil {
		return text, 0
	}
	return address, int32(n)
}

// addMount lists a datastore of an NFS server among the host's file systems.
func (h *Host) addMount(server string, version types.HostFileSystemVolumeFileSystemType) {
	volumes, name := &types.HostFileSystemVolumeInfo{}, nfsName(server)
	if config := h.object.Config.FileSystemVolume; config != nil {
		*volumes = *config // hosts share the template's
	}
	volumes.MountInfo = append(slices.Clip(volumes.MountInfo), types.HostFileSystemMountInfo{
		MountInfo: types.HostMountInfo{
			Path: "/vmfs/volumes/" + name, AccessMode: string(types.HostMountModeReadWrite),
			Mounted: types.NewBool(true), Accessible: types.NewBool(true),
		},
		Volume: &types.HostNasVolume{
			HostFileSystemVolume: types.HostFileSystemVolume{
				Type: string(version), Name: name, Capacity: 2 * room,
			},
			RemoteHost: server, RemotePath: "/export/" + name, RemoteHostNames: []string{server},
		},
	})
	h.object.Config.FileSystemVolume = volumes
}

// nfsName is the name of the datastore of an NFS server.
func nfsName(server string) string { return "nfs-" + server }

// addKeyServer makes the vCenter trust a key provider of one server, at an address with its
// port.
func (vc *VCenter) addKeyServer(provider, name, server string) {
	address, port := splitPort(server)
	ref := vc.content().CryptoManager
	if ref == nil || ref.Type != "CryptoManagerKmip" { // a bare host has none
		return
	}
	manager := vc.model.Map().Get(*ref).(*simulator.CryptoManagerKmip)
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

// UpdateOptions overrides the stock method, which writes to values that hosts share.
func (m *optionManager) UpdateOptions(ctx *simulator.Context, r *types.UpdateOptions) soap.HasFault {
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
