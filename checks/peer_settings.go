package checks

import (
	"fmt"
	"strings"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// PeerSettings is the ID of the check that looks at what a host's own settings say of its
// peers. It has no result of a host whose settings were not asked for.
const PeerSettings = "peer-settings"

func peerSettings() Check {
	return Check{
		ID:    PeerSettings,
		Title: "Whom the host talks to by its own settings is known",
		Why: "Where a setting could not be read, or names a peer in a way that is not understood, nothing was required " +
			"for it: a port may be shut that the host needs.",
		Run: func(f Facts) []Result {
			var results []Result
			for i := range f.Inventory.Hosts {
				if h := &f.Inventory.Hosts[i]; h.PeerSettings != nil {
					results = append(results, Result{Check: PeerSettings, Scope: ScopeHost, Subject: h.Path, Verdict: judgePeerSettings(h)})
				}
			}
			return results
		},
	}
}

const settingsUnknown = "not all of whom the host talks to is known"

func judgePeerSettings(h *inventory.Host) *Verdict {
	var known, unknown []string
	for _, s := range h.PeerSettings {
		if s.Unreadable != "" {
			unknown = append(unknown, fmt.Sprintf("%s: %s", s.Name, s.Unreadable))
		}
		if peers := append(append([]string(nil), s.Values...), s.Unnamed...); len(peers) > 0 {
			known = append(known, fmt.Sprintf("%s: %s", s.Name, Some(peers)))
		}
	}
	switch {
	case len(unknown) > 0:
		return &Verdict{Status: Unknown, Reason: FactsUnavailable, Detail: settingsUnknown + ": " + strings.Join(unknown, "; ")}
	case len(known) == 0:
		return noPeers
	}
	return &Verdict{Status: Pass, Reason: SettingsKnown, Detail: strings.Join(known, "; ")}
}

// noPeers is the verdict on hosts that share it.
var noPeers = &Verdict{Status: Pass, Reason: SettingsKnown, Detail: "no setting of the host names a peer"}

// Some joins the first of a long list, and counts the others.
func Some(list []string) string {
	const most = 6
	if len(list) <= most+1 {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
}
