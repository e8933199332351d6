package vsphere

import (
	"bytes"
	"net"
	"slices"
	"strconv"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// What is kept of three lists of a host's configuration. They are most of what is read to
// learn whom a host talks to: the VMkernel adapters stand in full under each kind of
// traffic, and each iSCSI target has the definitions of its options. The reader walks over
// them and takes the few fields that count; like firewallFacts, what comes of it takes the
// place of the property's value, whoever decoded it. What is walked over is checked to be
// well-formed, and no further.
type (
	// nicFacts are of config.virtualNicManagerInfo.netConfig.
	nicFacts []selectedNic
	// nfsServers are of config.fileSystemVolume.mountInfo: the servers of NFS datastores, by
	// what mounts them: NFSMounts or NFS41Mounts.
	nfsServers map[inventory.PeerOrigin][]string
	// iscsiTargets are of config.storageDevice.hostBusAdapter: those of the software adapter.
	iscsiTargets []string
)

// selectedNic is a VMkernel adapter that is selected for a kind of traffic.
type selectedNic struct {
	traffic types.HostVirtualNicManagerNicType
	ipv4    string // empty when there is none
	ipv6    []string
}

// keptTraffic are the kinds of traffic whose adapters are kept.
var keptTraffic = []types.HostVirtualNicManagerNicType{
	types.HostVirtualNicManagerNicTypeManagement, types.HostVirtualNicManagerNicTypeVmotion,
	types.HostVirtualNicManagerNicTypeVsan, types.HostVirtualNicManagerNicTypeVSphereProvisioning,
}

// takeFacts puts what is kept in the place of what govmomi decoded.
func takeFacts(content *types.ObjectContent) {
	for i := range content.PropSet {
		p := &content.PropSet[i]
		switch v := p.Val.(type) {
		case types.HostFirewallInfo:
			p.Val = factsOf(&v)
		case types.ArrayOfVirtualNicManagerNetConfig:
			var nics nicFacts
			for i := range v.VirtualNicManagerNetConfig {
				nics = nics.with(&v.VirtualNicManagerNetConfig[i])
			}
			p.Val = nics
		case types.ArrayOfHostFileSystemMountInfo:
			servers := nfsServers{}
			for _, m := range v.HostFileSystemMountInfo {
				if nas, ok := m.Volume.(*types.HostNasVolume); ok {
					servers.add(nas)
				}
			}
			p.Val = servers
		case types.ArrayOfHostHostBusAdapter:
			var targets iscsiTargets
			for _, a := range v.HostHostBusAdapter {
				if hba, ok := a.(*types.HostInternetScsiHba); ok {
					targets = targets.with(hba)
				}
			}
			p.Val = targets
		}
	}
}

// with adds the selected adapters of one kind of traffic. Their keys are the candidates'.
func (f nicFacts) with(c *types.VirtualNicManagerNetConfig) nicFacts {
	traffic := types.HostVirtualNicManagerNicType(c.NicType)
	if !slices.Contains(keptTraffic, traffic) {
		return f
	}
	for i := range c.CandidateVnic {
		nic := &c.CandidateVnic[i]
		if !slices.Contains(c.SelectedVnic, nic.Key) {
			continue
		}
		kept := selectedNic{traffic: traffic}
		if ip := nic.Spec.Ip; ip != nil {
			kept.ipv4 = ip.IpAddress
			if ip.IpV6Config != nil {
				for _, a := range ip.IpV6Config.IpV6Address {
					if a.Origin == string(types.HostIpConfigIpV6AddressConfigTypeManual) {
						kept.ipv6 = append(kept.ipv6, a.IpAddress)
					}
				}
			}
		}
		f = append(f, kept)
	}
	return f
}

// has reports whether an adapter is selected for the traffic.
func (f nicFacts) has(traffic types.HostVirtualNicManagerNicType) bool {
	return slices.ContainsFunc(f, func(n selectedNic) bool { return n.traffic == traffic })
}

// addresses are those of the adapters that are selected for the traffic. complete is false
// where one of the adapters has none that is known.
func (f nicFacts) addresses(traffic types.HostVirtualNicManagerNicType) (list []string, complete bool) {
	complete = true
	for _, n := range f {
		if n.traffic != traffic {
			continue
		}
		if n.ipv4 != "" {
			list = append(list, n.ipv4)
		}
		list = append(list, n.ipv6...)
		complete = complete && (n.ipv4 != "" || len(n.ipv6) > 0)
	}
	return list, complete
}

// add takes the servers of a mount. NFS 4.1 has a ruleset of its own (nfs41Client), and CIFS
// is none of ESXi's. The API's reference (HostNasVolume) wants remoteHostNames read, which
// old hosts do not have, and calls remoteHost a field to be deprecated.
func (f nfsServers) add(v *types.HostNasVolume) {
	origin := inventory.NFSMounts
	switch types.HostFileSystemVolumeFileSystemType(v.Type) {
	case types.HostFileSystemVolumeFileSystemTypeNFS41:
		origin = inventory.NFS41Mounts
	case types.HostFileSystemVolumeFileSystemTypeCIFS:
		return
	}
	for _, server := range append([]string{v.RemoteHost}, v.RemoteHostNames...) {
		f[origin] = appendNew(f[origin], server)
	}
}

// with adds the targets of a software adapter. Those that were discovered stand among the
// static ones.
func (f iscsiTargets) with(a *types.HostInternetScsiHba) iscsiTargets {
	if !a.IsSoftwareBased {
		return f
	}
	for _, t := range a.ConfiguredSendTarget {
		f = appendNew(f, withPort(t.Address, t.Port))
	}
	for _, t := range a.ConfiguredStaticTarget {
		f = appendNew(f, withPort(t.Address, t.Port))
	}
	return f
}

// withPort is an address as a peer is written. A port that is not given is the usual one.
func withPort(address string, port int32) string {
	if port == 0 || address == "" {
		return address
	}
	return net.JoinHostPort(address, strconv.Itoa(int(port)))
}

// appendNew appends a text that is neither empty nor there already.
func appendNew[L ~[]string](list L, text string) L {
	if text == "" || slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

// nics reads an ArrayOfVirtualNicManagerNetConfig up to its end.
func (r *reader) nics() (types.AnyType, bool) {
	var nics nicFacts
	ok := r.elements(valName, "VirtualNicManagerNetConfig", func(t tag) bool {
		var c types.VirtualNicManagerNetConfig
		ok := r.fields(t.name, func(t tag) bool {
			switch string(t.name) {
			case "nicType":
				return r.leafText(t, &c.NicType)
			case "candidateVnic":
				if c.NicType != "" && !slices.Contains(keptTraffic, types.HostVirtualNicManagerNicType(c.NicType)) {
					return r.pass(t)
				}
				c.CandidateVnic = append(c.CandidateVnic, types.HostVirtualNic{})
				return r.nic(t, &c.CandidateVnic[len(c.CandidateVnic)-1])
			case "selectedVnic":
				c.SelectedVnic = append(c.SelectedVnic, "")
				return r.leafText(t, &c.SelectedVnic[len(c.SelectedVnic)-1])
			}
			return r.pass(t)
		})
		nics = nics.with(&c)
		return ok
	})
	return nics, ok
}

func (r *reader) nic(t tag, nic *types.HostVirtualNic) bool {
	return r.plain(t, func(t tag) bool {
		switch string(t.name) {
		case "key":
			return r.leafText(t, &nic.Key)
		case "spec":
			return r.plain(t, func(t tag) bool {
				if string(t.name) != "ip" {
					return r.pass(t)
				}
				if nic.Spec.Ip == nil {
					nic.Spec.Ip = &types.HostIpConfig{}
				}
				return r.ip(t, nic.Spec.Ip)
			})
		}
		return r.pass(t)
	})
}

func (r *reader) ip(t tag, ip *types.HostIpConfig) bool {
	return r.plain(t, func(t tag) bool {
		switch string(t.name) {
		case "ipAddress":
			return r.leafText(t, &ip.IpAddress)
		case "ipV6Config":
			if ip.IpV6Config == nil {
				ip.IpV6Config = &types.HostIpConfigIpV6AddressConfiguration{}
			}
			return r.plain(t, func(t tag) bool {
				if string(t.name) != "ipV6Address" {
					return r.pass(t)
				}
				var a types.HostIpConfigIpV6Address
				ok := r.plain(t, func(t tag) bool {
					switch string(t.name) {
					case "ipAddress":
						return r.leafText(t, &a.IpAddress)
					case "origin":
						return r.leafText(t, &a.Origin)
					}
					return r.pass(t)
				})
				ip.IpV6Config.IpV6Address = append(ip.IpV6Config.IpV6Address, a)
				return ok
			})
		}
		return r.pass(t)
	})
}

// mounts reads an ArrayOfHostFileSystemMountInfo up to its end.
func (r *reader) mounts() (types.AnyType, bool) {
	servers := nfsServers{}
	ok := r.elements(valName, "HostFileSystemMountInfo", func(t tag) bool {
		return r.fields(t.name, func(t tag) bool {
			if string(t.name) != "volume" {
				return r.pass(t)
			}
			switch kind, ok := r.kind(t); {
			case !ok:
				return false
			case string(kind) != "HostNasVolume":
				return r.pass(t)
			}
			var v types.HostNasVolume
			ok := r.fields(t.name, func(t tag) bool {
				switch string(t.name) {
				case "type":
					return r.leafText(t, &v.Type)
				case "remoteHost":
					return r.leafText(t, &v.RemoteHost)
				case "remoteHostNames":
					v.RemoteHostNames = append(v.RemoteHostNames, "")
					return r.leafText(t, &v.RemoteHostNames[len(v.RemoteHostNames)-1])
				}
				return r.pass(t)
			})
			servers.add(&v)
			return ok
		})
	})
	return servers, ok
}

// adapters reads an ArrayOfHostHostBusAdapter up to its end.
func (r *reader) adapters() (types.AnyType, bool) {
	var targets iscsiTargets
	ok := r.fields(valName, func(t tag) bool {
		switch kind, ok := r.kind(t); {
		case !ok || string(t.name) != "HostHostBusAdapter":
			return false
		case string(kind) != "HostInternetScsiHba":
			return r.pass(t)
		}
		var a types.HostInternetScsiHba
		ok := r.fields(t.name, func(t tag) bool {
			switch string(t.name) {
			case "isSoftwareBased":
				var text string
				ok := r.leafText(t, &text) && (text == "true" || text == "false")
				a.IsSoftwareBased = text == "true"
				return ok
			case "configuredSendTarget":
				a.ConfiguredSendTarget = append(a.ConfiguredSendTarget, types.HostInternetScsiHbaSendTarget{})
				to := &a.ConfiguredSendTarget[len(a.ConfiguredSendTarget)-1]
				return r.target(t, &to.Address, &to.Port)
			case "configuredStaticTarget":
				a.ConfiguredStaticTarget = append(a.ConfiguredStaticTarget, types.HostInternetScsiHbaStaticTarget{})
				to := &a.ConfiguredStaticTarget[len(a.ConfiguredStaticTarget)-1]
				return r.target(t, &to.Address, &to.Port)
			}
			return r.pass(t)
		})
		targets = targets.with(&a)
		return ok
	})
	return targets, ok
}

func (r *reader) target(t tag, address *string, port *int32) bool {
	return r.plain(t, func(t tag) bool {
		switch string(t.name) {
		case "address":
			return r.leafText(t, address)
		case "port":
			var text string
			ok := r.leafText(t, &text)
			n, err := strconv.ParseInt(text, 10, 32)
			*port = int32(n)
			return ok && err == nil
		}
		return r.pass(t)
	})
}

// kind is the xsi:type of a tag that has no other attribute; without one it is left to
// govmomi, and so is one with a prefix.
func (r *reader) kind(t tag) (kind []byte, ok bool) {
	kind, rest := r.typeOf(t)
	return kind, len(kind) > 0 && len(rest) == 0 && !bytes.ContainsRune(kind, ':')
}

// elements reads elements of the one name, up to the end of what holds them.
func (r *reader) elements(of []byte, name string, read func(tag) bool) bool {
	return r.fields(of, func(t tag) bool { return string(t.name) == name && len(t.attrs) == 0 && read(t) })
}

// plain reads what an element without attributes holds, up to its end.
func (r *reader) plain(t tag, read func(tag) bool) bool {
	return len(t.attrs) == 0 && r.fields(t.name, read)
}

// leafText reads an element that holds text alone.
func (r *reader) leafText(t tag, to *string) bool {
	if len(t.attrs) > 0 {
		return false
	}
	text, ok := r.leaf(string(t.name))
	*to = r.word(text)
	return ok
}
