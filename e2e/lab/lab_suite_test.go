//go:build linux

package lab_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/e2e/lab"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestMain(m *testing.M) { os.Exit(lab.Sandbox(m)) }

// holding names the environment variable that makes this binary hold a lab
// open instead of testing it, for the spec that kills it.
const holding = "LAB_HOLD"

func TestLab(t *testing.T) {
	if os.Getenv(holding) != "" {
		hold(t)
	}
	testsuite.Run(t, "e2e/lab")
}

const (
	esx1, esx2, esx3 = "esx1.lab", "esx2.lab", "esx3.lab"
	port             = 2377
)

// net1 is the lab that all specs but a few share; it is as new before each.
var net1 *lab.Lab

var _ = BeforeSuite(func() {
	var err error
	net1, err = lab.New(lab.Options{Hosts: []string{esx1, esx2, esx3}, Targets: []string{"other"}})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(net1.Close)
	for _, h := range []string{esx1, esx2, esx3} {
		Expect(net1.StartSSH(h)).To(Succeed())
	}
	greet(net1.VCH(), port, "vch")
	greet(net1.VCH(), 9999, "trap")
	greet(net1.Target("other"), port, "other")
})

var _ = BeforeEach(func() {
	Expect(net1.Path("")).To(Succeed())
	for _, h := range []string{esx1, esx2, esx3} {
		Expect(net1.SetVerdict(h, "")).To(Succeed())
		Expect(net1.SetFirewall(h, shut())).To(Succeed())
	}
})

// greet serves a line to whoever connects, over IPv4 and IPv6.
func greet(ns *lab.NS, port int, text string) {
	GinkgoHelper()
	l, err := ns.Listen("tcp", fmt.Sprintf(":%d", port))
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(l.Close)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = fmt.Fprintf(conn, "%s sees %s", text, conn.RemoteAddr().(*net.TCPAddr).IP)
			_ = conn.Close()
		}
	}()
}

// shut is a firewall that is on and lets nothing of ours out.
func shut(rulesets ...types.HostFirewallRuleset) sim.FirewallState {
	return sim.FirewallState{Info: &types.HostFirewallInfo{Ruleset: rulesets}}
}

// ruleset lets TCP out to a range of ports.
func ruleset(first, last int32) types.HostFirewallRuleset {
	return types.HostFirewallRuleset{
		Key: "test", Enabled: true, AllowedHosts: &types.HostFirewallRulesetIpList{AllIp: true},
		Rule: []types.HostFirewallRule{{
			Port: first, EndPort: last, Protocol: "tcp", PortType: types.HostFirewallRulePortTypeDst,
			Direction: types.HostFirewallRuleDirectionOutbound,
		}},
	}
}

const (
	// patience is for connections that are to be answered, in whatever way.
	patience = 10 * time.Second
	// blockedAfter is for those that are not: packets here take microseconds,
	// and a lost SYN is sent again after 1 s.
	blockedAfter = 200 * time.Millisecond
)

// from connects from a host, and returns what it was greeted with.
func from(ctx context.Context, host string, to netip.Addr, port int, limit time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := net1.Dial(ctx, host, netip.AddrPortFrom(to, uint16(port)).String())
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	text, err := io.ReadAll(conn)
	return string(text), err
}

// reach connects to the VCH, which is to answer or to say no.
func reach(ctx context.Context, host string) error {
	_, err := from(ctx, host, net1.VCH().Addr4, port, patience)
	return err
}

// expectBlocked connects to the VCH, and nobody is to answer.
func expectBlocked(ctx context.Context, host string, to netip.Addr) {
	GinkgoHelper()
	_, err := from(ctx, host, to, port, blockedAfter)
	Expect(isTimeout(err)).To(BeTrue(), "%s to %s: %v", host, to, err)
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// ssh runs a command on a host, from the operator's machine.
func ssh(ctx context.Context, host, command string) (string, error) {
	cmd := net1.Ops().Command(ctx, "ssh", "-F", "none", "-i", net1.ClientKey(), "-o", "BatchMode=yes",
		"-o", "IdentitiesOnly=yes", "-o", "UserKnownHostsFile="+net1.KnownHosts(), "-o", "GlobalKnownHostsFile=none",
		"-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=2", "-l", net1.SSHUser(),
		net1.Address(host).String(), command)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// code is a program's exit code.
func code(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}
