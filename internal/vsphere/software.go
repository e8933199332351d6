package vsphere

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// imageManager is the property of a host that names who knows its packages. It
// is read of the few hosts that are asked, not of all with the tree.
const imageManager = "configManager.imageConfigManager"

// ReadSoftware reads the installed packages of those of the hosts that
// opts.Software picks and that were not asked before. One host's failure costs
// that host's list alone.
func (s *Session) ReadSoftware(ctx context.Context, hosts []*inventory.Host, opts CollectOptions) {
	hosts = slices.DeleteFunc(connected(hosts), func(h *inventory.Host) bool {
		return opts.Software == nil || !h.Software.NotAsked || !opts.Software(h)
	})
	if len(hosts) == 0 {
		return
	}
	for _, h := range hosts {
		h.Software = inventory.Software{Unreadable: "it was not read"}
	}
	opts = opts.withDefaults()
	managers := make(map[string]manager, len(hosts))
	for batch := range slices.Chunk(hosts, batchSize) {
		s.imageManagers(ctx, batch, managers)
	}
	s.each(ctx, "software", hosts, opts, func(ctx context.Context, h *inventory.Host) {
		h.Software = s.software(ctx, h, managers[h.ID])
	})
}

// manager is a host's image manager, or why there is none.
type manager struct {
	ref types.ManagedObjectReference
	why string
}

// imageManagers finds the hosts' image managers by host ID, and halves the batch
// when the server faults on it as a whole.
func (s *Session) imageManagers(ctx context.Context, hosts []*inventory.Host, found map[string]manager) {
	spec := types.PropertyFilterSpec{PropSet: []types.PropertySpec{{Type: kindHost, PathSet: []string{imageManager}}}}
	for _, h := range hosts {
		found[h.ID] = manager{why: "the host has no image manager"}
		spec.ObjectSet = append(spec.ObjectSet, types.ObjectSpec{Obj: hostRef(h)})
	}
	err := s.retrieve(ctx, []types.PropertyFilterSpec{spec}, func(content *types.ObjectContent) {
		n := node{ObjectContent: content}
		if ref, ok := n.ref1(imageManager); ok {
			found[content.Obj.Value] = manager{ref: ref}
		} else if f := n.missing(imageManager); f != nil {
			found[content.Obj.Value] = manager{why: describeFault(f, "")}
		}
	})
	switch {
	case err == nil:
	case len(hosts) > 1 && faultOf(err) != nil:
		half := len(hosts) / 2
		s.imageManagers(ctx, hosts[:half], found)
		s.imageManagers(ctx, hosts[half:], found)
	default:
		for _, h := range hosts {
			found[h.ID] = manager{why: Describe(err)}
		}
	}
}

// software reads one host's packages: through the API, which knows them since
// 6.5 and wants the privilege Host.Config.Image, else by esxcli.
func (s *Session) software(ctx context.Context, h *inventory.Host, m manager) inventory.Software {
	why := m.why
	if why == "" {
		res, err := methods.FetchSoftwarePackages(ctx, s, &types.FetchSoftwarePackages{This: m.ref})
		switch {
		case err == nil && len(res.Returnval) > 0:
			return inventory.Software{VIBs: packages(res.Returnval)}
		case err == nil:
			why = "the host listed none"
		case faultOf(err) == nil: // not the host's word: the same would come of esxcli
			return inventory.Software{Unreadable: Describe(err)}
		default:
			why = Describe(err)
		}
	}
	list, err := s.esxcliList(ctx, h, "software.vib.list")
	if err != nil {
		if by := Describe(err); by != why {
			why += "; by esxcli: " + by
		}
		return inventory.Software{Unreadable: why}
	}
	if vibs := parseVIBs(list); len(vibs) > 0 {
		return inventory.Software{VIBs: vibs}
	}
	return inventory.Software{Unreadable: fmt.Sprintf("%s; esxcli listed none", why)}
}

func packages(list []types.SoftwarePackage) []inventory.VIB {
	vibs := make([]inventory.VIB, len(list))
	for i, p := range list {
		vibs[i] = inventory.VIB{Name: p.Name, Version: p.Version, Vendor: p.Vendor, AcceptanceLevel: p.AcceptanceLevel}
		if p.CreationDate != nil { // in spite of its name it is when the host got it
			vibs[i].Installed = *p.CreationDate
		}
	}
	return vibs
}

// apiLevels are esxcli's acceptance levels in the API's spelling.
var apiLevels = map[string]string{
	"VMwareCertified":    string(types.HostImageAcceptanceLevelVmware_certified),
	"VMwareAccepted":     string(types.HostImageAcceptanceLevelVmware_accepted),
	"PartnerSupported":   string(types.HostImageAcceptanceLevelPartner),
	"CommunitySupported": inventory.Community,
}

// parseVIBs reads what esxcli software vib list prints.
func parseVIBs(list []map[string]string) []inventory.VIB {
	var vibs []inventory.VIB
	for _, fields := range list {
		if fields["Name"] == "" {
			continue
		}
		level := fields["AcceptanceLevel"]
		installed, err := time.Parse(time.DateOnly, fields["InstallDate"])
		if err != nil {
			installed = time.Time{} // not known
		}
		vibs = append(vibs, inventory.VIB{
			Name: fields["Name"], Version: fields["Version"], Vendor: fields["Vendor"],
			AcceptanceLevel: cmp.Or(apiLevels[level], level), Installed: installed,
		})
	}
	return vibs
}
