package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/simulator/esx"
	"github.com/vmware/govmomi/vim25/types"
)

// image is what software a host runs. The zero value is what VMware ships, so
// that a host costs nothing until it is asked.
type image struct {
	registry   *simulator.Registry
	changed    bool // vibs is the list; otherwise it is baseVIBs
	vibs       []VIB
	acceptance string // partner when empty
	secureBoot bool
	refresh    func() error
	unreadable string // why the packages are not listed; empty when they are
}

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
	h.changeService(key, func(s *types.HostService) { s.Running = running })
}

func (h *Host) changeService(key string, f func(*types.HostService)) {
	ctx := newContext(h.image.registry)
	ctx.WithLock(h.services, func() {
		for i, s := range h.services.ServiceInfo.Service {
			if s.Key == key {
				h.services.show(ctx, i, f)
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
