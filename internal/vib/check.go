package vib

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// check compares what a VIB says of itself with what it holds.
type check struct {
	*Package
	descriptor *descriptor
	contents   []*contents
	found      int // problems
}

// maxProblems bounds what is said of a VIB in which nothing is right.
const maxProblems = 100

func (c *check) problemf(format string, args ...any) {
	if c.found++; c.found <= maxProblems {
		c.Problems = append(c.Problems, fmt.Sprintf(format, args...))
	}
}

func (c *check) run(signature bool) {
	if !signature {
		c.problemf("it has no sig.pkcs7, not even an empty one")
	}
	if c.Type == "" {
		c.problemf("its descriptor has no <type>")
	}
	var err error
	if c.Released, err = c.descriptor.released(); err != nil {
		c.problemf("%v", err)
	}
	for _, p := range c.descriptor.Payloads.Payload {
		c.payload(p)
	}
	c.strangers()
	c.fileList()
	c.twice()
	if c.found > maxProblems {
		c.Problems = append(c.Problems, fmt.Sprintf("and %d more", c.found-maxProblems))
	}
}

// payload checks one payload that the descriptor names.
func (c *check) payload(said payload) {
	p := Payload{Name: said.Name, Type: said.Type, Size: -1, Opaque: said.Type != payloadType && said.Type != visorType}
	for _, sum := range said.Checksums {
		p.Checksums = append(p.Checksums, Checksum{Algorithm: sum.Algorithm, Process: sum.Process, Sum: strings.TrimSpace(sum.Sum)})
	}
	if slices.ContainsFunc(c.Payloads, func(other Payload) bool { return other.Name == said.Name }) {
		c.problemf("its descriptor names the payload %.40q twice", said.Name)
		return
	}
	found := c.find(said.Name)
	if found == nil {
		c.problemf("the payload %.40q is not in the VIB", said.Name)
		c.Payloads = append(c.Payloads, p)
		return
	}
	p.Size = found.packed.size
	if size, err := strconv.ParseInt(said.Size, 10, 64); err != nil || size != p.Size {
		c.problemf("%q has %d bytes, and the descriptor says %.20q", p.Name, p.Size, said.Size)
	}
	c.checksums(&p, found)
	if !p.Opaque {
		p.Opaque = !c.open(&p, found)
	}
	c.Payloads = append(c.Payloads, p)
}

func (c *check) find(name string) *contents {
	i := slices.IndexFunc(c.contents, func(found *contents) bool { return found.name == name })
	if i < 0 {
		return nil
	}
	return c.contents[i]
}

func (c *check) checksums(p *Payload, found *contents) {
	if len(p.Checksums) == 0 {
		c.problemf("%q has no checksum in the descriptor", p.Name)
	}
	for i := range p.Checksums {
		claim := &p.Checksums[i]
		kind := strings.TrimSpace(claim.Algorithm + " " + claim.Process)
		over := found.packed
		switch claim.Process {
		case "":
		case gunzip:
			over = found.unpacked
		default:
			c.problemf("%q: its %.40q checksum is of a kind that is not checked", p.Name, kind)
			continue
		}
		if over == nil || found.unpackErr != nil && claim.Process == gunzip {
			c.problemf("%q: its %.40q checksum cannot be checked, for it does not unpack", p.Name, kind)
			continue
		}
		actual := over.sum(claim.Algorithm)
		claim.Verified = actual != "" && strings.EqualFold(actual, claim.Sum)
		switch {
		case actual == "":
			c.problemf("%q: its %.40q checksum is of a kind that is not checked", p.Name, kind)
		case !claim.Verified:
			c.problemf("%q: its %s checksum is %s, and the descriptor says %.80q", p.Name, kind, actual, claim.Sum)
		}
	}
}

// open takes over what was found in a compressed archive. It reports whether the payload
// is one: there are vgz payloads of other forms.
func (c *check) open(p *Payload, found *contents) bool {
	switch {
	case p.Type == visorType && (found.unpacked == nil || found.unpackErr == nil && found.listErr != nil && !found.visor):
		return false
	case found.unpacked == nil:
		c.problemf("%q is not compressed by gzip, as its type says", found.name)
	case found.unpackErr != nil:
		c.problemf("%q does not unpack: %v", found.name, found.unpackErr)
	case found.listErr != nil:
		c.problemf("%q is no archive that can be read: %v", found.name, found.listErr)
	case found.homeless != "":
		c.Doubts = append(c.Doubts, fmt.Sprintf("%q has no entry for the folder %.200q, without which some hosts refuse to mount it", found.name, found.homeless))
	}
	c.Files = append(c.Files, found.files...)
	c.Services = append(c.Services, found.services...)
	for _, problem := range found.problems {
		c.problemf("%s", problem)
	}
	return true
}

// strangers finds members that the descriptor does not name.
func (c *check) strangers() {
	for _, found := range c.contents {
		if !slices.ContainsFunc(c.descriptor.Payloads.Payload, func(p payload) bool { return p.Name == found.name }) {
			c.problemf("%q is in the VIB, and the descriptor does not name it", found.name)
		}
	}
}

// fileList compares the descriptor's list with the payloads. What a list names
// and no payload has may be in an opaque one.
func (c *check) fileList() {
	listed := map[string]bool{}
	for _, name := range c.descriptor.FileList.File {
		listed[strings.TrimSpace(name)] = true
	}
	there := map[string]bool{}
	for _, f := range c.Files {
		switch {
		case there[f.Path]:
			c.problemf("%.200q is in it twice", f.Path)
		case !listed[f.Path]:
			c.problemf("%.200q is in %q, and the list of files does not name it", f.Path, f.Payload)
		}
		there[f.Path] = true
	}
	opaque := c.Opaque()
	for _, name := range c.descriptor.FileList.File {
		switch name = strings.TrimSpace(name); {
		case there[name]:
		case opaque:
			c.Unseen = append(c.Unseen, name)
		default:
			c.problemf("the list of files names %.200q, and no payload has it", name)
		}
	}
}

// twice finds rulesets that two files bring.
func (c *check) twice() {
	seen := map[string]bool{}
	for _, s := range c.Services {
		if seen[s.ID] {
			c.problemf("the service %.40q is in more than one of its files", s.ID)
		}
		seen[s.ID] = true
	}
}
