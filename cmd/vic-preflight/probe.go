package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/console"
	"github.com/vic-preflight/vic-preflight/internal/usage"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

// probeCommandFlags are those of the probe command.
type probeCommandFlags struct {
	target         targetFlags
	requirement    requirementFlags
	probe          probeFlags
	ssh            sshFlags
	output         outputFlags
	cleanup, force bool
}

func newProbe(a *app) *cobra.Command {
	p := &probeCommandFlags{}
	cmd := &cobra.Command{
		Use:   "probe [TARGET...]",
		Short: "Open real connections from every host, and say what came of them",
		Long:  longHelp("probe"), Example: exampleHelp("probe"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.execute(cmd, a, args) },
	}
	f := cmd.Flags()
	f.BoolVar(&p.cleanup, "cleanup", false, "remove the virtual machines that killed probes have left behind, and do nothing else")
	f.BoolVar(&p.force, "force", false, "with --cleanup, remove also those younger than 15 minutes, which may belong to a probe that runs")
	p.target.register(cmd)
	p.requirement.register(f)
	p.requirement.registerProfiles(cmd)
	p.probe.register(cmd, string(inventory.VantageSerial))
	p.ssh.register(cmd)
	p.output.register(cmd)
	usage.Section(f, "probes")
	usage.Show(f, "vch-ip", "probe", "probe-target", "cleanup")
	return cmd
}

func (p *probeCommandFlags) execute(cmd *cobra.Command, a *app, args []string) error {
	f := cmd.Flags()
	o := preflight.Options{Only: []string{checks.OutboundPort, checks.TCPConnect}}
	err := p.requirement.put(cmd, &o)
	switch err := cmp.Or(
		err, p.probe.put(&o, f), usage.GoesWith(f, p.probe.Vantage == inventory.VantageSSH, "--probe ssh", sshNames...),
		p.ssh.put(&o.SSH, a), usage.GoesWith(f, p.cleanup, "--cleanup", "force"),
	); {
	case err != nil:
		return err
	case p.cleanup:
		return p.cleanUp(cmd, a, args)
	case !p.probe.on():
		return usageError(errors.New("--probe none leaves nothing to do"))
	}
	return p.output.run(cmd, a, &p.target, o, args, true)
}

// cleanUp removes leftovers, target by target, and names them.
func (p *probeCommandFlags) cleanUp(cmd *cobra.Command, a *app, args []string) error {
	var base preflight.Options
	p.output.put(&base, a, cmd)
	list, err := p.target.list(cmd.Context(), a, base, args)
	if err != nil {
		return err
	}
	con := console.New(a.stderr, len(list) > 1)
	defer con.Close()
	for _, o := range list {
		o.Observer = con.Observer(o.Target.String())
		gone, err := preflight.CleanUp(cmd.Context(), o, p.force)
		if gone.Young > 0 {
			o.Observer.Note(fmt.Sprintf("%d are left that are younger than %s and may belong to a probe that runs; --force removes them too", gone.Young, preflight.MachineLife))
		}
		for _, name := range gone.Names {
			fmt.Fprintln(a.stdout, "removed", report.Clean(name))
		}
		if err != nil {
			return err
		}
		if len(gone.Names) == 0 {
			fmt.Fprintln(a.stdout, "There is nothing to remove.")
		}
	}
	return nil
}
