package vib

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"time"
)

// Bundle writes the offline bundle of the VIB that Build writes: the zip archive
// that "esxcli software vib install --depot" and the update managers take. The
// same Spec gives the same bytes. An error is either that of Validate or of w.
//
// The bundle of ESXi8 is a component, which images of vSphere 7 and later are
// made of. That of ESXi6And7 is not: 6.x does not know components, so an image
// of vSphere 7 does not take it, while esxcli and baselines do.
func Bundle(w io.Writer, s Spec) error {
	vib, err := build(s)
	if err != nil {
		return err
	}
	files, err := bundleFiles(s, vib)
	if err != nil {
		return fmt.Errorf("build the offline bundle of %s: %w", s.ID(), err)
	}
	if err := writeZip(w, s.date(), files); err != nil {
		return fmt.Errorf("write the offline bundle of %s: %w", s.ID(), err)
	}
	return nil
}

func bundleFiles(s Spec, vib *built) ([]zipped, error) {
	metadata, err := metadataZip(s, vib)
	if err != nil {
		return nil, err
	}
	indexes, err := rendered([]document{{"index.xml", indexOf(s)}, {"vendor-index.xml", vendorIndexOf(s)}})
	return append(indexes, zipped{metadataName, metadata}, zipped{bundlePath(s), vib.archive}), err
}

// document is an XML file that is yet to be written.
type document struct {
	name string
	root any
}

func rendered(documents []document) ([]zipped, error) {
	var files []zipped
	for _, d := range documents {
		text, err := render(d.root)
		if err != nil {
			return nil, err
		}
		files = append(files, zipped{d.name, text})
	}
	return files, nil
}

const metadataName = "metadata.zip"

// bundlePath is where the VIB stands in its bundle.
func bundlePath(s Spec) string { return "vib20/" + s.Name + "/" + s.ID() + ".vib" }

// metadataZip holds what an update manager reads before it fetches the VIB.
func metadataZip(s Spec, vib *built) ([]byte, error) {
	whole := sum(sha256Name, "", vib.archive)
	size := strconv.Itoa(len(vib.archive))

	d := vib.descriptor
	d.RelativePath, d.PackedSize, d.Checksum = bundlePath(s), size, &whole

	files, err := rendered([]document{
		{"vmware.xml", metadataOf(s, size, whole.Sum)},
		{"vendor-index.xml", vendorIndexOf(s)},
		{"bulletins/" + bulletinID(s) + ".xml", bulletinOf(s, bulletinVIB{ID: s.ID()})},
		{"vibs/" + bulletinID(s) + ".xml", d},
	})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = writeZip(&b, s.date(), files)
	return b.Bytes(), err
}

// zipped is one file of a zip archive.
type zipped struct {
	name string
	data []byte
}

// writeZip writes files as they are: nothing in a bundle is worth compressing, and
// how small it gets would depend on the version of Go. Sizes stand before the
// data, as zip(1) puts them, for not every reader takes them behind it.
func writeZip(w io.Writer, date time.Time, files []zipped) error {
	archive := zip.NewWriter(w)
	for _, f := range files {
		h := &zip.FileHeader{
			Name: f.name, Method: zip.Store, CRC32: crc32.ChecksumIEEE(f.data),
			CompressedSize64: uint64(len(f.data)), UncompressedSize64: uint64(len(f.data)),
			CreatorVersion: zipVersion, ReaderVersion: zipVersion,
		}
		h.SetMode(0o644)
		h.SetModTime(date) //lint:ignore SA1019 CreateRaw does not look at Modified
		part, err := archive.CreateRaw(h)
		if err != nil {
			return err
		}
		if _, err := part.Write(f.data); err != nil {
			return err
		}
	}
	return archive.Close()
}

// zipVersion 2.0 is what plain files need.
const zipVersion = 20

// vendorList is index.xml.
type vendorList struct {
	XMLName      xml.Name `xml:"vendorList"`
	Name         string   `xml:"vendor>name"`
	Code         string   `xml:"vendor>code"`
	IndexFile    string   `xml:"vendor>indexfile"`
	PatchURL     string   `xml:"vendor>patchUrl"`
	RelativePath string   `xml:"vendor>relativePath"`
	ContentName  string   `xml:"vendor>content>name"`
	ContentType  string   `xml:"vendor>content>type"`
}

func indexOf(s Spec) vendorList {
	return vendorList{
		Name: s.Vendor, Code: s.Vendor, IndexFile: "vendor-index.xml",
		ContentName: "VMware ESX", ContentType: "http://www.vmware.com/depotmanagement/esx",
	}
}

// metaList is vendor-index.xml.
type metaList struct {
	XMLName  xml.Name   `xml:"metaList"`
	Metadata []metadata `xml:"metadata"`
}

type metadata struct {
	ProductID   string `xml:"productId"`
	Version     string `xml:"version"`
	Locale      string `xml:"locale"`
	URL         string `xml:"url"`
	ChannelName string `xml:"channelName"`
}

func vendorIndexOf(s Spec) metaList {
	var list metaList
	for _, p := range platforms(s.Flavour) {
		list.Metadata = append(list.Metadata, metadata{ProductID: p.ProductLine, Version: p.Version, URL: metadataName, ChannelName: "default"})
	}
	return list
}

// metadataResponse is vmware.xml.
type metadataResponse struct {
	XMLName   xml.Name `xml:"metadataResponse"`
	Version   string   `xml:"version"`
	Timestamp string   `xml:"timestamp"`
	Bulletin  bulletin `xml:"bulletin"`
}

// bulletin is what a bundle offers to install.
type bulletin struct {
	XMLName          xml.Name          `xml:"bulletin"`
	ID               string            `xml:"id"`
	Vendor           string            `xml:"vendor"`
	Summary          string            `xml:"summary"`
	Severity         string            `xml:"severity"`
	Category         string            `xml:"category"`
	Urgency          string            `xml:"urgency"`
	ReleaseType      string            `xml:"releaseType"`
	Description      string            `xml:"description"`
	KBURL            string            `xml:"kbUrl"`
	Contact          string            `xml:"contact"`
	ComponentName    *componentName    `xml:"componentNameSpec"`
	ComponentVersion *componentVersion `xml:"componentVersionSpec"`
	ReleaseDate      string            `xml:"releaseDate"`
	Platforms        []platform        `xml:"platforms>softwarePlatform"`
	VIBs             bulletinVIB       `xml:"vibList"`
}

type componentName struct {
	Name  string `xml:"name,attr"`
	Label string `xml:"uiString,attr"`
}

type componentVersion struct {
	Label   string `xml:"uiString,attr"`
	Version string `xml:"version,attr"`
}

// bulletinVIB names the VIB by its ID in a bulletin of its own, and tells all
// about it in vmware.xml.
type bulletinVIB struct {
	ID  string       `xml:"vibID,omitempty"`
	VIB *metadataVIB `xml:"vib"`
}

type metadataVIB struct {
	SchemaVersion   string        `xml:"vibVersion"`
	ID              string        `xml:"vibID"`
	Name            string        `xml:"name"`
	Version         string        `xml:"version"`
	Vendor          string        `xml:"vendor"`
	Type            string        `xml:"vibType"`
	Summary         string        `xml:"summary"`
	MaintenanceMode string        `xml:"systemReqs>maintenanceMode"`
	Platforms       []platform    `xml:"systemReqs>swPlatform"`
	Relationships   relationships `xml:"relationships"`
	RebootRequired  string        `xml:"postInstall>rebootRequired"`
	HostdRestart    string        `xml:"postInstall>hostdRestart"`
	SoftwareTags    struct{}      `xml:"softwareTags"`
	SourceURL       string        `xml:"vibFile>sourceUrl"`
	RelativePath    string        `xml:"vibFile>relativePath"`
	PackedSize      string        `xml:"vibFile>packedSize"`
	ChecksumType    string        `xml:"vibFile>checksum>checksumType"`
	Checksum        string        `xml:"vibFile>checksum>checksum"`
}

func bulletinID(s Spec) string { return s.Name + "-" + s.Version }

func bulletinOf(s Spec, vib bulletinVIB) bulletin {
	b := bulletin{
		ID: bulletinID(s), Vendor: s.Vendor, Summary: s.Summary, Description: s.Description,
		Severity: "general", Category: "general", Urgency: "general", ReleaseType: "extension",
		KBURL: s.URL, Contact: s.Vendor, ReleaseDate: s.date().Format(dateLayout),
		Platforms: platforms(s.Flavour), VIBs: vib,
	}
	if b.KBURL == "" {
		b.KBURL = "unknown" // as vibauthor writes it
	}
	if s.Flavour == ESXi8 {
		b.ComponentName = &componentName{s.Name, s.Summary}
		b.ComponentVersion = &componentVersion{s.Version, s.Version}
	}
	return b
}

func metadataOf(s Spec, size, sha256 string) metadataResponse {
	return metadataResponse{
		Version: "3.0", Timestamp: s.date().Format("2006-01-02T15:04:05.000000"),
		Bulletin: bulletinOf(s, bulletinVIB{VIB: &metadataVIB{
			SchemaVersion: "1.4.5", ID: s.ID(), Name: s.Name, Version: s.Version, Vendor: s.Vendor, Type: bootbank, Summary: s.Summary,
			MaintenanceMode: "false", Platforms: platforms(s.Flavour), RebootRequired: "false", HostdRestart: "false",
			RelativePath: bundlePath(s), PackedSize: size, ChecksumType: sha256Name, Checksum: sha256,
		}}),
	}
}
