package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/probe"
)

// probeOptions are the flags of the probe command.
type probeOptions struct {
	connection
	required
	probing
	run
	cleanup bool
	force   bool
}

// probeLife is longer than any probe's machine lives: younger ones may be those
// of a probe that runs.
const probeLife = 15 * time.Minute

func newProbe(a *app) *cobra.Command {
	o := &probeOptions{}
	cmd := &cobra.Command{
		Use:   "probe",
		Short: "Open real connections from every host, and say what came of them",
		Long: `probe lets each host dial the target, and says what came of it beside what the
host's rulesets say. With the serial vantage the host itself dials: a diskless
virtual machine with one network serial port is made on it, powered on, and
deleted again. A listener (vic-preflight listen, or one that is started here
when the target is an address of this machine) proves that the connection ended
at the target.`,
		Example: joinLines(
			"  # real connections on this machine's loopback, through simulated firewalls",
			"  vic-preflight probe --target sim://mixed",
			"",
			"  # on the machine that has the virtual container host's future address",
			"  vic-preflight probe --target vcenter.example/dc1 --user administrator@vsphere.local \\",
			"      --password-file ~/.vcpass --compute-resource cluster1 --vch-ip 10.0.0.5",
			"",
			"  # remove what a killed probe has left",
			"  vic-preflight probe --cleanup --target sim://open",
		),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.execute(cmd, a) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.cleanup, "cleanup", false, "remove the virtual machines that killed probes have left behind, and do nothing else")
	f.BoolVar(&o.force, "force", false, "with --cleanup, remove also those younger than 15 minutes, which may belong to a probe that runs")
	o.connection.register(f)
	o.required.register(f)
	o.probing.register(f, vantageSerial)
	o.run.register(f)
	return cmd
}

func (o *probeOptions) execute(cmd *cobra.Command, a *app) error {
	req, err := o.requirement()
	if err != nil {
		return err
	}
	if err := o.probing.validate(cmd.Flags()); err != nil {
		return err
	}
	if !o.on() && !o.cleanup {
		return usageError(errors.New("--probe none leaves nothing to do"))
	}
	selected, err := checks.Select(checks.Default(), []string{checks.OutboundPort, checks.TCPConnect}, nil)
	if err != nil {
		return err
	}
	if o.force && !o.cleanup {
		return usageError(errors.New("--force goes with --cleanup"))
	}
	var pr *prober // a cleanup needs none, nor what it would read
	if !o.cleanup {
		if pr, err = o.probing.load(a); err != nil {
			return err
		}
		defer pr.close()
	}
	r, err := o.begin(cmd.Context(), a, &o.connection, nil)
	if err != nil {
		return err
	}
	defer r.end()
	if o.cleanup {
		return r.cleanup(o.force)
	}
	inv, err := r.collect(o.selection(r.session.target), vsphere.CollectOptions{Switch: checks.SwitchMatters(req)})
	if err != nil {
		return err
	}
	if err := pr.prepare(r, inv, req); err != nil {
		return err
	}
	r.probe(pr, inv)
	return r.finish(inv, req, selected, nil, true)
}

// cleanup removes leftovers and names them.
func (r *running) cleanup(force bool) error {
	age := probeLife
	if force {
		age = 0
	}
	removed, young, err := r.session.CleanupMachines(r.ctx, probe.MachinePrefix, age)
	if young > 0 {
		fmt.Fprintf(r.app.stderr, "note: %d are left that are younger than %s and may belong to a probe that runs; --force removes them too\n", young, probeLife)
	}
	for _, name := range removed {
		fmt.Fprintln(r.app.stdout, "removed", name)
	}
	if err != nil {
		return &exitError{code: exitUnverified, err: err}
	}
	if len(removed) == 0 {
		fmt.Fprintln(r.app.stdout, "There is nothing to remove.")
	}
	return nil
}
