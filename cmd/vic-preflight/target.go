package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vic-preflight/vic-preflight/internal/prompt"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/preflight"
)

// targetFlags say where to log in, as whom, and which hosts are meant. They are
// vic-machine's, with its environment variables.
type targetFlags struct {
	targets                      []string
	user, password, passwordFile string
	thumbprints                  []string
	insecure                     bool
	computeResource              string
	hosts                        []string
	concurrency                  int

	flags *pflag.FlagSet
	// stdinPassword is what --password - read, for all targets.
	stdinPassword string
}

func (t *targetFlags) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	t.flags = f
	f.StringArrayVarP(&t.targets, "target", "t", nil, "vCenter or ESXi `host`: [user[:password]@]host[:port], /datacenter where there are several; or sim://SCENARIO, or sim://FILE.json that collect wrote; repeatable, or as an argument [VIC_MACHINE_TARGET, GOVC_URL]")
	f.StringVarP(&t.user, "user", "u", "", "user `name`; of several targets, of those that name none [VIC_MACHINE_USER, GOVC_USERNAME]")
	f.StringVarP(&t.password, "password", "p", "", "`password`, or - to read it from standard input; other users of this machine may see it in the process list [VIC_MACHINE_PASSWORD, GOVC_PASSWORD]")
	f.StringVar(&t.passwordFile, "password-file", "", "`file` that holds the password")
	f.StringArrayVar(&t.thumbprints, "thumbprint", nil, "SHA-1 or SHA-256 `thumbprint` of the server's certificate; of several, it must be one [VIC_MACHINE_THUMBPRINT]")
	f.BoolVar(&t.insecure, "insecure", false, "do not verify the server's certificate; a thumbprint is verified all the same [GOVC_INSECURE]")
	f.StringVarP(&t.computeResource, "compute-resource", "r", "", "cluster, host or resource pool, by `name` or path; all hosts of the datacenter when absent")
	f.StringArrayVar(&t.hosts, "host", nil, "only hosts whose name fits this `glob` (repeatable)")
	f.IntVar(&t.concurrency, "concurrency", 0, "`number` of calls in flight at a time; by itself from 16 up to 64, as quickly as the server answers")
	cmd.MarkFlagsMutuallyExclusive("password", "password-file")
	var scenarios []string
	for _, s := range sim.ScenarioNames() {
		scenarios = append(scenarios, preflight.SimScheme+s[0])
	}
	complete(cmd, "target", scenarios...)
}

// list makes options for each target of the command line, or of the environment, out
// of those that all share.
func (t *targetFlags) list(ctx context.Context, a *app, base preflight.Options, args []string) ([]preflight.Options, error) {
	if asked := t.flags.Changed("concurrency"); asked && t.concurrency < 1 || t.concurrency > preflight.MostConcurrency {
		return nil, usageError(fmt.Errorf("--concurrency %d is not a number from 1 to %d", t.concurrency, preflight.MostConcurrency))
	}
	base.ComputeResource, base.Hosts, base.Concurrency = t.computeResource, t.hosts, t.concurrency
	base.Tool = "vic-preflight/" + buildVersion()
	if given := append(slices.Clone(t.targets), args...); base.Facts != "" && len(given) > 0 {
		base.Target.Address = given[0] // which does not go with it
	}
	if base.Facts != "" {
		return []preflight.Options{base}, nil
	}
	texts, source, err := t.find(a, args)
	if err != nil {
		return nil, err
	}
	if len(texts) == 0 {
		return nil, usageError(errors.New("no target: give --target, or set VIC_MACHINE_TARGET or GOVC_URL"),
			"--target sim://mixed tries it without a vCenter")
	}
	list := make([]preflight.Options, len(texts))
	for i, text := range texts {
		target, err := t.resolve(ctx, a, text, source, len(texts) > 1)
		if err != nil {
			return nil, err
		}
		list[i] = base
		list[i].Target, list[i].PasswordFile = target, t.passwordFile
	}
	return list, nil
}

// find returns the targets and where they come from: the command line before
// vic-machine's environment before govc's.
func (t *targetFlags) find(a *app, args []string) (texts []string, source string, err error) {
	for _, text := range append(append([]string{}, t.targets...), args...) {
		if text != "" {
			texts = append(texts, text)
		}
	}
	if len(texts) > 0 {
		return texts, "--target", nil
	}
	for _, key := range []string{"VIC_MACHINE_TARGET", "GOVC_URL"} {
		if text, err := a.variable(key); text != "" || err != nil {
			return []string{text}, key, err
		}
	}
	return nil, "", nil
}

// resolve finds the credentials of one target: flags before the target's own
// user:password, before VIC_MACHINE_*, before GOVC_*. Of several targets their own
// count first, and the flags are common to the others. Credentials that stand in
// GOVC_URL serve that server alone, and come after GOVC_USERNAME and GOVC_PASSWORD, as
// govc has it.
func (t *targetFlags) resolve(ctx context.Context, a *app, text, source string, several bool) (preflight.Target, error) {
	target, err := preflight.ParseTarget(text)
	if err != nil {
		return target, usageError(fmt.Errorf("%s: %w", source, err), "it takes [user[:password]@]host[:port][/datacenter]")
	}
	if strings.HasPrefix(target.Address, preflight.SimScheme) {
		return target, nil
	}
	if err := t.trust(a, &target); err != nil {
		return target, err
	}
	govcUser, govcPassword, err := preflight.GovcCredentials(a.getenv)
	if err != nil {
		return target, usageError(err)
	}
	if source == "GOVC_URL" {
		target.User = cmp.Or(govcUser, target.User)
		if govcPassword != "" {
			target.Password, target.HasPassword = govcPassword, true
		}
	}
	own := target.User
	if target.User = cmp.Or(t.user, own); target.User == "" {
		if target.User, err = a.variable("VIC_MACHINE_USER"); err != nil {
			return target, err
		}
		target.User = cmp.Or(target.User, govcUser)
	}
	if several && own != "" {
		target.User = own
	}
	if target.User == "" {
		return target, usageError(errors.New("no user: give --user, or set VIC_MACHINE_USER or GOVC_USERNAME"))
	}
	if several && target.HasPassword {
		return target, nil
	}
	target.Password, err = t.findPassword(ctx, a, target, govcPassword)
	return target, err
}

// trust says how the server's certificate is verified.
func (t *targetFlags) trust(a *app, target *preflight.Target) error {
	texts, source := t.thumbprints, "--thumbprint"
	if len(texts) == 0 {
		text, err := a.variable("VIC_MACHINE_THUMBPRINT")
		if err != nil {
			return err
		}
		texts, source = []string{text}, "VIC_MACHINE_THUMBPRINT"
	}
	for _, text := range texts {
		if err := preflight.CheckThumbprint(text); err != nil {
			return usageError(fmt.Errorf("%s: %w", source, err))
		}
	}
	target.Thumbprints = texts
	target.KnownHosts, target.CACerts = a.getenv("GOVC_TLS_KNOWN_HOSTS"), a.getenv("GOVC_TLS_CA_CERTS")
	insecure, _ := strconv.ParseBool(a.getenv("GOVC_INSECURE")) // as govc reads it
	target.Insecure = t.insecure || insecure
	return nil
}

// findPassword takes the password from the first place that has one, and asks
// for it on a terminal when none has. It goes nowhere but into the login.
func (t *targetFlags) findPassword(ctx context.Context, a *app, target preflight.Target, govc string) (_ string, err error) {
	switch {
	case t.password == "-":
		if t.stdinPassword == "" {
			t.stdinPassword, err = preflight.ReadSecretFrom(a.stdin, "standard input")
		}
		return t.stdinPassword, err
	case t.password != "":
		return t.password, nil
	case t.passwordFile != "":
		return preflight.ReadSecret("password-file", t.passwordFile)
	case target.HasPassword:
		return target.Password, nil
	}
	if p, err := a.variable("VIC_MACHINE_PASSWORD"); p != "" || govc != "" || err != nil {
		return cmp.Or(p, govc), err
	}
	if isTerminal(a.stdin) {
		asked, err := prompt.Secret(ctx, a.stdin.(*os.File), a.stderr, fmt.Sprintf("Password of %s at %s: ", target.User, target.Address))
		if errors.Is(err, prompt.ErrInterrupted) {
			err = &preflight.InterruptedError{}
		}
		return asked, err
	}
	return "", usageError(fmt.Errorf("no password for %s: give --password-file or --password -, or set VIC_MACHINE_PASSWORD or GOVC_PASSWORD", target.User))
}
