package probe

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vic-preflight/vic-preflight/internal/guard"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// MinSerialTimeout is the least that a serial probe waits: a vmx was seen to
// dial 3 to 4 s after power-on, and 16 s after a port was connected later
// (vmware/vic #1215, #6390).
const MinSerialTimeout = 20 * time.Second

// Machine is a probe's virtual machine. It is created diskless and minimal, with
// one network serial port that dials the target when it is powered on.
type Machine interface {
	// PowerOn powers it on, on the host it was made for and no other.
	PowerOn(ctx context.Context) error
	// PortStatus is the serial port's state in words. It is a hint only: which
	// state a blocked port shows is not documented.
	PortStatus(ctx context.Context) (connected bool, text string)
	// Destroy powers it off and deletes it. It may be called in any state.
	Destroy(ctx context.Context) error
	Name() string
}

// Machines makes the virtual machines. It may be used concurrently.
type Machines interface {
	// Create makes the machine on the host. proxy is the concentrator's URI, service what
	// the machine asks it for; without one, service is what the port connects to. Where it is not certain what became of the
	// machine, one comes beside the error, which is to be destroyed.
	Create(ctx context.Context, h *inventory.Host, name, proxy, service string) (Machine, error)
}

// Witness tells that a host has dialled for a virtual machine. *Listener is one.
type Witness interface {
	// WaitVMX waits until a vmx peer has asked for the URI, or until the
	// context ends.
	WaitVMX(ctx context.Context, uri string) (Peer, error)
}

// SerialOptions bound a serial probe.
type SerialOptions struct {
	// Workers is how many hosts are probed at a time.
	Workers int
	// Timeout is how long to wait for a host's dial, MinSerialTimeout at least
	// unless Simulated.
	Timeout time.Duration
	// Simulated hosts dial at once, so that there is nothing to wait for.
	Simulated bool
	Progress  func(stage string, done, total int)
}

// cleanupTime is what a host's machine may take to be destroyed, which is done
// whatever ended the run. With the last answer before it (linger.Grace) and the logout
// behind it that is the half minute which users are told of.
const cleanupTime = 25 * time.Second

// Serial makes each attempt by a virtual machine whose serial port the host itself
// connects to the target, those of a host one after the other. The listener's accept, with the machine's own URI, is the proof.
// Every machine that was made is destroyed before Serial returns.
//
// Where no Witness stands at the target, the serial port's own state is all there is, and a
// connected one is unverified.
func Serial(ctx context.Context, attempts []*Attempt, machines Machines, opts SerialOptions) {
	if !opts.Simulated {
		opts.Timeout = max(opts.Timeout, MinSerialTimeout)
	}
	var g errgroup.Group
	g.SetLimit(max(opts.Workers, 1))
	var done atomic.Int64
	hosts := byHost(attempts)
	for _, of := range hosts {
		g.Go(func() error {
			for _, a := range of {
				a.Found = inventory.Probe{Vantage: inventory.VantageSerial}
				if err := guard.Do(func() error { a.serial(ctx, machines, opts); return nil }); err != nil {
					a.Found.Outcome, a.Found.Cause = inventory.ProbeError, joinCause(err.Error(), a.Found.Cause)
				}
			}
			if n := done.Add(1); opts.Progress != nil {
				opts.Progress("probe", int(n), len(hosts))
			}
			return nil
		})
	}
	_ = g.Wait() // the results are in the attempts
}

// serial makes the attempt. Its machine goes even where the rest panics.
func (a *Attempt) serial(ctx context.Context, machines Machines, opts SerialOptions) {
	p := &a.Found
	if err := ctx.Err(); err != nil {
		p.Outcome, p.Cause = inventory.ProbeError, "not begun: the run ended before"
		return
	}
	id := rand.Text()
	service := ServiceScheme + id
	if a.Key != nil {
		service = a.Key.service(id)
	}
	concentrator := "telnet://" + a.To.String()
	if a.Service { // which no concentrator is: nothing is to be said to it
		concentrator, service = "", "tcp://"+a.To.String()
	}
	vm, err := machines.Create(ctx, a.Host, MachinePrefix+id, concentrator, service)
	if vm != nil {
		defer func() { remove(ctx, vm, p) }()
	}
	if err != nil {
		p.Outcome, p.Cause = inventory.ProbeError, fmt.Sprintf("create the probe's virtual machine: %v", err)
		return
	}
	if err := vm.PowerOn(ctx); err != nil {
		p.Outcome, p.Cause = inventory.ProbeError, fmt.Sprintf("power on the probe's virtual machine: %v", err)
		return
	}
	start := time.Now()
	wait, cancel := context.WithTimeout(ctx, opts.Timeout)
	defer cancel()
	if a.Witness == nil {
		p.Outcome, p.Cause = watchPort(ctx, wait, vm)
	} else {
		p.Outcome, p.Cause, p.Peer = waitDial(ctx, wait, vm, a.Witness, service)
	}
	p.Elapsed = time.Since(start)
	if err := ctx.Err(); err != nil && p.Outcome != inventory.Open {
		p.Outcome, p.Cause = inventory.ProbeError, "interrupted"
		if errors.Is(err, context.DeadlineExceeded) {
			p.Cause = "the run's time ran out before the host could be waited for"
		}
	}
}

// remove destroys a probe's machine, whatever ended the run.
func remove(ctx context.Context, vm Machine, p *inventory.Probe) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	if err := vm.Destroy(ctx); err != nil {
		p.Leftover = vm.Name()
		p.Cause = joinCause(p.Cause, fmt.Sprintf("the virtual machine %s could not be removed (%v): vic-preflight probe --cleanup removes it", vm.Name(), err))
	}
}

// waitDial waits for the witness. A port that is connected without the witness
// having seen it is connected to somebody else, if its state can be believed.
func waitDial(ctx, wait context.Context, vm Machine, witness Witness, service string) (inventory.Outcome, string, string) {
	peer, err := witness.WaitVMX(wait, service)
	if err == nil {
		return inventory.Open, "", peer.From
	}
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		return inventory.ProbeError, fmt.Sprintf("the listener could not be asked: %v", err), ""
	}
	connected, text := vm.PortStatus(ctx)
	if connected {
		return inventory.Intercepted, "by its own state the host's serial port is connected, but not to the listener", ""
	}
	return inventory.Timeout, joinCause("the listener saw nothing of the host", text), ""
}

// portPoll is how often a port's state is read where there is no witness.
const portPoll = 2 * time.Second

// watchPort goes by the state of the serial port alone, and looks once more when the time
// to wait is up.
func watchPort(ctx, wait context.Context, vm Machine) (inventory.Outcome, string) {
	for {
		last := wait.Err() != nil
		connected, text := vm.PortStatus(ctx)
		switch {
		case connected:
			return inventory.OpenUnverified, "the host's serial port is connected; no listener of this tool stands there to prove it"
		case last:
			return inventory.Timeout, joinCause("the host's serial port did not get connected", text)
		}
		select {
		case <-wait.Done():
		case <-time.After(portPoll):
		}
	}
}

// MachinePrefix starts the name of every probe's virtual machine, and
// ServiceScheme the URI that it asks for.
const (
	MachinePrefix = "vic-preflight-probe-"
	ServiceScheme = "vic-preflight:"
)

func joinCause(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	}
	return a + "; " + b
}
