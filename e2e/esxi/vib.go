package esxi

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// community is the laxest acceptance level, as a descriptor spells it.
const community = "community"

// archive is a VIB: an ar archive of a descriptor, a signature and payloads.
// The form was verified on a real one, customfirewall.vib of
// virtualFrog/customFirewallPorts.
type archive struct {
	vib        sim.VIB
	descriptor []byte
	root       *element
	signed     bool
	payloads   []payload
	fileList   []string // as the descriptor has it
	files      []file   // as the payloads have it; only after stage
	liveIn     bool
	liveOut    bool
	maintain   bool
}

type payload struct {
	name      string
	data      []byte
	size      int
	checksums map[string]string // "sha-256", "sha-256 gunzip", "sha-1 gunzip"
}

type file struct {
	path string // without the leading slash
	data []byte
	mode os.FileMode
}

const errHeader message = "Bad VIB archive header"

// member is one file of an ar archive.
type member struct {
	name string
	data []byte
}

// parseAr reads the common ar format, with names that end in a slash or not.
func parseAr(data []byte) ([]member, error) {
	rest, ok := bytes.CutPrefix(data, []byte("!<arch>\n"))
	if !ok {
		return nil, errHeader
	}
	var list []member
	for len(rest) > 0 {
		const header = 60
		if len(rest) < header || string(rest[58:60]) != "`\n" {
			return nil, errHeader
		}
		size, err := strconv.Atoi(strings.TrimSpace(string(rest[48:58])))
		if err != nil || size < 0 || size > len(rest)-header {
			return nil, errHeader
		}
		name := strings.TrimSuffix(strings.TrimRight(string(rest[:16]), " "), "/")
		list = append(list, member{name, rest[header : header+size]})
		rest = rest[min(header+size+size%2, len(rest)):]
	}
	return list, nil
}

// parseVIB reads what the archive says of itself, and checks none of it.
func parseVIB(data []byte) (*archive, error) {
	members, err := parseAr(data)
	if err != nil {
		return nil, err
	}
	if len(members) < 2 || members[0].name != "descriptor.xml" || members[1].name != "sig.pkcs7" {
		return nil, errHeader
	}
	root, err := parseXML(members[0].data)
	if err != nil {
		return nil, say("Could not parse VIB descriptor: %v", err)
	}
	a := &archive{descriptor: members[0].data, root: root, signed: len(members[1].data) > 0}
	released, _ := time.Parse(time.RFC3339Nano, root.child("release-date").text)
	live := func(name string) bool { return root.child(name).text == "true" }
	a.liveIn, a.liveOut = live("live-install-allowed"), live("live-remove-allowed")
	a.maintain = root.child("system-requires").child("maintenance-mode").text == "true"
	a.vib = sim.VIB{Released: released, SoftwarePackage: types.SoftwarePackage{
		Name: root.child("name").text, Version: root.child("version").text, Vendor: root.child("vendor").text,
		Type: root.child("type").text, Summary: root.child("summary").text, Description: root.child("description").text,
		AcceptanceLevel: apiLevel(root.child("acceptance-level").text), MaintenanceModeRequired: types.NewBool(a.maintain),
		Capability: types.SoftwarePackageCapability{
			LiveInstallAllowed: types.NewBool(a.liveIn), LiveRemoveAllowed: types.NewBool(a.liveOut),
			StatelessReady: types.NewBool(live("stateless-ready")), Overlay: types.NewBool(live("overlay")),
		},
	}}
	for _, e := range root.child("software-tags").children {
		a.vib.Tag = append(a.vib.Tag, e.text)
	}
	for _, e := range root.child("file-list").all("file") {
		a.fileList = append(a.fileList, e.text)
	}
	for _, e := range root.child("payloads").all("payload") {
		p := payload{name: e.attrs["name"], checksums: map[string]string{}}
		p.size, _ = strconv.Atoi(e.attrs["size"])
		for _, c := range e.all("checksum") {
			p.checksums[strings.TrimSpace(c.attrs["checksum-type"]+" "+c.attrs["verify-process"])] = c.text
		}
		if i := slices.IndexFunc(members, func(m member) bool { return m.name == p.name }); i >= 0 {
			p.data = members[i].data
		}
		a.vib.Payload = append(a.vib.Payload, p.name)
		a.payloads = append(a.payloads, p)
	}
	return a, nil
}

// apiLevel is a descriptor's acceptance level as the API spells it.
func apiLevel(level string) string {
	if level == "certified" || level == "accepted" {
		return "vmware_" + level
	}
	return level
}

// The elements of a descriptor: those of the real one, in whatever order. That a
// descriptor must have the first ones, and may not have others, is inferred
// from the error texts alone.
const (
	mustHave = "type name version vendor summary description release-date file-list acceptance-level live-install-allowed " +
		"live-remove-allowed payloads"
	mayHave  = "urls relationships software-tags system-requires cimom-restart stateless-ready overlay"
	booleans = "live-install-allowed live-remove-allowed cimom-restart stateless-ready overlay"
)

var content = map[string]*regexp.Regexp{
	"type":             regexp.MustCompile(`^(bootbank|locker|meta)$`),
	"name":             regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`),
	"version":          regexp.MustCompile(`^[A-Za-z0-9._]+(-[A-Za-z0-9._]+)?$`),
	"vendor":           regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`),
	"release-date":     regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$`),
	"acceptance-level": regexp.MustCompile(`^(certified|accepted|partner|community)$`),
}

// violation is the first thing in the descriptor that is not as it must be, in
// the words of ESXi's validator; empty when there is none.
func (a *archive) violation() string {
	bad := func(e *element) string {
		return fmt.Sprintf("(line %d: col 0) Element %s failed to validate content", e.line, e.name)
	}
	if a.root.name != "vib" || a.root.attrs["version"] != "5.0" || a.root.only("version", mustHave+" "+mayHave, "") != nil {
		return bad(a.root)
	}
	for _, name := range strings.Fields(mustHave) {
		if len(a.root.all(name)) == 0 {
			return bad(a.root)
		}
	}
	for _, e := range a.root.children {
		pattern := content[e.name]
		if pattern != nil && !pattern.MatchString(e.text) || isWord(booleans, e.name) && e.text != "true" && e.text != "false" {
			return bad(a.root) // as in the reports, it is <vib> that gets the blame
		}
	}
	for _, e := range a.root.child("file-list").children {
		if e.name != "file" || e.text == "" || strings.HasPrefix(e.text, "/") {
			return bad(a.root.child("file-list"))
		}
	}
	for _, e := range a.root.child("payloads").children {
		name := e.attrs["name"]
		if e.name != "payload" || len(name) < 1 || len(name) > 8 || e.attrs["type"] == "" || e.attrs["size"] == "" {
			return bad(a.root.child("payloads"))
		}
	}
	if len(a.payloads) == 0 && a.vib.Type != "meta" {
		return bad(a.root.child("payloads"))
	}
	return ""
}

// modern reports whether every payload has the checksum that ESXi 8 wants, and
// that earlier ones fail on.
func (p payload) modern() bool { return p.checksums["sha-256 gunzip"] != "" }

// stage verifies and unpacks the payloads.
func (a *archive) stage(eight bool) error {
	a.files = nil
	for _, p := range a.payloads {
		if err := p.verify(eight); err != nil {
			return err
		}
		files, err := p.untar()
		if err != nil {
			return say("Unable to read payload %s: %v", p.name, err)
		}
		a.files = append(a.files, files...)
	}
	var have []string
	for _, f := range a.files {
		have = append(have, f.path)
	}
	listed := slices.Clone(a.fileList)
	slices.Sort(have)
	slices.Sort(listed)
	if !slices.Equal(have, listed) { // inferred
		return say("The files of the payloads, %v, are not those of the file list, %v", have, listed)
	}
	return nil
}

// verify recomputes what the descriptor says of a payload. On ESXi up to 7 a
// digest of the content is compared with the compressed bytes': the text is
// recorded (lamw/ghettoVCB #299), what is digested is inferred from it.
func (p payload) verify(eight bool) error {
	mismatch := func(got, want string) error {
		return say("Calculated digest at EOF does not match expected result: %s calculated, %s expected.", got, want)
	}
	if p.data == nil || p.size != len(p.data) { // the text is inferred
		return say("Payload %s has %d bytes, not %d", p.name, len(p.data), p.size)
	}
	compressed := sum256(p.data)
	if want := p.checksums["sha-256"]; want != compressed {
		return mismatch(compressed, want)
	}
	if want := p.checksums["sha-256 gunzip"]; want != "" && !eight {
		return mismatch(compressed, want)
	}
	content, err := gunzip(p.data)
	if err != nil {
		return err
	}
	if want := p.checksums["sha-256 gunzip"]; want != "" && want != sum256(content) {
		return mismatch(sum256(content), want)
	}
	digest := sha1.Sum(content)
	if want, got := p.checksums["sha-1 gunzip"], hex.EncodeToString(digest[:]); want != got {
		return mismatch(got, want)
	}
	return nil
}

func sum256(data []byte) string {
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:])
}

func gunzip(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// untar reads the regular files. ESXi mounts the archive as it is, so a file in
// a folder that the archive does not have counts as an error (inferred).
func (p payload) untar() ([]file, error) {
	content, err := gunzip(p.data)
	if err != nil {
		return nil, err
	}
	var files []file
	folders := map[string]bool{".": true}
	for t := tar.NewReader(bytes.NewReader(content)); ; {
		header, err := t.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		} else if err != nil {
			return nil, err
		}
		name := path.Clean(header.Name)
		if path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../") {
			return nil, fmt.Errorf("%s leads out of the archive", header.Name)
		}
		if !folders[path.Dir(name)] {
			return nil, fmt.Errorf("the folder of %s is missing", header.Name)
		}
		switch header.Typeflag {
		case tar.TypeDir:
			folders[name] = true
		case tar.TypeReg:
			data, err := io.ReadAll(t)
			if err != nil {
				return nil, err
			}
			files = append(files, file{name, data, os.FileMode(header.Mode & 0o777)})
		default:
			return nil, fmt.Errorf("%s is neither a file nor a folder", header.Name)
		}
	}
}

// unpack puts the files on the host, as far as it has a place for them.
func (h *Host) unpack(a *archive) error {
	for _, f := range a.files {
		if real, err := h.real("/" + f.path); err == nil {
			if err := os.MkdirAll(filepath.Dir(real), 0o755); err != nil {
				return err
			}
			if err := os.RemoveAll(real); err != nil {
				return err
			}
			if err := writeFile(real, f.data, f.mode); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeAway removes the files from the host.
func (h *Host) takeAway(a *archive) error {
	for _, f := range a.files {
		if real, err := h.real("/" + f.path); err == nil {
			if err := os.RemoveAll(real); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeDescriptors writes the database of installed packages.
func (h *Host) writeDescriptors() error {
	dir := h.path("db/esximg/vibs")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for _, v := range h.sim.VIBs() {
		text := h.describe(v)
		if a := h.packages[v.Name]; a != nil && a.descriptor != nil {
			text = a.descriptor
		}
		installed := fmt.Sprintf("<installdate>%s</installdate></vib>", v.CreationDate.UTC().Format("2006-01-02T15:04:05.000000+00:00"))
		text = bytes.Replace(text, []byte("</vib>"), []byte(installed), 1)
		sum := fnv.New64a()
		_, _ = sum.Write([]byte(v.ID()))
		if err := writeFile(filepath.Join(dir, fmt.Sprintf("%s-%d.xml", v.Name, int64(sum.Sum64()))), text, 0o444); err != nil {
			return err
		}
	}
	return nil
}

// describe makes up the descriptor of a package that was not installed from a
// file: one that ESXi brings, or that a scenario has.
func (h *Host) describe(v sim.VIB) []byte {
	var files []string
	if v.Name == "esx-base" {
		files = []string{"bin/esxcli", "etc/vmware/firewall/service.xml", "lib/vmware/secureboot/bin/secureBoot.py"}
	}
	if a := h.packages[v.Name]; a != nil {
		for _, f := range a.files {
			files = append(files, f.path)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<vib version="5.0"><type>%s</type><name>%s</name><version>%s</version><vendor>%s</vendor>`,
		v.Type, v.Name, v.Version, v.Vendor)
	fmt.Fprintf(&b, `<summary>%s</summary><description>%s</description><release-date>%s</release-date><file-list>`,
		v.Summary, v.Description, v.Released.UTC().Format("2006-01-02T15:04:05.000000+00:00"))
	for _, f := range files {
		fmt.Fprintf(&b, "<file>%s</file>", f)
	}
	fmt.Fprintf(&b, `</file-list><acceptance-level>%s</acceptance-level></vib>`, strings.TrimPrefix(v.AcceptanceLevel, "vmware_"))
	return []byte(b.String())
}
