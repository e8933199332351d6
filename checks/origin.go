package checks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// origin is by which way a ruleset came onto a host, and what a reboot makes of
// it.
type origin struct {
	lasts inventory.Tristate
	// way says it in half a sentence that the ruleset's key goes before.
	way string
}

// PersistentOn says whether a ruleset itself is still there after a reboot of
// the host: built-in ones and those a VIB brought are, with their enabled state
// and allowed hosts; those written into /etc/vmware/firewall by hand are not.
// Hosts that share a ruleset may differ in it.
func PersistentOn(h *inventory.Host, rs *inventory.Ruleset) inventory.Tristate {
	return originOf(h, rs.Key).lasts
}

// byKeyAlone reports whether nothing is known of the host by which its rulesets' origins
// could differ from another's.
func byKeyAlone(h *inventory.Host) bool {
	return !h.Software.Known() && len(h.Origins) == 0 && h.Stateless != inventory.Yes
}

// originOf goes by the host's own word first, then by the list of what ESXi
// brings, then by what is installed, and by the key alone where that is not known.
func originOf(h *inventory.Host, key string) origin {
	from := h.Origins[key]
	switch {
	case h.Stateless == inventory.Yes:
		return origin{inventory.Unknown, "is on a host that Auto Deploy starts, where nothing outlasts a reboot but what its image and its host profile bring"}
	case from.VIB != "":
		way := "comes from the VIB " + from.VIB
		if from.File != "" {
			way += fmt.Sprintf(", which owns %s", from.File)
		}
		return origin{inventory.Yes, way}
	case builtin[key]:
		return origin{inventory.Yes, "is built in"}
	case from.File != "":
		return origin{inventory.No, fmt.Sprintf("stands in %s, which no VIB brought: it is lost at the next reboot", from.File)}
	case !h.Software.Known():
		return originByKey(h, key)
	}
	if vib := h.Software.VIB(key); vib != nil {
		return origin{inventory.Yes, "comes from the VIB " + vibText(vib)}
	}
	if byNSX[key] && slices.ContainsFunc(h.Software.VIBs, func(v inventory.VIB) bool { return strings.HasPrefix(v.Name, "nsx") }) {
		return origin{inventory.Yes, "comes from NSX's VIBs, to go by its name"}
	}
	if inventory.MajorVersion(h.Version) > lastKnown {
		return origin{inventory.Unknown, fmt.Sprintf(
			"has no VIB of its name, and what ESXi %s brings is not known: unless it is built in, it is lost at the next reboot", h.Version)}
	}
	list := candidates(h)
	if SourceOf(key) == ByHand {
		// Manuals gave hand-written ones this name: somebody may have put one into
		// a VIB of their own, but no maker of drivers did.
		list = slices.DeleteFunc(list, func(v *inventory.VIB) bool { return v.AcceptanceLevel != inventory.Community })
	}
	if len(list) > 0 {
		return origin{inventory.Unknown, fmt.Sprintf(
			"is not built in, and no VIB has its name: unless another one brought it (%s), it is lost at the next reboot",
			fewVIBs(list))}
	}
	return origin{
		inventory.No,
		"was written by hand, since neither ESXi nor any VIB brings it: it is lost at the next reboot",
	}
}

// originByKey is what the key alone tells.
func originByKey(h *inventory.Host, key string) origin {
	unread := ""
	if h.Software.Unreadable != "" {
		unread = " (what is installed could not be read: " + h.Software.Unreadable + ")"
	}
	switch SourceOf(key) {
	case FromVIB:
		return origin{inventory.Yes, "comes from a VIB, to go by its name" + unread}
	case ByHand:
		return origin{inventory.No, "is written into service.xml by hand, to go by its name: it is lost at the next reboot" + unread}
	}
	return origin{inventory.Unknown, "is not built in: unless a VIB brought it, it is lost at the next reboot" + unread}
}

// lastKnown is the newest major version whose built-in rulesets are known.
const lastKnown = 8

// vendors are the names under which VMware publishes what ESXi consists of, and more.
var vendors = set("vmware", "vmw", "vmware, inc.", "vmware inc.", "broadcom")

// apart are VIBs of ESXi that have versions of their own. That of vSphere HA brings its
// ruleset fdm.
var apart = set("esx-ui", "tools-light", "vmware-fdm")

// ofESXi reports whether a VIB is a part of what ESXi consists of: VMware's, with a
// version of ESXi's builds (8.0.2-0.0.22380479, and tools with -0.0. and the build) or of
// its drivers (1.7.1.35-1vmw.…). What VMware sells besides, such as NSX, may bring
// rulesets.
func ofESXi(h *inventory.Host, v *inventory.VIB) bool {
	if v.AcceptanceLevel == inventory.Community || !vendors[strings.ToLower(strings.TrimSpace(v.Vendor))] {
		return false
	}
	if apart[v.Name] || strings.Contains(v.Version, "vmw.") || strings.Contains(v.Version, "-0.0.") {
		return true
	}
	release := strings.SplitAfterN(h.Version, ".", 3)
	return len(release) < 3 || strings.HasPrefix(v.Version, release[0]+release[1])
}

// candidates are the packages that may bring any ruleset under any name: those that
// ESXi does not consist of. Which files a VIB brings is in no list.
func candidates(h *inventory.Host) []*inventory.VIB {
	var list []*inventory.VIB
	for i := range h.Software.VIBs {
		if v := &h.Software.VIBs[i]; !ofESXi(h, v) {
			list = append(list, v)
		}
	}
	// Partners' are drivers, as a rule.
	slices.SortStableFunc(list, func(a, b *inventory.VIB) int {
		community := func(v *inventory.VIB) int {
			if v.AcceptanceLevel == inventory.Community {
				return 0
			}
			return 1
		}
		return cmp.Or(community(a)-community(b), cmp.Compare(a.Name, b.Name))
	})
	return list
}

func fewVIBs(list []*inventory.VIB) string {
	const shown = 3
	var texts []string
	for _, v := range list[:min(len(list), shown)] {
		texts = append(texts, vibText(v))
	}
	if more := len(list) - shown; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, ", ")
}

func vibText(v *inventory.VIB) string {
	text := v.Name
	if v.Version != "" {
		text += " " + v.Version
	}
	if v.Vendor != "" {
		text += " by " + v.Vendor
	}
	return text
}
