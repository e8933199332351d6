package checks

import (
	"slices"
	"time"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// The IDs of the checks of licenses.
const (
	LicenseCheck       = "license"
	LicenseExpiryCheck = "license-expiry"
)

func license() Check {
	return Check{
		ID:      LicenseCheck,
		Title:   "The host's license has the features that container VMs need",
		Why:     "Container VMs speak over serial ports that are network connections (serialuri), on a distributed switch (dvs).",
		Reasons: []Reason{LicenseFeature, PlaceUnreadable},
		Run:     onSite(func(s *site) []Result { return s.perAttached(LicenseCheck, s.features) }),
	}
}

// licenseOf finds the license of a host. has is false where none is assigned to it.
func (s *site) licenseOf(h *inventory.Host) (l inventory.License, has bool, unknown finding) {
	switch {
	case s.LicensesUnreadable != "":
		return l, false, notKnown("the licenses could not be read: %s", s.LicensesUnreadable)
	case s.Licenses == nil:
		return l, false, notKnown("the licenses were not read")
	}
	l, has = s.Licenses[h.ID]
	return l, has, finding{}
}

// features judges a license as lib/install/validate/config.go does: a bare host has no
// distributed switch.
func (s *site) features(h *inventory.Host) finding {
	wanted := []string{"serialuri", "dvs"}
	if s.endpoint.Kind == inventory.ESXi {
		wanted = wanted[:1]
	}
	l, has, unknown := s.licenseOf(h)
	switch {
	case unknown.Verdict != nil:
		return unknown
	case !has:
		return refuses(LicenseFeature, "no license is assigned to the host, which lacks %s with it", enumerate(wanted))
	}
	missing := slices.DeleteFunc(slices.Clone(wanted), func(feature string) bool { return slices.Contains(l.Features, feature) })
	if len(missing) > 0 {
		return refuses(LicenseFeature, "the license%s lacks %s", called(l), enumerate(missing))
	}
	return inOrder("the license%s has %s", called(l), enumerate(wanted))
}

func called(l inventory.License) string {
	if l.Name == "" {
		return ""
	}
	return " " + l.Name
}

func licenseExpiry() Check {
	return Check{
		ID:      LicenseExpiryCheck,
		Title:   "The host's license does not end soon",
		Why:     "A host whose license has ended loses its connection to vCenter, and starts no virtual machine any more.",
		Reasons: []Reason{LicenseEnded, LicenseEndsSoon, PlaceUnreadable},
		Run:     onSite(func(s *site) []Result { return s.perHost(LicenseExpiryCheck, s.expiry) }),
	}
}

// endsSoon is how long a license must last at least.
const endsSoon = 30 * 24 * time.Hour

func (s *site) expiry(h *inventory.Host) finding {
	l, has, unknown := s.licenseOf(h)
	day := l.Expires.UTC().Format(time.DateOnly)
	switch {
	case unknown.Verdict != nil:
		return unknown
	case !has:
		return leftOut(NotJudged, "no license is assigned to the host")
	case l.Expires.IsZero() && l.Evaluation:
		return notKnown("the license%s is for evaluation, and when it ends is not known", called(l))
	case l.Expires.IsZero():
		return inOrder("the license%s names no end", called(l))
	case s.ReadAt.IsZero():
		return notKnown("when the license was read is not known: it ends on %s", day)
	case !s.ReadAt.Before(l.Expires):
		return ours(LicenseEnded, "the license%s ended on %s", called(l), day)
	case l.Expires.Sub(s.ReadAt) < endsSoon:
		return ours(LicenseEndsSoon, "the license%s ends on %s", called(l), day)
	}
	return inOrder("the license%s lasts until %s", called(l), day)
}
