//go:build linux

package esxi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
	"github.com/vmware/govmomi/vim25/types"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/vic-preflight/vic-preflight/e2e/esxi"
	"github.com/vic-preflight/vic-preflight/e2e/lab"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestMain(m *testing.M) { os.Exit(lab.Sandbox(m)) }

func TestESXi(t *testing.T) { testsuite.Run(t, "e2e/esxi") }

// The VIBs here are made by the programs that people's scripts use.
var _ = BeforeSuite(func() {
	for program, pkg := range map[string]string{"ar": "binutils", "tar": "tar", "gzip": "gzip", "ssh": "openssh-client"} {
		_, err := exec.LookPath(program)
		Expect(err).NotTo(HaveOccurred(), "these tests need the program %s: apt-get install %s", program, pkg)
	}
	DeferCleanup(gexec.CleanupBuildArtifacts)
})

const (
	eight, seven, six = "esx01.example", "esx03.example", "esx11.example" // 8.0.2, 7.0.3, 6.5.0
	limit             = time.Minute
)

// world is a lab of ESXi hosts with a simulated vCenter. The hosts are the
// scenario's; the three above run ESXi's shell.
type world struct {
	*lab.Lab
	vc *sim.VCenter
	x  *esxi.ESXi

	mu      sync.Mutex
	clients map[string]*ssh.Client
}

func newWorld(scenario string, hosts ...string) *world {
	GinkgoHelper()
	parsed, err := sim.ParseScenario(scenario)
	Expect(err).NotTo(HaveOccurred())
	w := &world{clients: map[string]*ssh.Client{}}
	w.Lab, err = lab.New(lab.Options{Hosts: hosts})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(w.Lab.Close)
	// Hosts of the scenario that the lab does not have are the simulator's alone.
	Expect(w.VC().Do(func() (err error) {
		w.vc, err = sim.Start(parsed, sim.Options{Listen: w.VC().Addr4.String() + ":443", Network: network{w.Lab, hosts}})
		return err
	})).To(Succeed())
	DeferCleanup(w.vc.Close)
	w.x, err = esxi.New(w.Lab, w.vc, hosts)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(w.x.Close)
	for _, h := range hosts {
		Expect(w.StartSSH(h)).To(Succeed())
	}
	return w
}

// network has the lab's hosts, and no firewall for others.
type network struct {
	*lab.Lab
	hosts []string
}

func (n network) SetFirewall(host string, state sim.FirewallState) error {
	if n.Host(host) == nil {
		return nil
	}
	return n.Lab.SetFirewall(host, state)
}

// within bounds an entry of a table, which cannot be given a SpecTimeout as one.
func within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, limit)
}

// said is what a command printed, and how it ended.
type said struct {
	out, err string
	code     int
}

// run runs a command on a host by SSH. Its code is 255 when there is no SSH.
func (w *world) run(ctx context.Context, host, command string) said {
	GinkgoHelper()
	return w.feed(ctx, host, command, "")
}

func (w *world) feed(ctx context.Context, host, command, stdin string) said {
	GinkgoHelper()
	session, err := w.session(ctx, host)
	if err != nil {
		return said{err: err.Error(), code: 255}
	}
	defer func() { _ = session.Close() }()
	var out, stderr bytes.Buffer
	session.Stdin, session.Stdout, session.Stderr = strings.NewReader(stdin), &out, &stderr
	err = session.Run(command)
	var exit *ssh.ExitError
	switch {
	case errors.As(err, &exit):
		return said{out.String(), stderr.String(), exit.ExitStatus()}
	case err != nil: // the connection is gone
		return said{out.String(), err.Error(), 255}
	}
	return said{out: out.String(), err: stderr.String()}
}

// session is one over a connection that is kept: to log in takes most of a
// command's time. A connection that is gone, as after a reboot, is made anew.
func (w *world) session(ctx context.Context, host string) (*ssh.Session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.clients[host]; c != nil {
		if session, err := c.NewSession(); err == nil {
			return session, nil
		}
		delete(w.clients, host)
	}
	key, err := os.ReadFile(w.ClientKey())
	Expect(err).NotTo(HaveOccurred())
	signer, err := ssh.ParsePrivateKey(key)
	Expect(err).NotTo(HaveOccurred())
	known, err := knownhosts.New(w.KnownHosts())
	Expect(err).NotTo(HaveOccurred())
	address := net.JoinHostPort(w.Address(host).String(), "22")
	conn, err := w.Ops().DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	Expect(conn.SetDeadline(deadline)).To(Succeed())
	c, channels, requests, err := ssh.NewClientConn(conn, address, &ssh.ClientConfig{
		User: w.SSHUser(), Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: known,
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
	})
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	client := ssh.NewClient(c, channels, requests)
	DeferCleanup(func() { _ = client.Close() })
	w.clients[host] = client
	return client.NewSession()
}

// login runs a command by OpenSSH's own client.
func (w *world) login(ctx context.Context, host, command string) (string, error) {
	cmd := w.Ops().Command(ctx, "ssh", "-F", "none", "-i", w.ClientKey(), "-o", "BatchMode=yes",
		"-o", "IdentitiesOnly=yes", "-o", "UserKnownHostsFile="+w.KnownHosts(), "-o", "GlobalKnownHostsFile=none",
		"-o", "StrictHostKeyChecking=yes", "-l", w.SSHUser(), w.Address(host).String(), command)
	out, err := cmd.Output()
	return string(out), err
}

// must runs a command that is to go well.
func (w *world) must(ctx context.Context, host, command string) string {
	GinkgoHelper()
	s := w.run(ctx, host, command)
	Expect(s.code).To(BeZero(), "%s: %+v", command, s)
	return s.out
}

// put copies a file onto a host.
func (w *world) put(ctx context.Context, host, path, data string) {
	GinkgoHelper()
	s := w.feed(ctx, host, "cat > "+path, data)
	Expect(s.code).To(BeZero(), "%+v", s)
}

// listen accepts connections at the VCH's port 2377.
func (w *world) listen() {
	GinkgoHelper()
	l, err := w.VCH().Listen("tcp", fmt.Sprintf("%s:2377", w.VCH().Addr4))
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(l.Close)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
}

// reaches reports whether the host's own nc gets through to the VCH.
func (w *world) reaches(ctx context.Context, host string) bool {
	GinkgoHelper()
	s := w.run(ctx, host, fmt.Sprintf("nc -n -z -w 1 %s 2377", w.VCH().Addr4))
	Expect(s.code).To(BeElementOf(0, 1), "%+v", s)
	return s.code == 0
}

// dials reports the same without SSH, for a host that has none.
func (w *world) dials(ctx context.Context, host string) bool {
	ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	conn, err := w.Dial(ctx, host, net.JoinHostPort(w.VCH().Addr4.String(), "2377"))
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}

func (w *world) ruleset(host, key string) *types.HostFirewallRuleset {
	info := w.vc.Host(host).Firewall()
	for i := range info.Ruleset {
		if info.Ruleset[i].Key == key {
			return &info.Ruleset[i]
		}
	}
	return nil
}

// ruleXML is a firewall file with one service that lets a TCP port out.
func ruleXML(key string, port int) string {
	return fmt.Sprintf(`<ConfigRoot>
  <service id='0000'>
    <id>%s</id>
    <rule id='0000'>
      <direction>outbound</direction>
      <protocol>tcp</protocol>
      <porttype>dst</porttype>
      <port>%d</port>
    </rule>
    <enabled>true</enabled>
    <required>false</required>
  </service>
</ConfigRoot>
`, key, port)
}

// recipe is how a test's VIB is made. Its script is in the manner of those that
// make VIBs with ar, tar and gzip (lamw/ghettoVCB's, for example).
type recipe struct {
	Name, Version, Level, Port, Live, LiveRemove, Maintenance, Extra, Payload, File string
	// Before and After are shell commands: before the digests are taken, and
	// on the finished file.
	Before, After string
	// Modern VIBs have the digest that ESXi 8 wants.
	Modern bool
}

const script = `set -eu
cd "$DIR"
mkdir -p root/etc/vmware/firewall
printf '%s' "$XML" > root/etc/vmware/firewall/$FILE.xml
( cd root && find etc -print | sort | tar --format=ustar --owner=0 --group=0 --no-recursion -cf ../payload.tar -T - )
gzip -nc payload.tar > $PAYLOAD
if test "$BEFORE"; then eval "$BEFORE"; fi
size=$(stat -c %s $PAYLOAD)
sum=$(sha256sum $PAYLOAD | cut -d' ' -f1)
sum256=$(sha256sum payload.tar | cut -d' ' -f1)
sum1=$(sha1sum payload.tar | cut -d' ' -f1)
modern=
if test "$MODERN" = true; then modern="<checksum checksum-type=\"sha-256\" verify-process=\"gunzip\">$sum256</checksum>"; fi
cat > descriptor.xml <<END
<vib version="5.0">
  <type>bootbank</type>
  <name>$NAME</name>
  <version>$VERSION</version>
  <vendor>Example</vendor>
  <summary>A test's ruleset</summary>
  <description>Lets a port out</description>
  <release-date>2024-03-28T12:34:57.000000+00:00</release-date>
  <urls/>
  <relationships><depends/><conflicts/><replaces/><provides/><compatibleWith/></relationships>
  <software-tags/>
  <system-requires><maintenance-mode>$MAINTENANCE</maintenance-mode></system-requires>
  <file-list><file>etc/vmware/firewall/$FILE.xml</file></file-list>
  <acceptance-level>$LEVEL</acceptance-level>
  <live-install-allowed>$LIVE</live-install-allowed>
  <live-remove-allowed>$LIVEREMOVE</live-remove-allowed>
  <cimom-restart>false</cimom-restart>
  <stateless-ready>true</stateless-ready>
  <overlay>false</overlay>
  $EXTRA
  <payloads>
    <payload name="$PAYLOAD" type="tgz" size="$size">
      <checksum checksum-type="sha-256">$sum</checksum>
      $modern
      <checksum checksum-type="sha-1" verify-process="gunzip">$sum1</checksum>
    </payload>
  </payloads>
</vib>
END
: > sig.pkcs7
ar rc vib descriptor.xml sig.pkcs7 $PAYLOAD
if test "$AFTER"; then eval "$AFTER"; fi
`

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// make makes the VIB.
func (r recipe) make() string {
	GinkgoHelper()
	dir := GinkgoT().TempDir()
	name := or(r.Name, "site")
	port := 2377
	if r.Port != "" {
		_, err := fmt.Sscan(r.Port, &port)
		Expect(err).NotTo(HaveOccurred())
	}
	cmd := exec.Command("sh", "-c", script)
	cmd.Env = append(os.Environ(), "DIR="+dir, "NAME="+name, "VERSION="+or(r.Version, "1.0.0"), "LEVEL="+or(r.Level, "community"),
		"FILE="+or(r.File, name), "MAINTENANCE="+or(r.Maintenance, "false"), "LIVE="+or(r.Live, "true"), "LIVEREMOVE="+or(r.LiveRemove, "true"), "EXTRA="+r.Extra, "PAYLOAD="+or(r.Payload, "payload1"),
		"BEFORE="+r.Before, "AFTER="+r.After, fmt.Sprintf("MODERN=%t", r.Modern), "XML="+ruleXML(name, port))
	out, err := cmd.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(out))
	data, err := os.ReadFile(filepath.Join(dir, "vib"))
	Expect(err).NotTo(HaveOccurred())
	return string(data)
}
