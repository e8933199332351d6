//go:build linux

// Package packets tests the built binary in the lab: hosts are network
// namespaces, their firewalls drop real packets.
package packets_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

func TestPackets(t *testing.T) { testsuite.Run(t, "e2e/packets") }

// preflight is the program under test, built once.
var preflight string

var _ = BeforeSuite(func() {
	preflight = testsuite.Program("cmd/vic-preflight")
})

// hosts are those of the scenario closed.
var hosts = []string{"esx01.example", "esx02.example", "esx03.example", "esx11.example", "esx12.example"}

// network is the lab, with the hosts' SSH service behind the API.
type network struct{ *lab.Lab }

func (n network) SetService(host, key string, running bool) error {
	switch {
	case key != "TSM-SSH":
		return fmt.Errorf("the lab has no service %s", key)
	case running:
		return n.StartSSH(host)
	}
	return n.StopSSH(host)
}

// world is a lab with a simulated vCenter in it.
type world struct {
	*lab.Lab
	vc  *sim.VCenter
	key string // file with the listener's key
}

// newWorld builds the lab; every host keeps the port shut, and no SSH server
// runs.
func newWorld() *world {
	GinkgoHelper()
	l, err := lab.New(lab.Options{Hosts: hosts, Targets: []string{"other"}})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(l.Close)
	scenario, err := sim.ParseScenario("closed")
	Expect(err).NotTo(HaveOccurred())
	w := &world{Lab: l, key: filepath.Join(GinkgoT().TempDir(), "listener.key")}
	Expect(l.VC().Do(func() error {
		w.vc, err = sim.Start(scenario, sim.Options{Listen: l.VC().Addr4.String() + ":443", User: "root", Password: "pw", Network: network{l}})
		return err
	})).To(Succeed())
	DeferCleanup(w.vc.Close)
	return w
}

// open enables vSPC on the host through its own firewall, and lets vCenter know.
func (w *world) open(host string, allowed ...string) {
	GinkgoHelper()
	Expect(w.vc.Host(host).Change(func(info *types.HostFirewallInfo) error {
		for i := range info.Ruleset {
			if info.Ruleset[i].Key == "vSPC" {
				info.Ruleset[i].Enabled = true
				info.Ruleset[i].AllowedHosts = &types.HostFirewallRulesetIpList{AllIp: len(allowed) == 0, IpAddress: allowed}
			}
		}
		return nil
	})).To(Succeed())
}

func (w *world) sshUp(names ...string) {
	GinkgoHelper()
	for _, h := range names {
		Expect(w.StartSSH(h)).To(Succeed())
	}
}

// listen lets the tool's own listener stand in a namespace.
func (w *world) listen(ns *lab.NS, address string) {
	GinkgoHelper()
	cmd := exec.Command(preflight, "listen", "--listen", address, "--key-file", w.key)
	cmd.Env = environment()
	said := &words{}
	cmd.Stderr = said
	Expect(ns.Start(cmd)).To(Succeed())
	DeferCleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	Eventually(said.String).WithTimeout(10 * time.Second).Should(ContainSubstring("listening on"))
}

func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + GinkgoT().TempDir()}
}

// outcome is what one command did.
type outcome struct {
	code           int
	stdout, stderr string
}

// tool runs the tool where the operator sits.
func (w *world) tool(ctx context.Context, args ...string) outcome {
	GinkgoHelper()
	args = append(args, "--target", w.vc.URL.Host, "--user", "root", "--thumbprint", w.vc.Thumbprint)
	cmd := exec.CommandContext(ctx, preflight, args...)
	cmd.Env = append(environment(), "VIC_MACHINE_PASSWORD=pw")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	Expect(w.Ops().Start(cmd)).To(Succeed())
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		Expect(err).NotTo(HaveOccurred())
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// seen is what a probe found out, by host: "outcome" or "outcome: cause".
type seen map[string]string

// probe runs a probe of the VCH by one vantage.
func (w *world) probe(ctx context.Context, vantage string, more ...string) seen {
	GinkgoHelper()
	args := []string{
		"probe", "--probe", vantage, "--probe-timeout", "2s", "-o", "json", "--listener-key", w.key,
	}
	if vantage == "ssh" {
		args = append(args, "--ssh-user", w.SSHUser(), "--ssh-key", w.ClientKey(), "--ssh-known-hosts", w.KnownHosts())
	}
	if !strings.Contains(strings.Join(more, " "), "--probe-target") {
		args = append(args, "--probe-target", w.VCH().Addr4.String())
	}
	out := w.tool(ctx, append(args, more...)...)
	var r struct {
		Targets []struct {
			Hosts []struct {
				Name  string
				Probe *struct{ Outcome, Cause, Peer string }
			}
		}
	}
	Expect(json.Unmarshal([]byte(out.stdout), &r)).To(Succeed(), out.stderr)
	found := seen{}
	for _, h := range r.Targets[0].Hosts {
		found[h.Name] = "none"
		if h.Probe != nil {
			found[h.Name] = h.Probe.Outcome
			if h.Probe.Outcome == "error" {
				found[h.Name] += ": " + h.Probe.Cause
			}
		}
	}
	return found
}
