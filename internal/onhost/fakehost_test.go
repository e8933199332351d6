package onhost_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/crypto/ssh"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/internal/hostssh/sshtest"
	"github.com/vic-preflight/vic-preflight/internal/onhost"
	"github.com/vic-preflight/vic-preflight/inventory"
)

const (
	firewall    = "/etc/vmware/firewall"
	descriptors = "/var/db/esximg/vibs"
	partner     = "PartnerSupported"
)

// fakeHost answers by SSH as an ESXi host does: the machine's own shell under a
// folder, and as much of esxcli as is asked for.
type fakeHost struct {
	dir    string
	server *sshtest.Server
	login  hostssh.Options

	mu       sync.Mutex
	level    string
	vibs     []fakeVIB
	pending  []fakeVIB // of the next start
	loaded   []string  // rulesets
	secure   string    // what secureBoot.py says
	platform string    // what esxcli says of the hardware
	commands []string
	gone     bool   // takes no login
	refused  string // part of the commands that the host does not permit
	// on, when set, is called before a command is carried out. It returns true
	// where it has answered.
	on func(n int, c *sshtest.Command) (exit int, answered bool)
}

// platform is of a PowerEdge.
const platform = `Platform Information
   UUID: 0x4c 0x4c 0x45 0x44 0x0 0x57 0x51 0x10 0x80 0x4b 0xb6 0xc0 0x4f 0x36 0x34 0x4a
   Product Name: PowerEdge R720
   Vendor Name: Dell Inc.
`

// fakeVIB is one that is installed. Its file holds its ID and its ruleset.
type fakeVIB struct {
	id, ruleset string
	// certified ones suit every acceptance level.
	certified bool
}

func (v fakeVIB) part(i int) string { return strings.Split(v.id, "_")[i] }

func (v fakeVIB) file() string { return firewall + "/" + v.part(2) + ".xml" }

func newFakeHost() *fakeHost {
	GinkgoHelper()
	h := &fakeHost{dir: GinkgoT().TempDir(), level: partner, secure: "Disabled\n", platform: platform, vibs: []fakeVIB{{id: "VMware_bootbank_esx-base_8.0.2", certified: true}}}
	for _, dir := range []string{"/tmp", firewall, descriptors} {
		Expect(os.MkdirAll(h.dir+dir, 0o755)).To(Succeed())
	}
	h.write(fix.ServiceXML, ruleset("sshServer"), 0o444|os.ModeSticky)
	h.write(descriptors+"/esx-base-1.xml", "<vib><name>esx-base</name><file-list><file>bin/esxcli</file></file-list></vib>", 0o444)
	h.refresh()
	host, client := sshtest.NewKey(GinkgoTB()), sshtest.NewKey(GinkgoTB())
	config := sshtest.AllowKey(client.PublicKey(), host)
	allowed := config.PublicKeyCallback
	config.PublicKeyCallback = func(c ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.gone {
			return nil, errors.New("gone")
		}
		return allowed(c, k)
	}
	h.server = sshtest.Start(GinkgoTB(), config, h.run)
	h.login = hostssh.Options{
		User: "root", Signers: []ssh.Signer{client}, HostKeys: h.server.Known(GinkgoTB(), host.PublicKey()),
		Port: h.server.Port(), Dialer: &net.Dialer{},
	}
	return h
}

// client is what is tested, with a VIB.
func (h *fakeHost) client(vib fakeVIB) *onhost.Client {
	c := &onhost.Client{
		Login: h.login, VIB: []byte(vib.id + "\n" + vib.ruleset),
		Place: func(h *inventory.Host) hostssh.Host { return hostssh.Host{Name: h.Name, Address: "127.0.0.1"} },
	}
	c.Hurry()
	return c
}

func ruleset(keys ...string) string {
	var b strings.Builder
	b.WriteString("<ConfigRoot>\n")
	for i, k := range keys {
		fmt.Fprintf(&b, "  <service id='%04d'>\n    <id>%s</id>\n    <rule id='0000'>\n      <direction>outbound</direction>\n      <protocol>tcp</protocol>\n"+
			"      <porttype>dst</porttype>\n      <port>2377</port>\n    </rule>\n    <enabled>true</enabled>\n    <required>false</required>\n  </service>\n", i, k)
	}
	return b.String() + "</ConfigRoot>\n"
}

// write is for the host's own doing.
func (h *fakeHost) write(path, text string, mode os.FileMode) {
	GinkgoHelper()
	Expect(os.RemoveAll(h.dir + path)).To(Succeed())
	Expect(os.WriteFile(h.dir+path, []byte(text), 0o600)).To(Succeed())
	Expect(os.Chmod(h.dir+path, mode)).To(Succeed())
}

// be changes what the host is.
func (h *fakeHost) be(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

// have installs a VIB.
func (h *fakeHost) have(v fakeVIB) {
	GinkgoHelper()
	h.write(v.file(), ruleset(v.ruleset), 0o444)
	h.be(func() {
		h.vibs = append(h.vibs, v)
		h.refresh()
	})
}

// said are the commands that came.
func (h *fakeHost) said() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.commands)
}

// refresh reads every file, as one report has it, whatever its name.
func (h *fakeHost) refresh() {
	h.loaded = nil
	files, _ := filepath.Glob(h.dir + firewall + "/*")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for _, part := range strings.Split(string(text), "<id>")[1:] {
			key, _, _ := strings.Cut(part, "</id>")
			h.loaded = append(h.loaded, key)
		}
	}
	slices.Sort(h.loaded)
}

// state is all that a change may change.
type state struct {
	Level        string
	VIBs, Loaded []string
	// Files are mode and text by path.
	Files map[string]string
}

// stray are files that a change has left.
func (s state) stray() (paths []string) {
	for path := range s.Files {
		if strings.HasPrefix(path, "/tmp/") || strings.Contains(path, "vic-preflight") {
			paths = append(paths, path)
		}
	}
	return paths
}

func (h *fakeHost) state() state {
	GinkgoHelper()
	h.mu.Lock()
	defer h.mu.Unlock()
	s := state{Level: h.level, Loaded: slices.Clone(h.loaded), Files: map[string]string{}}
	for _, v := range h.vibs {
		s.VIBs = append(s.VIBs, v.id)
	}
	Expect(filepath.WalkDir(h.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		name := strings.TrimPrefix(path, h.dir)
		s.Files[name] = fmt.Sprintf("%s %s", info.Mode(), text)
		return err
	})).To(Succeed())
	return s
}

// run answers one command.
func (h *fakeHost) run(c *sshtest.Command) int {
	h.mu.Lock()
	h.commands = append(h.commands, c.Line)
	n, on := len(h.commands), h.on
	h.mu.Unlock()
	if on != nil {
		if exit, answered := on(n, c); answered {
			return exit
		}
	}
	return h.carryOut(c)
}

func (h *fakeHost) carryOut(c *sshtest.Command) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if strings.HasPrefix(c.Line, "esxcli ") || strings.HasPrefix(c.Line, "/usr/lib/vmware/secureboot/") {
		said, err := h.esxcli(words(c.Line))
		_, _ = io.WriteString(c.Stdout, said)
		if err != nil {
			_, _ = io.WriteString(c.Stderr, err.Error()+"\n")
			return 1
		}
		return 0
	}
	if h.refused != "" && strings.Contains(c.Line, h.refused) {
		_, _ = io.WriteString(c.Stderr, "Operation not permitted\n")
		return 1
	}
	line := strings.NewReplacer("/tmp/", h.dir+"/tmp/", firewall, h.dir+firewall, descriptors, h.dir+descriptors).Replace(c.Line)
	cmd := exec.Command("/bin/sh", "-c", line)
	cmd.Env = []string{"LC_ALL=C", "PATH=/usr/bin:/bin"}
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, &stdout, &stderr
	err := cmd.Run()
	_, _ = io.WriteString(c.Stdout, strings.ReplaceAll(stdout.String(), h.dir, ""))
	_, _ = io.WriteString(c.Stderr, strings.ReplaceAll(stderr.String(), h.dir, ""))
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

// carry is Carry.
func (h *fakeHost) carry(ctx context.Context, c *fix.Change) error {
	c.Host = &inventory.Host{ID: "1", Name: "esx1", UUID: "4c4c4544-0057-5110-804b-b6c04f36344a"}
	v := ours
	if c.VIB != nil {
		v.id = c.VIB.ID
	}
	return h.client(v).Carry(ctx, c)
}
