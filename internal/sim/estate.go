package sim

import (
	"fmt"
	"maps"
	"slices"

	"github.com/vmware/govmomi/vim25/types"
)

// Whom the hosts of the scenario estate talk to.
const (
	estateVCenter   = "10.0.0.5"
	estateCollector = "10.0.20.9"
	estateNFS       = "10.0.30.5"
	estateNFS41     = "10.0.30.9"
	estateISCSI     = "10.0.40.5:3260"
)

// estateClusters are three clusters of different age whose hosts are set up with all that a
// setting has peers for. The first and the third host of each are as they should be. Each
// other has two things wrong, at one place each, and no two hosts the same.
func estateClusters() []clusterSpec {
	return []clusterSpec{
		{name: "old", hosts: []hostSpec{
			old(1),
			old(2, func(h *hostSpec) {
				h.peers.logHost = "udp://" + estateCollector + ":5514" // which no ruleset opens
				h.enable["vSphereClient"] = network("10.0.99.0", 24)   // without the vCenter
			}),
			old(3),
			old(4, func(h *hostSpec) {
				h.peers.noNTPD = true
				delete(h.enable, "ntpClient")
				h.peers.nfs = append(h.peers.nfs, "10.0.30.6") // which the list of nfsClient lacks
			}),
		}},
		{name: "mid", hosts: []hostSpec{
			mid(11),
			mid(12, func(h *hostSpec) {
				delete(h.enable, "syslog")
				delete(h.enable, "iSCSI")
			}),
			mid(13, func(h *hostSpec) { // narrowed, but not too far
				h.enable["syslog"], h.enable["vSphereClient"] = network("10.0.20.0", 24), network("10.0.0.0", 24)
				h.enable["vpxHeartbeats"] = addresses(estateVCenter)
				h.peers.nfs41, h.enable["nfs41Client"] = []string{estateNFS41}, everyone() // as ESXi's first mount leaves it
			}),
			mid(14, func(h *hostSpec) {
				h.enable["vpxHeartbeats"] = addresses("10.0.0.6")
				h.shut = []string{"vMotion"}
			}),
		}},
		{name: "new", hosts: []hostSpec{
			latest(21),
			latest(22, func(h *hostSpec) {
				h.enable["syslog"] = addresses("10.0.20.8")
				h.enable["rdt"] = addresses("10.0.70.21", "10.0.70.23") // and not .24
			}),
			latest(23),
			latest(24, func(h *hostSpec) {
				h.peers.logHost, h.enable["syslog"] = "ssl://logs.example", network("10.0.20.0", 24) // where a name may be or not
				h.peers.iscsi, h.enable["iSCSI"] = []string{estateISCSI, "10.0.40.6:3261"}, everyone()
			}),
		}},
	}
}

// old is a host of 6.5 with NFS.
func old(number int, but ...func(*hostSpec)) hostSpec {
	h := estateHost(number, "6.5.0")
	h.peers.nfs, h.enable["nfsClient"] = []string{estateNFS}, addresses(estateNFS) // as ESXi itself narrows it
	return changed(h, but)
}

// mid is a host of 7.0 with NFS and iSCSI.
func mid(number int, but ...func(*hostSpec)) hostSpec {
	h := estateHost(number, "7.0.3")
	h.peers.nfs, h.enable["nfsClient"] = []string{estateNFS}, addresses(estateNFS)
	h.peers.iscsi, h.enable["iSCSI"] = []string{estateISCSI}, everyone()
	h.peers.adapters = append(h.peers.adapters, adapterSpec{types.HostVirtualNicManagerNicTypeVSphereProvisioning, fmt.Sprintf("10.0.60.%d", number)})
	return changed(h, but)
}

// latest is a host of 8.0.3 with vSAN.
func latest(number int, but ...func(*hostSpec)) hostSpec {
	h := estateHost(number, "8.0.3")
	h.recorded = "8.0.3"
	h.peers.adapters = append(h.peers.adapters, adapterSpec{types.HostVirtualNicManagerNicTypeVsan, fmt.Sprintf("10.0.70.%d", number)})
	return changed(h, but)
}

// estateHost has what all hosts of the scenario have.
func estateHost(number int, version string) hostSpec {
	return hostSpec{
		name: fmt.Sprintf("esx%02d.example", number), version: version,
		enable: map[string]*types.HostFirewallRulesetIpList{"syslog": everyone(), "ntpClient": everyone()},
		peers: peerSpec{
			logHost: "tcp://" + estateCollector, ntp: []string{"10.0.20.1", "10.0.20.2"}, vCenter: estateVCenter,
			adapters: []adapterSpec{{types.HostVirtualNicManagerNicTypeVmotion, fmt.Sprintf("10.0.50.%d", number)}},
		},
	}
}

func changed(h hostSpec, changes []func(*hostSpec)) hostSpec {
	for _, f := range changes {
		f(&h)
	}
	return h
}

func addresses(list ...string) *types.HostFirewallRulesetIpList {
	return &types.HostFirewallRulesetIpList{IpAddress: list}
}

// furnishEstate sets the hosts up, and gives the vCenter their datastores and the key server
// of its vSAN.
func furnishEstate(vc *VCenter) error {
	vc.addKeyServer("kms", "kms-a", "10.0.80.5:5696")
	mounted := map[string][]string{} // the hosts of an NFS server
	for _, c := range vc.Scenario.datacenters[0].clusters {
		for _, spec := range c.hosts {
			vc.Host(spec.name).setUp(&spec.peers)
			for _, server := range spec.peers.nfs {
				mounted[server] = append(mounted[server], spec.name)
			}
		}
	}
	for _, server := range slices.Sorted(maps.Keys(mounted)) {
		vc.addExport(types.HostFileSystemVolumeFileSystemTypeNFS, server, nfsName(server), mounted[server])
	}
	vc.addExport(types.HostFileSystemVolumeFileSystemTypeNFS41, estateNFS41, nfsName(estateNFS41), []string{"esx13.example"})
	return nil
}
