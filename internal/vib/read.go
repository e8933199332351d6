package vib

import (
	"errors"
	"io"
	"strings"
)

// limits bound what is read of a VIB that anyone may have built. They are far
// above those of ESXi itself, whose largest VIB has some hundreds of megabytes.
type limits struct {
	members    int
	payloads   int   // that the descriptor names
	packed     int64 // bytes of all members
	unpacked   int64 // bytes of all payloads, unpacked
	files      int   // in all payloads
	names      int64 // bytes of all files' paths
	descriptor int64 // bytes
	firewall   int64 // bytes of all firewall files
}

var defaults = limits{members: 500, payloads: 500, packed: 1 << 30, unpacked: 2 << 30, files: 50_000, names: 8 << 20, descriptor: 4 << 20, firewall: 4 << 20}

// Read reads a VIB, whoever built it, and checks every size and checksum that it
// gives and its list of files against what it holds. Where these disagree the
// Package says so in Problems. Payloads are not kept, only looked through.
//
// What is no VIB, or one beyond any sensible size, is a *FormatError; other
// errors are r's.
func Read(r io.Reader) (*Package, error) { return read(r, defaults) }

func read(r io.Reader, l limits) (*Package, error) {
	in, err := openArchive(r)
	if err != nil {
		return nil, err
	}
	rd := &reader{archive: in, left: l, members: map[string]bool{}}
	for {
		name, size, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = rd.member(name, size)
		}
		if err != nil {
			return nil, err
		}
	}
	if rd.descriptor == nil {
		return nil, formatErrorf("it has no descriptor.xml")
	}
	c := check{Package: rd.about(), contents: rd.contents, descriptor: rd.descriptor}
	c.run(rd.members[signatureName])
	return c.Package, nil
}

// reader gathers the members of one VIB.
type reader struct {
	archive    *archive
	left       limits
	members    map[string]bool
	descriptor *descriptor
	signed     bool
	late       bool // the descriptor was not the first member
	contents   []*contents
}

// member takes the member that the archive is at.
func (rd *reader) member(name string, size int64) error {
	if rd.members[name] {
		return formatErrorf("it has two members called %q", name)
	}
	if rd.left.members--; rd.left.members < 0 {
		return formatErrorf("it has more than %d members", len(rd.members))
	}
	if rd.left.packed -= size; rd.left.packed < 0 {
		return formatErrorf("with %q it has more bytes than are read of a VIB", name)
	}
	switch name {
	case "/", "//", "__.SYMDEF": // ar's own
		return nil
	case descriptorName:
		rd.late = len(rd.members) > 0
		return rd.describe(size)
	case signatureName:
		rd.members[name] = true
		rd.signed = size > 0
		return nil
	}
	rd.members[name] = true
	c, err := rd.scan(name)
	rd.contents = append(rd.contents, c)
	return err
}

func (rd *reader) describe(size int64) error {
	rd.members[descriptorName] = true
	if size > rd.left.descriptor {
		return formatErrorf("descriptor.xml has %d bytes, and %d at most are read", size, rd.left.descriptor)
	}
	text, err := io.ReadAll(rd.archive)
	if err != nil {
		return err
	}
	rd.descriptor, err = parseDescriptor(text)
	if err == nil && len(rd.descriptor.Payloads.Payload) > rd.left.payloads {
		err = formatErrorf("descriptor.xml names more than %d payloads", rd.left.payloads)
	}
	return err
}

// about returns what the VIB says of itself.
func (rd *reader) about() *Package {
	d := rd.descriptor
	p := &Package{
		Type: d.Type, Name: d.Name, Version: d.Version, Vendor: d.Vendor,
		Summary: d.Summary, Description: d.Description, AcceptanceLevel: d.AcceptanceLevel, Signed: rd.signed,
		LiveInstall: isTrue(d.LiveInstall), LiveRemove: isTrue(d.LiveRemove), MaintenanceMode: isTrue(d.SystemRequires.MaintenanceMode),
	}
	for _, platform := range d.SystemRequires.Platforms {
		p.Platforms = append(p.Platforms, platform.Version)
	}
	for _, c := range d.Relationships.Depends.Constraints {
		p.Depends = append(p.Depends, Dependency{c.Name, strings.TrimSpace(c.Relation + " " + c.Version)})
	}
	if rd.late {
		p.Problems = append(p.Problems, "descriptor.xml is not the first member")
	}
	return p
}

func isTrue(text string) bool { return strings.TrimSpace(text) == "true" }
