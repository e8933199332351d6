package checks

import (
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// Breadth says what else an enabled ruleset lets out besides the port, and who
// may switch it off.
type Breadth string

// The breadths of a ruleset that lets a port out.
const (
	// Dedicated opens this port or little more.
	Dedicated Breadth = "dedicated"
	// Broad opens all outbound TCP, or a great part of it.
	Broad Breadth = "broad"
	// Borrowed belongs to another service, which switches it on and off and
	// manages whom it lets through, as an NFS mount does with nfsClient.
	Borrowed Breadth = "borrowed"
)

// The rulesets this tool may enable or has something to say about.
const (
	// VICEngine opens 2377 alone; built in since vSphere 6.7.
	VICEngine = "vic-engine"
	// VSPC opens all outbound TCP, for virtual serial port concentrators.
	VSPC = "vSPC"
	// RemoteSerialPort opens all outbound TCP and inbound 23, 1024-65535.
	RemoteSerialPort = "remoteSerialPort"
	// VMwareVIC came with a VIB of VIC's tech preview.
	VMwareVIC = "vmware-vic"
	// VICOutgoing is written into service.xml by hand, as VIC's manuals told.
	VICOutgoing = "vicoutgoing"
)

// dedicatedPorts is how many outbound TCP ports a ruleset may open and still
// count as dedicated: a site's rule for a VCH and the Docker ports around it
// (2375 to 2380) does, a range that covers unrelated services does not.
const dedicatedPorts = 16

// serialPorts are the built-in rulesets made for what a VCH does: a virtual
// machine's serial port over the network. No daemon owns them.
var serialPorts = []string{VICEngine, VSPC, RemoteSerialPort}

// builtin are the rulesets that ESXi brings itself, from its 6.5.0 (captured in
// govmomi simulator/esx/host_firewall_system.go) to its 8.0 U2b (listed in
// vmware/dod-compliance-and-automation, esxi-80-000239.md). Apart from
// serialPorts each belongs to a service of the host.
var builtin = set(
	"CIMHttpServer", "CIMHttpsServer", "CIMSLP", "DHCPv6", "DVFilter", "DVSSync", "HBR", "NFC", "WOL",
	"activeDirectoryAll", "cmmds", "dhcp", "dns", "dpd", "esxio-orchestrator", "esxioComm", "esxupdate",
	"etcdClientComm", "etcdPeerComm", "faultTolerance", "fdm", "ftpClient", "gdbserver", "gstored",
	"httpClient", "iSCSI", "iofiltervp", "ipfam", "iwarp-pm", "nfs41Client", "nfsClient", "ntpClient",
	"nvmemdns", "nvmetcp", "proxy", "ptpd", "pvrdma", "rabbitmqproxy", "rdt", "remoteSerialPort",
	"settingsd", "snmp", "sshClient", "sshServer", "syslog", "trusted-infrastructure-kmxa",
	"trusted-infrastructure-kmxd", "updateManager", "vMotion", "vSPC", "vSphereClient", "vdfs",
	"vic-engine", "vltd", "vpxHeartbeats", "vsanEncryption", "vsanhealth-multicasttest",
	"vsanhealth-unicasttest", "vsanmgmt-https-tunnel", "vsanvp", "vvold", "webAccess",
)

// BuiltIn reports whether ESXi itself brings a ruleset of that key, in any version
// that is known. Nobody else should: keys that differ by case alone count too, as
// people would take the one for the other.
func BuiltIn(key string) bool {
	for known := range builtin {
		if strings.EqualFold(known, key) {
			return true
		}
	}
	return false
}

func set(keys ...string) map[string]bool {
	m := make(map[string]bool, len(keys))
	for _, key := range keys {
		m[key] = true
	}
	return m
}

// BreadthOf judges a ruleset that lets TCP out. The rules decide between
// dedicated and broad; borrowed is decided by who owns the ruleset: a daemon
// it names, the host itself (not user-controllable), or one of ESXi's own
// services.
func BreadthOf(rs *inventory.Ruleset) Breadth {
	if !slices.Contains(serialPorts, rs.Key) {
		if builtin[rs.Key] || rs.Service != "" || rs.UserControllable == inventory.No {
			return Borrowed
		}
	}
	if outboundTCPPorts(rs) <= dedicatedPorts {
		return Dedicated
	}
	return Broad
}

// outboundTCPPorts counts the destination ports that the ruleset opens.
func outboundTCPPorts(rs *inventory.Ruleset) int {
	var ranges [][2]int
	for _, r := range rs.Rules {
		if r.OutboundTCP() && r.Last() >= r.Port {
			ranges = append(ranges, [2]int{r.Port, r.Last()})
		}
	}
	slices.SortFunc(ranges, func(a, b [2]int) int { return a[0] - b[0] })

	count, next := 0, 0
	for _, r := range ranges {
		if first := max(r[0], next); first <= r[1] {
			count += r[1] - first + 1
			next = r[1] + 1
		}
	}
	return count
}
