package preflight

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/facts"
	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/internal/nearest"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/profile"
	"github.com/vic-preflight/vic-preflight/report"
)

// Options are what a run is asked for. The zero values of all but Target are
// defaults: a check of every host for a virtual container host.
type Options struct {
	Target Target
	// simulator serves a simulated target from one run to the next; where it is nil each run
	// starts one of its own.
	simulator *sim.VCenter
	// Facts is a file that Collect wrote. It takes the place of Target: no connection is
	// made. The report is of the time when the facts were collected.
	Facts string
	// target is the one of several in that file.
	target *facts.Target
	// read is what came of reading that file; nil where it was not read yet.
	read func() (*facts.File, error)

	// Requirements are what must be open of every host. Where they and BySettings are empty
	// it is checks.VIC().
	Requirements []checks.Requirement
	// BySettings are profiles whose peers are in the hosts' own settings: they are read, and
	// what they come to is required besides, of the hosts that have them.
	BySettings []profile.Profile
	// keepsSettings means that what the profiles make of the settings is no part of the facts.
	keepsSettings bool
	// StandIns are, by a profile's name, the addresses of peers that hosts' settings have
	// without one, as where they name a host.
	StandIns map[string][]profile.Peer
	// RequiredBy are the options of a command line that ask for the same; empty where they
	// can be told from Requirements.
	RequiredBy []string

	// PasswordFile is where the target's password came from, if from a file: for
	// the commands that a report advises.
	PasswordFile string
	// ComputeResource is a cluster, a host or a resource pool, by name or path;
	// empty means all hosts of the datacenter. Hosts are globs that narrow it.
	ComputeResource string
	Hosts           []string

	// Only and Skip pick checks by their IDs.
	Only, Skip []string
	// Severities are what results with a reason count as: see checks.Regrade.
	Severities map[checks.Reason]checks.Status
	// Waivers accept failures and warnings for a time. A change heeds them not: what is
	// accepted may be mended all the same.
	Waivers []checks.Waiver
	// Refresh asks each host to refresh vCenter's copy of its firewall first. A
	// change always does.
	Refresh bool
	// FirewallState asks every host whether its firewall is on, also where no
	// verdict hangs on it.
	FirewallState bool
	// Origins looks on the hosts, by SSH, for where rulesets come from.
	Origins bool
	// Baseline is the file of an earlier report in JSON: the run's findings are
	// compared with it, and it tells what a reboot has taken away since. With FailOn,
	// which is empty or FailOnNew, what failed then does not fail the run.
	Baseline, FailOn string
	// saved is Baseline; nil means that the run does. shared says that the run is
	// one of several, and the baseline need not have its target.
	saved  *earlier
	shared bool

	// Create is the virtual container host that is to be created; nil where the run is about
	// the port alone. It takes ComputeResource and, where they give one, the
	// Requirements' peer from its own options, which the caller puts there.
	Create *CreateOptions

	Change ChangeOptions
	Probe  ProbeOptions
	SSH    SSHOptions

	// Timeout bounds the whole run. 0 means 5 minutes, or an hour where a change
	// is made on the hosts themselves; NoTimeout means no bound.
	Timeout time.Duration
	// Concurrency is how many calls are in flight at a time, 1 to 256. 0 means a
	// number that grows while the server answers as quickly as before.
	Concurrency int

	// AllowUnknown tolerates hosts that nothing can be found out about: a change that
	// was not made on them is not missing.
	AllowUnknown bool

	// Observer is told how far the run is; nil means nobody.
	Observer Observer
	// Tool names the caller in journals and in the server's list of sessions.
	Tool string
}

// FailOnNew is the FailOn that lets new failures alone count.
const FailOnNew = "new"

// NoTimeout is the Timeout of a run that may take as long as it takes.
const NoTimeout time.Duration = -1

// Change is what a run changes.
type Change string

// The changes. The zero value changes nothing.
const (
	NoChange Change = ""
	// Allow lets the requirement through where it is shut.
	Allow Change = "allow"
	// Deny closes what Allow may have opened.
	Deny Change = "deny"
	// Undo takes back what an earlier run changed.
	Undo Change = "undo"
)

// ChangeOptions say what is changed, and how.
type ChangeOptions struct {
	Do Change
	// Setting sets inventory.SettingName of a vCenter to true, besides what Do changes. It
	// goes with NoChange and Allow; Undo takes it back by the journal.
	Setting bool
	// DryRun plans, and changes nothing.
	DryRun bool
	// Method is how Allow opens the port. The zero value is fix.MethodRuleset.
	Method fix.Method
	// Ruleset is the key of the one to enable, or to bring by fix.MethodServiceXML;
	// empty or fix.Auto leaves the choice to the run.
	Ruleset string
	// Only narrows what is enabled to these peers, NarrowBroad also rulesets that
	// open much more: see fix.AllowOptions.
	Only        []netip.Prefix
	NarrowBroad bool
	// VIB is the file to install by fix.MethodVIB.
	VIB string
	// LowerAcceptance permits to lower hosts' acceptance level where the VIB needs
	// it, SecureBootUnknown to install on hosts that do not tell whether they have
	// UEFI Secure Boot.
	LowerAcceptance, SecureBootUnknown bool

	// MaxHosts refuses a plan that changes more hosts; 0 means no bound. The vCenter's
	// setting does not count.
	MaxHosts int
	// Confirm is asked with the plan before anything is changed; the run's time stands
	// still meanwhile. An error keeps all as it is, and is the run's, in an
	// *UnfinishedError. It may be called concurrently for several targets. nil means yes.
	Confirm func(ctx context.Context, plan *report.Run) error
	// repairs are those of a watch so far; nil for a single run.
	repairs *repairs

	// UndoJournal is the journal of the run that Undo takes back. Force takes back
	// also what somebody else has changed since.
	UndoJournal string
	Force       bool

	// Journal is the new file that takes the changes back; empty means a dated one
	// in StateDir, and that, when empty, is the user's.
	Journal, StateDir string
	// HostTimeout bounds what is asked of one host, or of the vCenter for its setting; 0 means a minute, or 15 where
	// a change is made on the host itself. VerifyTimeout is how long to wait until
	// changes are seen; 0 means 30 seconds.
	HostTimeout, VerifyTimeout time.Duration
}

// ProbeOptions say what connections are opened.
type ProbeOptions struct {
	// Vantage is where they start; empty means that there are none.
	Vantage inventory.Vantage
	// Target is the host to connect to, at the required port, where there is one
	// requirement; empty means its peers.
	Target string
	// ListenerKey is the file with the key of a listener that stands there.
	ListenerKey string
	// Timeout bounds a connection; 0 means 5 s, and 20 s for a serial probe.
	Timeout time.Duration
	// Retries are further tries where a host did not get through, at most 10.
	Retries int
}

// SSHOptions say how to log in to the hosts themselves.
type SSHOptions struct {
	// User and Port are those of Config where they are empty and 0, else root and 22.
	User string
	Port int
	// Key is a file with a private key, PasswordFile one with the password. Agent is
	// the socket of an SSH agent, which serves when there is neither.
	Key, PasswordFile, Agent string
	// Config is the user's configuration of OpenSSH, such as ~/.ssh/config, where there is
	// one: HostName, HostKeyAlias, Port, User, IdentityFile and ProxyJump count.
	Config string
	// KnownHosts is the file with the hosts' keys.
	KnownHosts string
	// StartService starts the SSH service where it does not run, and stops it again.
	StartService bool
	// refused are the passwords that hosts have refused in earlier runs; nil where there
	// were none.
	refused *hostssh.Refusals
}

// The defaults of times, where the options say none.
const (
	defaultTimeout       = 5 * time.Minute
	defaultHostTimeout   = time.Minute
	defaultVerifyTimeout = 30 * time.Second
	// onHostRun and onHostTimeout are for changes on the hosts themselves: a host
	// takes a minute for a VIB.
	onHostRun     = time.Hour
	onHostTimeout = 15 * time.Minute
)

// MostConcurrency is the largest Concurrency that is taken.
const MostConcurrency = 256

// Validate returns a *UsageError that names the option which cannot be taken. It
// looks at the options alone; files are read later.
func (o *Options) Validate() error {
	for _, validate := range []func() error{o.validateFacts, o.validateCreate, o.validateChecks, o.validateTimes, o.validateProbe, o.validateChange, o.validateSSH} {
		if err := validate(); err != nil {
			return err
		}
	}
	return nil
}

func (o *Options) validateChecks() error {
	for _, req := range o.requirements() {
		if err := req.Validate(); err != nil {
			return &UsageError{Option: "port", Err: err}
		}
	}
	switch {
	case o.FailOn != "" && o.FailOn != FailOnNew:
		return usage("fail-on", "%q is none of: %s", o.FailOn, FailOnNew)
	case o.FailOn != "" && o.Baseline == "":
		return usage("fail-on", "%s goes with --baseline: without an earlier report nothing is known to be new", o.FailOn)
	}
	selected, err := o.checks()
	if err != nil {
		return &UsageError{Err: err, Hints: meant(append(slices.Clone(o.Only), o.Skip...), checks.IDs())}
	}
	switch {
	case len(selected) == 0:
		return usage("", "--only and --skip leave no check to run")
	case len(o.BySettings) > 0 && !among(selected, checks.PeerSettings):
		return &UsageError{
			Option: "skip", Err: fmt.Errorf("leaves out %s, and a host would pass of whose settings nothing is known", checks.PeerSettings),
			Hints: []string{"--allow-unknown tolerates such hosts; --profile NAME --peer ADDRESS asks for no settings"},
		}
	}
	if len(selected) == 1 && selected[0].ID == checks.TCPConnect && o.Probe.Vantage == "" {
		return usage("", "the check %s judges a probe, and none was asked for: --probe makes one", checks.TCPConnect)
	}
	for _, need := range []struct {
		wanted bool
		check  string
		why    string
	}{
		{o.Change.Do != NoChange, checks.OutboundPort, "--fix is proved by"},
		{o.Probe.Vantage != "", checks.TCPConnect, "--probe is judged by"},
		{o.Origins, checks.RulePersistence, "--ssh is for"},
	} {
		if need.wanted && !among(selected, need.check) {
			return usage("", "%s the check %s, which --only and --skip leave out", need.why, need.check)
		}
	}
	return nil
}

// meant names what is known and near to each word that is not known.
func meant(words, known []string) (hints []string) {
	for _, word := range words {
		if near := nearest.Of(word, known); near != "" && !slices.Contains(known, word) {
			hints = append(hints, fmt.Sprintf("did you mean %s?", near))
		}
	}
	return hints
}

func (o *Options) validateTimes() error {
	switch {
	case o.Timeout < 0 && o.Timeout != NoTimeout:
		return usage("timeout", "%s is negative", o.Timeout)
	case o.Change.HostTimeout < 0:
		return usage("host-timeout", "%s is no time to wait", o.Change.HostTimeout)
	case o.Change.VerifyTimeout < 0:
		return usage("verify-timeout", "%s is no time to wait", o.Change.VerifyTimeout)
	case o.Concurrency < 0 || o.Concurrency > MostConcurrency:
		return usage("concurrency", "%d is not a number from 1 to %d", o.Concurrency, MostConcurrency)
	}
	return nil
}

func (o *Options) validateProbe() error {
	p := &o.Probe
	switch {
	case !slices.Contains([]inventory.Vantage{"", inventory.VantageLocal, inventory.VantageSSH, inventory.VantageSerial}, p.Vantage):
		return usage("probe", "%q is no vantage; the vantages are: none, local, ssh, serial", p.Vantage)
	case p.Timeout < 0:
		return usage("probe-timeout", "%s is no time to wait", p.Timeout)
	case p.Retries < 0 || p.Retries > 10:
		return usage("probe-retries", "%d is not a number from 0 to 10", p.Retries)
	case p.Target != "" && !isHost(strings.Trim(p.Target, "[]")):
		return usage("probe-target", "is not a host name or address; the port is --port")
	case p.Vantage != "" && o.Change.DryRun:
		return usage("", "--dry-run makes no connections: leave --probe out")
	}
	// Both are of a target, and of several requirements each has its own.
	for _, of := range []struct{ option, value string }{{"probe-target", p.Target}, {"listener-key", p.ListenerKey}} {
		if of.value != "" && p.Vantage != "" && !o.oneTarget() {
			return &UsageError{
				Option: of.option, Err: errors.New("is of one requirement that hosts connect for, over TCP, and which one is not said"),
				Hints: []string{"leave it out: the hosts connect to the peers of each profile; or name one profile, with a --peer that picks one of its requirements"},
			}
		}
	}
	return nil
}

// oneTarget reports whether there is one requirement, and one target serves for it.
func (o *Options) oneTarget() bool {
	reqs := o.requirements()
	return len(reqs) == 1 && len(o.BySettings) == 0 && reqs[0].Proof() == checks.FromHost
}

func isHost(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil || s != "" && !strings.ContainsAny(s, ":/@ \t")
}

func (o *Options) validateChange() error {
	c := &o.Change
	if err := o.validateOnly(); err != nil {
		return err
	}
	switch {
	case len(o.BySettings) > 0 && c.onHost():
		return &UsageError{
			Err:   fmt.Errorf("--method %s brings one ruleset for what is named, and auto is what the hosts themselves need", string(c.Method)),
			Hints: []string{"--profile NAME, without --peer auto, names it"},
		}
	case o.several() && c.named() && !c.onHost():
		return usage("", "--ruleset takes one requirement, and more are asked for")
	case len(o.BySettings) > 0 && c.Do == Deny:
		return &UsageError{
			Err:   errors.New("--deny closes what is named, and auto is what the hosts themselves need"),
			Hints: []string{"--profile NAME, without --peer auto, names it"},
		}
	case c.Do == Undo && c.UndoJournal == "":
		return usage("", "undo takes the journal of the run that made the changes")
	case c.Do == Undo && o.ComputeResource != "":
		return usage("", "undo takes no --compute-resource: the journal names the hosts, and --host narrows them")
	case c.Setting && (c.Do == Deny || c.Do == Undo):
		return usage("", "--fix-setting goes with --fix or alone; undo takes it back by the journal")
	case c.MaxHosts < 0:
		return usage("max-hosts", "%d is no number of hosts", c.MaxHosts)
	case c.NarrowBroad && len(c.Only) == 0:
		return usage("", "--narrow-broad goes with --allowed-ip")
	case c.Do == Deny && !c.onHost() && (c.named() || len(c.Only) > 0):
		return usage("", "--ruleset and --allowed-ip go with --allow")
	}
	return c.validateMethod()
}

// validateOnly refuses a list without a peer that is known before anything is read.
func (o *Options) validateOnly() error {
	for _, req := range o.requirements() {
		for _, p := range req.Peers {
			if len(o.Change.Only) == 0 || inventory.Covered(p, o.Change.Only) {
				continue
			}
			all := vchWord
			if !req.OfVCH() {
				all = inventory.PrefixText(p)
			}
			return &UsageError{
				Err:   errors.New(req.Say(fmt.Sprintf("--allowed-ip leaves out {the peer} %s", inventory.PrefixText(p)))),
				Hints: []string{"add --allowed-ip " + all},
			}
		}
	}
	return nil
}

func (c *ChangeOptions) validateMethod() error {
	of := c.VIB != "" || c.LowerAcceptance || c.SecureBootUnknown
	switch {
	case c.Method != fix.MethodRuleset && c.Method != fix.MethodVIB && c.Method != fix.MethodServiceXML:
		return usage("method", "%q is none of auto, ruleset, vib and service-xml", string(c.Method))
	case c.Method != fix.MethodVIB && of:
		return usage("", "--vib, --lower-acceptance-level and --secure-boot-unknown go with --method vib")
	case c.Method == fix.MethodVIB && c.VIB == "":
		return &UsageError{Err: errors.New("--method vib needs --vib FILE"), Hints: []string{"vic-preflight vib build makes one"}}
	case c.Method == fix.MethodVIB && c.named():
		return usage("", "--ruleset does not go with --method vib: the VIB brings what it brings")
	case c.onHost() && c.Do != Allow:
		return usage("", "--method goes with --allow; undo takes back what it did")
	case c.onHost() && len(c.Only) > 0:
		return usage("", "--allowed-ip does not go with --method %s: a new ruleset lets everybody through", string(c.Method))
	}
	return nil
}

func (o *Options) validateSSH() error {
	switch {
	case o.SSH.Port < 0 || o.SSH.Port > 65535:
		return usage("ssh-port", "%d is not a port", o.SSH.Port)
	case o.SSH.Key != "" && o.SSH.PasswordFile != "":
		return usage("", "--ssh-key and --ssh-password-file exclude each other")
	}
	return nil
}

// requirements are those of the run. Without the addresses of peers, those that a
// change lets through are what is required.
func (o *Options) requirements() []checks.Requirement {
	reqs := o.Requirements
	if len(reqs) == 0 && len(o.BySettings) == 0 {
		reqs = []checks.Requirement{checks.VIC()}
	}
	if len(o.Change.Only) == 0 {
		return reqs
	}
	reqs = slices.Clone(reqs)
	for i := range reqs {
		// Who manages a host is not who happens to be on a list.
		if len(reqs[i].Peers) == 0 && !reqs[i].NeverNarrowWithout {
			reqs[i].Peers = slices.Clone(o.Change.Only)
		}
	}
	return reqs
}

// several reports whether there may be more than one requirement: settings make any number.
func (o *Options) several() bool { return len(o.requirements()) > 1 || len(o.BySettings) > 0 }

// requirement is the one of a probe, or of what is brought to hosts.
func (o *Options) requirement() checks.Requirement {
	if reqs := o.requirements(); len(reqs) > 0 {
		return reqs[0]
	}
	return checks.VIC()
}

// demand adds what the hosts' own settings ask for.
func (o *Options) demand(inv *inventory.Inventory) {
	o.Requirements = slices.Clip(o.Requirements) // runs side by side share what is asked of every target
	if o.keepsSettings {
		inv = &inventory.Inventory{Hosts: slices.Clone(inv.Hosts)}
		for i := range inv.Hosts {
			inv.Hosts[i].PeerSettings = slices.Clone(inv.Hosts[i].PeerSettings)
		}
	}
	demanded := profile.Demanded(o.BySettings, inv)
	for _, p := range o.BySettings {
		if err := p.StandIn(demanded, o.StandIns[p.Name]...); err != nil {
			o.observer().Warn(err.Error()) // Wanted has looked at them
		}
	}
	for _, n := range demanded {
		o.Requirements = append(o.Requirements, n.Requirement)
	}
	if !o.keepsSettings { // one that nobody asked about is no reason not to know
		of := []inventory.PeerOrigin{""} // what a file of facts lacks has none
		for _, p := range o.BySettings {
			of = append(of, p.Origins()...)
		}
		for i := range inv.Hosts {
			h := &inv.Hosts[i]
			h.PeerSettings = slices.DeleteFunc(h.PeerSettings, func(s inventory.PeerSetting) bool { return !slices.Contains(of, s.Origin) })
		}
	}
	if len(o.BySettings) > 0 && len(o.Requirements) == 0 {
		o.observer().Note("no setting of a host names whom it talks to: no port is asked for")
	}
}

// checks are those that Only and Skip pick. What hosts' own settings ask for is not judged
// without the check that says where these are not known: a host would pass of which nothing is.
func (o *Options) checks() ([]checks.Check, error) {
	only := o.Only
	if len(o.BySettings) > 0 && len(only) > 0 && !slices.Contains(only, checks.PeerSettings) {
		only = append(slices.Clone(only), checks.PeerSettings)
	}
	return checks.Select(o.set(), only, o.Skip)
}

func among(selected []checks.Check, id string) bool {
	return slices.ContainsFunc(selected, func(c checks.Check) bool { return c.ID == id })
}

// Any reports whether the options ask for a change.
func (c *ChangeOptions) Any() bool { return c.Do != NoChange || c.Setting }

// onHost reports whether the method takes logins to the hosts.
func (c *ChangeOptions) onHost() bool { return c.Method != fix.MethodRuleset }

func (c *ChangeOptions) named() bool { return c.Ruleset != "" && c.Ruleset != fix.Auto }

// logsIn reports whether the run logs in to hosts, as far as the options tell.
func (o *Options) logsIn() bool { return o.Origins || o.Change.onHost() }

// settleTimes puts the defaults in. onHost is what a run is that changes hosts
// themselves.
func (o *Options) settleTimes(onHost bool) {
	run, host := defaultTimeout, defaultHostTimeout
	if onHost {
		run, host = onHostRun, onHostTimeout
	}
	for _, t := range []struct {
		value    *time.Duration
		default_ time.Duration
	}{{&o.Timeout, run}, {&o.Change.HostTimeout, host}, {&o.Change.VerifyTimeout, defaultVerifyTimeout}} {
		if *t.value == 0 {
			*t.value = t.default_
		}
	}
}
