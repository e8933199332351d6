//go:build linux

package esxi

import (
	"bytes"
	"fmt"
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
