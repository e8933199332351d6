package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/firewallxml"
	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/internal/onhost"
	"github.com/vic-preflight/vic-preflight/internal/vib"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

// bringing holds the flags of ways to open the port that are not a ruleset the
// host has already.
type bringing struct {
	method  string
	vibFile string
	lower   bool
	// secureBootUnknown takes hosts that do not tell whether they have it.
	secureBootUnknown bool
	sshing
}

// The methods as --method spells them. auto stays with the rulesets that hosts
// have.
const (
	methodAuto    = "auto"
	methodRuleset = "ruleset"
)

func (b *bringing) register(f *pflag.FlagSet) {
	f.StringVar(&b.method, "method", methodAuto, "`way` to open the port: ruleset (auto), or over SSH: vib, which lasts, or service-xml, which the next reboot wipes out")
	f.StringVar(&b.vibFile, "vib", "", "VIB `file` to install with --method vib; vic-preflight vib build makes one")
	f.BoolVar(&b.lower, "lower-acceptance-level", false, "set hosts' acceptance level to CommunitySupported where a VIB needs it; hosts show that as a security alert")
	f.BoolVar(&b.secureBootUnknown, "secure-boot-unknown", false, "install a VIB also on hosts that do not tell whether they have UEFI Secure Boot; those that have it do not start again")
	b.sshing.register(f)
}

// onHost reports whether the method takes logins to the hosts.
func (b *bringing) onHost() bool { return b.method != methodAuto && b.method != methodRuleset }

var errVIBFlags = errors.New("--vib, --lower-acceptance-level and --secure-boot-unknown go with --method vib")

func (b *bringing) validate(f *pflag.FlagSet, al *allowing, deny bool) error {
	if err := onlyWith(f, b.onHost(), "--method vib|service-xml"); err != nil {
		return err
	}
	switch fix.Method(b.method) {
	case methodAuto, methodRuleset:
		if b.vibFile != "" || b.lower || b.secureBootUnknown {
			return usageError(errVIBFlags)
		}
		return nil
	case fix.MethodVIB:
		if b.vibFile == "" {
			return usageError(errors.New("--method vib needs --vib FILE"), "vic-preflight vib build makes one")
		}
		if al.ruleset != fix.Auto {
			return usageError(errors.New("--ruleset does not go with --method vib: the VIB brings what it brings"))
		}
	case fix.MethodServiceXML:
		if b.vibFile != "" || b.lower || b.secureBootUnknown {
			return usageError(errVIBFlags)
		}
	default:
		return usageError(fmt.Errorf("--method %q is none of auto, ruleset, vib and service-xml", b.method))
	}
	switch {
	case deny:
		return usageError(errors.New("--method goes with --allow; undo takes back what it did"))
	case len(al.allowedIPs) > 0:
		return usageError(fmt.Errorf("--allowed-ip does not go with --method %s: a new ruleset lets everybody through", b.method))
	}
	return nil
}

// onlyWith refuses flags of logins where nobody logs in.
func onlyWith(f *pflag.FlagSet, on bool, with string) (err error) {
	f.Visit(func(flag *pflag.Flag) {
		if !on && err == nil && strings.HasPrefix(flag.Name, "ssh-") {
			err = usageError(fmt.Errorf("--%s goes with %s", flag.Name, with))
		}
	})
	return err
}

// loginTo is login for the hosts of a target. Those of an embedded simulator have
// no SSH server.
func (s *sshing) loginTo(target string, a *app) (hostssh.Options, error) {
	opts, err := s.login(a)
	if err == nil && strings.HasPrefix(target, simScheme) {
		err = usageError(errors.New("simulated hosts have no SSH server: what is done over SSH needs real ones"))
	}
	return opts, err
}

const (
	// onHostTimeout and onHostRun take the place of --host-timeout and --timeout
	// when they are not given: a host takes a minute for a VIB.
	onHostTimeout = 15 * time.Minute
	onHostRun     = time.Hour
)

// takeTime gives a run that logs in to hosts the time it takes.
func takeTime(f *pflag.FlagSet, c *changing, r *run) {
	if !f.Changed("host-timeout") {
		c.hostTimeout = onHostTimeout
	}
	if !f.Changed("timeout") {
		r.timeout = onHostRun
	}
}

// offer reads what is to be brought.
func (b *bringing) offer(req checks.Requirement, al *allowing) (*fix.Offer, []byte, error) {
	if fix.Method(b.method) == fix.MethodServiceXML {
		o, err := serviceOffer(req, al.ruleset)
		return o, nil, err
	}
	file, err := os.ReadFile(b.vibFile)
	if err != nil {
		return nil, nil, usageError(fmt.Errorf("--vib: %w", err), "vic-preflight vib build makes one")
	}
	p, err := vib.Read(bytes.NewReader(file))
	if err != nil {
		return nil, nil, usageError(fmt.Errorf("--vib %s: %w", b.vibFile, err), "vic-preflight vib build makes one")
	}
	o, err := vibOffer(req, p)
	if err != nil {
		return nil, nil, usageError(fmt.Errorf("--vib %s: %w", b.vibFile, err), "vic-preflight vib inspect says what is in it")
	}
	o.LowerAcceptance, o.SecureBootUnknown = b.lower, b.secureBootUnknown
	return o, file, nil
}

// serviceOffer is a service of its own in service.xml, under vicoutgoing, the
// name that VIC's manuals gave it, or another.
func serviceOffer(req checks.Requirement, key string) (*fix.Offer, error) {
	if key == fix.Auto {
		key = checks.VICOutgoing
	}
	service, err := (&opening{key: key, port: req.Port, flag: "--ruleset"}).byHand()
	if err != nil {
		return nil, err
	}
	return &fix.Offer{
		Requirement: req, Method: fix.MethodServiceXML, Ruleset: rulesetOf(service),
		Insert: func(file []byte) ([]byte, error) {
			f, err := firewallxml.Parse(file)
			if err != nil {
				return nil, err
			}
			edited, _, err := insert(f, service)
			return edited, err
		},
	}, nil
}

func rulesetOf(s firewallxml.Service) inventory.Ruleset {
	return inventory.Ruleset{
		Key: s.ID, Enabled: s.Enabled, Required: s.Required, Rules: s.Rules, Allowed: &inventory.AllowedHosts{All: true},
	}
}

func vibOffer(req checks.Requirement, p *vib.Package) (*fix.Offer, error) {
	if len(p.Problems) > 0 {
		return nil, fmt.Errorf("it is damaged: %s", strings.Join(p.Problems, "; "))
	}
	switch {
	case !p.LiveInstall || !p.LiveRemove:
		return nil, errors.New("it cannot be installed, or not be removed again, while the host runs")
	case p.Type != "bootbank":
		return nil, fmt.Errorf("it is of the type %q, and only those for the boot bank are installed", p.Type)
	}
	i := slices.IndexFunc(p.Services, func(s firewallxml.Service) bool {
		rs := rulesetOf(s)
		return rs.Enabled && rs.Covers(req.Port)
	})
	if i < 0 {
		return nil, fmt.Errorf("it brings no ruleset that lets TCP %d out", req.Port)
	}
	return &fix.Offer{
		Requirement: req, Method: fix.MethodVIB, Ruleset: rulesetOf(p.Services[i]), MaintenanceMode: p.MaintenanceMode,
		VIB: fix.VIBChange{Name: p.Name, ID: p.ID()}, Community: p.AcceptanceLevel == inventory.Community,
		Suits: func(version string) string { return unsuited(p, version) }, Also: besides(p, i),
	}, nil
}

// besides says what a VIB brings that is not the one service.
func besides(p *vib.Package, service int) []string {
	var also []string
	for i, s := range p.Services {
		if rs := rulesetOf(s); i != service {
			also = append(also, fmt.Sprintf("the ruleset %s (%s)", rs.Key, fix.Opens(&rs, rs.Allowed)))
		}
	}
	if files := len(p.Files); files > 1 {
		also = append(also, fmt.Sprintf("%d more files: vic-preflight vib inspect lists them", files-1))
	}
	return also
}

// unsuited says why a host of the version would not take the VIB; empty when it
// would.
func unsuited(p *vib.Package, version string) string {
	flavour, esxi := vib.ESXi6And7, "6-7"
	switch inventory.MajorVersion(version) {
	case 6, 7:
	case 8:
		flavour, esxi = vib.ESXi8, "8"
	default:
		return fmt.Sprintf("which VIBs ESXi %s takes is not known", version)
	}
	if p.Suits(flavour) {
		return ""
	}
	return fmt.Sprintf("the VIB is not built for ESXi %s: vic-preflight vib build --esxi %s", version, esxi)
}

// onEach calls f for the hosts, some at a time. What f does with what it found, it
// does in the function that it returns, of which one runs at a time.
func (r *running) onEach(hosts []*inventory.Host, f func(*inventory.Host) (found func())) {
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(r.workers)
	done := 0
	for _, h := range hosts {
		g.Go(func() error {
			found := f(h)
			mu.Lock()
			defer mu.Unlock()
			found()
			done++
			r.progress.update("survey", done, len(hosts))
			return nil
		})
	}
	_ = g.Wait() // failures are told by host
	r.progress.clear()
}

// survey asks hosts over SSH what has to be known before a change.
func (r *running) survey(client *onhost.Client, hosts []*inventory.Host, methods func(*inventory.Host) []fix.Method) map[string]fix.Survey {
	surveys := make(map[string]fix.Survey, len(hosts))
	r.onEach(hosts, func(h *inventory.Host) func() {
		s := fix.Survey{Err: "not begun: the run ended before"}
		if r.ctx.Err() == nil {
			s = client.Survey(r.ctx, h, methods(h)...)
		}
		return func() { surveys[h.ID] = s }
	})
	return surveys
}

// bring plans and carries out what takes logins to the hosts.
func (r *running) bring(inv *inventory.Inventory, b *bringing, client *onhost.Client, offer *fix.Offer, c *changing) (*carried, error) {
	var wanted []*inventory.Host
	for i := range inv.Hosts {
		if h := &inv.Hosts[i]; offer.Wants(h) {
			wanted = append(wanted, h)
		}
	}
	client.Address = r.addresses(wanted)
	defer b.startServices(r, wanted)()
	r.onHost = client
	return r.carryOut(fix.Bring(inv.Hosts, *offer, r.survey(client, wanted, func(*inventory.Host) []fix.Method { return []fix.Method{offer.Method} })), inv, c)
}

// findOrigins looks on the hosts for where the rulesets come from that permit the
// port and that ESXi does not bring itself. Where that fails it says so, and the
// verdict goes by what the API tells.
func (r *running) findOrigins(client *onhost.Client, s *sshing, inv *inventory.Inventory, req checks.Requirement) {
	if client == nil || r.ctx.Err() != nil {
		return
	}
	var hosts []*inventory.Host
	matters := checks.SoftwareMatters(req)
	for i := range inv.Hosts {
		if h := &inv.Hosts[i]; matters(h) {
			hosts = append(hosts, h)
		}
	}
	if len(hosts) == 0 {
		return
	}
	client.Address = r.addresses(hosts)
	defer s.startServices(r, hosts)()
	r.onEach(hosts, func(h *inventory.Host) func() {
		found, err := client.Origins(r.ctx, h, siteRulesets(h, req.Port))
		return func() {
			h.Origins = found
			if err != nil {
				r.progress.clear()
				fmt.Fprintf(r.app.stderr, "warning: where the rulesets of %s come from was not found out: %s\n", report.Clean(h.Name), report.Clean(err.Error()))
			}
		}
	})
}

// siteRulesets are the keys of a host's enabled rulesets for the port that ESXi
// does not bring itself.
func siteRulesets(h *inventory.Host, port int) []string {
	var keys []string
	for _, rs := range h.Firewall.Rulesets {
		if rs.Enabled && rs.Covers(port) && !checks.BuiltIn(rs.Key) {
			keys = append(keys, rs.Key)
		}
	}
	return keys
}
