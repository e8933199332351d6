package preflight

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/vic-preflight/vic-preflight/internal/infile"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
)

// Target is one vCenter or ESXi host, with the credentials for it.
type Target struct {
	// Address is host or host:port, or SimScheme and a scenario, or a file of facts, for a
	// simulator in this process, which takes no credentials.
	Address string
	// Datacenter is a name or an inventory path; empty means the only one.
	Datacenter string
	// Plain targets speak HTTP without TLS; ParseTarget grants that to loopback
	// addresses alone.
	Plain bool

	User, Password string
	// HasPassword tells an empty password from none.
	HasPassword bool
	// PasswordShown means that a password stands on a command line, where others see it.
	PasswordShown bool

	// Thumbprints are those of certificates, SHA-1 or SHA-256, of which the
	// server's must be one; they beat Insecure. KnownHosts are files as govc writes
	// them, separated as in PATH, which serve when there are none.
	Thumbprints []string
	KnownHosts  string
	// CACerts are PEM files, separated as in PATH; empty means the system's.
	CACerts  string
	Insecure bool
}

// SimScheme starts the address of a simulator.
const SimScheme = "sim://"

// ParseTarget reads [https://][user[:password]@]host[:port][/sdk][/datacenter], as
// vic-machine takes it, sim://SCENARIO[/datacenter], or sim://FILE.json with facts. Its
// errors never repeat the text, which may hold a password.
func ParseTarget(text string) (Target, error) {
	if scenario, ok := strings.CutPrefix(text, SimScheme); ok {
		if sim.IsFile(scenario) && !strings.Contains(scenario, "@") {
			return Target{Address: SimScheme + scenario}, nil
		}
		name, datacenter, _ := strings.Cut(scenario, "/")
		if !isScenario(name) {
			return Target{}, errors.New("sim:// takes a scenario, such as sim://mixed, or a file of facts, such as sim://facts.json (vic-preflight collect makes one)")
		}
		return Target{Address: SimScheme + name, Datacenter: strings.Trim(datacenter, "/")}, nil
	}
	t, err := vsphere.ParseTarget(text)
	if err != nil {
		return Target{}, err
	}
	return Target{
		Address: t.Address, Datacenter: t.Datacenter, Plain: t.Plain,
		User: t.User, Password: t.Password, HasPassword: t.HasPassword,
	}, nil
}

// isScenario reports whether a text is a name, and hosts=N where it has parameters:
// what has no place for a password.
func isScenario(text string) bool {
	name, query, has := strings.Cut(text, "?")
	hosts, known := strings.CutPrefix(query, "hosts=")
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" &&
		(!has || known && strings.Trim(hosts, "0123456789") == "")
}

// String returns the target without credentials, as ParseTarget reads it.
func (t Target) String() string {
	if !t.simulated() {
		return t.vsphere().String()
	}
	if t.Datacenter == "" {
		return t.Address
	}
	return t.Address + "/" + t.Datacenter
}

func (t Target) simulated() bool { return strings.HasPrefix(t.Address, SimScheme) }

func (t Target) vsphere() vsphere.Target {
	return vsphere.Target{Address: t.Address, Plain: t.Plain, Datacenter: t.Datacenter}
}

// session is a login, and the simulator behind it where there is one.
type session struct {
	*vsphere.Session
	// label names the target in reports, without credentials.
	label      string
	datacenter string
	stop       func()

	mu sync.Mutex
	// running are the hosts whose SSH service was started and could not be stopped.
	running []string
}

func (s *session) leftRunning(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = append(s.running, host)
}

// Close logs out.
func (s *session) Close() {
	s.Session.Close()
	s.stop()
}

// signIn logs in to the target. The caller must Close the session.
func signIn(ctx context.Context, o Options) (*session, error) {
	t := o.Target
	if t.simulated() {
		return signInToSimulator(ctx, o)
	}
	switch {
	case t.Address == "":
		return nil, usage("", "no target")
	case t.User == "":
		return nil, usage("", "no user for %s", t)
	}
	cfg, err := o.config(ctx)
	if err != nil {
		return nil, err
	}
	s, err := vsphere.Connect(ctx, cfg)
	if err != nil {
		return nil, classify(err)
	}
	return &session{Session: s, label: t.String(), datacenter: t.Datacenter, stop: func() {}}, nil
}

// config is what vsphere.Connect needs, with the way in which the certificate is
// verified settled. It says so when that is not done.
func (o *Options) config(ctx context.Context) (vsphere.Config, error) {
	t := o.Target
	cfg := vsphere.Config{
		Target: t.vsphere(), User: t.User, Password: strings.TrimRight(t.Password, "\r\n"), Insecure: t.Insecure, CACerts: t.CACerts,
		Workers: o.Concurrency, MostWorkers: o.mostWorkers(), UserAgent: o.tool(),
	}
	for _, text := range t.Thumbprints {
		print, err := vsphere.ParseThumbprint(text)
		if err != nil {
			return cfg, file("thumbprint", err)
		}
		if len(print) > 0 {
			cfg.Thumbprints = append(cfg.Thumbprints, print)
		}
	}
	if len(cfg.Thumbprints) == 0 {
		print, err := infile.Until(ctx, "read GOVC_TLS_KNOWN_HOSTS", func() (vsphere.Thumbprint, error) { return vsphere.KnownThumbprint(t.KnownHosts, cfg.Target) })
		if err != nil {
			return cfg, Ended(&UsageError{Err: fmt.Errorf("GOVC_TLS_KNOWN_HOSTS: %w", err)})
		}
		if len(print) > 0 {
			cfg.Thumbprints = append(cfg.Thumbprints, print)
		}
	}
	if t.PasswordShown {
		o.observer().Warn("a password is on the command line, where other users of this machine may see it; " +
			"--password-file FILE, --password - and VIC_MACHINE_PASSWORD keep it out of their sight")
	}
	switch pinned := len(cfg.Thumbprints) > 0; {
	case t.Plain && pinned:
		return cfg, &UsageError{Err: errors.New("a thumbprint was given, and http:// has no certificate to compare it with; use https://")}
	case t.Insecure && pinned:
		o.observer().Note("the certificate is verified by its thumbprint; insecure has no effect")
	case t.Insecure:
		o.observer().Warn(fmt.Sprintf("insecure: the certificate of %s is not verified, anybody could have answered", t.Address))
	}
	return cfg, nil
}

func (o *Options) tool() string {
	if o.Tool == "" {
		return "vic-preflight"
	}
	return o.Tool
}

// startSimulator starts the target's scenario in this process.
func startSimulator(ctx context.Context, t Target) (*sim.VCenter, error) {
	name := strings.TrimPrefix(t.Address, SimScheme)
	scenario, err := infile.Until(ctx, "read the scenario", func() (sim.Scenario, error) { return sim.ParseScenario(name) })
	if err != nil {
		var known []string
		for _, s := range sim.ScenarioNames() {
			known = append(known, s[0])
		}
		return nil, Ended(&UsageError{Err: err, Hints: meant([]string{name}, known)})
	}
	vc, err := sim.Start(scenario, sim.Options{})
	if err != nil {
		return nil, &UnavailableError{Err: fmt.Errorf("start the simulator: %w", err)}
	}
	return vc, nil
}

// signInToSimulator starts the scenario, unless it runs for several runs.
func signInToSimulator(ctx context.Context, o Options) (*session, error) {
	vc, stop := o.simulator, func() {}
	if vc == nil {
		var err error
		if vc, err = startSimulator(ctx, o.Target); err != nil {
			return nil, err
		}
		stop = vc.Close
	}
	print, err := vsphere.ParseThumbprint(vc.Thumbprint)
	if err != nil {
		return nil, err
	}
	s, err := vsphere.Connect(ctx, vsphere.Config{
		Target: vsphere.Target{Address: vc.URL.Host}, User: sim.DefaultUser, Password: sim.DefaultPassword,
		Thumbprints: []vsphere.Thumbprint{print}, Workers: o.Concurrency, MostWorkers: o.mostWorkers(), UserAgent: o.tool(),
	})
	if err != nil {
		stop()
		return nil, classify(err)
	}
	return &session{Session: s, label: o.Target.String(), datacenter: o.Target.Datacenter, stop: stop}, nil
}

// CheckThumbprint returns why a text is no thumbprint; an empty text pins nothing.
func CheckThumbprint(text string) error {
	_, err := vsphere.ParseThumbprint(text)
	return err
}
