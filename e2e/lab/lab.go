//go:build linux

// Package lab is a small data centre made of Linux network namespaces, for
// tests that need real packets: each simulated ESXi host has a namespace with
// an nftables firewall, an OpenSSH server and netcat; the VCH, the simulated
// vCenter and the operator's machine have theirs; one switch joins them.
//
// It knows what a network does to packets. It does not know vSphere's API
// beyond the firewall that it enforces, nor the tool under test. A test binary
// that uses it calls Sandbox from its TestMain; nothing here touches the
// machine's own network, and nothing is left behind, whatever ends the test.
package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The last numbers of the addresses, in 203.0.113.0/24 (TEST-NET-3) and, as
// the same digits, in fd00:113::/64.
const (
	vcNumber     = 5
	opsNumber    = 10
	vchNumber    = 20
	targetNumber = 21
	hostNumber   = 101
	lastNumber   = 254
)

// Options say who is in the lab besides the VCH, the vCenter and the operator.
type Options struct {
	// Hosts are the ESXi hosts, by the names that the simulator has for them.
	Hosts []string
	// Targets are further machines beside the VCH that hosts may try to reach.
	Targets []string
}

// Lab is a running lab. It implements the simulator's Network. All methods may
// be called from several goroutines, for different hosts at the same time.
type Lab struct {
	dir    string
	sw     *NS
	leaves []*NS
	vc     *NS
	ops    *NS
	vch    *NS
	target map[string]*NS
	hosts  map[string]*host
	user   string
}

// host is what an ESXi host has and other leaves have not.
type host struct {
	ns       *NS
	firewall firewall
	ssh      sshServer
	link     link
}

// New builds a lab. There can be one at a time. The hosts' firewalls pass
// everything until SetFirewall, and nobody listens anywhere until told to.
func New(opts Options) (*Lab, error) {
	dir := filepath.Join(stateDir, "current")
	if err := os.Mkdir(dir, 0o755); errors.Is(err, os.ErrNotExist) {
		return nil, errors.New("a lab needs Sandbox, called from TestMain")
	} else if errors.Is(err, os.ErrExist) {
		return nil, errors.New("there is a lab already: close it first")
	} else if err != nil {
		return nil, fmt.Errorf("make the lab's folder: %w", err)
	}
	l := &Lab{dir: dir, target: map[string]*NS{}, hosts: map[string]*host{}}
	if err := l.build(opts); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *Lab) build(opts Options) error {
	if err := l.plan(opts); err != nil {
		return err
	}
	if err := l.wire(); err != nil {
		return err
	}
	if err := l.writeHosts(); err != nil {
		return err
	}
	return l.makeKeys(opts.Hosts)
}

// plan gives everybody a name, a namespace and addresses.
func (l *Lab) plan(opts Options) (err error) {
	if l.sw, err = newNS("switch"); err != nil {
		return err
	}
	if l.vc, err = l.leaf("vc", vcNumber); err != nil {
		return err
	}
	if l.ops, err = l.leaf("ops", opsNumber); err != nil {
		return err
	}
	if l.vch, err = l.leaf("vch", vchNumber); err != nil {
		return err
	}
	if targetNumber+len(opts.Targets) > hostNumber || hostNumber+len(opts.Hosts) > lastNumber+1 {
		return fmt.Errorf("a lab has room for %d hosts and %d targets, not for %d and %d",
			lastNumber-hostNumber+1, hostNumber-targetNumber, len(opts.Hosts), len(opts.Targets))
	}
	for i, name := range opts.Targets {
		if l.target[name], err = l.leaf(name, targetNumber+i); err != nil {
			return err
		}
	}
	for i, name := range opts.Hosts {
		ns, err := l.leaf(name, hostNumber+i)
		if err != nil {
			return err
		}
		l.hosts[name] = &host{ns: ns}
	}
	return nil
}

func (l *Lab) leaf(name string, number int) (*NS, error) {
	n, err := newNS(name)
	if err != nil {
		return nil, err
	}
	n.Addr4 = netip.AddrFrom4([4]byte{203, 0, 113, byte(number)})
	n.Addr6 = netip.MustParseAddr(fmt.Sprintf("fd00:113::%d", number))
	n.port = fmt.Sprintf("v%d", number)
	l.leaves = append(l.leaves, n)
	return n, nil
}

// wire joins all leaves by one bridge. Snooping is off, or neighbours would be
// found late; so is duplicate detection, or addresses would be usable late.
func (l *Lab) wire() error {
	var b strings.Builder
	b.WriteString("link set lo up\nlink add br0 type bridge mcast_snooping 0\nlink set br0 addrgenmode none up\n")
	for _, n := range l.leaves {
		fmt.Fprintf(&b, "link add %s type veth peer name eth0 netns %s\n", n.port, n.Name)
		fmt.Fprintf(&b, "link set %s addrgenmode none master br0 up\n", n.port)
	}
	if err := l.sw.ip(b.String()); err != nil {
		return err
	}
	for _, n := range l.leaves {
		script := "link set lo up\n" +
			"link set eth0 addrgenmode none\n" +
			"addr add " + n.Addr4.String() + "/24 dev eth0\n" +
			"addr add " + n.Addr6.String() + "/64 dev eth0 nodad\n" +
			"link set eth0 up\n"
		if err := n.ip(script); err != nil {
			return err
		}
	}
	return nil
}

// writeHosts makes the names known to programs in the lab, by IPv4.
func (l *Lab) writeHosts() error {
	text := localhost
	for _, n := range l.leaves {
		text += fmt.Sprintf("%s %s\n", n.Addr4, n.Name)
	}
	if err := os.WriteFile("/etc/hosts", []byte(text), 0o644); err != nil {
		return fmt.Errorf("write the sandbox's /etc/hosts: %w", err)
	}
	return nil
}

// Close ends every process in the lab and takes it down.
func (l *Lab) Close() {
	for _, h := range l.hosts {
		h.ssh.stop()
		h.link.close()
	}
	for _, n := range slices.Concat([]*NS{l.sw}, l.leaves) {
		if n != nil {
			n.kill()
			n.remove()
		}
	}
	_ = os.WriteFile("/etc/hosts", []byte(localhost), 0o644)
	_ = os.RemoveAll(l.dir)
}

// VCH is the virtual container host's machine.
func (l *Lab) VCH() *NS { return l.vch }

// Ops is the operator's machine, where the tool under test runs.
func (l *Lab) Ops() *NS { return l.ops }

// VC is the vCenter's machine.
func (l *Lab) VC() *NS { return l.vc }

// Switch is where the links of all machines meet, in the bridge br0.
func (l *Lab) Switch() *NS { return l.sw }

// Host is an ESXi host, nil when there is none of that name.
func (l *Lab) Host(name string) *NS {
	if h := l.hosts[name]; h != nil {
		return h.ns
	}
	return nil
}

// Target is one of Options.Targets, nil when there is none of that name.
func (l *Lab) Target(name string) *NS { return l.target[name] }

func (l *Lab) host(name string) (*host, error) {
	if h := l.hosts[name]; h != nil {
		return h, nil
	}
	return nil, fmt.Errorf("the lab has no host %s", name)
}
