package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/probe"
)

// probing holds the flags of real connections.
type probing struct {
	vantage string
	target  string
	keyFile string
	timeout time.Duration
	retries int
	sshing
}

const (
	vantageNone   = "none"
	vantageLocal  = string(inventory.VantageLocal)
	vantageSerial = string(inventory.VantageSerial)
	vantageSSH    = string(inventory.VantageSSH)
)

func (p *probing) register(f *pflag.FlagSet, vantage string) {
	f.StringVar(&p.vantage, "probe", vantage, "`vantage` of real connections: none, local (this machine, a control), ssh (each host's own nc), or serial (each host dials, for a virtual machine made for a moment)")
	f.StringVar(&p.target, "probe-target", "", "`host` to connect to, at --port; the one --vch-ip when absent")
	f.StringVar(&p.keyFile, "listener-key", "", "`file` with the key of a vic-preflight listen that stands at the target; on this machine's own addresses one is started")
	f.DurationVar(&p.timeout, "probe-timeout", 0, "`time` that a connection may take (default 5s; a serial probe takes 20s at least, 2s of simulated hosts)")
	f.IntVar(&p.retries, "probe-retries", 0, "`number` of further tries where a host did not get through; never another login that was refused")
	p.sshing.register(f)
}

func (p *probing) on() bool { return p.vantage != vantageNone }

func (p *probing) validate() error {
	switch {
	case !slices.Contains([]string{vantageNone, vantageLocal, vantageSSH, vantageSerial}, p.vantage):
		return usageError(fmt.Errorf("--probe %q is no vantage; the vantages are: none, local, ssh, serial", p.vantage))
	case p.timeout < 0:
		return usageError(fmt.Errorf("--probe-timeout %s is no time to wait", p.timeout))
	case p.retries < 0 || p.retries > 10:
		return usageError(fmt.Errorf("--probe-retries %d is not a number from 0 to 10", p.retries))
	case !p.on() && (p.target != "" || p.keyFile != ""):
		return usageError(errors.New("--probe-target and --listener-key go with --probe"))
	}
	return nil
}

const (
	// simulatedWait is enough for hosts that dial at once, on loopback.
	simulatedWait = 2 * time.Second
	// controlWait bounds the connection from this machine.
	controlWait = 10 * time.Second
)

// defaultWait covers, for nc and a dial, two repeats of a lost SYN (after 1 and
// 3 s) and tells an address without a machine (3 s) from silence.
func defaultWait(vantage string) time.Duration {
	if vantage == vantageSerial {
		return probe.MinSerialTimeout
	}
	return 5 * time.Second
}

// probersPerCall is how many hosts are probed at a time for each call that
// --concurrency allows: a probe mostly waits.
const probersPerCall = 2

// prober is a probe under way: where to, and who tells what came.
type prober struct {
	*probing
	target   probe.Target
	wait     time.Duration
	listener *probe.Listener // on this machine, nil when elsewhere
	witness  probe.Witness
	key      *probe.Key
	machines *vsphere.Machines
	ssh      *probe.SSHOptions
	address  func(*inventory.Host) string
}

// findTarget settles where to connect to, always at the required port: a
// connection to another would say nothing about the rulesets' verdict.
func (p *probing) findTarget(req checks.Requirement, simulated bool) (probe.Target, error) {
	t := probe.Target{Port: req.Port}
	switch {
	case p.target == "" && len(req.Peers) == 1 && req.Peers[0].IsSingleIP():
		t.Host = req.Peers[0].Addr().String()
	case p.target == "" && simulated:
		t.Host = simulatedTarget()
	case p.target == "":
		return t, usageError(errors.New("no target to connect to"), "give --probe-target HOST, or one --vch-ip")
	default:
		t.Host = strings.Trim(p.target, "[]")
	}
	if _, err := netip.ParseAddr(t.Host); err != nil && strings.ContainsAny(t.Host, ":/@ \t") {
		return t, usageError(errors.New("--probe-target is not a host name or address; the port is --port"))
	}
	return t, nil
}

// simulatedTarget is where the hosts of a simulator dial to: a loopback address
// that other runs on this machine do not use at the same time.
func simulatedTarget() string {
	pid := os.Getpid()
	return netip.AddrFrom4([4]byte{127, byte(64 + pid>>14%64), byte(pid >> 7 & 127), byte(1 + pid&127)}).String()
}

// prepare settles the target, starts a listener when the target is this
// machine, and finds out whether a serial probe is possible. The caller must
// close the prober.
func (p *probing) prepare(r *running, inv *inventory.Inventory, req checks.Requirement) (*prober, error) {
	target, err := p.findTarget(req, inv.Endpoint.Simulated)
	if err != nil {
		return nil, err
	}
	pr := &prober{probing: p, target: target, wait: p.timeout}
	if pr.wait == 0 {
		pr.wait = defaultWait(p.vantage)
		if inv.Endpoint.Simulated && p.vantage == vantageSerial {
			pr.wait = simulatedWait
		}
	}
	switch {
	case p.keyFile != "":
		key, err := readKey(p.keyFile)
		if err != nil {
			return nil, err
		}
		pr.key, pr.witness = &key, &probe.Remote{Target: target, Key: key, Dialer: &net.Dialer{}}
	case ownAddress(target.Host):
		if err := pr.listen(r.ctx); err != nil {
			return nil, err
		}
	}
	if p.vantage == vantageSSH {
		if err := pr.prepareSSH(r, probeable(inv)); err != nil {
			pr.close()
			return nil, err
		}
	}
	if p.vantage == vantageSerial {
		pr.machines, err = r.session.PrepareMachines(r.ctx, inv.Datacenter, probeable(inv))
		if err != nil {
			pr.close()
			return nil, &exitError{code: exitUnknown, err: err, hints: []string{"--probe none checks the rulesets alone"}}
		}
	}
	return pr, nil
}

// listen stands at the target itself. A port that is taken is somebody else's,
// a virtual container host's for one: then there is no witness.
func (pr *prober) listen(ctx context.Context) error {
	key, err := probe.NewKey()
	if err != nil {
		return err
	}
	l, err := probe.Listen(ctx, pr.target.String(), key, probe.ListenOptions{})
	if err != nil {
		return nil //nolint:nilerr // somebody listens there already: that is what is probed
	}
	pr.listener, pr.witness, pr.key = l, l, &key
	return nil
}

func (pr *prober) close() {
	if pr.listener != nil {
		_ = pr.listener.Close()
	}
}

// ownAddress reports whether the host is an address of this machine.
func ownAddress(host string) bool {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	if addr.IsLoopback() {
		return true
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok {
			if own, ok := netip.AddrFromSlice(n.IP); ok && own.Unmap() == addr.Unmap() {
				return true
			}
		}
	}
	return false
}

func readKey(file string) (probe.Key, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return probe.Key{}, usageError(fmt.Errorf("--listener-key: %w", err))
	}
	key, err := probe.ParseKey(string(text))
	if err != nil {
		return probe.Key{}, usageError(fmt.Errorf("--listener-key %s: %w", file, err), "vic-preflight listen --key-file writes one")
	}
	return key, nil
}

// probeable are the hosts on which a virtual machine can be powered on. The
// others stay without a probe; host-state says why.
func probeable(inv *inventory.Inventory) []*inventory.Host {
	var hosts []*inventory.Host
	for i := range inv.Hosts {
		if h := &inv.Hosts[i]; h.IsConnected() && h.Maintenance != inventory.Yes {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// run makes the connections: the control from this machine, and those of the hosts, again for those that did not get through.
func (pr *prober) run(r *running, inv *inventory.Inventory) *inventory.Probe {
	control := probe.Local(r.ctx, &net.Dialer{}, pr.target, pr.key, min(pr.wait, controlWait))
	if pr.vantage == vantageLocal {
		return &control
	}
	hosts := probeable(inv)
	for try := 0; try <= pr.retries && len(hosts) > 0 && r.ctx.Err() == nil; try++ {
		if pr.vantage == vantageSSH {
			pr.overSSH(r, hosts)
		} else {
			probe.Serial(r.ctx, hosts, pr.target, pr.witness, machines{pr.machines}, probe.SerialOptions{
				Workers: probersPerCall * r.workers, Timeout: pr.wait, Simulated: inv.Endpoint.Simulated, Progress: r.progress.update,
			})
		}
		var again []*inventory.Host
		for _, h := range hosts {
			refused := pr.vantage == vantageSSH && h.Probe.Outcome == inventory.ProbeError
			if h.Probe.Outcome != inventory.Open && !refused {
				again = append(again, h)
			}
		}
		hosts = again
	}
	return &control
}

// machines turns the session's machines into what a probe needs.
type machines struct{ *vsphere.Machines }

func (m machines) Create(ctx context.Context, h *inventory.Host, name, proxy, service string) (probe.Machine, error) {
	vm, err := m.Machines.Create(ctx, h, name, proxy, service)
	if err != nil {
		return nil, err
	}
	return vm, nil
}
