package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/completion"
	"github.com/vic-preflight/vic-preflight/internal/infile"
	"github.com/vic-preflight/vic-preflight/internal/usage"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/profile"
)

// The flags that commands share. Each group registers its flags, and puts what they
// say into preflight.Options.

// requirementFlags state what must be open.
type requirementFlags struct{ preflight.Wanted }

func (r *requirementFlags) put(cmd *cobra.Command, o *preflight.Options) error {
	return reading(cmd, "--requirements", func() error { return r.Put(o) })
}

func (r *requirementFlags) register(f *pflag.FlagSet) {
	f.IntVar(&r.Port, "port", checks.DefaultPort, "destination `port` that must be open")
	f.StringArrayVar(&r.VCHs, "vch-ip", nil, "`address` of the virtual container host, or the CIDR it will be leased from (repeatable)")
	usage.Section(f, "checks")
}

// registerProfiles registers what else may be required than a virtual container host's port.
func (r *requirementFlags) registerProfiles(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&r.Profiles, "profile", nil, "`name` of what must be open in place of a virtual container host's port, such as ntp; vic-preflight profiles lists them; auto reads from each host's own settings what it needs (repeatable)")
	f.StringArrayVar(&r.Files, "requirements", nil, "`file` with a profile of your own; docs/profile.schema.json describes it (repeatable)")
	f.StringArrayVar(&r.Peers, "peer", nil, "`address` or network on the profile's other side: [PROFILE=][SCHEME://]ADDRESS[:PORT], or [PROFILE=]auto for those in each host's own settings, where an address stands in for those that a setting has by name (repeatable)")
	usage.Section(f, "checks")
	completion.Offer(cmd, "profile", append(profile.Names(), profile.Auto)...)
}

// allowFlags say how the port is opened.
type allowFlags struct {
	ruleset    string
	allowedIPs []string
	broad      bool
}

func (al *allowFlags) register(f *pflag.FlagSet) {
	f.StringVar(&al.ruleset, "ruleset", fix.Auto, "`key` of the ruleset to enable; auto takes vic-engine where the host has it, else the narrowest that lasts, else vSPC, which opens all outbound TCP")
	f.BoolVar(&al.broad, "narrow-broad", false, "let --allowed-ip narrow vSPC and remoteSerialPort too; VMware's manuals ask to leave their lists alone")
	f.StringArrayVar(&al.allowedIPs, "allowed-ip", nil, "let what is enabled through to this `address` or CIDR alone, or to vch: the addresses given with --vch-ip (repeatable)")
	usage.Section(f, "changes")
}

func (al *allowFlags) put(o *preflight.Options, required []checks.Requirement) (err error) {
	o.Change.Ruleset, o.Change.NarrowBroad = al.ruleset, al.broad
	o.Change.Only, err = preflight.ParseAllowed(al.allowedIPs, required)
	return err
}

// changeFlags are those of every command that changes hosts.
type changeFlags struct {
	dryRun  bool
	journal string
}

func (c *changeFlags) register(f *pflag.FlagSet) {
	f.BoolVar(&c.dryRun, "dry-run", false, "print what would be done and change nothing; exit 1 when something would be")
	f.StringVar(&c.journal, "journal", "", "new `file` for what undo needs; a dated one in the state directory when absent")
	f.Duration("host-timeout", time.Minute, "`time` that one host may take for its changes")
	f.Duration("verify-timeout", 30*time.Second, "`time` to wait until changes are seen")
	usage.Section(f, "changes")
}

func (c *changeFlags) put(o *preflight.Options, a *app, f *pflag.FlagSet) (err error) {
	o.Change.DryRun, o.Change.Journal, o.Change.StateDir = c.dryRun, c.journal, a.stateDir
	// What was not given is the run's to say: it takes longer on hosts themselves.
	for name, to := range map[string]*time.Duration{"host-timeout": &o.Change.HostTimeout, "verify-timeout": &o.Change.VerifyTimeout} {
		if !f.Changed(name) {
			continue
		}
		if *to, err = f.GetDuration(name); err == nil && *to <= 0 {
			err = usageError(fmt.Errorf("--%s %s is no time to wait", name, *to))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// probeFlags are those of real connections.
type probeFlags struct{ preflight.ProbeOptions }

// vantageNone is what --probe takes for no connections.
const vantageNone = "none"

func (p *probeFlags) register(cmd *cobra.Command, vantage string) {
	f := cmd.Flags()
	f.StringVar((*string)(&p.Vantage), "probe", vantage, "`vantage` of real connections: none, local (this machine: a control, and the proof of what others open to the hosts), ssh (each host's own nc), or serial (each host dials, for a virtual machine made for a moment)")
	f.StringVar(&p.Target, "probe-target", "", "`host` to connect to, at the required port; the one --vch-ip, or each --peer, when absent")
	f.StringVar(&p.ListenerKey, "listener-key", "", "`file` with the key of a vic-preflight listen that stands at the target; on this machine's own addresses one is started")
	f.DurationVar(&p.Timeout, "probe-timeout", 0, "`time` that a connection may take (default 5s; a serial probe takes 20s at least, 2s of simulated hosts)")
	f.IntVar(&p.Retries, "probe-retries", 0, "`number` of further tries where a host did not get through; never another login that was refused")
	completion.Offer(cmd, "probe", vantageNone, string(inventory.VantageLocal), string(inventory.VantageSSH), string(inventory.VantageSerial))
	usage.Section(f, "probes")
}

func (p *probeFlags) on() bool { return p.Vantage != vantageNone }

func (p *probeFlags) put(o *preflight.Options, f *pflag.FlagSet) error {
	if p.on() {
		o.Probe = p.ProbeOptions
	}
	return cmp.Or(
		usage.GoesWith(f, p.on(), "--probe local|ssh|serial", "listener-key", "probe-target", "probe-timeout"),
		usage.GoesWith(f, p.on() && p.Vantage != inventory.VantageLocal, "--probe ssh|serial", "probe-retries"),
	)
}

// sshFlags are those of logins to the hosts themselves.
type sshFlags struct {
	preflight.SSHOptions
	flags *pflag.FlagSet
}

func (s *sshFlags) register(cmd *cobra.Command) {
	s.registerLogin(cmd)
	cmd.Flags().BoolVar(&s.StartService, "ssh-start-service", false, "start the SSH service on hosts where it does not run, and stop it again")
	usage.Section(cmd.Flags(), "SSH")
}

// registerLogin leaves out what takes the vSphere API.
func (s *sshFlags) registerLogin(cmd *cobra.Command) {
	f := cmd.Flags()
	s.flags = f
	f.StringVar(&s.User, "ssh-user", "", "user `name` on the hosts (default that of ~/.ssh/config, else root)")
	f.StringVar(&s.Key, "ssh-key", "", "private key `file`; the SSH agent's keys when absent, and there is no password")
	f.StringVar(&s.PasswordFile, "ssh-password-file", "", "`file` with the password on the hosts; tried once a host, as hosts lock accounts out")
	f.StringVar(&s.KnownHosts, "ssh-known-hosts", "", "`file` with the hosts' keys (default ~/.ssh/known_hosts); a key that is not in it is never taken")
	f.IntVar(&s.Port, "ssh-port", 0, "`port` of the hosts' SSH servers (default that of ~/.ssh/config, else 22)")
	cmd.MarkFlagsMutuallyExclusive("ssh-key", "ssh-password-file")
}

func (s *sshFlags) put(o *preflight.SSHOptions, a *app) error {
	if s.flags.Changed("ssh-port") && (s.Port < 1 || s.Port > 65535) {
		return usageError(fmt.Errorf("--ssh-port %d is not a port", s.Port))
	}
	*o = s.SSHOptions
	o.Agent = a.getenv("SSH_AUTH_SOCK")
	if home := preflight.Home(runtime.GOOS, a.getenv); home != "" {
		o.Config, o.KnownHosts = filepath.Join(home, ".ssh", "config"), cmp.Or(s.KnownHosts, filepath.Join(home, ".ssh", "known_hosts"))
	}
	return nil
}

// sshNames are the flags of sshFlags.
var sshNames = []string{"ssh-user", "ssh-key", "ssh-password-file", "ssh-known-hosts", "ssh-port", "ssh-start-service"}

// reading reads files that a command line names, until a signal or --timeout ends it.
func reading(cmd *cobra.Command, what string, read func() error) error {
	var o preflight.Options
	if o.Timeout, _ = cmd.Flags().GetDuration("timeout"); o.Timeout <= 0 {
		o.Timeout = preflight.NoTimeout
	}
	ctx, cancel := o.Reading(cmd.Context())
	defer cancel()
	_, err := infile.Until(ctx, "read "+what, func() (any, error) { return nil, read() })
	return preflight.Ended(err)
}
