package vib_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// element is one of a schema: what it may be called, have and hold, and how often
// it comes. Elements stand in the order of the schema.
type element struct {
	name     string
	attrs    []string // name=pattern, all of them, in any order
	min, max int      // 0, 0 means exactly once
	text     string   // pattern of the text; with children there is none
	children []element
}

// vibSchema is what ESXi holds a descriptor to, as far as VIBs that are known to
// install show it.
var vibSchema = element{name: "vib", attrs: []string{`version=5\.0`}, children: []element{
	{name: "type", text: "bootbank"},
	{name: "name", text: `[A-Za-z0-9._-]{1,35}`},
	{name: "version", text: `[0-9][A-Za-z0-9.]*(-[A-Za-z0-9.]+)?`},
	{name: "vendor", text: `[A-Za-z0-9._-]{1,35}`},
	{name: "summary", text: `.+`},
	{name: "description", text: `.+`},
	{name: "release-date", text: `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00`},
	{name: "urls", children: []element{{name: "url", attrs: []string{`key=\w+`}, max: 9, text: `https?://.+`}}},
	{name: "relationships", children: relationships},
	{name: "software-tags"},
	{name: "system-requires", children: []element{
		{name: "maintenance-mode", text: "false"},
		{name: "softwarePlatform", attrs: []string{`version=8\.\*`, "locale=", "productLineID=embeddedEsx"}, max: 1},
	}},
	{name: "file-list", children: []element{{name: "file", min: 1, max: 1, text: `etc/vmware/firewall/[A-Za-z0-9._-]+\.xml`}}},
	{name: "acceptance-level", text: "community"},
	{name: "live-install-allowed", text: "true"},
	{name: "live-remove-allowed", text: "true"},
	{name: "cimom-restart", text: "false"},
	{name: "stateless-ready", text: "true"},
	{name: "overlay", text: "false"},
	{name: "payloads", children: []element{
		{name: "payload", attrs: []string{`name=\w{1,8}`, "type=tgz", `size=\d+`}, children: []element{
			{name: "checksum", attrs: []string{"checksum-type=sha-256"}, text: `[0-9a-f]{64}`},
			{name: "checksum", attrs: []string{"checksum-type=sha-256", "verify-process=gunzip"}, max: 1, text: `[0-9a-f]{64}`},
			{name: "checksum", attrs: []string{"checksum-type=sha-1", "verify-process=gunzip"}, text: `[0-9a-f]{40}`},
		}},
	}},
}}

var relationships = []element{{name: "depends"}, {name: "conflicts"}, {name: "replaces"}, {name: "provides"}, {name: "compatibleWith"}}

// parsed is an element as it was found.
type parsed struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []parsed   `xml:",any"`
}

// conforms returns where a document departs from a schema.
func conforms(text string, schema element) error {
	d := xml.NewDecoder(strings.NewReader(text))
	var root parsed
	if err := d.Decode(&root); err != nil {
		return err
	}
	if rest := text[d.InputOffset():]; rest != "\n" {
		return fmt.Errorf("%q follows the root", rest)
	}
	return root.conforms(schema)
}

func (p parsed) conforms(e element) error {
	if err := p.matches(e); err != nil {
		return err
	}
	rest := p.Children
	for _, want := range e.children {
		least, most := want.min, want.max
		if least == 0 && most == 0 {
			least, most = 1, 1
		}
		count := 0
		for len(rest) > 0 && count < most && rest[0].XMLName.Local == want.name && rest[0].matches(want) == nil {
			if err := rest[0].conforms(want); err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
			rest, count = rest[1:], count+1
		}
		if count < least {
			return fmt.Errorf("%s: %d elements <%s>, not %d", e.name, count, want.name, least)
		}
	}
	if len(rest) > 0 {
		return fmt.Errorf("%s: <%s> has no place here", e.name, rest[0].XMLName.Local)
	}
	return nil
}

// matches looks at the element alone.
func (p parsed) matches(e element) error {
	if p.XMLName.Local != e.name || p.XMLName.Space != "" {
		return fmt.Errorf("<%s> is not <%s>", p.XMLName.Local, e.name)
	}
	if len(p.Attrs) != len(e.attrs) {
		return fmt.Errorf("<%s> has the attributes %v", e.name, p.Attrs)
	}
	for _, want := range e.attrs {
		name, pattern, _ := strings.Cut(want, "=")
		found := false
		for _, a := range p.Attrs {
			found = found || a.Name.Local == name && regexp.MustCompile("^(?:"+pattern+")$").MatchString(a.Value)
		}
		if !found {
			return fmt.Errorf("<%s> has the attributes %v, and should have %s", e.name, p.Attrs, want)
		}
	}
	text := p.Text
	if e.text == "" {
		text = strings.TrimSpace(text)
	}
	if !regexp.MustCompile("^(?:" + e.text + ")$").MatchString(text) {
		return errors.New("<" + e.name + "> holds " + text)
	}
	return nil
}
