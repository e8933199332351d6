package sim

import (
	"strings"
	"time"

	"github.com/vmware/govmomi/vim25/types"
)

// VIB is a package that a host has. It does not say which files it brings:
// neither does vSphere's API, nor esxcli.
type VIB struct {
	// CreationDate is, in spite of its name, when the host got it.
	types.SoftwarePackage
	// Released is when the package was made.
	Released time.Time
}

// ID is the name that esxcli prints: vendor, type, name and version.
func (v VIB) ID() string {
	return strings.Join([]string{v.Vendor, v.Type, v.Name, v.Version}, "_")
}

// acceptanceLevels from the strictest to the laxest, as the API and as esxcli
// spell them.
var acceptanceLevels = [...]struct{ api, cli string }{
	{string(types.HostImageAcceptanceLevelVmware_certified), "VMwareCertified"},
	{string(types.HostImageAcceptanceLevelVmware_accepted), "VMwareAccepted"},
	{string(types.HostImageAcceptanceLevelPartner), "PartnerSupported"},
	{string(types.HostImageAcceptanceLevelCommunity), "CommunitySupported"},
}

// AcceptanceRank is how lax an acceptance level is, by either spelling: 0 is the
// strictest, and below 0 there is none of that name.
func AcceptanceRank(level string) int {
	for i, l := range acceptanceLevels {
		if level == l.api || level == l.cli {
			return i
		}
	}
	return -1
}

// CLIAcceptance is an acceptance level in esxcli's spelling.
func CLIAcceptance(level string) string {
	if i := AcceptanceRank(level); i >= 0 {
		return acceptanceLevels[i].cli
	}
	return level
}

// The builds that go with the versions of the scenarios, from the dumps and
// threads that name them.
var builds = map[string]string{
	"6.5.0": "5969303", "6.7.0": "8169922", "7.0.2": "18538813", "7.0.3": "18644231", "8.0.2": "22380479",
}

// BuildOf is the build number of an ESXi version, as far as it is known.
func BuildOf(version string) string {
	if b, ok := builds[version]; ok {
		return b
	}
	return "20513097"
}

// shipped is when every simulated host was installed, and its image made.
var shipped = time.Date(2023, 3, 28, 0, 0, 0, 0, time.UTC)

// baseVIBs are a part of what an ESXi installation consists of.
func baseVIBs(version string) []VIB {
	own := version + "-0.0." + BuildOf(version)
	list := []VIB{
		baseVIB("cpu-microcode", own, "VMware", "bootbank", "CPU microcode updates"),
		baseVIB("esx-base", own, "VMware", "bootbank", "ESXi base system"),
		baseVIB("esx-ui", "2.12.0-21482143", "VMware", "bootbank", "VMware Host Client"),
		baseVIB("esx-update", own, "VMware", "bootbank", "VMware ESXi Update"),
		baseVIB("ixgben", "1.7.1.35-1vmw."+strings.ReplaceAll(version, ".", "")+".0.0."+BuildOf(version), "VMW", "bootbank", "Network driver"),
		baseVIB("tools-light", "12.1.5.20735119-21495797", "VMware", "locker", "VMware Tools"),
		baseVIB("vsan", own, "VMware", "bootbank", "VSAN for ESXi"),
		baseVIB("vsanhealth", own, "VMware", "bootbank", "VSAN health service"),
	}
	return list
}

func baseVIB(name, version, vendor, kind, summary string) VIB {
	yes, no := types.NewBool(true), types.NewBool(false)
	return VIB{Released: shipped, SoftwarePackage: types.SoftwarePackage{
		Name: name, Version: version, Type: kind, Vendor: vendor, Summary: summary, Description: summary,
		AcceptanceLevel: string(types.HostImageAcceptanceLevelVmware_certified), CreationDate: &shipped,
		MaintenanceModeRequired: yes, Payload: []string{shortened(name)},
		Capability: types.SoftwarePackageCapability{LiveInstallAllowed: no, LiveRemoveAllowed: no, StatelessReady: yes, Overlay: no},
	}}
}

// shortened makes a payload's name: it has 8 characters at most.
func shortened(name string) string { return name[:min(len(name), 8)] }

// communityRulesets are the rulesets that come from a VIB of the same name, if
// they come from anywhere but the host's own files: vmware-vic was a technical
// preview's, installed with --force.
var communityRulesets = []string{"vmware-vic"}
