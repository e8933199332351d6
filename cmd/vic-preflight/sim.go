package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
)

type simOptions struct{ listen, user, password string }

func newSim(a *app) *cobra.Command {
	o := &simOptions{}
	var scenarios strings.Builder
	for _, s := range sim.ScenarioNames() {
		fmt.Fprintf(&scenarios, "\n  %-8s%s", s[0], s[1])
	}
	cmd := &cobra.Command{
		Use:   "sim [SCENARIO]",
		Short: "Serve a simulated vCenter on loopback",
		Long: `sim serves a simulated vCenter until it is interrupted, and prints how to
reach it. Changes made to it last until then. Scenarios:
` + scenarios.String(),
		Example: joinLines(
			"  vic-preflight sim mixed --listen 127.0.0.1:8989",
			"  vic-preflight sim 'large?hosts=500'",
		),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := "mixed"
			switch len(args) {
			case 0:
			case 1:
				name = strings.TrimPrefix(args[0], simScheme)
			default:
				return usageError(fmt.Errorf("sim takes one scenario, not %d", len(args)))
			}
			return o.run(cmd.Context(), a, name)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8989", "loopback `address` to serve on; port 0 takes a free one")
	f.StringVar(&o.user, "user", sim.DefaultUser, "user `name` to accept")
	f.StringVar(&o.password, "password", sim.DefaultPassword, "`password` to accept; it guards nothing")
	return cmd
}

func (o *simOptions) run(ctx context.Context, a *app, name string) error {
	scenario, err := sim.ParseScenario(name)
	if err != nil {
		return usageError(err)
	}
	host, _, err := net.SplitHostPort(o.listen)
	if err != nil {
		return usageError(fmt.Errorf("--listen: %w", err), "it takes host:port, such as 127.0.0.1:8989")
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usageError(fmt.Errorf("--listen %s is not a loopback address: a simulator guards nothing", o.listen))
	}
	if o.user == "" || o.password == "" {
		return usageError(fmt.Errorf("--user and --password must not be empty"))
	}
	log.SetOutput(io.Discard)
	vc, err := sim.Start(scenario, sim.Options{Listen: o.listen, User: o.user, Password: o.password})
	if err != nil {
		return &exitError{code: exitUsage, err: fmt.Errorf("serve on %s: %w", o.listen, err)}
	}
	defer vc.Close()
	print, err := vsphere.ParseThumbprint(vc.Thumbprint)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, `Serving the simulated scenario %s on %s

  export VIC_MACHINE_TARGET=%s
  export VIC_MACHINE_USER=%s
  export VIC_MACHINE_PASSWORD=%s
  export VIC_MACHINE_THUMBPRINT=%s
  vic-preflight check

  export GOVC_URL=%s GOVC_USERNAME=%s GOVC_PASSWORD=%s GOVC_INSECURE=true
  govc ls -l '/*/host/*'

Ctrl-C ends it.
`, name, vc.URL, vc.URL.Host, o.user, o.password, print, vc.URL, o.user, o.password)
	<-ctx.Done()
	return nil
}
