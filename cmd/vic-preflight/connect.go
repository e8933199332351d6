package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
)

// connection holds the flags that say where to log in, as whom, and which
// hosts are meant. They are vic-machine's, with its environment variables.
type connection struct {
	target, user, password, passwordFile string
	thumbprint                           string
	insecure                             bool
	computeResource                      string
	hosts                                []string
	workers                              int
}

const simScheme = "sim://"

func (c *connection) register(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVarP(&c.target, "target", "t", "", "vCenter or ESXi `host`: [user[:password]@]host[:port][/datacenter], or sim://SCENARIO [VIC_MACHINE_TARGET, GOVC_URL]")
	f.StringVarP(&c.user, "user", "u", "", "user `name` [VIC_MACHINE_USER, GOVC_USERNAME]")
	f.StringVarP(&c.password, "password", "p", "", "`password`, or - to read it from standard input; other users of this machine may see it in the process list [VIC_MACHINE_PASSWORD, GOVC_PASSWORD]")
	f.StringVar(&c.passwordFile, "password-file", "", "`file` that holds the password")
	f.StringVar(&c.thumbprint, "thumbprint", "", "SHA-1 or SHA-256 `thumbprint` of the server's certificate [VIC_MACHINE_THUMBPRINT]")
	f.BoolVar(&c.insecure, "insecure", false, "do not verify the server's certificate; a thumbprint is verified all the same [GOVC_INSECURE]")
	f.StringVarP(&c.computeResource, "compute-resource", "r", "", "cluster, host or resource pool, by `name` or path; all hosts of the datacenter when absent")
	f.StringArrayVar(&c.hosts, "host", nil, "only hosts whose name fits this `glob` (repeatable)")
	f.IntVar(&c.workers, "concurrency", vsphere.DefaultWorkers, "`number` of calls in flight at a time")
}

func (c *connection) selection(t vsphere.Target) vsphere.Selection {
	return vsphere.Selection{Datacenter: t.Datacenter, ComputeResource: c.computeResource, Hosts: c.hosts}
}

// session is a login, and the simulator behind it when there is one.
type session struct {
	*vsphere.Session
	target vsphere.Target
	// label names the target in reports, without credentials.
	label string
	stop  func()
}

func (s *session) Close() {
	s.Session.Close()
	s.stop()
}

// open logs in to what the flags and the environment name. The caller must
// Close the session.
func (c *connection) open(ctx context.Context, a *app) (*session, error) {
	if c.workers < 1 || c.workers > 256 {
		return nil, usageError(fmt.Errorf("--concurrency %d is not a number from 1 to 256", c.workers))
	}
	target := firstOf(c.target, a.getenv("VIC_MACHINE_TARGET"))
	if scenario, ok := strings.CutPrefix(target, simScheme); ok {
		return c.openSim(ctx, scenario)
	}
	cfg, err := c.config(a, target)
	if err != nil {
		return nil, err
	}
	s, err := vsphere.Connect(ctx, cfg)
	if err != nil {
		return nil, classify(err)
	}
	return &session{Session: s, target: cfg.Target, label: cfg.Target.String(), stop: func() {}}, nil
}

// openSim starts the scenario in this process and logs in to it.
func (c *connection) openSim(ctx context.Context, name string) (*session, error) {
	scenario, err := sim.ParseScenario(name)
	if err != nil {
		return nil, usageError(err)
	}
	log.SetOutput(io.Discard) // the simulator's own log is not this tool's
	vc, err := sim.Start(scenario, sim.Options{})
	if err != nil {
		return nil, &exitError{code: exitUnknown, err: fmt.Errorf("start the simulator: %w", err)}
	}
	print, err := vsphere.ParseThumbprint(vc.Thumbprint)
	if err != nil {
		return nil, err
	}
	s, err := vsphere.Connect(ctx, vsphere.Config{
		Target: vsphere.Target{Address: vc.URL.Host}, User: sim.DefaultUser, Password: sim.DefaultPassword,
		Thumbprint: print, Workers: c.workers, UserAgent: userAgent(),
	})
	if err != nil {
		vc.Close()
		return nil, classify(err)
	}
	return &session{Session: s, label: simScheme + name, stop: vc.Close}, nil
}

func userAgent() string { return "vic-preflight/" + buildVersion() }

// config gathers what vsphere.Connect needs: flags before the target's own
// user:password, before VIC_MACHINE_*, before GOVC_*.
func (c *connection) config(a *app, text string) (vsphere.Config, error) {
	source := "--target"
	if c.target == "" {
		source = "VIC_MACHINE_TARGET"
	}
	if text == "" {
		text, source = a.getenv("GOVC_URL"), "GOVC_URL"
	}
	if text == "" {
		return vsphere.Config{}, usageError(errors.New("no target: give --target, or set VIC_MACHINE_TARGET or GOVC_URL"),
			"--target sim://mixed tries it without a vCenter")
	}
	target, err := vsphere.ParseTarget(text)
	if err != nil {
		return vsphere.Config{}, usageError(fmt.Errorf("%s: %w", source, err), "it takes [user[:password]@]host[:port][/datacenter]")
	}
	cfg := vsphere.Config{
		Target: target, Workers: c.workers, UserAgent: userAgent(),
		CACerts: a.getenv("GOVC_TLS_CA_CERTS"),
	}
	if err := c.trust(a, &cfg); err != nil {
		return vsphere.Config{}, err
	}

	govc := govcURL(a)
	cfg.User = firstOf(c.user, target.User, a.getenv("VIC_MACHINE_USER"), a.getenv("GOVC_USERNAME"), govc.Username())
	if cfg.User == "" {
		return vsphere.Config{}, usageError(errors.New("no user: give --user, or set VIC_MACHINE_USER or GOVC_USERNAME"))
	}
	cfg.Password, err = c.findPassword(a, &cfg, govc)
	return cfg, err
}

// trust settles how the server's certificate is verified, and says so when it
// is not.
func (c *connection) trust(a *app, cfg *vsphere.Config) error {
	text, source := c.thumbprint, "--thumbprint"
	if text == "" {
		text, source = a.getenv("VIC_MACHINE_THUMBPRINT"), "VIC_MACHINE_THUMBPRINT"
	}
	var err error
	if cfg.Thumbprint, err = vsphere.ParseThumbprint(text); err != nil {
		return usageError(fmt.Errorf("%s: %w", source, err))
	}
	if len(cfg.Thumbprint) == 0 {
		cfg.Thumbprint, err = vsphere.KnownThumbprint(a.getenv("GOVC_TLS_KNOWN_HOSTS"), cfg.Target)
		if err != nil {
			return usageError(fmt.Errorf("GOVC_TLS_KNOWN_HOSTS: %w", err))
		}
	}
	cfg.Insecure = c.insecure || isTrue(a.getenv("GOVC_INSECURE"))
	switch {
	case cfg.Insecure && len(cfg.Thumbprint) > 0:
		fmt.Fprintln(a.stderr, "note: the certificate is verified by its thumbprint; insecure has no effect")
	case cfg.Insecure:
		fmt.Fprintf(a.stderr, "warning: insecure: the certificate of %s is not verified, anybody could have answered\n", cfg.Target.Address)
	}
	return nil
}

func isTrue(s string) bool {
	switch strings.ToLower(s) {
	case "1", "t", "true", "yes":
		return true
	}
	return false
}

// govcURL returns the credentials that GOVC_URL may hold.
func govcURL(a *app) *url.Userinfo {
	t, err := vsphere.ParseTarget(a.getenv("GOVC_URL"))
	switch {
	case err != nil || t.User == "":
		return nil
	case t.HasPassword:
		return url.UserPassword(t.User, t.Password)
	}
	return url.User(t.User)
}

// findPassword takes the password from the first place that has one, and asks
// for it on a terminal when none has. It goes nowhere but into the login.
func (c *connection) findPassword(a *app, cfg *vsphere.Config, govc *url.Userinfo) (string, error) {
	switch {
	case c.password != "" && c.passwordFile != "":
		return "", usageError(errors.New("--password and --password-file exclude each other"))
	case c.password == "-":
		return readLine(a.stdin, "standard input")
	case c.password != "":
		return c.password, nil
	case c.passwordFile != "":
		f, err := os.Open(c.passwordFile)
		if err != nil {
			return "", usageError(fmt.Errorf("--password-file: %w", err))
		}
		defer f.Close()
		return readLine(f, c.passwordFile)
	case cfg.Target.HasPassword:
		return cfg.Target.Password, nil
	}
	if p := firstOf(a.getenv("VIC_MACHINE_PASSWORD"), a.getenv("GOVC_PASSWORD")); p != "" {
		return p, nil
	}
	if p, ok := govc.Password(); ok {
		return p, nil
	}
	if in, ok := a.stdin.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		fmt.Fprintf(a.stderr, "Password of %s at %s: ", cfg.User, cfg.Target.Address)
		p, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(a.stderr)
		if err != nil {
			return "", usageError(fmt.Errorf("read the password: %w", err))
		}
		return string(p), nil
	}
	return "", usageError(fmt.Errorf("no password for %s: give --password-file or --password -, or set VIC_MACHINE_PASSWORD or GOVC_PASSWORD", cfg.User))
}

// readLine reads a password: the first line, without its end.
func readLine(r io.Reader, name string) (string, error) {
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", usageError(fmt.Errorf("read the password from %s: %w", name, err))
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", usageError(fmt.Errorf("%s holds no password", name))
	}
	return line, nil
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}
