package sim

import (
	"maps"
	"slices"
	"strings"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// settingPaths are the properties of a host that tell of the settings.
var settingPaths = map[inventory.PeerOrigin]string{
	inventory.SyslogLogHosts:    "configManager.advancedOption",
	inventory.NTPServers:        "config.dateTimeInfo",
	inventory.ManagingVCenter:   "summary.managementServerIp",
	inventory.NFSMounts:         "config.fileSystemVolume.mountInfo",
	inventory.NFS41Mounts:       "config.fileSystemVolume.mountInfo",
	inventory.ISCSITargets:      "config.storageDevice.hostBusAdapter",
	inventory.VMotionHosts:      adapterPath,
	inventory.VSANHosts:         adapterPath,
	inventory.ProvisioningHosts: adapterPath,
}

const adapterPath = "config.virtualNicManagerInfo.netConfig"

// traffics are those that hosts of a cluster have between them.
var traffics = []struct {
	origin  inventory.PeerOrigin
	traffic types.HostVirtualNicManagerNicType
}{
	{inventory.VMotionHosts, types.HostVirtualNicManagerNicTypeVmotion},
	{inventory.VSANHosts, types.HostVirtualNicManagerNicTypeVsan},
	{inventory.ProvisioningHosts, types.HostVirtualNicManagerNicTypeVSphereProvisioning},
}

// impersonatePeers gives the hosts the settings that facts tell of others. What the facts do
// not tell cannot be read of the hosts: nothing is set where nothing is known.
func (vc *VCenter) impersonatePeers(inv *inventory.Inventory) {
	own := ownAddresses(inv)
	keyServers := map[string]bool{}
	for i := range inv.Hosts {
		facts := &inv.Hosts[i]
		h := vc.Host(facts.Name)
		if facts.PeerSettings == nil {
			for _, path := range settingPaths {
				h.untoldSetting(path, "the file of facts does not hold the host's settings: collect --profile auto reads them")
			}
			continue
		}
		spec := peerSpec{noNTPD: !h.enabled("ntpClient")}
		for _, s := range facts.PeerSettings {
			switch path := settingPaths[s.Origin]; {
			case s.Unreadable != "" && path != "":
				h.untoldSetting(path, s.Unreadable)
			case s.Unreadable != "": // the key servers, which are the vCenter's
				vc.RevokeOnFolders(readKeyServers)
			default:
				spec.set(s)
			}
			for _, server := range s.Values {
				if s.Origin == inventory.KMIPServers && !keyServers[server] {
					keyServers[server] = true
					vc.addKeyServer("kms", server, server)
				}
			}
		}
		for _, t := range traffics {
			addresses, known := own[t.origin][facts.ID]
			if !known {
				h.untoldSetting(adapterPath, "the file of facts does not tell which addresses are the host's own")
			}
			for _, a := range addresses {
				spec.adapters = append(spec.adapters, adapterSpec{t.traffic, a})
			}
		}
		h.setUp(&spec)
	}
}

// set takes a setting over. The adapters are not in those of their own host.
func (p *peerSpec) set(s inventory.PeerSetting) {
	switch s.Origin {
	case inventory.SyslogLogHosts:
		p.logHost = strings.Join(s.Values, ",")
	case inventory.NTPServers:
		p.ntp = s.Values
	case inventory.ManagingVCenter:
		p.vCenter = strings.Join(s.Values, "")
	case inventory.NFSMounts:
		p.nfs = s.Values
	case inventory.NFS41Mounts:
		p.nfs41 = s.Values
	case inventory.ISCSITargets:
		p.iscsi = s.Values
	}
}

// untoldSetting makes a property unreadable, for the first reason that is given.
func (h *Host) untoldSetting(path, why string) {
	if h.role.denied[h.Ref][path] == nil {
		h.Deny(path, withhold(&h.Ref, why))
	}
}

// enabled reports whether the host has a ruleset enabled.
func (h *Host) enabled(key string) bool {
	rs := find(h.Firewall(), key)
	return rs != nil && rs.Enabled
}

// ownAddresses are those of each host for the traffic between hosts, by its ID: what the
// others of its cluster have and it has not. A host is left out where its own are not known,
// as where facts of a part of the cluster are all that there is.
func ownAddresses(inv *inventory.Inventory) map[inventory.PeerOrigin]map[string][]string {
	all := map[inventory.PeerOrigin]map[string][]string{}
	for _, t := range traffics {
		clusters := map[string]map[string][]string{} // by path and by ID, what the others have
		all[t.origin] = map[string][]string{}
		for i := range inv.Hosts {
			h := &inv.Hosts[i]
			values, takesPart := peersOf(h, t.origin)
			if !takesPart {
				all[t.origin][h.ID] = nil // and that is known
				continue
			}
			if clusters[h.ClusterPath] == nil {
				clusters[h.ClusterPath] = map[string][]string{}
			}
			clusters[h.ClusterPath][h.ID] = values
		}
		for _, others := range clusters {
			for id, list := range divide(others) {
				all[t.origin][id] = list
			}
		}
	}
	return all
}

// peersOf are the addresses of the others. A host takes part where it has such a setting.
func peersOf(h *inventory.Host, origin inventory.PeerOrigin) (values []string, takesPart bool) {
	i := slices.IndexFunc(h.PeerSettings, func(s inventory.PeerSetting) bool { return s.Origin == origin })
	if i < 0 {
		return nil, false
	}
	s := h.PeerSettings[i]
	return s.Values, len(s.Values)+len(s.Unnamed) > 0
}

// divide makes of what the others of each have what each has; nothing where that is not clear.
func divide(others map[string][]string) map[string][]string {
	lists := map[string]int{} // that an address is on: all but that of its host
	for _, list := range others {
		for _, a := range list {
			lists[a]++
		}
	}
	own := map[string][]string{}
	for id, list := range others {
		for _, a := range slices.Sorted(maps.Keys(lists)) {
			if lists[a] != len(others)-1 {
				return nil
			}
			if !slices.Contains(list, a) {
				own[id] = append(own[id], a)
			}
		}
	}
	if len(own) < len(others) {
		return nil
	}
	return own
}
