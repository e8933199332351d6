package checks

import (
	"fmt"
	"iter"
	"maps"
	"strings"
)

// builtin are the rulesets that ESXi brings itself, from its 5.x to its 8.0.3: those of
// 6.5.0 (captured in govmomi simulator/esx/host_firewall_system.go), of 8.0 U2b (listed
// in vmware/dod-compliance-and-automation, esxi-80-000239.md), of 8.0.3 (recorded in
// vmware/pyvmomi, tests/fixtures), and of public captures of 6.0, 6.7 and 7.0. Each
// belongs to a service of the host, unless a requirement names it.
var builtin = set(
	"CIMHttpServer", "CIMHttpsServer", "CIMSLP", "DHCPv6", "DVFilter", "DVSSync", "HBR", "IKED", "NFC", "WOL",
	"activeDirectoryAll", "cmmds", "dhcp", "dns", "dpd", "esxio-orchestrator", "esxioComm", "esxupdate",
	"etcdClientComm", "etcdPeerComm", "faultTolerance", "fdm", "ftpClient", "gdbserver", "gstored",
	"httpClient", "iSCSI", "iofiltervp", "ipfam", "iwarp-pm", "netDump", "nfs41Client", "nfsClient", "ntpClient",
	"nvmemdns", "nvmetcp", "proxy", "ptpd", "pvrdma", "rabbitmqproxy", "rdt", "remoteSerialPort",
	"settingsd", "snmp", "sshClient", "sshServer", "syslog", "trusted-infrastructure-kmxa",
	"trusted-infrastructure-kmxd", "updateManager", "vMotion", "vSPC", "vSphereClient", "vdfs",
	"vic-engine", "vit", "vltd", "vprobeServer", "vpxHeartbeats", "vsanEncryption", "vsanhealth-multicasttest",
	"vsanhealth-unicasttest", "vsanmgmt-https-tunnel", "vsanvp", "vvold", "webAccess",
)

// byUsers are those of them that are nobody's service: people enable them for programs that
// they run on the host (ssh, ftp, wget). Recorded hosts let users switch them (8.0 U2 to 8.0.3).
var byUsers = set("sshClient", "ftpClient", "httpClient")

// Source is the way by which a ruleset comes onto a host, to go by its key alone.
type Source string

// The sources. The empty one is not known.
const (
	FromESXi Source = "esxi"
	FromVIB  Source = "vib"
	// ByHand is written into service.xml.
	ByHand Source = "hand"
)

// others are keys that ESXi does not bring and that tell where they come from.
var others = map[string]Source{
	"vmware-vic":  FromVIB, // a VIB of VIC's tech preview, and those of vib build
	"vicoutgoing": ByHand,  // as VIC's manuals told
}

// byNSX are the rulesets of NSX's VIBs, listed on a host of 7.0.
var byNSX = set(
	"bfdDP", "bridgeHA", "dfwipfix6", "dynamicruleset", "hyperbus", "netopa", "nsx-mpa", "nsx-opsagent", "nsxMPAPI",
	"nsxOverlay", "nsxProxyRule", "nsxRMQ", "vShield-Endpoint-Mux", "vShield-Endpoint-Mux-Partners",
)

// prefixes begin the keys of new rulesets for what no known key stands for, as NewKey makes
// them.
var prefixes = map[Source]string{FromVIB: "preflight-", ByHand: "byhand-"}

// NewKey is the key of a new ruleset for the requirements that comes onto hosts by a VIB or
// by hand: the names of their profiles. There is one requirement at least.
func NewKey(from Source, reqs ...Requirement) string {
	if len(reqs) == 1 && reqs[0].KeyFrom(from) != "" {
		return reqs[0].KeyFrom(from)
	}
	var names []string
	for _, req := range reqs {
		name := req.Name
		if last := len(names) - 1; last >= 0 {
			if both := commonWords(names[last], name); both != "" {
				names[last] = both // they are of one profile
				continue
			}
		}
		names = append(names, name)
	}
	return prefixes[from] + strings.Join(names, "-")
}

// commonWords are those with which both names begin.
func commonWords(a, b string) string {
	one, other := strings.Split(a, "-"), strings.Split(b, "-")
	n := 0
	for n < min(len(one), len(other)) && one[n] == other[n] {
		n++
	}
	return strings.Join(one[:n], "-")
}

// SourceOf tells how a ruleset of the key comes onto a host.
func SourceOf(key string) Source {
	for from, prefix := range prefixes {
		if strings.HasPrefix(strings.ToLower(key), prefix) {
			return from
		}
	}
	switch {
	case builtin[key]:
		return FromESXi
	case byNSX[key]:
		return FromVIB
	}
	return others[key]
}

// since tells from which version on ESXi brings a ruleset, where it is not in all
// that are known.
var since = map[string]string{"vic-engine": "vSphere 6.7"}

// Since is the first version that brings the ruleset, such as vSphere 6.7; empty
// when all that are known do, or nothing is known.
func Since(key string) string { return since[key] }

// BuiltIn reports whether ESXi itself brings a ruleset of that key, in any version
// that is known. Nobody else should: keys that differ by case alone count too, as
// people would take the one for the other.
func BuiltIn(key string) bool { return SourceOf(knownAs(key)) == FromESXi }

// knownAs is how a known key that differs by case alone is written, else the key.
func knownAs(key string) string {
	for _, known := range []iter.Seq[string]{maps.Keys(builtin), maps.Keys(byNSX), maps.Keys(others)} {
		for name := range known {
			if strings.EqualFold(name, key) {
				return name
			}
		}
	}
	return key
}

// KeyTakenError means that a new ruleset must not have the key.
type KeyTakenError struct {
	Key, Problem string
	// Hints say the way out.
	Hints []string
}

func (e *KeyTakenError) Error() string { return e.Key + " " + e.Problem }

// KeyFree returns a *KeyTakenError where a new ruleset for the requirements must not
// have the key, when it comes onto hosts by the given way.
func KeyFree(key string, from Source, reqs ...Requirement) error {
	switch {
	case BuiltIn(key):
		return &KeyTakenError{key, "is a ruleset that ESXi brings itself: a second one would be in its way", []string{
			"enable what is there: vic-preflight fix --allow", "or give the new one another key",
		}}
	case from == ByHand && SourceOf(knownAs(key)) == FromVIB:
		return &KeyTakenError{key, "is the key of a VIB's ruleset: a rule written by hand could be taken for one that lasts", []string{
			fmt.Sprintf("leave it away for %s, the key that is known to be written by hand", NewKey(ByHand, reqs...)),
		}}
	}
	return nil
}

func set(keys ...string) map[string]bool {
	m := make(map[string]bool, len(keys))
	for _, key := range keys {
		m[key] = true
	}
	return m
}
