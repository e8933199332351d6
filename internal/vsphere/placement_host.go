package vsphere

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// What is read of the hosts: what create judges, and what its documentation asks for.
var (
	judgedOfHosts = []string{"runtime.powerState", managementIP}
	clockOfHosts  = []string{dateTimeInfo, "config.service"}
)

// ntpService is the key of the NTP service of an ESXi host.
const ntpService = "ntpd"

// readHosts reads the hosts in two calls, so that what create judges does not depend on
// the other properties.
func (r *placement) readHosts(ctx context.Context) error {
	if len(r.inv.Hosts) == 0 {
		return nil
	}
	refs := make([]types.ManagedObjectReference, len(r.inv.Hosts))
	for i := range r.inv.Hosts {
		refs[i] = hostRef(&r.inv.Hosts[i])
	}
	judged, clocks := newTree(types.ManagedObjectReference{}), newTree(types.ManagedObjectReference{})
	var judgedErr, clocksErr error
	r.together(
		func() { judgedErr = r.readOf(ctx, judged, refs, judgedOfHosts) },
		func() { clocksErr = r.readOf(ctx, clocks, refs, clockOfHosts) },
	)
	r.Hosts = make(map[string]inventory.PlacedHost, len(refs))
	for _, ref := range refs {
		var h inventory.PlacedHost
		h.Unreadable = sentences(
			r.reason(ctx, "its power state and its vCenter", placeHost(&h, judged.nodes[ref], judgedErr)),
			r.reason(ctx, "its clock's settings", setClock(&h, clocks.nodes[ref], clocksErr)),
		)
		r.Hosts[ref.Value] = h
	}
	if len(judged.nodes) == 0 && len(clocks.nodes) == 0 {
		return cmp.Or(judgedErr, clocksErr, errGone)
	}
	return nil
}

// readOf reads properties of objects of one kind. When the server faults on them as a
// whole because one is gone, or the answer cannot be read, it halves them. The error is
// about those that are not in the tree afterwards.
func (s *Session) readOf(ctx context.Context, t *tree, refs []types.ManagedObjectReference, properties []string) error {
	spec := types.PropertyFilterSpec{PropSet: []types.PropertySpec{{Type: refs[0].Type, PathSet: properties}}}
	for _, ref := range refs {
		spec.ObjectSet = append(spec.ObjectSet, types.ObjectSpec{Obj: ref})
	}
	err := s.collectInto(ctx, t, spec)
	if _, gone := deref(faultOf(err)).(types.ManagedObjectNotFound); !gone && !isAnswerError(err) || len(refs) == 1 {
		return err
	}
	half := len(refs) / 2
	return cmp.Or(s.readOf(ctx, t, refs[:half], properties), s.readOf(ctx, t, refs[half:], properties))
}

// errGone means that an answer leaves an object out.
var errGone = errors.New("it is no longer in the inventory")

func placeHost(h *inventory.PlacedHost, n *node, err error) error {
	if n == nil {
		return cmp.Or(err, errGone)
	}
	if state, ok := n.prop("runtime.powerState").(types.HostSystemPowerState); ok && state != types.HostSystemPowerStateUnknown {
		h.PoweredOn = inventory.Known(state == types.HostSystemPowerStatePoweredOn)
	}
	// An optional property that is unset is not in the answer.
	h.ManagedBy = n.text(managementIP)
	managed := n.missing(managementIP)
	if h.ManagedByKnown = managed == nil; !h.ManagedByKnown {
		return soap.WrapVimFault(managed)
	}
	return n.refusal("runtime.powerState")
}

func setClock(h *inventory.PlacedHost, n *node, err error) error {
	if n == nil {
		return cmp.Or(err, errGone)
	}
	h.NTPServers = ntpServers(n.prop(dateTimeInfo))
	if info, ok := n.prop("config.service").(types.HostServiceInfo); ok {
		h.NTPRunning = inventory.No
		if i := slices.IndexFunc(info.Service, func(s types.HostService) bool { return s.Key == ntpService }); i >= 0 {
			h.NTPRunning = inventory.Known(info.Service[i].Running)
		}
	}
	return n.refusal(clockOfHosts...)
}

// ntpServers are those of a HostDateTimeInfo; nil where it is none.
func ntpServers(v types.AnyType) []string {
	info, ok := v.(types.HostDateTimeInfo)
	if !ok {
		return nil
	}
	if info.NtpConfig == nil {
		return []string{}
	}
	return append([]string{}, info.NtpConfig.Server...)
}

// sentences joins what there is of them.
func sentences(list ...string) string {
	return strings.Join(slices.DeleteFunc(list, func(s string) bool { return s == "" }), "; ")
}
