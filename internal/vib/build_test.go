package vib_test

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/firewallxml"
	"github.com/vic-preflight/vic-preflight/internal/vib"
	"github.com/vic-preflight/vic-preflight/inventory"
)

var update = flag.Bool("update", false, "rewrite the golden files of internal/vib")

func spec(f vib.Flavour) vib.Spec {
	return vib.Spec{
		Name: "vic-firewall", Version: "1.0.0-1", Vendor: "example",
		Summary: "Outbound 2377/tcp for virtual container hosts", Description: "Brings the ruleset vicoutgoing & keeps it over reboots",
		URL: "https://example.com/vic", Released: time.Date(2024, 3, 28, 13, 34, 57, 0, time.UTC), Flavour: f,
		Service: firewallxml.Service{ID: "vicoutgoing", Enabled: true, Rules: []inventory.Rule{
			{Port: 2377, Direction: inventory.Outbound, PortType: inventory.Dst, Protocol: inventory.TCP},
		}},
	}
}

func build(s vib.Spec) []byte {
	GinkgoHelper()
	var b bytes.Buffer
	Expect(vib.Build(&b, s)).To(Succeed())
	return b.Bytes()
}

func golden(name string, got []byte) {
	GinkgoHelper()
	path := filepath.Join("testdata", name)
	if *update {
		Expect(os.MkdirAll(filepath.Dir(path), 0o755)).To(Succeed())
		Expect(os.WriteFile(path, got, 0o644)).To(Succeed())
	}
	want, err := os.ReadFile(path)
	Expect(err).NotTo(HaveOccurred())
	Expect(string(got)).To(Equal(string(want)), "run go test ./internal/vib -update and review the diff")
}

// run runs a program of the system in a folder of its own, and returns what it
// printed. These programs are the other opinion on the format: without them
// nothing is shown.
func run(dir string, name string, args ...string) string {
	GinkgoHelper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=C")
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		Fail(fmt.Sprintf("%s is missing: install binutils (ar), tar, gzip and coreutils to run these tests", name))
	}
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		Fail(fmt.Sprintf("%s %q: %v: %s", name, args, err, failed.Stderr))
	}
	Expect(err).NotTo(HaveOccurred())
	return string(out)
}

func hexSum(sum []byte) string { return hex.EncodeToString(sum) }

// contents of a VIB according to ar and gunzip.
type contents struct{ descriptor, packed, unpacked string }

func takeApart(dir string, data []byte) contents {
	GinkgoHelper()
	Expect(os.WriteFile(filepath.Join(dir, "x.vib"), data, 0o600)).To(Succeed())
	c := contents{descriptor: run(dir, "ar", "p", "x.vib", "descriptor.xml"), packed: run(dir, "ar", "p", "x.vib", "payload1")}
	Expect(os.WriteFile(filepath.Join(dir, "payload1"), []byte(c.packed), 0o600)).To(Succeed())
	Expect(os.WriteFile(filepath.Join(dir, "payload1.gz"), []byte(c.packed), 0o600)).To(Succeed())
	c.unpacked = run(dir, "gunzip", "-c", "payload1.gz")
	Expect(os.WriteFile(filepath.Join(dir, "payload1.tar"), []byte(c.unpacked), 0o600)).To(Succeed())
	return c
}

var _ = Describe("Build", func() {
	for _, flavour := range vib.Flavours() {
		Describe("for "+string(flavour), func() {
			It("is what the system's programs say", func() {
				dir := GinkgoT().TempDir()
				takeApart(dir, build(spec(flavour)))
				Expect(run(dir, "ar", "t", "x.vib")).To(Equal("descriptor.xml\nsig.pkcs7\npayload1\n"))
				Expect(run(dir, "ar", "tvO", "x.vib")).To(MatchRegexp(
					`^rw-r--r-- 0/0 +\d+ Mar 28 13:34 2024 descriptor.xml 0x44\n` +
						`rw-r--r-- 0/0 +0 Mar 28 13:34 2024 sig.pkcs7 0x[0-9a-f]+\n` +
						`rw-r--r-- 0/0 +\d+ Mar 28 13:34 2024 payload1 0x[0-9a-f]+\n$`))
				Expect(run(dir, "ar", "p", "x.vib", "sig.pkcs7")).To(BeEmpty())
				Expect(run(dir, "tar", "-tvf", "payload1.tar", "--numeric-owner", "--full-time")).To(MatchRegexp(
					`^drwxr-xr-x 0/0 +0 2024-03-28 13:34:57 etc/\n` +
						`drwxr-xr-x 0/0 +0 2024-03-28 13:34:57 etc/vmware/\n` +
						`drwxr-xr-x 0/0 +0 2024-03-28 13:34:57 etc/vmware/firewall/\n` +
						`-rw-r--r-- 0/0 +\d+ 2024-03-28 13:34:57 etc/vmware/firewall/vicoutgoing.xml\n$`))
				Expect(run(dir, "tar", "-xOf", "payload1.tar", "etc/vmware/firewall/vicoutgoing.xml")).
					To(Equal(string(firewallxml.Document(spec(flavour).Service))))
			})
			It("has the checksums that the system's programs compute, and those its hosts want", func() {
				dir := GinkgoT().TempDir()
				c := takeApart(dir, build(spec(flavour)))
				sum := func(program, file string) string { return strings.Fields(run(dir, program, file))[0] }
				want := `<checksum checksum-type="sha-256">` + sum("sha256sum", "payload1") + `</checksum>\s*`
				if flavour == vib.ESXi8 {
					want += `<checksum checksum-type="sha-256" verify-process="gunzip">` + sum("sha256sum", "payload1.tar") + `</checksum>\s*`
				}
				want += `<checksum checksum-type="sha-1" verify-process="gunzip">` + sum("sha1sum", "payload1.tar") + `</checksum>\s*`
				Expect(c.descriptor).To(MatchRegexp(fmt.Sprintf(`<payload name="payload1" type="tgz" size="%d">\s*%s</payload>`, len(c.packed), want)))

				sha1Sum, sha256Sum := sha1.Sum([]byte(c.unpacked)), sha256.Sum256([]byte(c.unpacked))
				Expect(sum("sha1sum", "payload1.tar")).To(Equal(hexSum(sha1Sum[:])))
				Expect(sum("sha256sum", "payload1.tar")).To(Equal(hexSum(sha256Sum[:])))
			})
			It("has a descriptor in ESXi's schema", func() {
				c := takeApart(GinkgoT().TempDir(), build(spec(flavour)))
				Expect(conforms(c.descriptor, vibSchema)).To(Succeed())
				golden(string(flavour)+".descriptor.xml", []byte(c.descriptor))
			})
			It("stays in its schema without a URL", func() {
				s := spec(flavour)
				s.URL = ""
				Expect(conforms(takeApart(GinkgoT().TempDir(), build(s)).descriptor, vibSchema)).To(Succeed())
			})
			It("is the same byte for byte, in any time zone and whatever the fraction of the second", func() {
				s := spec(flavour)
				first := build(s)
				s.Released = s.Released.Add(999 * time.Millisecond).In(time.FixedZone("x", 3600))
				Expect(bytes.Equal(build(s), first)).To(BeTrue())
			})
			It("is the same byte for byte in every version of this program", func() {
				// Hosts refuse other bytes under the same ID. If this fails, what was
				// built before cannot be built again: say so in the changelog.
				sum := sha256.Sum256(build(spec(flavour)))
				golden(string(flavour)+".sha256", []byte(hexSum(sum[:])+"\n"))
			})
			It("reads back as what it was built from", func() {
				s := spec(flavour)
				p, err := vib.Read(bytes.NewReader(build(s)))
				Expect(err).NotTo(HaveOccurred())
				Expect(p.Problems).To(BeEmpty())
				Expect(p.ID()).To(Equal("example_bootbank_vic-firewall_1.0.0-1"))
				Expect(p.ID()).To(Equal(s.ID()))
				Expect([]string{p.Name, p.Version, p.Vendor, p.Summary, p.Description}).
					To(Equal([]string{s.Name, s.Version, s.Vendor, s.Summary, s.Description}))
				Expect(p.Released).To(Equal(s.Released))
				Expect(p.Services).To(Equal([]firewallxml.Service{s.Service}))
				Expect(p.Files).To(HaveLen(1))
				Expect(p.Files[0].Path).To(Equal("etc/vmware/firewall/vicoutgoing.xml"))
				Expect(p.Files[0].Mode).To(Equal(os.FileMode(0o644)))
				Expect(p.AcceptanceLevel).To(Equal("community"))
				Expect([]bool{p.Signed, p.LiveInstall, p.LiveRemove, p.MaintenanceMode}).To(Equal([]bool{false, true, true, false}))
				for _, sum := range p.Payloads[0].Checksums {
					Expect(sum.Verified).To(BeTrue(), "%+v", sum)
				}
				for _, other := range vib.Flavours() {
					Expect(suits(p, other)).To(Equal(other == flavour), string(other))
				}
				Expect(suits(p, "esxi9")).To(BeFalse())
			})
		})
	}
	It("escapes texts", func() {
		s := spec(vib.ESXi8)
		s.Summary, s.Description = `<a> & "b"`, "]]>"
		p, err := vib.Read(bytes.NewReader(build(s)))
		Expect(err).NotTo(HaveOccurred())
		Expect([]string{p.Summary, p.Description}).To(Equal([]string{`<a> & "b"`, "]]>"}))
	})
	It("passes on why it could not write", func() {
		Expect(vib.Build(full{}, spec(vib.ESXi8))).To(MatchError("write the VIB example_bootbank_vic-firewall_1.0.0-1: no space left"))
		Expect(vib.Bundle(full{}, spec(vib.ESXi8))).To(MatchError("write the offline bundle of example_bootbank_vic-firewall_1.0.0-1: no space left"))
	})
})

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

var _ = DescribeTable("Validate",
	func(change func(*vib.Spec), problem string) {
		s := spec(vib.ESXi6And7)
		change(&s)
		Expect(s.Validate()).To(MatchError(ContainSubstring(problem)))
		var b bytes.Buffer
		Expect(vib.Build(&b, s)).To(MatchError(s.Validate().Error()))
		Expect(vib.Bundle(&b, s)).To(MatchError(s.Validate().Error()))
		Expect(b.Len()).To(BeZero())
	},
	Entry("no name", func(s *vib.Spec) { s.Name = "" }, `the name "" of a VIB`),
	Entry("a path as name", func(s *vib.Spec) { s.Name = "a/b" }, `the name "a/b"`),
	Entry("a dash first", func(s *vib.Spec) { s.Name = "-a" }, "a letter or digit first"),
	Entry("a long name", func(s *vib.Spec) { s.Name = strings.Repeat("a", 36) }, "use up to 35 letters"),
	Entry("a vendor of two words", func(s *vib.Spec) { s.Vendor = "a b" }, `the vendor "a b"`),
	Entry("a name with a line end", func(s *vib.Spec) { s.Name = "a\n" }, `the name "a\n"`),
	Entry("no version", func(s *vib.Spec) { s.Version = "" }, "use the form 1.0.0 or 1.0.0-1"),
	Entry("a version in words", func(s *vib.Spec) { s.Version = "v1" }, `the version "v1"`),
	Entry("a version with two dashes", func(s *vib.Spec) { s.Version = "1-2-3" }, `the version "1-2-3"`),
	Entry("a version with an underscore", func(s *vib.Spec) { s.Version = "1_0" }, `the version "1_0"`),
	Entry("no summary", func(s *vib.Spec) { s.Summary = " " }, "the summary of a VIB is empty"),
	Entry("no description", func(s *vib.Spec) { s.Description = "" }, "the description of a VIB is empty"),
	Entry("two lines", func(s *vib.Spec) { s.Description = "a\nb" }, "on one line"),
	Entry("no UTF-8", func(s *vib.Spec) { s.Summary = "\xff" }, "printable characters"),
	Entry("a novel", func(s *vib.Spec) { s.Description = strings.Repeat("a", 513) }, "more than 512 characters"),
	Entry("another scheme", func(s *vib.Spec) { s.URL = "javascript:x" }, "starts with https://"),
	Entry("a URL of two lines", func(s *vib.Spec) { s.URL = "https://a\n" }, "on one line"),
	Entry("no date", func(s *vib.Spec) { s.Released = time.Time{} }, "the release date 0001-01-01 of a VIB: use one from 1980 to 2099"),
	Entry("a late date", func(s *vib.Spec) { s.Released = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) }, "the release date 2100-01-01"),
	Entry("no flavour", func(s *vib.Spec) { s.Flavour = "" }, `the flavour "" of a VIB: use esxi8 or esxi6-7`),
	Entry("no rules", func(s *vib.Spec) { s.Service.Rules = nil }, "it has no rules"),
	Entry("ESXi's own file", func(s *vib.Spec) { s.Service.ID = "service" }, "would replace ESXi's own service.xml"),
	Entry("HA's file", func(s *vib.Spec) { s.Service.ID = "fdm" }, "would replace ESXi's own fdm.xml"),
)
