package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"

	cliesx "github.com/vmware/govmomi/cli/esx"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

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

// HostImageConfigGetAcceptance returns the acceptance level.
func (m *imageConfigManager) HostImageConfigGetAcceptance(*types.HostImageConfigGetAcceptance) soap.HasFault {
	return &methods.HostImageConfigGetAcceptanceBody{Res: &types.HostImageConfigGetAcceptanceResponse{Returnval: m.host.Acceptance()}}
}

// UpdateHostImageAcceptanceLevel sets the acceptance level.
func (m *imageConfigManager) UpdateHostImageAcceptanceLevel(r *types.UpdateHostImageAcceptanceLevel) soap.HasFault {
	body := &methods.UpdateHostImageAcceptanceLevelBody{}
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
	return &methods.HostImageConfigGetProfileBody{Res: &types.HostImageConfigGetProfileResponse{
		Returnval: types.HostImageProfileSummary{Name: m.host.Profile(), Vendor: "VMware, Inc."},
	}}
}

// FetchSoftwarePackages lists the packages.
func (m *imageConfigManager) FetchSoftwarePackages(*types.FetchSoftwarePackages) soap.HasFault {
	if why := m.host.image.unreadable; why != "" {
		return &methods.FetchSoftwarePackagesBody{Fault_: simulator.Fault(why, withhold(&m.host.Ref, why))}
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
	return &methods.InstallDateBody{Res: &types.InstallDateResponse{Returnval: shipped}}
}

func (e *executer) vibList(_ *simulator.Context, _ args) (*cliesx.Response, error) {
	if why := e.host.image.unreadable; why != "" {
		return nil, hostMessage(why)
	}
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

// dateOf is empty for a time that is not known.
func dateOf(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
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
		"Description": {v.Description}, "ID": {v.ID()}, "InstallDate": {dateOf(v.CreationDate)},
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
