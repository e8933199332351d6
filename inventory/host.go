package inventory

import (
	"strconv"
	"strings"
	"time"
)

// ConnectionState is vSphere's HostSystemConnectionState. A host that is asked
// directly, without vCenter, always says it is connected.
type ConnectionState string

// The values of HostSystemConnectionState. The empty string means not known.
const (
	Connected     ConnectionState = "connected"
	NotResponding ConnectionState = "notResponding"
	Disconnected  ConnectionState = "disconnected"
)

// Host is one ESXi host.
type Host struct {
	// ID is the managed object ID, such as host-42. It is unique in one vCenter.
	ID string
	// UUID is the hardware's UUID; empty when it could not be read.
	UUID string
	Name string
	// Path is the inventory path, such as /dc1/host/cluster1/esx1.example.
	Path string
	// Cluster is the cluster's name, empty for a standalone host.
	Cluster     string
	ClusterPath string

	Connection  ConnectionState
	Maintenance Tristate
	Quarantine  Tristate
	// Standby is HostRuntimeInfo.standbyMode: none, entering, in or exiting.
	// Only vCenter reports it; the empty string means not known.
	Standby string
	// BootTime is zero when it could not be read.
	BootTime time.Time
	// Stateless hosts keep no configuration over a restart: Auto Deploy sends them an image
	// and applies a host profile, if there is one. The API tells it of those alone that were
	// started from their cache; of others it is unknown.
	Stateless Tristate
	// Version is the product version, such as 6.7.0; empty when not known.
	Version string

	Firewall Firewall
	Software Software
	// Origins tells by a ruleset's key where it came from. It is of this host
	// alone, as its Rulesets need not be; nil when the host was not looked into.
	Origins map[string]Origin
	// PeerSettings are nil when they were not asked for, else one for each PeerOrigin.
	PeerSettings []PeerSetting
	// Earlier is nil when there is no earlier report of the host.
	Earlier *Earlier
	// Probes are the connections that were tried for what is required of the host, in the
	// order of the requirements. There is none when nothing was tried.
	Probes []Probe
}

// ProbesFor are those for the requirement of the name.
func (h *Host) ProbesFor(requirement string) []Probe {
	var list []Probe
	for _, p := range h.Probes {
		if p.Requirement == requirement {
			list = append(list, p)
		}
	}
	return list
}

// IsConnected reports whether the host's facts are the host's own, not what
// vCenter last remembered of it.
func (h *Host) IsConnected() bool { return h.Connection == Connected }

// StateLabel is the host's state in one or two words for a table cell.
func (h *Host) StateLabel() string {
	switch {
	case h.Connection == NotResponding && h.Standby == "in":
		return "standby" // so DPM leaves hosts that it has powered off
	case h.Connection == NotResponding:
		return "not responding"
	case h.Connection == Disconnected:
		return "disconnected"
	case h.Connection == "":
		return "not known"
	case h.Standby != "" && h.Standby != "none":
		return "standby"
	case h.Maintenance == Yes:
		return "maintenance"
	case h.Quarantine == Yes:
		return "quarantine"
	default:
		return string(h.Connection)
	}
}

// MajorVersion is the number before the first dot of a version, such as 8 of
// 8.0.2; 0 when it is not known.
func MajorVersion(version string) int {
	major, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(major)
	if err != nil {
		return 0
	}
	return n
}

// CompareVersions is negative where a is the earlier of two versions such as 8.0.2, and 0
// where they are the same. What is no number counts as 0.
func CompareVersions(a, b string) int {
	for a != "" || b != "" {
		var one, two string
		one, a, _ = strings.Cut(a, ".")
		two, b, _ = strings.Cut(b, ".")
		m, _ := strconv.Atoi(one)
		n, _ := strconv.Atoi(two)
		if m != n {
			return m - n
		}
	}
	return 0
}
