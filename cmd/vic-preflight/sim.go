package main

import (
	"context"
	"fmt"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/internal/infile"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/profile"
)

type simFlags struct{ listen, user, password string }

func newSim(a *app) *cobra.Command {
	o := &simFlags{}
	var scenarios strings.Builder
	var names []string
	for _, s := range sim.ScenarioNames() {
		names = append(names, cobra.CompletionWithDesc(s[0], s[1]))
		fmt.Fprintf(&scenarios, "\n  %-12s%s", s[0], s[1])
	}
	cmd := &cobra.Command{
		Use:       "sim [SCENARIO|FILE]",
		Short:     "Serve a simulated vCenter on loopback",
		Long:      longHelp("sim") + scenarios.String(),
		Example:   exampleHelp("sim"),
		ValidArgs: names,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := "mixed"
			switch len(args) {
			case 0:
			case 1:
				name = strings.TrimPrefix(args[0], preflight.SimScheme)
			default:
				return usageError(fmt.Errorf("sim takes one scenario, not %d", len(args)))
			}
			return o.serve(cmd.Context(), a, name)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8989", "loopback `address` to serve on; port 0 takes a free one")
	f.StringVar(&o.user, "user", sim.DefaultUser, "user `name` to accept")
	f.StringVar(&o.password, "password", sim.DefaultPassword, "`password` to accept; it guards nothing")
	return cmd
}

func (o *simFlags) serve(ctx context.Context, a *app, name string) error {
	scenario, err := infile.Until(ctx, "read "+name, func() (sim.Scenario, error) { return sim.ParseScenario(name) })
	if err != nil {
		return usageError(err)
	}
	if err := sim.OnLoopback(o.listen); err != nil {
		return usageError(fmt.Errorf("--listen %w", err), "such as 127.0.0.1:8989")
	}
	if o.user == "" || o.password == "" {
		return usageError(fmt.Errorf("--user and --password must not be empty"))
	}
	vc, err := sim.Start(scenario, sim.Options{Listen: o.listen, User: o.user, Password: o.password})
	if err != nil {
		return usageError(fmt.Errorf("serve on %s: %w", o.listen, err), "--listen 127.0.0.1:0 takes a free port")
	}
	defer vc.Close()
	options := map[bool]string{true: " --profile " + profile.Auto}[scenario.SaysPeers()]
	fmt.Fprintf(a.stdout, helpFile("sim-serving.txt"), name, vc.URL, vc.URL.Host,
		shellescape.Quote(o.user), shellescape.Quote(o.password), vc.ThumbprintSHA1(), options, vc.URL, shellescape.Quote(o.user), shellescape.Quote(o.password))
	<-ctx.Done()
	return nil
}
