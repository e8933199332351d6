package vib

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/vic-preflight/vic-preflight/internal/firewallxml"
)

// Package is what a VIB says of itself and holds. Its texts are those of whoever
// built it: they may have control characters in them.
type Package struct {
	// Type is bootbank for VIBs that install to the boot bank.
	Type, Name, Version, Vendor string
	Summary, Description        string
	// Released is in UTC, zero when the VIB gives no date that is understood.
	Released time.Time
	// AcceptanceLevel is what the VIB claims: community, partner, accepted or
	// certified.
	AcceptanceLevel string
	// Signed VIBs have something for a signature. Whether it is good is not
	// looked into.
	Signed bool
	// LiveInstall and LiveRemove say that no reboot is needed, MaintenanceMode
	// that the host has to be in it.
	LiveInstall, LiveRemove, MaintenanceMode bool
	// Platforms are the versions of ESXi that it asks for, such as 8.*; empty
	// when it asks for none.
	Platforms []string
	// Payloads are in the order of the descriptor.
	Payloads []Payload
	// Depends is what has to be on the host already.
	Depends []Dependency
	// Files are what the payloads would lay over the host's file system, without
	// folders, and without those of opaque payloads.
	Files []File
	// Unseen are the files of opaque payloads, as far as the descriptor lists them.
	Unseen []string
	// Services are the rulesets of all of Files. Opaque payloads may bring more.
	Services []firewallxml.Service
	// Doubts say in one fragment each why a host may refuse a VIB that has no
	// Problems.
	Doubts []string
	// Problems say in one fragment each where the VIB is not what it says, or not
	// what ESXi takes. A VIB without any may still not install.
	Problems []string
}

// ID returns vendor_type_name_version, as esxcli prints it.
func (p *Package) ID() string { return packageID(p.Vendor, p.Type, p.Name, p.Version) }

// Payload is one payload of a VIB.
type Payload struct {
	Name string
	// Type is tgz for a compressed tar, vgz for a compressed visor tar. Others, such as
	// boot, are ESXi's own.
	Type string
	// Size is in bytes as packed, -1 when the VIB does not have the payload.
	Size int64
	// Opaque payloads were not looked into: their type or their form is not known.
	// Their size and checksums were checked all the same.
	Opaque    bool
	Checksums []Checksum
}

// Checksum is one that the descriptor gives of a payload.
type Checksum struct {
	// Algorithm is sha-1 or sha-256. Process is gunzip when the sum is that of
	// the unpacked payload, empty for the packed one. Others are not checked.
	Algorithm, Process string
	Sum                string
	// Verified sums were computed anew and agree.
	Verified bool
}

// File is one file of a payload.
type File struct {
	// Path has no slash in front: etc/vmware/firewall/vic.xml.
	Path    string
	Payload string
	// Size is in bytes.
	Size int64
	Mode fs.FileMode
}

// Opaque reports whether the VIB has a payload that was not looked into.
func (p *Package) Opaque() bool {
	return slices.ContainsFunc(p.Payloads, func(payload Payload) bool { return payload.Opaque })
}

// Dependency is what a VIB asks a host to have.
type Dependency struct {
	Name string
	// Version is a relation and a version, such as >= 9.2.3.0; empty for any.
	Version string
}

// driverAPI is what drivers for vmklinux depend on, which hosts have not any more since
// ESXi 7.0.
const driverAPI = "com.vmware.driverAPI"

// Suitability says whether hosts would take a VIB, as far as the VIB tells.
type Suitability int

// Unsuited VIBs are refused. MaySuit means that it depends on the host.
const (
	Unsuited Suitability = iota
	MaySuit
	Suited
)

// Suits reports whether hosts of that generation would take the VIB as far as its
// checksums, the versions it asks for and what it depends on go; see Flavour. Doubts
// say why it only may suit, in one fragment each.
func (p *Package) Suits(f Flavour) (s Suitability, doubts []string) {
	if f.generations() == nil || !p.asksFor(f) {
		return Unsuited, nil
	}
	for _, payload := range p.Payloads {
		doubt, fits := payload.suits(f)
		if !fits {
			return Unsuited, nil
		}
		if doubt != "" {
			doubts = append(doubts, doubt)
		}
	}
	for _, d := range p.Depends {
		if f == ESXi8 && strings.HasPrefix(d.Name, driverAPI) {
			return Unsuited, nil
		}
		doubts = append(doubts, "it depends on "+strings.TrimSpace(d.Name+" "+d.Version))
	}
	if doubts = append(doubts, p.Doubts...); len(doubts) > 0 {
		return MaySuit, doubts
	}
	return Suited, nil
}

// asksFor reports whether the versions that the VIB asks for have the flavour's.
func (p *Package) asksFor(f Flavour) bool {
	return len(p.Platforms) == 0 || slices.ContainsFunc(p.Platforms, func(version string) bool {
		return slices.ContainsFunc(f.generations(), func(g string) bool {
			return strings.HasPrefix(version, strings.TrimSuffix(g, "*"))
		})
	})
}

// suits is Suits for one payload.
func (p Payload) suits(f Flavour) (doubt string, fits bool) {
	unpacked := p.sum(sha256Name, gunzip)
	switch packed := p.sum(sha256Name, ""); {
	case f == ESXi8:
		return "", unpacked >= 0
	case unpacked < 0:
		return "", true
	case unpacked < packed: // as ESXi 8 itself writes it; a builder's claim
		return fmt.Sprintf("%q has a sha-256 gunzip checksum, which older hosts are said to overlook where it stands before the plain one, as it does", p.Name), true
	}
	return "", false
}

// sum is where the descriptor gives a checksum of that kind, -1 when it gives none.
func (p Payload) sum(algorithm, process string) int {
	return slices.IndexFunc(p.Checksums, func(c Checksum) bool { return c.Algorithm == algorithm && c.Process == process })
}

// FormatError means that something is no VIB, or more of one than is read.
type FormatError struct{ Problem string }

func (e *FormatError) Error() string { return "no VIB that can be read: " + e.Problem }

func formatErrorf(format string, args ...any) error {
	return &FormatError{fmt.Sprintf(format, args...)}
}
