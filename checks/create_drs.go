package checks

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// The IDs of the checks of the cluster's own services.
const (
	DRSCheck     = "drs"
	VMGroupCheck = "vm-group"
)

func drs() Check {
	return Check{
		ID:      DRSCheck,
		Title:   "The cluster has DRS switched on",
		Why:     "Without DRS the cluster has no resource pools, and each container stays on the host that it started on.",
		Reasons: []Reason{DRSOff, PlaceUnreadable},
		Run:     onSite(func(s *site) []Result { return s.drs().one(DRSCheck, s.computeSubject()) }),
	}
}

func (s *site) drs() finding {
	if s.endpoint.Kind == inventory.ESXi {
		return leftOut(NotApplicable, "a bare host has no DRS")
	}
	if f, yes := s.unplaced(); yes {
		return f
	}
	switch {
	case !s.Compute.Cluster:
		return leftOut(NotApplicable, "a standalone host has no DRS")
	case s.Compute.DRS == inventory.Yes:
		return inOrder("DRS is on")
	case s.Compute.DRS == inventory.Unknown && s.Compute.Unreadable == "":
		return notKnown("the cluster does not say whether DRS is on, and create crashes there")
	case s.Compute.DRS == inventory.Unknown:
		return s.unread("whether DRS is on")
	}
	ignored := ""
	if len(s.vch.Limits) > 0 {
		ignored = fmt.Sprintf("; create ignores %s then", enumerate(s.vch.Limits))
	}
	return warns(DRSOff, "DRS is off%s", ignored)
}

func vmGroup() Check {
	return Check{
		ID:      VMGroupCheck,
		Title:   "The cluster can have a DRS group of the virtual container host's name",
		Why:     "With --affinity-vm-group create makes one, for rules that keep the container VMs on chosen hosts.",
		Reasons: []Reason{VMGroupWithoutDRS, VMGroupExists, PlaceUnreadable},
		Run:     onSite(func(s *site) []Result { return s.group().one(VMGroupCheck, s.groupSubject()) }),
	}
}

func (s *site) groupSubject() string {
	if !s.vch.AffinityVMGroup {
		return "--affinity-vm-group"
	}
	return s.computeSubject()
}

func (s *site) group() finding {
	switch {
	case !s.vch.AffinityVMGroup:
		return leftOut(NotAskedFor, "none is asked for")
	case s.endpoint.Kind == inventory.ESXi:
		return refuses(VMGroupWithoutDRS, "--affinity-vm-group takes a vCenter")
	}
	if f, yes := s.unplaced(); yes {
		return f
	}
	name := cmp.Or(s.vch.Name, DefaultVCHName)
	switch {
	case !s.Compute.Cluster:
		return refuses(VMGroupWithoutDRS, "--affinity-vm-group takes a cluster with DRS, and the compute resource is a standalone host")
	case s.Compute.DRS == inventory.No:
		return refuses(VMGroupWithoutDRS, "--affinity-vm-group takes DRS, which is off")
	case s.Compute.DRS == inventory.Unknown:
		return s.unread("whether DRS is on")
	case slices.Contains(s.Compute.Groups, name):
		return refuses(VMGroupExists, "the cluster has a DRS group %s already", name)
	}
	return inOrder("the cluster has no DRS group %s yet", name)
}
