package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vic-preflight/vic-preflight/internal/completion"
	"github.com/vic-preflight/vic-preflight/internal/console"
	"github.com/vic-preflight/vic-preflight/internal/prompt"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/targets"
	"github.com/vic-preflight/vic-preflight/internal/usage"
	"github.com/vic-preflight/vic-preflight/preflight"
)

// targetFlags say where to log in, as whom, and which hosts are meant. They are
// vic-machine's, with its environment variables.
type targetFlags struct {
	targets.Flags
	concurrency int
	flags       *pflag.FlagSet
}

func (t *targetFlags) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	t.flags = f
	f.StringArrayVarP(&t.Targets, "target", "t", nil, "vCenter or ESXi `host`: [user[:password]@]host[:port], /datacenter where there are several; or sim://SCENARIO, or sim://FILE.json that collect wrote; repeatable, or as an argument [VIC_MACHINE_TARGET, GOVC_URL]")
	f.StringVarP(&t.User, "user", "u", "", "user `name`; of several targets, of those that name none [VIC_MACHINE_USER, GOVC_USERNAME]")
	f.StringVarP(&t.Password, "password", "p", "", "`password`, or - to read it from standard input; other users of this machine may see it in the process list [VIC_MACHINE_PASSWORD, GOVC_PASSWORD]")
	f.StringVar(&t.PasswordFile, "password-file", "", "`file` that holds the password")
	f.StringArrayVar(&t.Thumbprints, "thumbprint", nil, "SHA-1 or SHA-256 `thumbprint` of the server's certificate; of several, it must be one [VIC_MACHINE_THUMBPRINT]")
	f.BoolVar(&t.Insecure, "insecure", false, "do not verify the server's certificate; a thumbprint is verified all the same [GOVC_INSECURE]")
	f.StringVarP(&t.ComputeResource, "compute-resource", "r", "", "cluster, host or resource pool, by `name` or path; all hosts of the datacenter when absent")
	f.StringArrayVar(&t.Hosts, "host", nil, "only hosts whose name fits this `glob` (repeatable)")
	f.IntVar(&t.concurrency, "concurrency", 0, "`number` of calls in flight at a time; by itself from 16 up to 64, as quickly as the server answers")
	cmd.MarkFlagsMutuallyExclusive("password", "password-file")
	var scenarios []string
	for _, s := range sim.ScenarioNames() {
		scenarios = append(scenarios, cobra.CompletionWithDesc(preflight.SimScheme+s[0], s[1]))
	}
	completion.Offer(cmd, "target", scenarios...)
	usage.Section(f, "target")
	usage.Show(f, "target", "user", "password-file", "compute-resource")
	cmd.ValidArgsFunction = cobra.FixedCompletions(scenarios, cobra.ShellCompDirectiveNoFileComp)
}

// list makes options for each target out of those that all share.
func (t *targetFlags) list(ctx context.Context, a *app, base preflight.Options, args []string) ([]preflight.Options, error) {
	if asked := t.flags.Changed("concurrency"); asked && t.concurrency < 1 || t.concurrency > preflight.MostConcurrency {
		return nil, usageError(fmt.Errorf("--concurrency %d is not a number from 1 to %d", t.concurrency, preflight.MostConcurrency))
	}
	base.Concurrency, base.Tool = t.concurrency, "vic-preflight/"+buildVersion()
	find := targets.Finder{Flags: t.Flags, File: a.config, Env: a.lookupEnv, Stdin: a.stdin}
	find.Flags.Targets = append(slices.Clone(t.Targets), args...)
	if console.IsTerminal(a.stdin) {
		find.Ask = a.askPassword
	}
	return find.Options(ctx, base)
}

func (a *app) askPassword(ctx context.Context, target preflight.Target) (string, error) {
	return prompt.Secret(ctx, a.stdin.(*os.File), a.stderr, fmt.Sprintf("Password of %s at %s: ", target.User, target.Address))
}
