package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
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
	concurrency                          *pflag.Flag // of workers
}

const simScheme = "sim://"

func (c *connection) register(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVarP(&c.target, "target", "t", "", "vCenter or ESXi `host`: [user[:password]@]host[:port], /datacenter where there are several; or sim://SCENARIO [VIC_MACHINE_TARGET, GOVC_URL]")
	f.StringVarP(&c.user, "user", "u", "", "user `name` [VIC_MACHINE_USER, GOVC_USERNAME]")
	f.StringVarP(&c.password, "password", "p", "", "`password`, or - to read it from standard input; other users of this machine may see it in the process list [VIC_MACHINE_PASSWORD, GOVC_PASSWORD]")
	f.StringVar(&c.passwordFile, "password-file", "", "`file` that holds the password")
	f.StringVar(&c.thumbprint, "thumbprint", "", "SHA-1 or SHA-256 `thumbprint` of the server's certificate [VIC_MACHINE_THUMBPRINT]")
	f.BoolVar(&c.insecure, "insecure", false, "do not verify the server's certificate; a thumbprint is verified all the same [GOVC_INSECURE]")
	f.StringVarP(&c.computeResource, "compute-resource", "r", "", "cluster, host or resource pool, by `name` or path; all hosts of the datacenter when absent")
	f.StringArrayVar(&c.hosts, "host", nil, "only hosts whose name fits this `glob` (repeatable)")
	f.IntVar(&c.workers, "concurrency", vsphere.DefaultWorkers, "`number` of calls in flight at a time")
	c.concurrency = f.Lookup("concurrency")
}

// mostWorkers is up to how many calls there may be while the server is quick. A
// number that the user gave is the bound.
func (c *connection) mostWorkers() int {
	if c.concurrency.Changed {
		return c.workers
	}
	return 4 * vsphere.DefaultWorkers
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
	text, source := c.findTarget(a)
	if scenario, ok := strings.CutPrefix(text, simScheme); ok {
		return c.openSim(ctx, scenario)
	}
	cfg, err := c.config(ctx, a, text, source)
	if err != nil {
		return nil, err
	}
	s, err := vsphere.Connect(ctx, cfg)
	if err != nil {
		return nil, classify(err)
	}
	return &session{Session: s, target: cfg.Target, label: cfg.Target.String(), stop: func() {}}, nil
}

// findTarget returns the target and where it comes from: the flag before
// vic-machine's environment before govc's.
func (c *connection) findTarget(a *app) (text, source string) {
	if c.target != "" {
		return c.target, "--target"
	}
	for _, key := range []string{"VIC_MACHINE_TARGET", govcURL} {
		if text := a.getenv(key); text != "" {
			return text, key
		}
	}
	return "", ""
}

const govcURL = "GOVC_URL"

// openSim starts the scenario, SCENARIO[/DATACENTER], in this process and logs
// in to it.
func (c *connection) openSim(ctx context.Context, text string) (*session, error) {
	name, datacenter, _ := strings.Cut(text, "/")
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
	target := vsphere.Target{Address: vc.URL.Host, Datacenter: strings.Trim(datacenter, "/")}
	s, err := vsphere.Connect(ctx, vsphere.Config{
		Target: target, User: sim.DefaultUser, Password: sim.DefaultPassword,
		Thumbprints: []vsphere.Thumbprint{print}, Workers: c.workers, MostWorkers: c.mostWorkers(), UserAgent: userAgent(),
	})
	if err != nil {
		vc.Close()
		return nil, classify(err)
	}
	return &session{Session: s, target: target, label: simScheme + text, stop: vc.Close}, nil
}

func userAgent() string { return "vic-preflight/" + buildVersion() }

// config gathers what vsphere.Connect needs: flags before the target's own
// user:password, before VIC_MACHINE_*, before GOVC_*. Credentials that stand in
// GOVC_URL serve that server alone.
func (c *connection) config(ctx context.Context, a *app, text, source string) (vsphere.Config, error) {
	if text == "" {
		return vsphere.Config{}, usageError(errors.New("no target: give --target, or set VIC_MACHINE_TARGET or GOVC_URL"),
			"--target sim://mixed tries it without a vCenter")
	}
	target, err := vsphere.ParseTarget(text)
	if err != nil {
		return vsphere.Config{}, usageError(fmt.Errorf("%s: %w", source, err), "it takes [user[:password]@]host[:port][/datacenter]")
	}
	cfg := vsphere.Config{
		Target: target, Workers: c.workers, MostWorkers: c.mostWorkers(), UserAgent: userAgent(),
		CACerts: a.getenv("GOVC_TLS_CA_CERTS"),
	}
	if err := c.trust(a, &cfg); err != nil {
		return vsphere.Config{}, err
	}
	cfg.User = firstOf(c.user, target.User, a.getenv("VIC_MACHINE_USER"), a.getenv("GOVC_USERNAME"))
	if cfg.User == "" {
		return vsphere.Config{}, usageError(errors.New("no user: give --user, or set VIC_MACHINE_USER or GOVC_USERNAME"))
	}
	cfg.Password, err = c.findPassword(ctx, a, &cfg)
	return cfg, err
}

// trust settles how the server's certificate is verified, and says so when it
// is not.
func (c *connection) trust(a *app, cfg *vsphere.Config) error {
	text, source := c.thumbprint, "--thumbprint"
	if text == "" {
		text, source = a.getenv("VIC_MACHINE_THUMBPRINT"), "VIC_MACHINE_THUMBPRINT"
	}
	print, err := vsphere.ParseThumbprint(text)
	if err != nil {
		return usageError(fmt.Errorf("%s: %w", source, err))
	}
	if len(print) == 0 {
		print, err = vsphere.KnownThumbprint(a.getenv("GOVC_TLS_KNOWN_HOSTS"), cfg.Target)
		if err != nil {
			return usageError(fmt.Errorf("GOVC_TLS_KNOWN_HOSTS: %w", err))
		}
	}
	if len(print) > 0 {
		cfg.Thumbprints = []vsphere.Thumbprint{print}
	}
	if cfg.Target.Plain && len(cfg.Thumbprints) > 0 {
		return usageError(errors.New("a thumbprint was given, and http:// has no certificate to compare it with; use https://"))
	}
	cfg.Insecure = c.insecure || isTrue(a.getenv("GOVC_INSECURE"))
	switch {
	case cfg.Insecure && len(cfg.Thumbprints) > 0:
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

// findPassword takes the password from the first place that has one, and asks
// for it on a terminal when none has. It goes nowhere but into the login.
func (c *connection) findPassword(ctx context.Context, a *app, cfg *vsphere.Config) (string, error) {
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
	if in, ok := a.stdin.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		return askPassword(ctx, a, in, fmt.Sprintf("Password of %s at %s: ", cfg.User, cfg.Target.Address))
	}
	return "", usageError(fmt.Errorf("no password for %s: give --password-file or --password -, or set VIC_MACHINE_PASSWORD or GOVC_PASSWORD", cfg.User))
}

// askPassword prompts on the terminal without echo. An interrupt ends it and
// gives the terminal back as it was.
func askPassword(ctx context.Context, a *app, in *os.File, prompt string) (string, error) {
	fd := int(in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", usageError(fmt.Errorf("read the password: %w", err))
	}
	fmt.Fprint(a.stderr, prompt)
	type answer struct {
		text []byte
		err  error
	}
	read := make(chan answer, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		read <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		_ = term.Restore(fd, before)
		fmt.Fprintln(a.stderr)
		return "", classify(ctx.Err())
	case got := <-read:
		fmt.Fprintln(a.stderr)
		if got.err != nil {
			return "", usageError(fmt.Errorf("read the password: %w", got.err))
		}
		return string(got.text), nil
	}
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
