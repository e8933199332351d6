package vib

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// descriptor is descriptor.xml. ESXi holds it to a schema ("Element vib failed to
// validate content"), so what is written has every element, in this order. What
// others wrote may have more, and is read all the same.
type descriptor struct {
	XMLName       xml.Name      `xml:"vib"`
	Schema        string        `xml:"version,attr"`
	Type          string        `xml:"type"`
	Name          string        `xml:"name"`
	Version       string        `xml:"version"`
	Vendor        string        `xml:"vendor"`
	Summary       string        `xml:"summary"`
	Description   string        `xml:"description"`
	Released      string        `xml:"release-date"`
	URLs          urls          `xml:"urls"`
	Relationships relationships `xml:"relationships"`
	SoftwareTags  struct{}      `xml:"software-tags"`

	// The three that follow are in an offline bundle's copy alone.
	RelativePath string    `xml:"relative-path,omitempty"`
	PackedSize   string    `xml:"packed-size,omitempty"`
	Checksum     *checksum `xml:"checksum,omitempty"`

	SystemRequires  systemRequires `xml:"system-requires"`
	FileList        fileList       `xml:"file-list"`
	AcceptanceLevel string         `xml:"acceptance-level"`
	LiveInstall     string         `xml:"live-install-allowed"`
	LiveRemove      string         `xml:"live-remove-allowed"`
	CIMOMRestart    string         `xml:"cimom-restart"`
	StatelessReady  string         `xml:"stateless-ready"`
	Overlay         string         `xml:"overlay"`
	Payloads        payloads       `xml:"payloads"`
}

type urls struct {
	URL []url `xml:"url"`
}

type url struct {
	Key  string `xml:"key,attr"`
	Text string `xml:",chardata"`
}

// relationships are all empty in what is built here: the VIB needs and replaces
// nothing.
type relationships struct {
	Depends        depends  `xml:"depends"`
	Conflicts      struct{} `xml:"conflicts"`
	Replaces       struct{} `xml:"replaces"`
	Provides       struct{} `xml:"provides"`
	CompatibleWith struct{} `xml:"compatibleWith"`
}

type depends struct {
	Constraints []constraint `xml:"constraint"`
}

// constraint is what another VIB provides: its name, or one that it lists.
type constraint struct {
	Name     string `xml:"name,attr"`
	Relation string `xml:"relation,attr,omitempty"`
	Version  string `xml:"version,attr,omitempty"`
}

type systemRequires struct {
	MaintenanceMode string     `xml:"maintenance-mode"`
	Platforms       []platform `xml:"softwarePlatform"`
}

type platform struct {
	Version     string `xml:"version,attr"`
	Locale      string `xml:"locale,attr"`
	ProductLine string `xml:"productLineID,attr"`
}

type fileList struct {
	File []string `xml:"file"`
}

type payloads struct {
	Payload []payload `xml:"payload"`
}

type payload struct {
	Name      string     `xml:"name,attr"`
	Type      string     `xml:"type,attr"`
	Size      string     `xml:"size,attr"`
	Checksums []checksum `xml:"checksum"`
}

type checksum struct {
	Algorithm string `xml:"checksum-type,attr"`
	Process   string `xml:"verify-process,attr,omitempty"`
	Sum       string `xml:",chardata"`
}

// dateLayout is how vibauthor writes the release date, always in UTC.
const dateLayout = "2006-01-02T15:04:05.000000+00:00"

// dateLayouts are what other builders write; a date without a zone is UTC, and
// fractions of a second are read where a layout has none.
var dateLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateTime, time.DateOnly}

// describe returns the descriptor of a VIB with one packed payload.
func describe(s Spec, packed, unpacked []byte) descriptor {
	d := descriptor{
		Schema: "5.0", Type: bootbank, Name: s.Name, Version: s.Version, Vendor: s.Vendor,
		Summary: s.Summary, Description: s.Description, Released: s.date().Format(dateLayout),
		SystemRequires:  systemRequires{MaintenanceMode: "false"},
		FileList:        fileList{[]string{filePath(s.Service)}},
		AcceptanceLevel: "community",
		LiveInstall:     "true", LiveRemove: "true", CIMOMRestart: "false", StatelessReady: "true", Overlay: "false",
		Payloads: payloads{[]payload{{
			Name: payloadName, Type: payloadType, Size: strconv.Itoa(len(packed)),
			Checksums: checksums(s.Flavour, packed, unpacked),
		}}},
	}
	if s.URL != "" {
		d.URLs.URL = []url{{"website", s.URL}}
	}
	if s.Flavour == ESXi8 {
		d.SystemRequires.Platforms = platforms(s.Flavour)
	}
	return d
}

func platforms(f Flavour) []platform {
	var list []platform
	for _, version := range f.generations() {
		list = append(list, platform{Version: version, ProductLine: "embeddedEsx"})
	}
	return list
}

func checksums(f Flavour, packed, unpacked []byte) []checksum {
	list := []checksum{sum(sha256Name, "", packed)}
	if f == ESXi8 {
		list = append(list, sum(sha256Name, gunzip, unpacked))
	}
	return append(list, sum(sha1Name, gunzip, unpacked))
}

// render writes an XML document as ESXi's are: indented by two, without a
// declaration.
func render(document any) ([]byte, error) {
	text, err := xml.MarshalIndent(document, "", "  ")
	return append(text, '\n'), err
}

// parseDescriptor reads a descriptor that anyone wrote.
func parseDescriptor(text []byte) (*descriptor, error) {
	var d descriptor
	in := xml.NewDecoder(bytes.NewReader(text))
	if err := in.Decode(&d); err != nil {
		return nil, formatErrorf("descriptor.xml: %v", err)
	}
	if err := atEnd(in); err != nil {
		return nil, formatErrorf("descriptor.xml: %v", err)
	}
	for _, part := range []struct{ element, text string }{{"name", d.Name}, {"version", d.Version}, {"vendor", d.Vendor}} {
		if part.text == "" {
			return nil, formatErrorf("descriptor.xml: it has no <%s>", part.element)
		}
	}
	return &d, nil
}

// atEnd makes sure that nothing but blanks and comments follows the root.
func atEnd(in *xml.Decoder) error {
	for {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.Comment:
		case xml.CharData:
			if len(bytes.TrimSpace(token)) > 0 {
				return errors.New("text follows </vib>")
			}
		default:
			return errors.New("something follows </vib>")
		}
	}
}

// released returns the release date, or an error that quotes it.
func (d *descriptor) released() (time.Time, error) {
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, d.Released); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("the release date %.40q is not one", d.Released)
}
