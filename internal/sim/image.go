package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	cliesx "github.com/vmware/govmomi/cli/esx"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/simulator/esx"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
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

// image is what software a host runs. The zero value is what VMware ships, so
// that a host costs nothing until it is asked.
type image struct {
	registry   *simulator.Registry
	changed    bool // vibs is the list; otherwise it is baseVIBs
	vibs       []VIB
	acceptance string // partner when empty
	secureBoot bool
	refresh    func() error
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

// addImage gives a new host its software and the API to it.
func (h *Host) addImage(m *simulator.Registry, spec hostSpec) {
	h.image.registry = m
	manager := &imageConfigManager{host: h}
	manager.Self = types.ManagedObjectReference{Type: "HostImageConfigManager", Value: "imageConfigManager-" + h.Ref.Value}
	m.Put(manager)
	h.object.ConfigManager.ImageConfigManager = &manager.Self
	for _, rs := range spec.extra {
		if slices.Contains(communityRulesets, rs.Key) {
			vib := baseVIB(rs.Key, "1.0.0-0.0.1", "VMware", "bootbank", "Firewall ruleset of vSphere Integrated Containers")
			vib.AcceptanceLevel = string(types.HostImageAcceptanceLevelCommunity)
			vib.Capability.LiveInstallAllowed, vib.Capability.LiveRemoveAllowed = types.NewBool(true), types.NewBool(true)
			vib.MaintenanceModeRequired = types.NewBool(false)
			h.image.acceptance = vib.AcceptanceLevel
			h.InstallVIB(vib)
		}
	}
}

// BuiltInRuleset is a ruleset as ESXi brings it, if it brings one of that name.
func BuiltInRuleset(key string) (types.HostFirewallRuleset, bool) {
	if rs := find(&esx.HostFirewallInfo, key); rs != nil {
		return *rs, true
	}
	return types.HostFirewallRuleset{}, key == vicEngine
}

// vicEngine is built in since 6.7, and shut.
const vicEngine = "vic-engine"

// Version is the host's ESXi version, such as 8.0.2.
func (h *Host) Version() string { return h.object.Summary.Config.Product.Version }

// AtLeast reports whether the host's ESXi version is not older than the one.
func (h *Host) AtLeast(version string) bool { return atLeast(h.Version(), version) }

// VIBs are the packages that the host runs, by name.
func (h *Host) VIBs() []VIB {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.installed()
}

// installed is called with h.mu held.
func (h *Host) installed() []VIB {
	if h.image.changed {
		return slices.Clone(h.image.vibs)
	}
	return baseVIBs(h.Version())
}

// InstallVIB puts a package on the host, in place of one of the same name. It
// touches neither the firewall nor, without a CreationDate, the clock.
func (h *Host) InstallVIB(vib VIB) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if vib.CreationDate == nil {
		now := time.Now()
		vib.CreationDate = &now
	}
	list := slices.DeleteFunc(h.installed(), func(v VIB) bool { return v.Name == vib.Name })
	list = append(list, vib)
	slices.SortFunc(list, func(a, b VIB) int { return strings.Compare(a.Name, b.Name) })
	h.image.vibs, h.image.changed = list, true
}

// RemoveVIB takes a package off the host, and reports whether it was there.
func (h *Host) RemoveVIB(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := h.installed()
	kept := slices.DeleteFunc(slices.Clone(list), func(v VIB) bool { return v.Name == name })
	h.image.vibs, h.image.changed = kept, true
	return len(kept) < len(list)
}

// Acceptance is the host's acceptance level, as the API spells it.
func (h *Host) Acceptance() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.image.acceptance == "" {
		return string(types.HostImageAcceptanceLevelPartner)
	}
	return h.image.acceptance
}

// errSecureBoot is inferred: VMware's documentation says that the community
// level and Secure Boot exclude each other, not how a host puts it.
const errSecureBoot hostMessage = "Secure Boot is enabled: the acceptance level cannot be CommunitySupported."

// SetAcceptance changes the host's acceptance level, in either spelling. A host
// refuses a level that one of its packages is laxer than.
func (h *Host) SetAcceptance(level string) error {
	wanted := AcceptanceRank(level)
	if wanted < 0 {
		return fmt.Errorf("there is no acceptance level %q", level)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	name := acceptanceLevels[wanted].api
	var lower []string
	for _, v := range h.installed() {
		if AcceptanceRank(v.AcceptanceLevel) > wanted {
			lower = append(lower, v.ID())
		}
	}
	switch {
	case len(lower) > 0: // lamw/ghettoVCB #63
		return hostMessage(fmt.Sprintf("Unable to set acceptance level of %s due to installed VIBs %s having a lower acceptance level.",
			name, strings.Join(lower, ", ")))
	case h.image.secureBoot && name == string(types.HostImageAcceptanceLevelCommunity):
		return errSecureBoot
	}
	h.image.acceptance = name
	return nil
}

// SecureBoot reports whether the host was started with Secure Boot.
func (h *Host) SecureBoot() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.image.secureBoot
}

// SetSecureBoot makes the host one that was started with Secure Boot, or not.
func (h *Host) SetSecureBoot(on bool) {
	h.mu.Lock()
	h.image.secureBoot = on
	h.mu.Unlock()
	newContext(h.image.registry).WithLock(h.object, func() {
		capability := types.HostCapability{}
		if h.object.Capability != nil {
			capability = *h.object.Capability // it is shared
		}
		capability.UefiSecureBoot = types.NewBool(on)
		h.object.Capability = &capability
	})
}

// OnRefresh has f called when somebody has the host read its firewall's files
// again, by esxcli or through the API. It may change the firewall.
func (h *Host) OnRefresh(f func() error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.image.refresh = f
}

func (h *Host) reload() error {
	h.mu.Lock()
	f := h.image.refresh
	h.mu.Unlock()
	if f == nil {
		return nil
	}
	return f()
}

// SetBootTime makes the host one that was started at that time.
func (h *Host) SetBootTime(at time.Time) {
	ctx := newContext(h.image.registry)
	ctx.Map.AtomicUpdate(ctx, h.object, []types.PropertyChange{{Name: "runtime.bootTime", Val: at}})
}

// InMaintenance reports whether the host is in maintenance mode.
func (h *Host) InMaintenance() (in bool) {
	newContext(h.image.registry).WithLock(h.object, func() { in = h.object.Runtime.InMaintenanceMode })
	return in
}

// SetServiceRunning changes what the API says of a service, and nothing else.
func (h *Host) SetServiceRunning(key string, running bool) {
	newContext(h.image.registry).WithLock(h.services, func() {
		for i := range h.services.ServiceInfo.Service {
			if s := &h.services.ServiceInfo.Service[i]; s.Key == key {
				s.Running = running
			}
		}
	})
}

// Booted makes the API show a host that has just started: since now, and with
// vCenter's copy of the firewall brought up to date as the host connects again.
func (h *Host) Booted() {
	h.SetBootTime(time.Now())
	ctx := newContext(h.image.registry)
	ctx.WithLock(h.system, func() {
		if h.system.FirewallInfo != nil {
			h.system.show(ctx, h.Firewall())
		}
	})
}

// Esxcli runs one of the commands that the simulator itself knows, on the host
// and with root's rights: its method such as network.firewall.get, and its
// arguments by the names that esxcli's metadata has for them.
func (h *Host) Esxcli(method string, arguments map[string]string) (*cliesx.Response, error) {
	run, ok := commands["vim.EsxCLI."+method]
	if !ok {
		return nil, errors.New("no such command: " + method)
	}
	return run(&executer{host: h}, newContext(h.image.registry), arguments)
}

// imageConfigManager is a host's HostImageConfigManager. The stock simulator's
// hosts name one that does not exist.
type imageConfigManager struct {
	mo.HostImageConfigManager
	host *Host
}

// configImage guards what changes or lists a host's software.
const configImage = "Host.Config.Image"

func (m *imageConfigManager) permitted(privilege string) *soap.Fault {
	if m.host.has(privilege) {
		return nil
	}
	return simulator.Fault("Permission to perform this operation was denied.",
		&types.NoPermission{Object: &m.host.Ref, PrivilegeId: privilege})
}

// HostImageConfigGetAcceptance returns the acceptance level.
func (m *imageConfigManager) HostImageConfigGetAcceptance(*types.HostImageConfigGetAcceptance) soap.HasFault {
	if fault := m.permitted("System.Read"); fault != nil {
		return &methods.HostImageConfigGetAcceptanceBody{Fault_: fault}
	}
	return &methods.HostImageConfigGetAcceptanceBody{Res: &types.HostImageConfigGetAcceptanceResponse{Returnval: m.host.Acceptance()}}
}

// UpdateHostImageAcceptanceLevel sets the acceptance level.
func (m *imageConfigManager) UpdateHostImageAcceptanceLevel(r *types.UpdateHostImageAcceptanceLevel) soap.HasFault {
	body := &methods.UpdateHostImageAcceptanceLevelBody{}
	if body.Fault_ = m.permitted(configImage); body.Fault_ != nil {
		return body
	}
	if !slices.Contains(types.HostImageAcceptanceLevel("").Strings(), r.NewAcceptanceLevel) {
		body.Fault_ = simulator.Fault("A specified parameter was not correct: newAcceptanceLevel",
			&types.InvalidArgument{InvalidProperty: "newAcceptanceLevel"})
	} else if err := m.host.SetAcceptance(r.NewAcceptanceLevel); err != nil {
		body.Fault_ = simulator.Fault(err.Error(), &types.HostConfigFault{})
	} else {
		body.Res = &types.UpdateHostImageAcceptanceLevelResponse{}
	}
	return body
}

// HostImageConfigGetProfile returns the image profile's name.
func (m *imageConfigManager) HostImageConfigGetProfile(*types.HostImageConfigGetProfile) soap.HasFault {
	if fault := m.permitted("System.Read"); fault != nil {
		return &methods.HostImageConfigGetProfileBody{Fault_: fault}
	}
	return &methods.HostImageConfigGetProfileBody{Res: &types.HostImageConfigGetProfileResponse{
		Returnval: types.HostImageProfileSummary{Name: m.host.Profile(), Vendor: "VMware, Inc."},
	}}
}

// Profile is the name of the host's image profile. A host changes it when it
// gets or loses a package.
func (h *Host) Profile() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	name := fmt.Sprintf("ESXi-%s-%s-standard", h.Version(), BuildOf(h.Version()))
	if h.image.changed {
		return "(Updated) " + name
	}
	return name
}

// FetchSoftwarePackages lists the packages.
func (m *imageConfigManager) FetchSoftwarePackages(*types.FetchSoftwarePackages) soap.HasFault {
	if fault := m.permitted(configImage); fault != nil {
		return &methods.FetchSoftwarePackagesBody{Fault_: fault}
	}
	res := &types.FetchSoftwarePackagesResponse{}
	for _, v := range m.host.VIBs() {
		if v.Type == "locker" { // the API's word for it
			v.Type = string(types.SoftwarePackageVibTypeTools)
		}
		res.Returnval = append(res.Returnval, v.SoftwarePackage)
	}
	return &methods.FetchSoftwarePackagesBody{Res: res}
}

// InstallDate is when ESXi itself was installed.
func (m *imageConfigManager) InstallDate(*types.InstallDate) soap.HasFault {
	if fault := m.permitted(configImage); fault != nil {
		return &methods.InstallDateBody{Fault_: fault}
	}
	return &methods.InstallDateBody{Res: &types.InstallDateResponse{Returnval: shipped}}
}

func (e *executer) vibList(_ *simulator.Context, _ args) (*cliesx.Response, error) {
	res := &cliesx.Response{Kind: "VIBSummaryExt"}
	for _, v := range e.host.VIBs() {
		all := e.host.vibValues(v)
		few := cliesx.Values{}
		for _, key := range []string{
			"AcceptanceLevel", "CreationDate", "ID", "InstallDate", "Name", "Platforms", "Status", "Vendor", "Version",
		} {
			if value, ok := all[key]; ok {
				few[key] = value
			}
		}
		res.Values = append(res.Values, few)
	}
	return res, nil
}

func (e *executer) vibGet(_ *simulator.Context, a args) (*cliesx.Response, error) {
	res := &cliesx.Response{Kind: "VIBExt"}
	for _, v := range e.host.VIBs() {
		if name := a["vibname"]; name == "" || name == v.Name {
			res.Values = append(res.Values, e.host.vibValues(v))
		}
	}
	if len(res.Values) == 0 {
		return nil, hostMessage(fmt.Sprintf("[NoMatchError]\n No VIB matching VIB search specification '%s'.", a["vibname"]))
	}
	return res, nil
}

// vibValues is a package in esxcli's words: all text, booleans too, in capitals.
// An empty list is absent.
func (h *Host) vibValues(v VIB) cliesx.Values {
	truth := func(b *bool) []string {
		if b != nil && *b {
			return []string{"True"}
		}
		return []string{"False"}
	}
	values := cliesx.Values{
		"AcceptanceLevel": {CLIAcceptance(v.AcceptanceLevel)}, "CreationDate": {v.Released.Format(time.DateOnly)},
		"Description": {v.Description}, "ID": {v.ID()}, "InstallDate": {v.CreationDate.UTC().Format(time.DateOnly)},
		"LiveInstallAllowed": truth(v.Capability.LiveInstallAllowed), "LiveRemoveAllowed": truth(v.Capability.LiveRemoveAllowed),
		"MaintenanceModeRequired": truth(v.MaintenanceModeRequired), "Name": {v.Name}, "Overlay": truth(v.Capability.Overlay),
		"Payloads": v.Payload, "StatelessReady": truth(v.Capability.StatelessReady), "Status": {""}, "Summary": {v.Summary},
		"Type": {v.Type}, "Vendor": {v.Vendor}, "Version": {v.Version},
	}
	if h.AtLeast("8.0") {
		values["Platforms"] = []string{"host"}
	}
	return values
}
