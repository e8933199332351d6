package vib

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/vic-preflight/vic-preflight/internal/firewallxml"
)

// The content of a VIB where nothing else is asked for. Who changes what NewSpec and
// Build make of it changes defaultRelease too: ESXi refuses other content under the
// same version.
const (
	DefaultVendor  = "vic-preflight"
	defaultRelease = "1.0.0"
)

// DefaultReleased is fixed, so that a VIB built anywhere and any time is the same.
var DefaultReleased = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// ReleaseDate reads the date that a flag gives, else the number of seconds since 1970 of
// an epoch (https://reproducible-builds.org/docs/source-date-epoch/). Without both it is
// DefaultReleased.
func ReleaseDate(flag, epoch string) (time.Time, error) {
	if flag != "" {
		t, err := time.Parse(time.RFC3339, flag)
		if err != nil {
			return t, fmt.Errorf("--release-date %q is no date with time and zone, such as 2026-01-02T03:04:05Z", flag)
		}
		return t, nil
	}
	if epoch == "" {
		return DefaultReleased, nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH %q is no number of seconds since 1970", epoch)
	}
	return time.Unix(seconds, 0), nil
}

// NewSpec is a VIB with a service that opens what the words say, such as outbound TCP
// 2377; the summary says for what.
func NewSpec(g Generation, service firewallxml.Service, opens, summary string) Spec {
	return Spec{
		Name: service.ID, Version: defaultRelease + "-" + g.Release, Vendor: DefaultVendor,
		Summary:     strings.ToUpper(summary[:1]) + summary[1:],
		Description: fmt.Sprintf("Brings the firewall ruleset %s, which lets %s through, and keeps it over reboots.", service.ID, opens),
		Released:    DefaultReleased, Flavour: g.Flavour, Service: service,
	}
}

// Generation is a generation of ESXi whose hosts take the same VIBs.
type Generation struct {
	// Name is how people choose it: 8 or 6-7.
	Name    string
	Flavour Flavour
	// Hosts names them in words.
	Hosts string
	// Release tells the default versions of VIBs apart. A host that was upgraded
	// should find its new VIB to be the newer one.
	Release string

	first, last int // major versions
}

// Generations returns all that are known, the newest first.
func Generations() []Generation {
	return []Generation{
		{"8", ESXi8, "ESXi 8", "8", 8, 8},
		{"6-7", ESXi6And7, "ESXi 6.x and 7.x", "6.7", 6, 7},
	}
}

// GenerationNamed returns the generation of a name; ok is false when there is none.
func GenerationNamed(name string) (g Generation, ok bool) {
	for _, g := range Generations() {
		if g.Name == name {
			return g, true
		}
	}
	return Generation{}, false
}

// GenerationOf returns the generation of a major version of ESXi; known is false for
// one of which it is not known which VIBs it takes.
func GenerationOf(major int) (g Generation, known bool) {
	for _, g := range Generations() {
		if g.first <= major && major <= g.last {
			return g, true
		}
	}
	return Generation{}, false
}
