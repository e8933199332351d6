// Package vib builds and reads VIBs, vSphere installation bundles: here those
// that bring a firewall ruleset to ESXi hosts and keep it there over reboots,
// which a file put into /etc/vmware/firewall by hand does not do.
//
// A VIB is an ar archive of descriptor.xml, sig.pkcs7 and payloads; a payload is
// a compressed tar that ESXi lays over its file system. What is built here
// carries one file, etc/vmware/firewall/<service>.xml.
//
// What to know before installing one:
//
//   - It is not signed: the empty sig.pkcs7 makes it a community VIB. The host's
//     acceptance level has to be CommunitySupported, which is noted in the host's
//     security alerts, does not go back up while the VIB stays, and does not
//     work with UEFI Secure Boot: such a host refuses to boot.
//   - ESXi 8 and ESXi 6.x and 7.x ask for different checksums, so there are two
//     Flavours, and no file for both.
//   - Other content needs another version: ESXi refuses "unequal payloads" under
//     one ID. That goes for the two flavours, too, where one depot has both.
//   - After a live installation, "esxcli network firewall refresh" makes the
//     ruleset appear.
//
// The format is taken from VIBs and builders that others published, and held to
// the system's own ar, tar, gunzip and checksum programs in tests. No ESXi host
// was met: whether one takes what is built here was not tried. ESXi 9 is not
// known.
package vib

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vic-preflight/vic-preflight/internal/firewallxml"
)

// Flavour is the generation of ESXi that a VIB is for.
type Flavour string

const (
	// ESXi8 VIBs have a SHA-256 checksum of the unpacked payload, without which
	// ESXi 8 fails with "does not have sha-256 gunzip checksum". They ask for
	// version 8.*, so that no other host takes them.
	ESXi8 Flavour = "esxi8"
	// ESXi6And7 VIBs lack that checksum, which ESXi 6.x and 7.x take for another
	// one: "Calculated digest at EOF does not match expected result". They ask
	// for no version, as none of the VIBs that are in use on these do, and no
	// descriptor with two was found; ESXi 8 refuses them for the checksum.
	ESXi6And7 Flavour = "esxi6-7"
)

// Flavours returns all flavours, the newest first.
func Flavours() []Flavour { return []Flavour{ESXi8, ESXi6And7} }

// generations are the versions of ESXi that a flavour is for, in the form of
// softwarePlatform.
func (f Flavour) generations() []string {
	switch f {
	case ESXi8:
		return []string{"8.*"}
	case ESXi6And7:
		return []string{"6.*", "7.*"}
	}
	return nil
}

// Spec says what to build.
type Spec struct {
	// Name, Version and Vendor make the ID: see Validate.
	Name, Version, Vendor string
	// Summary is one line, Description may have more to say; neither is empty.
	Summary, Description string
	// URL says where the VIB comes from; it may be empty.
	URL string
	// Released is the release date and every date inside, to the second. Builds
	// with the same Spec are the same byte for byte.
	Released time.Time
	Flavour  Flavour
	// Service is the ruleset. Its ID names the file, too.
	Service firewallxml.Service
}

// ID returns vendor_bootbank_name_version, as esxcli prints it.
func (s Spec) ID() string { return packageID(s.Vendor, bootbank, s.Name, s.Version) }

// date is Released as every format inside can hold it.
func (s Spec) date() time.Time { return s.Released.UTC().Truncate(time.Second) }

func packageID(vendor, kind, name, version string) string {
	return strings.Join([]string{vendor, kind, name, version}, "_")
}

// bootbank is the type of VIB that ESXi installs to its boot bank.
const bootbank = "bootbank"

// The ID is a file name and a column of esxcli's tables: each part stays short.
const (
	maxPart = 35
	maxText = 512
)

var (
	namePattern    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	versionPattern = regexp.MustCompile(`^[0-9]+(\.[0-9A-Za-z]+)*(-[0-9A-Za-z]+(\.[0-9A-Za-z]+)*)?$`)
	// reserved files are ESXi's own, or put there by vSphere HA.
	reserved = []string{"service", "fdm"}
)

// Validate returns why nothing can be built, nil when it can. Names and vendors
// are up to 35 letters, digits, '.', '_' and '-', versions like 1.0.0-1, dates
// from 1980 to 2099.
func (s Spec) Validate() error {
	return errors.Join(
		validName("name", s.Name), validName("vendor", s.Vendor), validVersion(s.Version),
		validText("summary", s.Summary), validText("description", s.Description), validURL(s.URL),
		validDate(s.Released), validFlavour(s.Flavour), validService(s.Service),
	)
}

func validName(what, name string) error {
	if len(name) > maxPart || !namePattern.MatchString(name) {
		return fmt.Errorf("the %s %.40q of a VIB: use up to %d letters, digits, '.', '_' and '-', a letter or digit first", what, name, maxPart)
	}
	return nil
}

func validVersion(version string) error {
	if len(version) > maxPart || !versionPattern.MatchString(version) {
		return fmt.Errorf("the version %.40q of a VIB: use the form 1.0.0 or 1.0.0-1, up to %d characters", version, maxPart)
	}
	return nil
}

func validText(what, text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return fmt.Errorf("the %s of a VIB is empty", what)
	case utf8.RuneCountInString(text) > maxText:
		return fmt.Errorf("the %s of a VIB has more than %d characters", what, maxText)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("the %s %.40q of a VIB: use printable characters on one line", what, text)
	}
	return nil
}

func validURL(url string) error {
	if url == "" {
		return nil
	}
	if !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") {
		return fmt.Errorf("the URL %.40q of a VIB: use one that starts with https://", url)
	}
	return validText("URL", url)
}

// validDate keeps to what every format inside can hold: zip starts in 1980.
func validDate(t time.Time) error {
	if year := t.UTC().Year(); year < 1980 || year > 2099 {
		return fmt.Errorf("the release date %s of a VIB: use one from 1980 to 2099", t.UTC().Format(time.DateOnly))
	}
	return nil
}

func validFlavour(f Flavour) error {
	if f.generations() == nil {
		return fmt.Errorf("the flavour %.40q of a VIB: use %s or %s", f, ESXi8, ESXi6And7)
	}
	return nil
}

func validService(s firewallxml.Service) error {
	for _, name := range reserved {
		if strings.EqualFold(s.ID, name) {
			return fmt.Errorf("the service id %s would replace ESXi's own %s.xml: use another", s.ID, name)
		}
	}
	return s.Validate()
}
