package vib_test

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing/iotest"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/firewallxml"
	"github.com/vic-preflight/vic-preflight/internal/vib"
)

// member of an ar archive.
type member struct{ name, data string }

// archive joins members, in the form of GNU.
func archive(members ...member) []byte {
	b := bytes.NewBufferString("!<arch>\n")
	for _, m := range members {
		fmt.Fprintf(b, "%-16s%-12d%-6d%-6d%-8o%-10d`\n%s", m.name+"/", 0, 0, 0, 0o100644, len(m.data), m.data)
		if len(m.data)%2 == 1 {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

// split takes apart what Build wrote.
func split(data []byte) (descriptor, payload string) {
	var members []string
	for rest := data[8:]; len(rest) > 0; {
		size, err := strconv.Atoi(strings.TrimSpace(string(rest[48:58])))
		if err != nil {
			panic(err)
		}
		members = append(members, string(rest[60:60+size]))
		rest = rest[60+size+size%2:]
	}
	return members[0], members[2]
}

func whole(descriptor, payload string) []byte {
	return archive(member{"descriptor.xml", descriptor}, member{"sig.pkcs7", ""}, member{"payload1", payload})
}

func gzipped(data []byte) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

// tarred packs files, sorted by name; a name with a slash at the end is a folder.
func tarred(files map[string]string) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		h := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name]))}
		if err := w.WriteHeader(h); err != nil {
			panic(err)
		}
		if _, err := io.WriteString(w, files[name]); err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// others is a descriptor as other people's scripts write it, around a list of
// files and payload elements.
func others(files, payloads string) string {
	return `<vib version="5.0">
  <type>bootbank</type>
  <name>customfirewall</name>
  <version>1.0.2</version>
  <vendor>soulTec</vendor>
  <summary>Opens a specified port</summary>
  <description>Creates a new firewall rule</description>
  <release-date>2024-03-28T01:01:37</release-date>
  <urls>
    <url key="website">https://example.com</url>
  </urls>
  <relationships>
    <depends>
    </depends>
    <conflicts/>
    <replaces/>
    <provides>
      <provide name="org.example-1.0"/>
    </provides>
    <compatibleWith/>
  </relationships>
  <software-tags>
    <tag>module</tag>
  </software-tags>
  <system-requires>
    <maintenance-mode>false</maintenance-mode>
    <softwarePlatform version="8.*" locale="" productLineID="embeddedEsx" />
  </system-requires>
  <file-list>
` + files + `
  </file-list>
  <acceptance-level>community</acceptance-level>
  <live-install-allowed>true</live-install-allowed>
  <live-remove-allowed>true</live-remove-allowed>
  <cimom-restart>false</cimom-restart>
  <stateless-ready>true</stateless-ready>
  <overlay>false</overlay>
  <payloads>
` + payloads + `
  </payloads>
</vib>
`
}

const customXML = "<!-- Firewall configuration information for custom firewall port -->\n<ConfigRoot>\n<service>\n<id>customfirewall</id>\n" +
	"<rule id='0000'>\n<direction>outbound</direction>\n<protocol>tcp</protocol>\n<porttype>dst</porttype>\n<port>51402</port>\n</rule>\n" +
	"<enabled>true</enabled>\n<required>false</required>\n</service>\n</ConfigRoot>\n"

// scripted builds a VIB the way the scripts of lamw/ghettoVCB and
// virtualFrog/customFirewallPorts do, with the system's tar, gzip, sums and ar.
func scripted(dir, payloadKind string, tarArgs, arArgs []string) []byte {
	GinkgoHelper()
	firewall := filepath.Join(dir, "payloads", "payload1", "etc", "vmware", "firewall")
	Expect(os.MkdirAll(firewall, 0o755)).To(Succeed())
	Expect(os.WriteFile(filepath.Join(firewall, "customfirewall.xml"), []byte(customXML), 0o644)).To(Succeed())
	run(dir, "tar", append([]string{"-czf", "payload1", "-C", "payloads/payload1"}, tarArgs...)...)
	packed, err := os.ReadFile(filepath.Join(dir, "payload1"))
	Expect(err).NotTo(HaveOccurred())
	Expect(os.WriteFile(filepath.Join(dir, "payload1.gz"), packed, 0o600)).To(Succeed())
	Expect(os.WriteFile(filepath.Join(dir, "payload1.tar"), []byte(run(dir, "gunzip", "-c", "payload1.gz")), 0o600)).To(Succeed())
	sum := func(program, file string) string { return strings.Fields(run(dir, program, file))[0] }
	d := others("    <file>etc/vmware/firewall/customfirewall.xml</file>", fmt.Sprintf(`    <payload name="payload1" type="%s" size="%d">
        <checksum checksum-type="sha-256">%s</checksum>
        <checksum checksum-type="sha-256" verify-process="gunzip">%s</checksum>
        <checksum checksum-type="sha-1" verify-process="gunzip">%s</checksum>
    </payload>`, payloadKind, len(packed), sum("sha256sum", "payload1"), sum("sha256sum", "payload1.tar"), sum("sha1sum", "payload1.tar")))
	Expect(os.WriteFile(filepath.Join(dir, "descriptor.xml"), []byte(d), 0o600)).To(Succeed())
	Expect(os.WriteFile(filepath.Join(dir, "sig.pkcs7"), nil, 0o600)).To(Succeed())
	run(dir, "ar", append(arArgs, "x.vib", "descriptor.xml", "sig.pkcs7", "payload1")...)
	data, err := os.ReadFile(filepath.Join(dir, "x.vib"))
	Expect(err).NotTo(HaveOccurred())
	return data
}

// suits is Suits of a VIB of which nothing is in doubt.
func suits(p *vib.Package, f vib.Flavour) bool {
	GinkgoHelper()
	s, doubts := p.Suits(f)
	Expect(doubts).To(BeEmpty())
	return s == vib.Suited
}

func read(data []byte) *vib.Package {
	GinkgoHelper()
	p, err := vib.Read(bytes.NewReader(data))
	Expect(err).NotTo(HaveOccurred())
	return p
}

var _ = DescribeTable("Read takes what others' scripts build",
	func(tarArgs, arArgs []string) {
		p := read(scripted(GinkgoT().TempDir(), "tgz", tarArgs, arArgs))
		Expect(p.Problems).To(BeEmpty())
		Expect(p.ID()).To(Equal("soulTec_bootbank_customfirewall_1.0.2"))
		Expect(p.Released).To(Equal(time.Date(2024, 3, 28, 1, 1, 37, 0, time.UTC)))
		Expect(p.Platforms).To(Equal([]string{"8.*"}))
		Expect(p.Files).To(HaveLen(1))
		Expect(p.Files[0].Path).To(Equal("etc/vmware/firewall/customfirewall.xml"))
		Expect(p.Services).To(HaveLen(1))
		Expect(p.Services[0].ID).To(Equal("customfirewall"))
		Expect(p.Services[0].Rules[0].Port).To(Equal(51402))
		Expect(suits(p, vib.ESXi8)).To(BeTrue())
		Expect(suits(p, vib.ESXi6And7)).To(BeFalse())
	},
	Entry("GNU tar and ar as they come", []string{"etc"}, []string{"-r"}),
	Entry("owner and time as they are", []string{"etc"}, []string{"rU"}),
	Entry("paths that start with a dot", []string{"."}, []string{"rD"}),
	Entry("the old tar format", []string{"--format=v7", "etc"}, []string{"r"}),
	Entry("the PAX format", []string{"--format=pax", "etc"}, []string{"r"}),
)

var _ = Describe("Read", func() {
	It("takes opaque payloads at their checksums", func() {
		p := read(scripted(GinkgoT().TempDir(), "boot", []string{"etc"}, []string{"r"}))
		Expect(p.Problems).To(BeEmpty())
		Expect(p.Payloads[0].Opaque).To(BeTrue())
		for _, sum := range p.Payloads[0].Checksums {
			Expect(sum.Verified).To(BeTrue(), "%+v", sum)
		}
		Expect(p.Files).To(BeEmpty())
		Expect(p.Services).To(BeEmpty())
		Expect(p.Unseen).To(Equal([]string{"etc/vmware/firewall/customfirewall.xml"}))
	})
	It("takes several payloads, of which one is not gzip", func() {
		first, second, third := gzipped(tarred(map[string]string{"opt/a": "a"})), gzipped(tarred(map[string]string{"etc/vmware/firewall/b.xml": customXML})), "\xfd7zXZ\x00odd"
		element := func(name, kind, data string) string {
			return fmt.Sprintf(`<payload name="%s" type="%s" size="%d"><checksum checksum-type="sha-256">%x</checksum></payload>`, name, kind, len(data), sha256.Sum256([]byte(data)))
		}
		d := others("<file>opt/a</file><file>etc/vmware/firewall/b.xml</file><file>in/the/third</file>",
			element("one", "tgz", first)+element("two", "tgz", second)+element("three", "vtar", third))
		p := read(archive(member{"descriptor.xml", d}, member{"sig.pkcs7", "signed"}, member{"three", third}, member{"one", first}, member{"two", second}))
		Expect(p.Problems).To(BeEmpty())
		Expect(p.Signed).To(BeTrue())
		Expect(p.Payloads).To(HaveLen(3))
		Expect([]bool{p.Payloads[0].Opaque, p.Payloads[1].Opaque, p.Payloads[2].Opaque}).To(Equal([]bool{false, false, true}))
		Expect(p.Payloads[2].Size).To(Equal(int64(len(third))))
		Expect(p.Files).To(HaveLen(2))
		Expect(p.Files[1].Payload).To(Equal("two"))
		Expect(p.Services).To(HaveLen(1))
		Expect(suits(p, vib.ESXi6And7)).To(BeFalse(), "it asks for 8.*")
		Expect(suits(p, vib.ESXi8)).To(BeFalse(), "no sha-256 gunzip checksum")
	})
	It("takes a VIB without payloads, as VMware has them", func() {
		p := read(archive(member{"descriptor.xml", others("", "")}, member{"sig.pkcs7", "signed"}))
		Expect(p.Problems).To(BeEmpty())
	})
	It("takes BSD's ar: names without a slash, long names before the data, no padding at the end", func() {
		d, payload := split(build(spec(vib.ESXi8)))
		b := bytes.NewBufferString("!<arch>\n")
		fmt.Fprintf(b, "%-16s%-12d%-6d%-6d%-8o%-10d`\n%s", "#1/20", 0, 0, 0, 0o100644, 20+len(d), "descriptor.xml\x00\x00\x00\x00\x00\x00"+d)
		if len(d)%2 == 1 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(b, "%-16s%-12d%-6d%-6d%-8o%-10d`\n", "sig.pkcs7", 0, 0, 0, 0o100644, 0)
		fmt.Fprintf(b, "%-16s%-12d%-6d%-6d%-8o%-10d`\n%s", "payload1", 0, 0, 0, 0o100644, len(payload), payload)
		Expect(read(b.Bytes()).Problems).To(BeEmpty())

		odd := archive(member{"descriptor.xml", others("", "")}, member{"sig.pkcs7", "odd"})
		Expect(read(odd[:len(odd)-1]).Problems).To(BeEmpty())
	})
	It("takes a byte at a time", func() {
		p, err := vib.Read(iotest.OneByteReader(bytes.NewReader(build(spec(vib.ESXi8)))))
		Expect(err).NotTo(HaveOccurred())
		Expect(p.Problems).To(BeEmpty())
	})
	It("tells a failing reader from a bad VIB", func() {
		data := build(spec(vib.ESXi8))
		for _, n := range []int{0, 8, 30, 100, 2000, len(data) - 10} {
			broken := errors.New("broken cable")
			_, err := vib.Read(io.MultiReader(bytes.NewReader(data[:n]), iotest.ErrReader(broken)))
			Expect(err).To(MatchError(broken), "after %d bytes", n)
			var format *vib.FormatError
			Expect(errors.As(err, &format)).To(BeFalse())
		}
	})
	It("never takes a cut one for a whole one", func() {
		data := build(spec(vib.ESXi8))
		for n := range len(data) {
			p, err := vib.Read(bytes.NewReader(data[:n]))
			if err == nil {
				Expect(p.Problems).NotTo(BeEmpty(), "%d bytes", n)
				continue
			}
			var format *vib.FormatError
			Expect(errors.As(err, &format)).To(BeTrue(), "%d bytes: %v", n, err)
		}
	})
	It("notices every byte that changes in a payload", func() {
		d, payload := split(build(spec(vib.ESXi8)))
		for i := 0; i < len(payload); i += 7 {
			changed := []byte(payload)
			changed[i] ^= 1
			Expect(read(whole(d, string(changed))).Problems).NotTo(BeEmpty(), "byte %d", i)
		}
	})
})

var _ = DescribeTable("Read reports as a problem",
	func(flavour vib.Flavour, change func(d, payload string) []byte, problems ...any) {
		p := read(change(split(build(spec(flavour)))))
		Expect(p.Problems).To(ContainElements(problems...))
		Expect(p.Problems).To(HaveLen(len(problems)), "%q", p.Problems)
	},
	Entry("another size", vib.ESXi8, func(d, p string) []byte {
		return whole(strings.Replace(d, `size="3612"`, `size="3613"`, 1), p)
	}, `"payload1" has 3612 bytes, and the descriptor says "3613"`),
	Entry("no size", vib.ESXi8, func(d, p string) []byte { return whole(strings.Replace(d, `size="3612"`, "", 1), p) },
		`"payload1" has 3612 bytes, and the descriptor says ""`),
	Entry("another checksum of the packed payload, and that alone", vib.ESXi6And7, func(d, p string) []byte {
		return whole(strings.Replace(d, `"sha-256">cef4`, `"sha-256">0000`, 1), p)
	}, MatchRegexp(`^"payload1": its sha-256 checksum is cef4[0-9a-f]{60}, and the descriptor says "0000[0-9a-f]{60}"$`)),
	Entry("another checksum of the unpacked payload", vib.ESXi8, func(d, p string) []byte {
		return whole(strings.Replace(d, `"gunzip">2df8`, `"gunzip">2df9`, 1), p)
	}, ContainSubstring(`"payload1": its sha-256 gunzip checksum is 2df8`)),
	Entry("another SHA-1", vib.ESXi8, func(d, p string) []byte { return whole(strings.Replace(d, `>2745`, `>2746`, 1), p) },
		ContainSubstring(`"payload1": its sha-1 gunzip checksum is 2745`)),
	Entry("a checksum of a kind it does not know", vib.ESXi6And7, func(d, p string) []byte {
		return whole(strings.Replace(d, `checksum-type="sha-1"`, `checksum-type="md5"`, 1), p)
	}, `"payload1": its "md5 gunzip" checksum is of a kind that is not checked`),
	Entry("a process it does not know", vib.ESXi6And7, func(d, p string) []byte {
		return whole(strings.Replace(d, `verify-process="gunzip"`, `verify-process="unxz"`, 1), p)
	}, `"payload1": its "sha-1 unxz" checksum is of a kind that is not checked`),
	Entry("no checksum", vib.ESXi8, func(d, p string) []byte {
		return whole(d[:strings.Index(d, "<checksum")]+d[strings.Index(d, "</payload>"):], p)
	}, `"payload1" has no checksum in the descriptor`),
	Entry("a payload that is not there", vib.ESXi8, func(d, _ string) []byte {
		return archive(member{"descriptor.xml", d}, member{"sig.pkcs7", ""})
	}, `the payload "payload1" is not in the VIB`, `the list of files names "etc/vmware/firewall/vicoutgoing.xml", and no payload has it`),
	Entry("a payload named twice", vib.ESXi8, func(d, p string) []byte {
		return whole(strings.Replace(d, "</payloads>", `<payload name="payload1" type="tgz" size="1"/></payloads>`, 1), p)
	}, `its descriptor names the payload "payload1" twice`),
	Entry("a member that nobody named", vib.ESXi8, func(d, p string) []byte {
		return append(whole(d, p), archive(member{"extra", "x"})[8:]...)
	}, `"extra" is in the VIB, and the descriptor does not name it`),
	Entry("no signature, not even an empty one", vib.ESXi8, func(d, p string) []byte {
		return archive(member{"descriptor.xml", d}, member{"payload1", p})
	}, "it has no sig.pkcs7, not even an empty one"),
	Entry("a descriptor behind the payload", vib.ESXi8, func(d, p string) []byte {
		return archive(member{"sig.pkcs7", ""}, member{"payload1", p}, member{"descriptor.xml", d})
	}, "descriptor.xml is not the first member"),
	Entry("no type", vib.ESXi8, func(d, p string) []byte { return whole(strings.Replace(d, "<type>bootbank</type>", "", 1), p) }, "its descriptor has no <type>"),
	Entry("no date", vib.ESXi8, func(d, p string) []byte {
		return whole(strings.Replace(d, "2024-03-28T13:34:57.000000+00:00", "yesterday", 1), p)
	}, `the release date "yesterday" is not one`),
	Entry("a file that is not listed, and one that is not there", vib.ESXi8, func(d, p string) []byte {
		return whole(strings.Replace(d, "<file>etc/vmware/firewall/vicoutgoing.xml", "<file>etc/other", 1), p)
	}, `"etc/vmware/firewall/vicoutgoing.xml" is in "payload1", and the list of files does not name it`,
		`the list of files names "etc/other", and no payload has it`),
)

// with returns a VIB around another payload, and checksums that agree.
func with(payload, kind string, files ...string) []byte {
	list := ""
	for _, name := range files {
		list += "<file>" + name + "</file>"
	}
	return whole(others(list, fmt.Sprintf(`<payload name="payload1" type="%s" size="%d"><checksum checksum-type="sha-256">%x</checksum></payload>`,
		kind, len(payload), sha256.Sum256([]byte(payload)))), payload)
}

var _ = DescribeTable("Read reports of a payload's contents",
	func(data []byte, problem string) {
		p := read(data)
		Expect(p.Problems).To(HaveLen(1), "%q", p.Problems)
		Expect(p.Problems[0]).To(ContainSubstring(problem))
	},
	Entry("no gzip", with("plain", "tgz"), `"payload1" is not compressed by gzip, as its type says`),
	Entry("torn gzip", with(gzipped(tarred(nil))[:20], "tgz"), `"payload1" does not unpack: unexpected EOF`),
	Entry("gzip with a wrong sum", with(gzipped(nil)[:len(gzipped(nil))-8]+"\x01\x02\x03\x04\x00\x00\x00\x00", "tgz"), `"payload1" does not unpack: gzip: invalid checksum`),
	Entry("no tar", with(gzipped(bytes.Repeat([]byte("x"), 2000)), "tgz"), `"payload1" is no archive that can be read: `),
	Entry("a path that leads out", with(gzipped(tarred(map[string]string{"a/../../b": ""})), "tgz", "b"), `"payload1" has the path "a/../../b", which leads out of it`),
	Entry("an absolute path", with(gzipped(tarred(map[string]string{"/b": ""})), "tgz", "b"), `the path "/b", which leads out of it`),
	Entry("a file twice", with(gzipped(tarred(map[string]string{"a": "", "./a": ""})), "tgz", "a"), `"a" is in it twice`),
	Entry("a firewall file that ESXi would not understand",
		with(gzipped(tarred(map[string]string{"etc/vmware/firewall/a.xml": "<ConfigRoot>\n<service/></ConfigRoot>"})), "tgz", "etc/vmware/firewall/a.xml"),
		`"etc/vmware/firewall/a.xml": line 2: <service>: it has no <id>`),
	Entry("a ruleset in two files", with(gzipped(tarred(map[string]string{
		"etc/vmware/firewall/a.xml": customXML, "etc/vmware/firewall/b.xml": customXML,
	})), "tgz", "etc/vmware/firewall/a.xml", "etc/vmware/firewall/b.xml"), `the service "customfirewall" is in more than one of its files`),
)

// visor makes a visor tar of entries whose data is in their order.
func visor(entries ...visorEntry) []byte {
	var headers, data []byte
	at := 512 * (len(entries) + 1)
	for _, e := range entries {
		h := make([]byte, 512)
		copy(h, e.name)
		copy(h[100:], "0100640\x00")
		copy(h[124:], fmt.Sprintf("%011o\x00", len(e.data)))
		h[156] = cmp.Or(e.flag, '0')
		copy(h[257:], "visor  \x00")
		if e.data != "" {
			binary.LittleEndian.PutUint32(h[496:], uint32(at+len(data)+e.shift))
		}
		headers, data = append(headers, h...), append(data, e.data...)
		data = append(data, make([]byte, -len(data)&511)...)
	}
	return append(append(headers, make([]byte, 512)...), data...)
}

type visorEntry struct {
	name, data string
	flag       byte
	shift      int // of the offset, for what does not fit
}

var firewallFolders = []visorEntry{{name: "etc/", flag: '5'}, {name: "etc/vmware/", flag: '5'}, {name: "etc/vmware/firewall/", flag: '5'}}

func inVisor(files ...visorEntry) string {
	return gzipped(visor(append(slices.Clone(firewallFolders), files...)...))
}

var _ = Describe("Read of vgz payloads", func() {
	const path = "etc/vmware/firewall/customfirewall.xml"
	It("finds the files and the ruleset, in whatever order their headers are", func() {
		p := read(with(inVisor(visorEntry{name: "opt/empty"}, visorEntry{name: "opt/big", data: strings.Repeat("x", 5000), flag: '7'},
			visorEntry{name: path, data: customXML + strings.Repeat(" ", 37)}, visorEntry{name: "opt/last", data: "last"}),
			"vgz", "opt/empty", "opt/big", path, "opt/last"))
		Expect(p.Problems).To(BeEmpty())
		Expect(p.Opaque()).To(BeFalse())
		Expect(p.Unseen).To(BeEmpty())
		Expect(p.Services).To(HaveLen(1))
		Expect(p.Services[0].ID).To(Equal("customfirewall"))
		Expect(p.Files).To(HaveLen(4))
		Expect(p.Files[2]).To(Equal(vib.File{Path: path, Payload: "payload1", Size: int64(len(customXML) + 37), Mode: 0o640}))
	})
	It("finds what another program put in", func() {
		data, err := os.ReadFile("testdata/visor.vib") // an independent program's
		Expect(err).NotTo(HaveOccurred())
		p := read(data)
		Expect(p.Problems).To(BeEmpty())
		Expect(p.Doubts).To(BeEmpty())
		Expect(p.Services).To(HaveLen(1))
		Expect(p.Services[0].ID).To(Equal("vicoutgoing"))
		Expect(suits(p, vib.ESXi6And7)).To(BeTrue())
	})
	It("says that it did not look into what has another form, with the descriptor's list", func() {
		for _, payload := range []string{"\xfd7zXZ\x00odd", gzipped(bytes.Repeat([]byte("x"), 2000))} {
			p := read(with(payload, "vgz", path))
			Expect(p.Problems).To(BeEmpty())
			Expect(p.Opaque()).To(BeTrue())
			Expect(p.Files).To(BeEmpty())
			Expect(p.Unseen).To(Equal([]string{path}))
		}
	})
	DescribeTable("reports damage", func(payload, problem string) {
		p := read(with(payload, "vgz", path))
		Expect(p.Problems).To(ContainElement(ContainSubstring(problem)))
	},
		Entry("cut in its data", gzipped(visor(visorEntry{name: path, data: customXML})[:1200]), "customfirewall.xml"),
		Entry("cut in a file that is not looked at", gzipped(visor(visorEntry{name: "opt/a", data: customXML})[:1200]), `it ends in the data of "opt/a"`),
		Entry("cut in its headers", gzipped(visor(visorEntry{name: path, data: customXML})[:700]), "its list of files does not end"),
		Entry("data over the headers", inVisor(visorEntry{name: path, data: customXML, shift: -600}), "overlaps what is before it"),
		Entry("data of one over another's", inVisor(visorEntry{name: "opt/a", data: customXML}, visorEntry{name: path, data: customXML, shift: -512}), "overlaps"),
		Entry("a size that is none", gzipped(bytes.Replace(visor(visorEntry{name: path, data: customXML}), fmt.Appendf(nil, "%011o", len(customXML)), []byte("99999999999"), 1)), "is no octal number"),
		Entry("another header among them", gzipped(append(visor(firewallFolders[0])[:512:512], tarred(map[string]string{path: customXML})...)), "the header at byte 512 is not one of a visor tar"),
	)
})

var _ = DescribeTable("Read doubts", func(data []byte, f vib.Flavour, wanted vib.Suitability, doubt string) {
	p := read(data)
	Expect(p.Problems).To(BeEmpty())
	s, doubts := p.Suits(f)
	Expect(s).To(Equal(wanted))
	if doubt != "" {
		Expect(doubts).To(ContainElement(ContainSubstring(doubt)))
	}
},
	Entry("a tgz payload without folders", with(gzipped(tarred(map[string]string{"etc/vmware/firewall/a.xml": customXML})), "tgz", "etc/vmware/firewall/a.xml"), vib.ESXi8, vib.Unsuited, ""),
	Entry("a vgz payload without one of its folders", anyVersion(with(gzipped(visor(firewallFolders[0], firewallFolders[2], visorEntry{name: "etc/vmware/firewall/a.xml", data: customXML})), "vgz", "etc/vmware/firewall/a.xml")),
		vib.ESXi6And7, vib.MaySuit, `"payload1" has no entry for the folder "etc/vmware"`),
	Entry("what it depends on", depending(`<constraint name="vmkapi_2_2_0_0" relation="&gt;=" version="2.2"/>`), vib.ESXi6And7, vib.MaySuit, "it depends on vmkapi_2_2_0_0 >= 2.2"),
	Entry("the driver interface, on 7.0 or earlier", depending(`<constraint name="com.vmware.driverAPI-9.2.3.0"/>`), vib.ESXi6And7, vib.MaySuit, "it depends on com.vmware.driverAPI-9.2.3.0"),
	Entry("the driver interface, on 8", bothSums(depending(`<constraint name="com.vmware.driverAPI-9.2.3.0"/>`), false), vib.ESXi8, vib.Unsuited, ""),
	Entry("the sum that older hosts mistake, first", bothSums(depending(""), true), vib.ESXi6And7, vib.MaySuit, "has a sha-256 gunzip checksum"),
	Entry("the sum that older hosts mistake, last", bothSums(depending(""), false), vib.ESXi6And7, vib.Unsuited, ""),
	Entry("the sum that ESXi 8 wants, first", bothSums(depending(""), true), vib.ESXi8, vib.Suited, ""),
)

// edited replaces what has to be there.
func edited(text, old, replacement string) string {
	if !strings.Contains(text, old) {
		panic("no " + old)
	}
	return strings.Replace(text, old, replacement, 1)
}

// anyVersion drops what a VIB asks for.
func anyVersion(data []byte) []byte {
	d, payload := split(data)
	return whole(edited(d, `<softwarePlatform version="8.*" locale="" productLineID="embeddedEsx" />`, ""), payload)
}

func depending(constraints string) []byte {
	d, payload := split(anyVersion(with(inVisor(), "vgz")))
	return whole(edited(d, "<depends>", "<depends>"+constraints), payload)
}

// bothSums adds the checksum of the unpacked payload, before or behind the other one.
func bothSums(data []byte, first bool) []byte {
	d, payload := split(data)
	in, err := gzip.NewReader(strings.NewReader(payload))
	if err != nil {
		panic(err)
	}
	unpacked, err := io.ReadAll(in)
	if err != nil {
		panic(err)
	}
	sum := fmt.Sprintf(`<checksum checksum-type="sha-256" verify-process="gunzip">%x</checksum>`, sha256.Sum256(unpacked))
	if at := `<checksum checksum-type`; first {
		return whole(edited(d, at, sum+at), payload)
	}
	return whole(edited(d, "</payload>", sum+"</payload>"), payload)
}

var _ = DescribeTable("Read takes dates as others write them", func(said string, wanted time.Time) {
	d, payload := split(with(inVisor(), "vgz"))
	p := read(whole(edited(d, "2024-03-28T01:01:37", said), payload))
	Expect(p.Problems).To(BeEmpty())
	Expect(p.Released).To(Equal(wanted))
},
	Entry("with a blank and fractions", "2025-02-15 07:55:20.301217", time.Date(2025, 2, 15, 7, 55, 20, 301217000, time.UTC)),
	Entry("with a zone", "2025-02-15T07:55:20.5+01:00", time.Date(2025, 2, 15, 6, 55, 20, 500000000, time.UTC)),
	Entry("with fractions and no zone", "2025-02-15T07:55:20.301217", time.Date(2025, 2, 15, 7, 55, 20, 301217000, time.UTC)),
	Entry("the day alone", "2025-02-15", time.Date(2025, 2, 15, 0, 0, 0, 0, time.UTC)),
)

var _ = It("Read takes payload names of any length", func() {
	d, payload := split(with(inVisor(), "vgz"))
	p := read(archive(member{"descriptor.xml", edited(d, `name="payload1"`, `name="esxcli-net"`)}, member{"sig.pkcs7", ""}, member{"esxcli-net", payload}))
	Expect(p.Problems).To(BeEmpty())
})

var _ = It("Read says no more than a hundred problems one by one", func() {
	p := read(with(inVisor(), "vgz", slices.Repeat([]string{"opt/a"}, 1000)...))
	Expect(p.Problems).To(HaveLen(101))
	Expect(p.Problems[100]).To(Equal("and 900 more"))
})

var _ = It("Read does not look at firewall files elsewhere", func() {
	p := read(with(gzipped(tarred(map[string]string{"etc/vmware/firewall/": "", "etc/vmware/firewall/a.txt": "x", "opt/a.xml": "x", "etc/vmware/firewall/sub/a.xml": "x"})), "tgz",
		"etc/vmware/firewall/a.txt", "opt/a.xml", "etc/vmware/firewall/sub/a.xml"))
	Expect(p.Problems).To(BeEmpty())
	Expect(p.Services).To(BeEmpty())
	Expect(p.Files).To(HaveLen(3))
})

var _ = DescribeTable("Read refuses as no VIB",
	func(data []byte, problem string) {
		p, err := vib.ReadSmall(bytes.NewReader(data))
		Expect(p).To(BeNil())
		var format *vib.FormatError
		Expect(errors.As(err, &format)).To(BeTrue(), "%v", err)
		Expect(err.Error()).To(And(HavePrefix("no VIB that can be read: "), ContainSubstring(problem)))
	},
	Entry("nothing", nil, "it is too short"),
	Entry("a text", []byte("not a VIB at all"), "does not start as an ar archive"),
	Entry("a thin archive", []byte("!<thin>\nxxxx"), "does not start as an ar archive"),
	Entry("an empty archive", archive(), "it has no descriptor.xml"),
	Entry("a header that is cut", archive()[:8:8], "it has no descriptor.xml"),
	Entry("half a header", archive(member{"descriptor.xml", ""})[:40], "it ends in the middle of a header"),
	Entry("a header that is none", bytes.Replace(archive(member{"a", ""}), []byte("`\n"), []byte("xx"), 1), `the header after "a/" does not end as one`),
	Entry("a size in words", bytes.Replace(archive(member{"a", ""}), []byte("0         `"), []byte("many      `"), 1), `the size "many", which is none`),
	Entry("a size below zero", bytes.Replace(archive(member{"a", ""}), []byte("0         `"), []byte("-1        `"), 1), `the size "-1", which is none`),
	Entry("data that is cut", archive(member{"descriptor.xml", "<vib"})[:70], `it ends in the middle of "descriptor.xml"`),
	Entry("BSD's name beyond the data", bytes.Replace(archive(member{"#1/9", "x"}), []byte("#1/9/"), []byte("#1/9 "), 1), `the member "#1/9" has no such name`),
	Entry("BSD's name without a length", bytes.Replace(archive(member{"#1/x", "x"}), []byte("#1/x/"), []byte("#1/x "), 1), `the member "#1/x" has no such name`),
	Entry("two descriptors", archive(member{"descriptor.xml", others("", "")}, member{"descriptor.xml", others("", "")}), `two members called "descriptor.xml"`),
	Entry("two payloads of a name", archive(member{"a", ""}, member{"a", ""}), `two members called "a"`),
	Entry("a descriptor that is no XML", whole("<vib", ""), "descriptor.xml: XML syntax error"),
	Entry("another root", whole("<bulletin/>", ""), "descriptor.xml: expected element type <vib> but have <bulletin>"),
	Entry("more behind the root", whole(others("", "")+"<!-- fine --><vib/>", ""), "something follows </vib>"),
	Entry("text behind the root", whole(others("", "")+"x", ""), "text follows </vib>"),
	Entry("no name", whole(strings.Replace(others("", ""), "<name>customfirewall</name>", "", 1), ""), "it has no <name>"),
	Entry("no version", whole(strings.Replace(others("", ""), "<version>1.0.2</version>", "", 1), ""), "it has no <version>"),
	Entry("no vendor", whole(strings.Replace(others("", ""), "<vendor>soulTec</vendor>", "", 1), ""), "it has no <vendor>"),

	Entry("a large descriptor", whole(others(strings.Repeat(" ", 1<<14), ""), ""), "and 16384 at most are read"),
	Entry("a large member", archive(member{"a", strings.Repeat(" ", 1<<20+1)}), `with "a" it has more bytes than are read`),
	Entry("a member that claims to be huge", bytes.Replace(archive(member{"a", ""}), []byte("0         `"), []byte("9999999999`"), 1), "more bytes than are read"),
	Entry("many members", archive(member{"a", ""}, member{"b", ""}, member{"c", ""}, member{"d", ""}, member{"e", ""}, member{"f", ""}, member{"g", ""}), "more than 6 members"),
	Entry("many payloads in the descriptor", whole(others("", strings.Repeat("<payload/>", 6)), ""), "names more than 5 payloads"),
	Entry("a decompression bomb", with(gzipped(make([]byte, 1<<20+1)), "tgz"), `with "payload1" it unpacks to more bytes than are read`),
	Entry("a bomb inside a tar", with(gzipped(tarred(map[string]string{"a": strings.Repeat("\x00", 1<<20)})), "tgz"), "unpacks to more bytes"),
	Entry("a bomb by another type's name", with(gzipped(make([]byte, 1<<21)), "boot"), "unpacks to more bytes"),
	Entry("many files", with(gzipped(tarred(manyFiles())), "tgz"), "more files than are read"),
	Entry("much firewall configuration", with(gzipped(tarred(map[string]string{"etc/vmware/firewall/a.xml": strings.Repeat(" ", 1<<14+1)})), "tgz"),
		`with "etc/vmware/firewall/a.xml" it has more firewall configuration`),
)

func manyFiles() map[string]string {
	files := map[string]string{}
	for i := range 21 {
		files[strconv.Itoa(i)] = ""
	}
	return files
}

var _ = It("Read says of opaque payloads which checksum could not be checked", func() {
	data := with("plain", "boot")
	d, payload := split(data)
	d = strings.Replace(d, "</checksum></payload>", "</checksum><checksum checksum-type='sha-1' verify-process='gunzip'>0</checksum></payload>", 1)
	Expect(read(whole(d, payload)).Problems).To(Equal([]string{`"payload1": its "sha-1 gunzip" checksum cannot be checked, for it does not unpack`}))
})

var _ = It("Read and Build agree on services of every form", func() {
	s := spec(vib.ESXi8)
	s.Service = firewallxml.Service{ID: "a.b_c-D", Number: "0042", Required: true, Rules: s.Service.Rules}
	p := read(build(s))
	Expect(p.Problems).To(BeEmpty())
	Expect(p.Services).To(Equal([]firewallxml.Service{s.Service}))
	Expect(p.Files[0].Path).To(Equal("etc/vmware/firewall/a.b_c-D.xml"))
})
