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
	// Files are what the payloads would lay over the host's file system, without
	// folders, and without those of opaque payloads.
	Files []File
	// Services are the rulesets of all of Files.
	Services []firewallxml.Service
	// Problems say in one fragment each where the VIB is not what it says, or not
	// what ESXi takes. A VIB without any may still not install.
	Problems []string
}

// ID returns vendor_type_name_version, as esxcli prints it.
func (p *Package) ID() string { return packageID(p.Vendor, p.Type, p.Name, p.Version) }

// Payload is one payload of a VIB.
type Payload struct {
	Name string
	// Type is tgz for a compressed tar. Others have other names: vgz, boot.
	Type string
	// Size is in bytes as packed, -1 when the VIB does not have the payload.
	Size int64
	// Opaque payloads were not looked into: their type is not tgz. Their size and
	// checksums were checked all the same.
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

// Suits reports whether a host of that generation would take the VIB as far as
// its checksums and the versions it asks for go; see Flavour.
func (p *Package) Suits(f Flavour) bool {
	wanted := len(p.Platforms) == 0
	for _, version := range p.Platforms {
		wanted = wanted || slices.ContainsFunc(f.generations(), func(g string) bool {
			return strings.HasPrefix(version, strings.TrimSuffix(g, "*"))
		})
	}
	for _, payload := range p.Payloads {
		if payload.sums(sha256Name, gunzip) != (f == ESXi8) {
			return false
		}
	}
	return wanted && f.generations() != nil
}

// sums reports whether the descriptor gives a checksum of that kind.
func (p Payload) sums(algorithm, process string) bool {
	return slices.ContainsFunc(p.Checksums, func(c Checksum) bool { return c.Algorithm == algorithm && c.Process == process })
}

// FormatError means that something is no VIB, or more of one than is read.
type FormatError struct{ Problem string }

func (e *FormatError) Error() string { return "no VIB that can be read: " + e.Problem }

func formatErrorf(format string, args ...any) error {
	return &FormatError{fmt.Sprintf(format, args...)}
}
