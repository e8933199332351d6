package checks

import (
	"cmp"
	"strings"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// The IDs of the checks of the target itself.
const (
	TargetDatacenterCheck      = "target-datacenter"
	ManagedByVCenterCheck      = "managed-by-vcenter"
	ComputeResourceCheck       = "compute-resource"
	PersistNetworkBackingCheck = "persist-network-backing"
	VCHNameCheck               = "vch-name"
	OpsUserCheck               = "ops-user"
)

func targetDatacenter() Check {
	return Check{
		ID:      TargetDatacenterCheck,
		Title:   "The target names its datacenter, or has one alone",
		Why:     "All names are looked for in the datacenter: create ends at once where it is not clear which that is.",
		Reasons: []Reason{DatacenterMissing},
		Run: onSite(func(s *site) []Result {
			f := inOrder("it is %s", s.facts.Inventory.Datacenter)
			switch {
			case s.DatacenterProblem != "":
				f = refuses(DatacenterMissing, "%s", s.DatacenterProblem)
			case s.endpoint.Kind == inventory.ESXi:
				f = leftOut(NotApplicable, "an ESXi host has one alone")
			case s.facts.Inventory.Datacenter == "":
				f = notKnown("the datacenter was not read")
			}
			return f.one(TargetDatacenterCheck, "--target")
		}),
	}
}

func managedByVCenter() Check {
	return Check{
		ID:      ManagedByVCenterCheck,
		Title:   "An ESXi host that is the target is managed by no vCenter",
		Why:     "create makes networks and pools on a bare host, behind the back of a vCenter that manages it, and refuses that.",
		Reasons: []Reason{ManagedByVCenter, PlaceUnreadable},
		Run: onSite(func(s *site) []Result {
			switch s.endpoint.Kind {
			case inventory.VCenter:
				return leftOut(NotApplicable, "the target is a vCenter").one(ManagedByVCenterCheck, "--target")
			case inventory.ESXi:
				return s.perHost(ManagedByVCenterCheck, s.managed)
			}
			return notKnown("whether the target is a vCenter is not known").one(ManagedByVCenterCheck, "--target")
		}),
	}
}

func (s *site) managed(h *inventory.Host) finding {
	placed := s.Hosts[h.ID]
	switch {
	case !placed.ManagedByKnown:
		return notKnown("whether a vCenter manages the host is not known: %s", cmp.Or(placed.Unreadable, s.HostsUnreadable, "it was not read"))
	case placed.ManagedBy != "":
		return refuses(ManagedByVCenter, "the vCenter %s manages the host", placed.ManagedBy)
	}
	return inOrder("no vCenter manages the host")
}

func computeResource() Check {
	return Check{
		ID:      ComputeResourceCheck,
		Title:   "The compute resource is there, and is the only one of its name",
		Why:     "The virtual container host and its container VMs run in it, and all else is judged for its hosts.",
		Reasons: []Reason{ComputeResourceMissing, PlaceUnreadable},
		Run: onSite(func(s *site) []Result {
			f := inOrder("%s is there", base(s.Compute.Path))
			switch {
			case s.Compute.Problem != "":
				f = refuses(ComputeResourceMissing, "%s", s.Compute.Problem)
			case s.Compute.ID == "":
				f = notKnown("the compute resource was not read")
			}
			return f.one(ComputeResourceCheck, s.computeSubject())
		}),
	}
}

func persistNetworkBacking() Check {
	return Check{
		ID:    PersistNetworkBackingCheck,
		Title: "The vCenter keeps the network serial ports of virtual machines",
		Why: "Without config.vpxd.SerialPort.PersistNetworkBacking container VMs lose their serial ports for good when the " +
			"vCenter restarts (vmware/vic issue 6473).",
		Reasons: []Reason{SettingUnset, SettingRefused, PlaceUnreadable},
		Run: onSite(func(s *site) []Result {
			return s.setting().one(PersistNetworkBackingCheck, inventory.SettingName)
		}),
	}
}

// setting judges config.vpxd.SerialPort.PersistNetworkBacking as create reads it, which
// then sets it, while it is said to validate alone (lib/install/validate/validator.go,
// Validate).
func (s *site) setting() finding {
	set := s.Setting
	switch {
	case s.endpoint.Kind == inventory.ESXi:
		return leftOut(NotApplicable, "an ESXi host has no such setting")
	case set.Unreadable != "":
		return notKnown("the setting could not be read: %s", set.Unreadable)
	case !set.Asked:
		return notKnown("the setting was not read")
	case set.Set():
		return inOrder("it is true")
	}
	was := "it is not set"
	if len(set.Values) > 0 {
		was = "it is " + strings.Join(quoteAll(set.Values), " and ") + ", which create does not take for true"
	}
	if len(set.Values) > 1 {
		// create reads it again after it has set it, and takes one answer alone.
		return refuses(SettingRefused, "%s; the vCenter answers more than one option for the name, and setting it does not change that", was)
	}
	switch set.MayChange {
	case inventory.No:
		return refuses(SettingRefused, "%s; create would set it, for which the account lacks %s on the root folder", was, inventory.SettingPrivilege)
	case inventory.Yes:
		return ours(SettingUnset, "%s; create would set it itself, a change to the vCenter while it validates", was)
	}
	return ours(SettingUnset, "%s; create would set it itself, a change to the vCenter, and refuses where its account may not; "+
		"whether this one may is not known", was)
}

func vchName() Check {
	return Check{
		ID:      VCHNameCheck,
		Title:   "Nothing has the name of the virtual container host yet",
		Why:     "create looks for the name when it has begun to change things, and takes back what it made.",
		Reasons: []Reason{NameTaken, NameTakenInFolder, PlaceUnreadable},
		Run: onSite(func(s *site) []Result {
			return s.name().one(VCHNameCheck, cmp.Or(s.Taken.InPool, s.Taken.InFolder, "--name"))
		}),
	}
}

func (s *site) name() finding {
	if f, yes := s.unplaced(); yes {
		return f
	}
	taken := func(reason Reason, format, path string) finding {
		return refuses(reason, format, cmp.Or(s.vch.Name, DefaultVCHName), path)
	}
	var list []finding
	if s.Taken.InPool != "" {
		list = append(list, taken(NameTaken, "a virtual machine in the resource pool has the name %s: %s", s.Taken.InPool))
	}
	if s.Taken.InFolder != "" {
		list = append(list, taken(NameTakenInFolder,
			"the folder of virtual machines holds %s already: %s; create finds that after it has made a resource pool", s.Taken.InFolder))
	}
	if s.Taken.Unreadable != "" {
		list = append(list, notKnown("whether the name is taken is not known: %s", s.Taken.Unreadable))
	}
	if len(list) == 0 {
		return inOrder("nothing has the name %s", cmp.Or(s.vch.Name, DefaultVCHName))
	}
	return gravest(list)
}

func opsUser() Check {
	return Check{
		ID:      OpsUserCheck,
		Title:   "The operations user is one of its own, and can sign in",
		Why:     "The virtual container host keeps the user's password, and works with it for as long as it lives.",
		Reasons: []Reason{AdministrativeUser, OpsUserRefused, GrantWithoutUser, PlaceUnreadable},
		Run:     onSite(func(s *site) []Result { return s.operations().one(OpsUserCheck, "--ops-user") }),
	}
}

func (s *site) operations() finding {
	login, user := s.OpsUser, s.vch.OpsUser
	granted := ""
	if s.vch.OpsGrantPerms {
		granted = "; create gives it the role ReadOnly on the datacenter before it tries, and leaves that there"
	}
	switch {
	case user == "" && s.vch.OpsGrantPerms:
		return refuses(GrantWithoutUser, "--ops-grant-perms takes --ops-user: create grants nothing to the user of the target")
	case user == "":
		return warns(AdministrativeUser, "without --ops-user the virtual container host keeps the password of the user of the target")
	case login == nil:
		return leftOut(NotTried, "whether %s can sign in was not tried: that takes its password", user)
	case login.Refused:
		return refuses(OpsUserRefused, "%s cannot sign in: the user name or the password is wrong%s", user, granted)
	case login.Err != "":
		return notKnown("whether %s can sign in is not known: %s", user, login.Err)
	}
	return inOrder("%s can sign in", user)
}
