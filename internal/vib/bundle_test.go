package vib_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/vib"
)

func bundle(s vib.Spec) []byte {
	GinkgoHelper()
	var b bytes.Buffer
	Expect(vib.Bundle(&b, s)).To(Succeed())
	return b.Bytes()
}

// unzip returns the names and the files of a zip archive.
func unzip(data []byte) (names []string, files map[string][]byte) {
	GinkgoHelper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	Expect(err).NotTo(HaveOccurred())
	files = map[string][]byte{}
	for _, f := range r.File {
		in, err := f.Open()
		Expect(err).NotTo(HaveOccurred())
		text, err := io.ReadAll(in) // which checks the CRC
		Expect(err).NotTo(HaveOccurred())
		names = append(names, f.Name)
		files[f.Name] = text
		Expect(f.Mode().String()).To(Equal("-rw-r--r--"), f.Name)
		Expect(f.Modified.Sub(spec(vib.ESXi8).Released).Abs()).To(BeNumerically("<", 2*time.Second), f.Name)
		Expect(f.Method).To(Equal(zip.Store), f.Name)
	}
	return names, files
}

// vibSchema with what a bundle's copy has besides.
func bundledSchema() element {
	e := vibSchema
	e.children = nil
	for _, child := range vibSchema.children {
		e.children = append(e.children, child)
		if child.name == "software-tags" {
			e.children = append(e.children,
				element{name: "relative-path", text: `vib20/vic-firewall/example_bootbank_vic-firewall_1\.0\.0-1\.vib`},
				element{name: "packed-size", text: `\d+`},
				element{name: "checksum", attrs: []string{"checksum-type=sha-256"}, text: `[0-9a-f]{64}`})
		}
	}
	return e
}

var _ = Describe("Bundle", func() {
	for _, flavour := range vib.Flavours() {
		Describe("for "+string(flavour), func() {
			It("holds the VIB that Build writes, and says so in each place", func() {
				s := spec(flavour)
				want := build(s)
				names, files := unzip(bundle(s))
				path := "vib20/vic-firewall/example_bootbank_vic-firewall_1.0.0-1.vib"
				Expect(names).To(Equal([]string{"index.xml", "vendor-index.xml", "metadata.zip", path}))
				Expect(bytes.Equal(files[path], want)).To(BeTrue())

				inner, metadata := unzip(files["metadata.zip"])
				Expect(inner).To(Equal([]string{
					"vmware.xml", "vendor-index.xml", "bulletins/vic-firewall-1.0.0-1.xml", "vibs/vic-firewall-1.0.0-1.xml",
				}))
				Expect(metadata["vendor-index.xml"]).To(Equal(files["vendor-index.xml"]))

				sum := sha256.Sum256(want)
				Expect(string(metadata["vmware.xml"])).To(And(
					ContainSubstring("<relativePath>"+path+"</relativePath>"),
					ContainSubstring(fmt.Sprintf("<packedSize>%d</packedSize>", len(want))),
					ContainSubstring("<checksum>"+hexSum(sum[:])+"</checksum>")))
				copied := string(metadata["vibs/vic-firewall-1.0.0-1.xml"])
				Expect(conforms(copied, bundledSchema())).To(Succeed())
				Expect(copied).To(And(
					ContainSubstring("<relative-path>"+path+"</relative-path>"),
					ContainSubstring(fmt.Sprintf("<packed-size>%d</packed-size>", len(want))),
					ContainSubstring(`<checksum checksum-type="sha-256">`+hexSum(sum[:])+"</checksum>")))
				Expect(without(copied, "<relative-path>", "<packed-size>", hexSum(sum[:]))).
					To(Equal(takeApart(GinkgoT().TempDir(), want).descriptor))
			})
			It("has the index files of known bundles", func() {
				_, files := unzip(bundle(spec(flavour)))
				_, metadata := unzip(files["metadata.zip"])
				golden(string(flavour)+".bundle/index.xml", files["index.xml"])
				golden(string(flavour)+".bundle/vendor-index.xml", files["vendor-index.xml"])
				golden(string(flavour)+".bundle/vmware.xml", metadata["vmware.xml"])
				golden(string(flavour)+".bundle/bulletin.xml", metadata["bulletins/vic-firewall-1.0.0-1.xml"])
			})
			It("is the same byte for byte", func() {
				s := spec(flavour)
				first := bundle(s)
				s.Released = s.Released.Add(time.Millisecond).In(time.FixedZone("x", -7200))
				Expect(bytes.Equal(bundle(s), first)).To(BeTrue())
			})
			It("has each file's size and checksum before its data", func() {
				data := bundle(spec(flavour))
				Expect(data[:4]).To(Equal([]byte("PK\x03\x04")))
				flags := binary.LittleEndian.Uint16(data[6:])
				Expect(flags&8).To(BeZero(), "a data descriptor follows")
				_, files := unzip(data)
				Expect(binary.LittleEndian.Uint32(data[14:])).To(Equal(crc32.ChecksumIEEE(files["index.xml"])))
				Expect(binary.LittleEndian.Uint32(data[22:])).To(Equal(uint32(len(files["index.xml"]))))
			})
		})
	}
	It("says that its origin is unknown where there is no URL", func() {
		s := spec(vib.ESXi8)
		s.URL = ""
		_, files := unzip(bundle(s))
		_, metadata := unzip(files["metadata.zip"])
		Expect(string(metadata["vmware.xml"])).To(ContainSubstring("<kbUrl>unknown</kbUrl>"))
	})
})

// without returns the text without the lines that hold one of the marks.
func without(text string, marks ...string) string {
	var kept []string
	for _, line := range strings.SplitAfter(text, "\n") {
		drop := false
		for _, mark := range marks {
			drop = drop || strings.Contains(line, mark)
		}
		if !drop {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}
