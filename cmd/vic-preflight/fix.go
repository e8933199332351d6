package main

import (
	"cmp"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/completion"
	"github.com/vic-preflight/vic-preflight/internal/usage"
	"github.com/vic-preflight/vic-preflight/preflight"
)

// fixFlags are those of fix and of update firewall.
type fixFlags struct {
	target      targetFlags
	requirement requirementFlags
	allow       allowFlags
	method      methodFlags
	ssh         sshFlags
	change      changeFlags
	confirm     confirmFlags
	// asks is false for update firewall: vic-machine's command does what it is told.
	asks         bool
	output       outputFlags
	permit, deny bool
}

// methodFlags are those of ways to open the port that are not a ruleset the host has
// already.
type methodFlags struct {
	method            string
	vib               string
	lower             bool
	secureBootUnknown bool
}

// The methods as --method spells them, besides those of package fix. Both stay with
// the rulesets that hosts have.
const (
	methodAuto    = "auto"
	methodRuleset = "ruleset"
)

func (m *methodFlags) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&m.method, "method", methodAuto, "`way` to open the port: ruleset (auto), or over SSH: vib, which lasts, or service-xml, which the next reboot wipes out")
	f.StringVar(&m.vib, "vib", "", "VIB `file` to install with --method vib; vic-preflight vib build makes one")
	f.BoolVar(&m.lower, "lower-acceptance-level", false, "set hosts' acceptance level to CommunitySupported where a VIB needs it; hosts show that as a security alert")
	f.BoolVar(&m.secureBootUnknown, "secure-boot-unknown", false, "install a VIB also on hosts that do not tell whether they have UEFI Secure Boot; those that have it do not start again")
	usage.Section(f, "changes")
	completion.Offer(cmd, "method", methodAuto, methodRuleset, string(fix.MethodVIB), string(fix.MethodServiceXML))
}

// onHost reports whether the method takes logins to the hosts.
func (m *methodFlags) onHost() bool { return m.method != methodAuto && m.method != methodRuleset }

func (m *methodFlags) put(o *preflight.Options) {
	o.Change.VIB, o.Change.LowerAcceptance, o.Change.SecureBootUnknown = m.vib, m.lower, m.secureBootUnknown
	if m.onHost() {
		o.Change.Method = fix.Method(m.method)
	}
}

func newFix(a *app) *cobra.Command {
	return fixCommand(a, "fix", "Open or close the port on every host, and prove that it took", "fix", true)
}

// newUpdate is vic-machine's name for the same command, with the same flags.
func newUpdate(a *app) *cobra.Command {
	return usage.Parent("update", "vic-machine's name for fix: update firewall --allow|--deny", "update what?", "vic-preflight update firewall --allow|--deny",
		fixCommand(a, "firewall", "The same as fix, under vic-machine's name and with its flags", "update-firewall", false))
}

func fixCommand(a *app, name, short, help string, asks bool) *cobra.Command {
	x := &fixFlags{asks: asks}
	cmd := &cobra.Command{
		Use:   name + " --allow|--deny [TARGET...]",
		Short: short,
		Long:  short + ".\n\n" + longHelp("fix"), Example: exampleHelp(help),
		RunE: func(cmd *cobra.Command, args []string) error { return x.execute(cmd, a, args) },
	}
	f := cmd.Flags()
	f.BoolVar(&x.permit, "allow", false, "let the port out")
	f.BoolVar(&x.deny, "deny", false, "close what --allow may have opened: vic-engine and vSPC")
	cmd.MarkFlagsMutuallyExclusive("allow", "deny")
	cmd.MarkFlagsOneRequired("allow", "deny")
	x.target.register(cmd)
	x.requirement.register(f)
	x.requirement.registerProfiles(cmd)
	x.allow.register(f)
	x.method.register(cmd)
	x.ssh.register(cmd)
	x.change.register(f)
	x.confirm.register(f)
	x.output.register(cmd)
	usage.Show(f, "allow", "deny", "vch-ip", "yes")
	// vic-machine takes a log level here. It says nothing to this tool, but a
	// script that gives it must go on working.
	f.IntP("debug", "v", 0, "")
	_ = f.MarkHidden("debug")
	return cmd
}

func (x *fixFlags) execute(cmd *cobra.Command, a *app, args []string) error {
	f := cmd.Flags()
	o := preflight.Options{Only: []string{checks.OutboundPort, checks.PeerSettings, checks.RulePersistence}}
	o.Change.Do = preflight.Allow
	if x.deny {
		o.Change.Do, o.Only = preflight.Deny, o.Only[:1]
	}
	err := x.requirement.put(cmd, &o)
	x.method.put(&o)
	if err := cmp.Or(
		usage.GoesWith(f, x.method.onHost(), "--method vib|service-xml", sshNames...),
		err, x.allow.put(&o, o.Requirements), x.change.put(&o, a, f), x.ssh.put(&o.SSH, a),
		x.ask(&o, a, f),
	); err != nil {
		return err
	}
	return x.output.run(cmd, a, &x.target, o, args, !x.deny)
}

// ask asks before a change. To close the port on all hosts is seldom meant.
func (x *fixFlags) ask(o *preflight.Options, a *app, f *pflag.FlagSet) error {
	word := ""
	switch all := x.target.ComputeResource == "" && len(x.target.Hosts) == 0; {
	case !x.asks:
		x.confirm.yes = true
	case x.deny && all:
		word = "deny"
	}
	return x.confirm.put(o, a, f, word)
}
