// Package targets finds out which targets a command is for, and with which credentials:
// from its flags, the environment and a configuration file, in this order. A password
// goes nowhere but into the target.
package targets

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/vic-preflight/vic-preflight/internal/config"
	"github.com/vic-preflight/vic-preflight/internal/infile"
	"github.com/vic-preflight/vic-preflight/internal/vicmachine"
	"github.com/vic-preflight/vic-preflight/preflight"
)

// Flags are what the command line says, as vic-machine spells it.
type Flags struct {
	// Targets are in the order of the command line, arguments last.
	Targets                      []string
	User, Password, PasswordFile string
	Thumbprints                  []string
	Insecure                     bool
	ComputeResource              string
	Hosts                        []string

	// taken are passwords of vic-machine's options on the command line; filed, that what Take
	// took stands in a file.
	taken, filed bool
}

// Take puts in what a command line of vic-machine says, where the flags say nothing.
// Its credentials go to its own target alone: where the flags name another server, they and
// that target are passed over, and Take returns true. filed says that it stands in a file.
func (f *Flags) Take(c *vicmachine.Command, filed bool) (passed bool) {
	f.taken = !filed && (c.Password != nil || c.OpsPassword != nil)
	f.ComputeResource = cmp.Or(f.ComputeResource, c.VCH.ComputeResource)
	if slices.ContainsFunc(f.Targets, func(t string) bool { return c.Target != "" && !sameServer(t, c.Target) }) {
		return true
	}
	if len(f.Targets) == 0 && c.Target != "" {
		f.Targets, f.filed = []string{c.Target}, filed
	}
	if len(f.Thumbprints) == 0 && c.Thumbprint != "" {
		f.Thumbprints = []string{c.Thumbprint}
	}
	f.User = cmp.Or(f.User, c.User)
	if f.Password == "" && f.PasswordFile == "" && c.Password != nil {
		f.Password, f.filed = *c.Password, filed
	}
	return false
}

// sameServer reports whether two targets are on one server, whatever their datacenters.
func sameServer(a, b string) bool {
	one, err := preflight.ParseTarget(a)
	other, wrong := preflight.ParseTarget(b)
	one.Datacenter, other.Datacenter = "", ""
	return err == nil && wrong == nil && strings.EqualFold(plain(one), plain(other))
}

// Finder has all places where targets and credentials can come from.
type Finder struct {
	Flags Flags
	// File is nil where there is no configuration file.
	File *config.Config
	// Env looks a variable of the environment up.
	Env func(string) (string, bool)
	// Stdin is where --password - reads from, for all targets.
	Stdin io.Reader
	// Ask asks a person for the target's password; nil where nobody is there.
	Ask func(context.Context, preflight.Target) (string, error)

	stdinPassword string
}

// usageError is an error of the command line, the environment or the file.
func usageError(err error, hints ...string) error {
	return preflight.Ended(&preflight.UsageError{Err: err, Hints: hints})
}

// Options makes options for each target out of those that all share. Its errors are
// *preflight.UsageError, *preflight.InterruptedError, and where passwords could not be read
// in time, *preflight.UnavailableError; of a file that was merely found, *config.UntrustedError.
func (f *Finder) Options(ctx context.Context, base preflight.Options) ([]preflight.Options, error) {
	if base.Facts != "" {
		if len(f.Flags.Targets) > 0 {
			base.Target.Address = f.Flags.Targets[0] // which does not go with it
		}
		base.ComputeResource, base.Hosts = f.Flags.ComputeResource, f.Flags.Hosts
		return []preflight.Options{base}, nil
	}
	all, source, err := f.find()
	undo := base.Change.Do == preflight.Undo
	switch {
	case err != nil:
		return nil, err
	case len(all) == 0:
		return nil, usageError(errors.New("no target: give --target, or set VIC_MACHINE_TARGET or GOVC_URL"),
			"--target sim://mixed tries it without a vCenter")
	case undo && slices.ContainsFunc(all, func(w wanted) bool { return !same(w.text, all[0].text) }):
		return nil, usageError(fmt.Errorf("undo takes one target: a journal is of one server, and %s names several", source), "--target names the one")
	case undo:
		all = all[:1]
	}
	ctx, cancel := base.Reading(ctx)
	defer cancel()
	list := make([]preflight.Options, len(all))
	for i, w := range all {
		o, entry := base, w.entry
		if o.Target, o.PasswordFile, err = f.resolve(ctx, w.text, source, entry, len(all) > 1); err != nil {
			return nil, err
		}
		o.Target.PasswordShown = f.shown(w.text, source)
		if undo {
			entry.ComputeResource, entry.Hosts = "", nil // the journal names the hosts
		}
		o.ComputeResource = cmp.Or(f.Flags.ComputeResource, entry.ComputeResource)
		o.Hosts = f.Flags.Hosts
		if len(o.Hosts) == 0 {
			o.Hosts = entry.Hosts
		}
		list[i] = o
	}
	return list, nil
}

// variable looks one up. One of vic-machine's that is set and empty is a mistake, as an
// empty option is, which must not let another one take its place.
func (f *Finder) variable(key string) (string, error) {
	value, set := f.Env(key)
	if set && value == "" && strings.HasPrefix(key, "VIC_MACHINE_") {
		return "", usageError(fmt.Errorf("%s is set and empty: unset it, or give it a value", key))
	}
	return value, nil
}

func (f *Finder) getenv(key string) string {
	value, _ := f.Env(key)
	return value
}

// wanted is a target as it was given, and what the file says of it.
type wanted struct {
	text  string
	entry config.Target
}

// find returns the targets and where they come from.
func (f *Finder) find() (all []wanted, source string, err error) {
	texts, source := f.Flags.Targets, "--target"
	for _, key := range []string{"VIC_MACHINE_TARGET", "GOVC_URL"} {
		if len(texts) > 0 {
			break
		}
		text, err := f.variable(key)
		if err != nil {
			return nil, key, err
		}
		if text != "" {
			texts, source = []string{text}, key
		}
	}
	if len(texts) == 0 && f.File != nil {
		if err := f.File.TrustTargets(func(address string) bool { return strings.HasPrefix(address, preflight.SimScheme) }); err != nil {
			return nil, "", err
		}
		source = f.File.Path
		for _, t := range f.File.Targets {
			all = append(all, wanted{t.Address, t})
		}
	}
	for _, text := range texts {
		for _, entry := range f.entries(text) {
			all = append(all, wanted{text, entry})
		}
	}
	return all, source, nil
}

// entries is what the file says of a target: all that it says where it has the target
// several times, a part of the hosts each; or what it says of every target.
func (f *Finder) entries(text string) (list []config.Target) {
	if f.File == nil {
		return []config.Target{{}}
	}
	for _, t := range f.File.Targets {
		if same(t.Address, text) {
			list = append(list, t)
		}
	}
	if len(list) == 0 {
		list = append(list, f.File.Shared)
	}
	return list
}

// same reports whether two texts name the same target, whatever the credentials and the
// spelling. What cannot be read names nothing.
func same(a, b string) bool {
	one, err := preflight.ParseTarget(a)
	other, wrong := preflight.ParseTarget(b)
	return a == b || err == nil && wrong == nil && strings.EqualFold(plain(one), plain(other))
}

// plain is a target without the port that it has anyway.
func plain(t preflight.Target) string {
	if !t.Plain {
		t.Address = strings.TrimSuffix(t.Address, ":443")
	}
	return t.String()
}

// resolve finds the credentials of one target: flags before the target's own
// user:password, before VIC_MACHINE_*, before GOVC_*, before the file. Of several targets
// their own count first, and the flags are common to the others. Credentials that stand in
// GOVC_URL serve that server alone, and come after GOVC_USERNAME and GOVC_PASSWORD, as govc
// has it. With them comes the file that the password is from, if it is from one.
func (f *Finder) resolve(ctx context.Context, text, source string, entry config.Target, several bool) (target preflight.Target, passwordFile string, err error) {
	if target, err = preflight.ParseTarget(text); err != nil {
		return target, "", usageError(fmt.Errorf("%s: %w", source, err), "it takes [user[:password]@]host[:port][/datacenter]")
	}
	if strings.HasPrefix(target.Address, preflight.SimScheme) {
		return target, "", nil
	}
	if err := f.trust(&target, entry); err != nil {
		return target, "", err
	}
	var govcUser, govcPassword string
	if _, err := infile.Until(ctx, "read GOVC_USERNAME and GOVC_PASSWORD", func() (_ any, err error) {
		govcUser, govcPassword, err = preflight.GovcCredentials(f.getenv)
		return nil, err
	}); err != nil {
		return target, "", usageError(err)
	}
	if source == "GOVC_URL" {
		target.User = cmp.Or(govcUser, target.User)
		if govcPassword != "" {
			target.Password, target.HasPassword = govcPassword, true
		}
	}
	own := target.User
	if target.User = cmp.Or(f.Flags.User, own); target.User == "" {
		if target.User, err = f.variable("VIC_MACHINE_USER"); err != nil {
			return target, "", err
		}
		target.User = cmp.Or(target.User, govcUser, entry.User)
	}
	if several && own != "" {
		target.User = own
	}
	if target.User == "" {
		return target, "", usageError(errors.New("no user: give --user, or set VIC_MACHINE_USER or GOVC_USERNAME"))
	}
	if several && target.HasPassword {
		return target, "", nil
	}
	passwordFile, err = f.findPassword(ctx, &target, govcPassword, entry)
	return target, passwordFile, err
}

// shown reports whether a password stands on the command line.
func (f *Finder) shown(text, source string) bool {
	own, _ := preflight.ParseTarget(text) // which was read before
	flag := f.Flags.Password != "" && f.Flags.Password != "-"
	return f.Flags.taken || !f.Flags.filed && (flag || source == "--target" && own.Password != "")
}

// trust says how the server's certificate is verified.
func (f *Finder) trust(target *preflight.Target, entry config.Target) error {
	texts, source := f.Flags.Thumbprints, "--thumbprint"
	if len(texts) == 0 {
		text, err := f.variable("VIC_MACHINE_THUMBPRINT")
		if err != nil {
			return err
		}
		texts, source = []string{text}, "VIC_MACHINE_THUMBPRINT"
		if text == "" && len(entry.Thumbprints) > 0 {
			if err := f.File.TrustVerification("thumbprint", entry); err != nil {
				return err
			}
			texts, source = entry.Thumbprints, entry.Place.String()
		}
	}
	for _, text := range texts {
		if err := preflight.CheckThumbprint(text); err != nil {
			return usageError(fmt.Errorf("%s: %w", source, err))
		}
	}
	target.Thumbprints = texts
	target.KnownHosts, target.CACerts = f.getenv("GOVC_TLS_KNOWN_HOSTS"), f.getenv("GOVC_TLS_CA_CERTS")
	insecure, _ := strconv.ParseBool(f.getenv("GOVC_INSECURE")) // as govc reads it
	target.Insecure = f.Flags.Insecure || insecure
	if entry.Insecure && !target.Insecure {
		target.Insecure = true
		return f.File.TrustVerification("insecure", entry)
	}
	return nil
}

// findPassword takes the password from the first place that has one, and asks for it
// when none has. It returns the file that it was in, if it was in one.
func (f *Finder) findPassword(ctx context.Context, target *preflight.Target, govc string, entry config.Target) (file string, err error) {
	flags := &f.Flags
	switch {
	case flags.Password == "-":
		if f.stdinPassword == "" {
			f.stdinPassword, err = secret(ctx, "standard input", func() (string, error) { return preflight.ReadSecretFrom(f.Stdin, "standard input") })
		}
		target.Password = f.stdinPassword
		return "", err
	case flags.Password != "":
		target.Password = flags.Password
		return "", nil
	case flags.PasswordFile != "":
		target.Password, err = secretFile(ctx, flags.PasswordFile)
		return flags.PasswordFile, err
	case target.HasPassword:
		return "", nil
	}
	p, err := f.variable("VIC_MACHINE_PASSWORD")
	if p = cmp.Or(p, govc); p != "" || err != nil {
		target.Password = p
		return "", err
	}
	return f.filePassword(ctx, target, entry)
}

func secretFile(ctx context.Context, path string) (string, error) {
	return secret(ctx, path, func() (string, error) { return preflight.ReadSecret("password-file", path) })
}

func secret(ctx context.Context, from string, read func() (string, error)) (string, error) {
	text, err := infile.Until(ctx, "read the password from "+from, read)
	return text, preflight.Ended(err)
}

// filePassword follows the configuration file, which names where a password is.
func (f *Finder) filePassword(ctx context.Context, target *preflight.Target, entry config.Target) (file string, err error) {
	switch {
	case entry.PasswordFile != "":
		target.Password, err = secretFile(ctx, entry.PasswordFile)
		return entry.PasswordFile, err
	case entry.PasswordEnv != "":
		if target.Password = f.getenv(entry.PasswordEnv); target.Password == "" {
			return "", usageError(fmt.Errorf("%s: password-env names %s, which is not set", entry.Place, entry.PasswordEnv))
		}
		return "", nil
	case f.Ask != nil:
		target.Password, err = f.Ask(ctx, *target)
		return "", preflight.Ended(err)
	}
	return "", usageError(fmt.Errorf("no password for %s: give --password-file or --password -, or set VIC_MACHINE_PASSWORD or GOVC_PASSWORD", target.User))
}
