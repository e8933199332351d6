package preflight

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/probe"
)

const (
	// simulatedWait is enough for hosts that dial at once, on loopback.
	simulatedWait = 2 * time.Second
	// controlWait bounds the connection from this machine.
	controlWait = 10 * time.Second
	// dialWait covers, for nc and a dial, two repeats of a lost SYN (after 1 and
	// 3 s) and tells an address without a machine (3 s) from silence.
	dialWait = 5 * time.Second
	// probersPerCall is how many hosts are probed at a time for each call in flight:
	// a probe mostly waits.
	probersPerCall = 2
)

// prober is what a probe takes: where to, and who tells what came.
type prober struct {
	wait time.Duration
	// ends are what hosts connect to. fixed means that it is the same for all.
	ends  []*end
	fixed bool
	key   *probe.Key // of a listener that was started elsewhere, nil when none was
	// addresses are those of the hosts, by ID, where they are connected to; byName says that
	// they are connected to by their names.
	addresses map[string]string
	byName    bool
	machines  *vsphere.Machines
	ssh       probe.SSHOptions
}

// end is a target, with who stands there.
type end struct {
	probe.Attempt // of no host
	listener      *probe.Listener
	control       *inventory.Probe // from this machine, nil until it was made
	// blind says why a serial probe could tell nothing.
	blind error
}

// probed is what a probe came to, besides the hosts' own connections.
type probed struct {
	target   string
	controls []inventory.Probe
	// leftovers are machines that could not be removed, in any try.
	leftovers []string
}

// prepareProbe settles the targets, starts a listener where one is this machine, and finds
// out whether the probe is possible. It changes nothing. It returns nil where no probe was
// asked for; the caller must close what it returns.
func prepareProbe(ctx context.Context, s *session, inv *inventory.Inventory, o Options, in *inputs) (p *prober, err error) {
	if o.Probe.Vantage == "" || ctx.Err() != nil {
		return nil, nil
	}
	p = &prober{key: in.key, wait: o.Probe.defaultWait(inv.Endpoint.Simulated)}
	if err = p.settleEnds(ctx, s, inv, o); err != nil {
		return nil, err
	}
	err = p.findWitnesses(ctx, o.Probe.Vantage)
	switch {
	case err != nil:
	case o.Probe.Vantage == inventory.VantageSSH:
		p.ssh = probe.SSHOptions{Login: *in.login, Timeout: p.wait, Workers: probersPerCall * o.workers(), Progress: o.progress}
	case o.Probe.Vantage == inventory.VantageSerial && len(p.ends) > 0:
		if p.machines, err = s.PrepareMachines(ctx, inv.Datacenter, probeable(inv)); err != nil {
			err = &UnavailableError{Err: err, Hints: []string{"--probe none checks the rulesets alone"}}
		}
	}
	if err == nil {
		return p, nil
	}
	p.close()
	if ctx.Err() != nil {
		return nil, nil // what was found out is reported, and that the run ended
	}
	return nil, err
}

// close ends the listeners. It may be called on nil.
func (p *prober) close() {
	if p == nil {
		return
	}
	for _, e := range p.ends {
		if e.listener != nil {
			_ = e.listener.Close()
		}
	}
}

// defaultWait is what a connection may take where the options do not say.
func (p *ProbeOptions) defaultWait(simulated bool) time.Duration {
	switch {
	case p.Timeout > 0:
		return p.Timeout
	case p.Vantage != inventory.VantageSerial:
		return dialWait
	case simulated:
		return simulatedWait
	}
	return probe.MinSerialTimeout
}

// probeTarget settles where to connect to, always at the required port: a
// connection to another would say nothing about the rulesets' verdict.
func (o *Options) probeTarget(simulated bool) (probe.Target, error) {
	req := o.requirement()
	t := probe.Target{Host: strings.Trim(o.Probe.Target, "[]"), Port: req.Ports[0]}
	switch {
	case strings.HasPrefix(t.Host, "-"): // and an option to nc
		return t, usage("probe-target", "%q is no name of a host", t.Host)
	case t.Host != "":
	case len(req.Peers) == 1 && req.Peers[0].IsSingleIP():
		t.Host = req.Peers[0].Addr().String()
	case simulated:
		t.Host = simulatedTarget()
	default:
		return t, errNoTarget(req)
	}
	return t, nil
}

func errNoTarget(req checks.Requirement) error {
	return &UsageError{Err: errors.New("no target to connect to"), Hints: []string{req.Say("give --probe-target HOST, or one {option}")}}
}

// simulatedTarget is where the hosts of a simulator dial to: a loopback address
// that other runs on this machine do not use at the same time.
func simulatedTarget() string {
	pid := os.Getpid()
	return netip.AddrFrom4([4]byte{127, byte(64 + pid>>14%64), byte(pid >> 7 & 127), byte(1 + pid&127)}).String()
}

// findWitnesses finds who tells what came to each end. Of several ends those that nobody
// can be asked about are left to themselves.
func (p *prober) findWitnesses(ctx context.Context, vantage inventory.Vantage) error {
	for _, e := range p.ends {
		if err := p.findWitness(ctx, e, vantage); err != nil && len(p.ends) == 1 {
			return err
		} else if vantage == inventory.VantageSerial {
			e.blind = err
		}
	}
	return nil
}

// findWitness makes sure that somebody can tell what came: a listener elsewhere
// that has the key, or one here when the target is this machine. A serial probe
// of an address where nobody listens could tell a blocked host from no other.
func (p *prober) findWitness(ctx context.Context, e *end, vantage inventory.Vantage) error {
	serial := vantage == inventory.VantageSerial
	if p.key != nil {
		remote := &probe.Remote{Target: e.To, Key: *p.key, Dialer: &net.Dialer{}}
		if err := remote.Check(ctx); err != nil && serial {
			return &UnavailableError{Err: fmt.Errorf("the listener at %s cannot be asked from this machine: %w", e.To, err), Hints: []string{
				"vic-preflight listen --key-file must run there, with the same key, and be reachable from here too",
			}}
		}
		e.Witness, e.Key, e.Service = remote, p.key, false
		return nil
	}
	if ownAddress(ctx, e.To.Host) {
		if err := e.listen(ctx); err != nil && !e.Service {
			return err
		}
	}
	if e.listener != nil || !serial {
		return nil
	}
	if p.reach(ctx, e).Outcome == inventory.Refused {
		return &UnavailableError{Err: fmt.Errorf("nobody listens at %s, so that a serial probe could not tell who gets there", e.To), Hints: []string{
			"let vic-preflight listen stand there, or run this where that is an address of the machine",
		}}
	}
	return nil
}

// listen stands at the target itself. A port that is taken is somebody else's, a
// virtual container host's for one: then there is no witness.
func (e *end) listen(ctx context.Context) error {
	key, err := probe.NewKey()
	if err != nil {
		return err
	}
	l, err := probe.Listen(ctx, e.To.String(), key, probe.ListenOptions{})
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil
	case err != nil:
		return &UnavailableError{Err: err, Hints: []string{"the target is an address of this machine, where a listener has to stand"}}
	}
	e.listener, e.Witness, e.Key, e.Service = l, l, &key, false
	return nil
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

// probeable are the hosts on which a virtual machine can be powered on. The
// others stay without a probe; host-state says why.
func probeable(inv *inventory.Inventory) []*inventory.Host {
	return pointers(inv, func(h *inventory.Host) bool { return h.IsConnected() && h.Maintenance != inventory.Yes })
}

// reach connects to an end from this machine, once in a run.
func (p *prober) reach(ctx context.Context, e *end) *inventory.Probe {
	if e.control == nil {
		control := probe.Local(ctx, &net.Dialer{}, e.Attempt, min(p.wait, controlWait))
		e.control = &control
	}
	return e.control
}

// controls are the connections from this machine to all ends.
func (p *prober) controls(ctx context.Context, workers int) []inventory.Probe {
	var g errgroup.Group
	g.SetLimit(workers)
	list := make([]inventory.Probe, len(p.ends))
	for i, e := range p.ends {
		g.Go(func() error { list[i] = *p.reach(ctx, e); return nil })
	}
	_ = g.Wait() // none fails
	return list
}

// connect makes the connections that were prepared: the controls from this machine,
// and those of the hosts, again for those that did not get through.
func connect(ctx context.Context, s *session, p *prober, inv *inventory.Inventory, o Options) probed {
	if p == nil || ctx.Err() != nil {
		return probed{}
	}
	tries := p.tries(inv, o)
	found := probed{target: p.goal(o), controls: p.controls(ctx, o.workers())}
	pending := slices.DeleteFunc(slices.Clone(tries), (*try).settled)
	for n := 0; n <= o.Probe.Retries && len(pending) > 0 && ctx.Err() == nil; n++ {
		p.dial(ctx, s, pending, inv.Endpoint.Simulated, o)
		for _, t := range pending {
			if t.Found.Leftover != "" {
				found.leftovers = append(found.leftovers, fmt.Sprintf("%s on %s", t.Found.Leftover, t.Host.Name))
			}
		}
		pending = slices.DeleteFunc(pending, (*try).final)
	}
	for _, t := range tries {
		t.note(o.Probe.Vantage)
	}
	return found
}

// dial makes the connections, once each.
func (p *prober) dial(ctx context.Context, s *session, tries []*try, simulated bool, o Options) {
	attempts := make([]*probe.Attempt, len(tries))
	var hosts []*inventory.Host
	for i, t := range tries {
		attempts[i] = &t.Attempt
		if !slices.Contains(hosts, t.Host) {
			hosts = append(hosts, t.Host)
		}
	}
	workers := probersPerCall * o.workers()
	switch o.Probe.Vantage {
	case inventory.VantageSSH:
		way := openHosts(ctx, s, o, &p.ssh.Login, hosts)
		defer way.close()
		probe.SSH(ctx, attempts, way.place, p.ssh)
	case inventory.VantageLocal:
		probe.Inbound(ctx, &net.Dialer{}, attempts, probe.InboundOptions{Workers: workers, Timeout: p.wait, Simulated: simulated, Progress: o.progress})
	default:
		probe.Serial(ctx, attempts, machines{p.machines}, probe.SerialOptions{Workers: workers, Timeout: p.wait, Simulated: simulated, Progress: o.progress})
	}
}

// machines turns the session's machines into what a probe needs.
type machines struct{ *vsphere.Machines }

func (m machines) Create(ctx context.Context, h *inventory.Host, name, proxy, service string) (probe.Machine, error) {
	vm, err := m.Machines.Create(ctx, h, name, proxy, service)
	if vm == nil {
		return nil, err // and no machine that is none
	}
	return vm, err
}

// MachineLife is longer than any probe's virtual machine lives: younger ones may be
// those of a probe that runs.
const MachineLife = 15 * time.Minute

// Removed is what a clean-up did.
type Removed struct {
	// Names are those of the virtual machines that are gone.
	Names []string
	// Young counts those that were left, as they may belong to a probe that runs.
	Young int
}

// CleanUp removes the virtual machines that killed probes have left behind, those
// younger than MachineLife too where young says so. Its errors are those of Run; an
// *UnfinishedError comes with what was removed.
func CleanUp(ctx context.Context, o Options, young bool) (Removed, error) {
	started := time.Now()
	if _, err := load(ctx, &o); err != nil {
		return Removed{}, err
	}
	ctx, cancel := o.bound(ctx, started)
	defer cancel()
	s, err := signIn(ctx, o)
	if err != nil {
		return Removed{}, err
	}
	defer s.Close()
	age := MachineLife
	if young {
		age = 0
	}
	var r Removed
	if r.Names, r.Young, err = s.CleanupMachines(ctx, probe.MachinePrefix, age); err != nil {
		return r, &UnfinishedError{Err: err}
	}
	return r, nil
}
