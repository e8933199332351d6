package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
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

// validate checks the flags against one another, before anything is contacted.
func (p *probing) validate(f *pflag.FlagSet) error {
	switch {
	case !slices.Contains([]string{vantageNone, vantageLocal, vantageSSH, vantageSerial}, p.vantage):
		return usageError(fmt.Errorf("--probe %q is no vantage; the vantages are: none, local, ssh, serial", p.vantage))
	case p.timeout < 0:
		return usageError(fmt.Errorf("--probe-timeout %s is no time to wait", p.timeout))
	case p.retries < 0 || p.retries > 10:
		return usageError(fmt.Errorf("--probe-retries %d is not a number from 0 to 10", p.retries))
	case p.target != "" && !isHost(strings.Trim(p.target, "[]")):
		return usageError(errors.New("--probe-target is not a host name or address; the port is --port"))
	}
	needs := map[string][]string{
		"probe-target": {vantageLocal, vantageSSH, vantageSerial}, "listener-key": {vantageLocal, vantageSSH, vantageSerial},
		"probe-timeout": {vantageLocal, vantageSSH, vantageSerial}, "probe-retries": {vantageSSH, vantageSerial},
		"ssh-user": {vantageSSH}, "ssh-key": {vantageSSH}, "ssh-password-file": {vantageSSH},
		"ssh-known-hosts": {vantageSSH}, "ssh-port": {vantageSSH}, "ssh-start-service": {vantageSSH},
	}
	for _, name := range slices.Sorted(maps.Keys(needs)) {
		origins := f.Changed("ssh") && strings.HasPrefix(name, "ssh-") // check --ssh logs in too
		if f.Changed(name) && !slices.Contains(needs[name], p.vantage) && !origins {
			with := "--probe " + strings.Join(needs[name], "|")
			if f.Lookup("ssh") != nil && strings.HasPrefix(name, "ssh-") {
				with += " or --ssh"
			}
			return usageError(fmt.Errorf("--%s goes with %s", name, with))
		}
	}
	return nil
}

func isHost(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil || s != "" && !strings.ContainsAny(s, ":/@ \t")
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
	control  *inventory.Probe // from this machine, nil until it was made
	ready    bool
	// leftovers are machines that could not be removed, in any try.
	leftovers []string
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
	return t, nil
}

// simulatedTarget is where the hosts of a simulator dial to: a loopback address
// that other runs on this machine do not use at the same time.
func simulatedTarget() string {
	pid := os.Getpid()
	return netip.AddrFrom4([4]byte{127, byte(64 + pid>>14%64), byte(pid >> 7 & 127), byte(1 + pid&127)}).String()
}

// load reads the key and what SSH needs: what is wrong on this machine is known
// before anything is contacted.
func (p *probing) load(a *app) (*prober, error) {
	pr := &prober{probing: p}
	if !p.on() {
		return pr, nil
	}
	if p.keyFile != "" {
		key, err := readKey("--listener-key", p.keyFile)
		if err != nil {
			return nil, err
		}
		pr.key = &key
	}
	if p.vantage == vantageSSH {
		login, err := p.login(a)
		pr.ssh = &probe.SSHOptions{Login: login}
		return pr, err
	}
	return pr, nil
}

// prepare settles the target, starts a listener when the target is this
// machine, and finds out whether the probe is possible. It changes nothing. The
// caller must close the prober.
func (pr *prober) prepare(r *running, inv *inventory.Inventory, req checks.Requirement) (err error) {
	if !pr.on() || r.ctx.Err() != nil {
		return nil
	}
	if pr.target, err = pr.findTarget(req, inv.Endpoint.Simulated); err != nil {
		return err
	}
	if pr.wait = pr.timeout; pr.wait == 0 {
		pr.wait = defaultWait(pr.vantage)
		if inv.Endpoint.Simulated && pr.vantage == vantageSerial {
			pr.wait = simulatedWait
		}
	}
	if err := pr.findWitness(r.ctx); err != nil {
		return err
	}
	hosts := probeable(inv)
	switch pr.vantage {
	case vantageSSH:
		pr.ssh.Timeout, pr.ssh.Workers, pr.ssh.Progress = pr.wait, probersPerCall*r.workers, r.progress.update
		pr.address = r.addresses(hosts)
	case vantageSerial:
		if pr.machines, err = r.session.PrepareMachines(r.ctx, inv.Datacenter, hosts); err != nil {
			return &exitError{code: exitUnknown, err: err, hints: []string{"--probe none checks the rulesets alone"}}
		}
	}
	pr.ready = true
	return nil
}

// findWitness makes sure that somebody can tell what came: a listener elsewhere
// that has the key, or one here when the target is this machine. A serial probe
// of an address where nobody listens could tell a blocked host from no other.
func (pr *prober) findWitness(ctx context.Context) error {
	if pr.key != nil {
		remote := &probe.Remote{Target: pr.target, Key: *pr.key, Dialer: &net.Dialer{}}
		if err := remote.Check(ctx); err != nil && pr.vantage == vantageSerial {
			return &exitError{code: exitUnknown, err: fmt.Errorf("the listener at %s cannot be asked from this machine: %w", pr.target, err), hints: []string{
				"vic-preflight listen --key-file must run there, with the same key, and be reachable from here too",
			}}
		}
		pr.witness = remote
		return nil
	}
	if ownAddress(ctx, pr.target.Host) {
		if err := pr.listen(ctx); err != nil {
			return err
		}
	}
	if pr.listener != nil || pr.vantage != vantageSerial {
		return nil
	}
	if pr.reach(ctx).Outcome == inventory.Refused {
		return &exitError{code: exitUnknown, err: fmt.Errorf("nobody listens at %s, so that a serial probe could not tell who gets there", pr.target), hints: []string{
			"let vic-preflight listen stand there, or run this where that is an address of the machine",
		}}
	}
	return nil
}

// listen stands at the target itself. A port that is taken is somebody else's, a
// virtual container host's for one: then there is no witness.
func (pr *prober) listen(ctx context.Context) error {
	key, err := probe.NewKey()
	if err != nil {
		return err
	}
	l, err := probe.Listen(ctx, pr.target.String(), key, probe.ListenOptions{})
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil
	case err != nil:
		return &exitError{code: exitUnknown, err: err, hints: []string{"the target is an address of this machine, where a listener has to stand"}}
	}
	pr.listener, pr.witness, pr.key = l, l, &key
	return nil
}

func (pr *prober) close() {
	if pr.listener != nil {
		_ = pr.listener.Close()
	}
}

// ownAddress reports whether the host is, or resolves to, addresses of this
// machine alone.
func ownAddress(ctx context.Context, host string) bool {
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil || len(addrs) == 0 {
		return false
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	return !slices.ContainsFunc(addrs, func(a netip.Addr) bool {
		a = a.Unmap()
		return !a.IsLoopback() && !slices.ContainsFunc(own, func(o net.Addr) bool {
			n, ok := o.(*net.IPNet)
			return ok && n.IP.Equal(a.AsSlice())
		})
	})
}

func readKey(flag, file string) (probe.Key, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return probe.Key{}, usageError(fmt.Errorf("%s: %w", flag, err))
	}
	key, err := probe.ParseKey(string(text))
	if err != nil {
		return probe.Key{}, usageError(fmt.Errorf("%s %s: %w", flag, file, err), "vic-preflight listen --key-file NEW writes one")
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

// reach connects from this machine, once in a run.
func (pr *prober) reach(ctx context.Context) *inventory.Probe {
	if pr.control == nil {
		control := probe.Local(ctx, &net.Dialer{}, pr.target, pr.key, min(pr.wait, controlWait))
		pr.control = &control
	}
	return pr.control
}

// run makes the connections: the control from this machine, and those of the
// hosts, again for those that did not get through. It returns the control.
func (pr *prober) run(r *running, inv *inventory.Inventory) *inventory.Probe {
	control := pr.reach(r.ctx)
	if pr.vantage == vantageLocal {
		return control
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
			if h.Probe.Leftover != "" {
				pr.leftovers = append(pr.leftovers, fmt.Sprintf("%s on %s", h.Probe.Leftover, h.Name))
			}
			refused := pr.vantage == vantageSSH && h.Probe.Outcome == inventory.ProbeError
			if h.Probe.Outcome != inventory.Open && !refused {
				again = append(again, h)
			}
		}
		hosts = again
	}
	return control
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
