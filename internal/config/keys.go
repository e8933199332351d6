package config

import (
	"maps"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/strict"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/profile"
)

// The keys of the three parts of a file that have a form of their own.
const (
	keyTargets    = "targets"
	keySeverities = "severities"
	keyWaivers    = "waivers"
)

// settings are the keys that are flags of commands, and no part of a target.
var settings = strict.Vocabulary{
	"port": strict.One(strict.Whole(1, 65535)), "vch-ip": strict.Many(peer),
	"profile":      strict.Many(strict.WordOf("the name of a profile, such as ntp, that vic-preflight profiles lists, or auto", append(profile.Names(), profile.Auto)...)),
	"requirements": strict.Many(file), "peer": strict.Many(other),
	"only": strict.Many(check), "skip": strict.Many(check),
	"refresh": strict.One(strict.Truth), "ssh": strict.One(strict.Truth), "firewall-state": strict.One(strict.Truth),

	"probe":        strict.One(strict.OneOf("none", string(inventory.VantageLocal), string(inventory.VantageSSH), string(inventory.VantageSerial))),
	"probe-target": strict.One(strict.Text), "listener-key": strict.One(file), "probe-timeout": strict.One(span), "probe-retries": strict.One(strict.Whole(0, 10)),
	"ssh-user": strict.One(strict.Text), "ssh-key": strict.One(file), "ssh-password-file": strict.One(file), "ssh-known-hosts": strict.One(file), "ssh-port": strict.One(strict.Whole(1, 65535)),

	"timeout": strict.One(limit), "wait": strict.One(span), "concurrency": strict.One(strict.Whole(1, 256)), "max-hosts": strict.One(strict.Whole(1, 1_000_000)),

	"output": strict.Many(output), "strict": strict.One(strict.Truth), "allow-unknown": strict.One(strict.Truth), "nagios-exit": strict.One(strict.Truth),
	"baseline": strict.One(file), "fail-on": strict.One(strict.OneOf("new")),
}

// shared are the keys of a target that may also stand at the top, for all of them.
var shared = strict.Vocabulary{
	"user": strict.One(strict.Text), "password-file": strict.One(file),
	"password-env": strict.One(strict.Matching(strict.Pattern(`^[A-Z_][A-Z0-9_]*$`),
		"takes the name of an environment variable in capital letters, such as VC1_PASSWORD, and never a password")),
	"thumbprint": strict.Many(strict.Matching(strict.Pattern(`^(.*=)?[: -]*([0-9A-Fa-f][: -]*){40}(([0-9A-Fa-f][: -]*){24})?$`),
		"takes a certificate's thumbprint, which has 40 (SHA-1) or 64 (SHA-256) hexadecimal digits")),
	"insecure": strict.One(strict.Truth), "compute-resource": strict.One(strict.Text), "host": strict.Many(glob),
}

// The kinds of mappings.
var (
	top = part("a configuration file", "key of a configuration file",
		joined(settings, shared, strict.Vocabulary{keyTargets: nil, keySeverities: nil, keyWaivers: nil}))
	ofTarget = part("a target", "key of a target", joined(shared, strict.Vocabulary{"target": strict.One(address)}))
	ofWaiver = part("a waiver", "key of a waiver", strict.Vocabulary{
		"check": strict.One(check), "reason": strict.One(reason), "host": strict.One(glob), "target": strict.One(glob), "requirement": strict.One(glob),
		"because": strict.One(strict.Prose), "ticket": strict.One(strict.Text), "expires": strict.One(day),
	})
	severities = part("severities", ofReason, severitiesOf(gradable()))
)

func part(name, noun string, keys strict.Vocabulary) strict.Section {
	return strict.Section{Name: name, Noun: noun, Example: "port: 2377", Keys: keys, Refused: refused}
}

var check = strict.WordOf("a check"+explained, checks.IDs()...)

func severitiesOf(reasons []string) strict.Vocabulary {
	v := strict.Vocabulary{}
	for _, name := range reasons {
		v[name] = strict.One(strict.OneOf(checks.Warn.String(), checks.Fail.String()))
	}
	return v
}

// refused are the keys that are left out on purpose, with why.
var refused = refusals()

func refusals() map[string]string {
	why := map[string]string{}
	for _, key := range []string{"password", "passwd", "ssh-password"} {
		why[key] = "does not belong in a file: name a file that holds it by password-file (for hosts, ssh-password-file), or a variable by password-env"
	}
	for _, key := range []string{
		"fix", "allow", "deny", "yes", "dry-run", "journal", "method", "ruleset", "allowed-ip", "narrow-broad", "vib", "force", "cleanup",
		"lower-acceptance-level", "secure-boot-unknown", "host-timeout", "verify-timeout", "ssh-start-service",
	} {
		why[key] = "is about changing hosts, which no file does: give --" + key + " on the command line"
	}
	for _, key := range []string{"width", "group", "color"} {
		why[key] = "is about one terminal, and a file is for all: give --" + key + " on the command line"
	}
	return why
}

func joined(parts ...strict.Vocabulary) strict.Vocabulary {
	all := strict.Vocabulary{}
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}

// read reads the file into c.
func read(d *strict.Document, c *Config, root *yaml.Node) {
	list := d.Entries(root, top)
	d.Exclude(list, "ssh-key", "ssh-password-file")
	c.Shared.take(d, list)
	for _, e := range list {
		switch {
		case e.Name == keyTargets:
			d.Each(e, func(n *yaml.Node) { c.Targets = append(c.Targets, readTarget(d, n, c.Shared)) })
		case e.Name == keyWaivers:
			d.Each(e, func(n *yaml.Node) { c.waive(d, n) })
		case e.Name == keySeverities:
			c.Severities = readSeverities(d, e.Node)
		case settings[e.Name] != nil:
			c.Settings = append(c.Settings, Setting{e.Name, e.Values, d.At(e.Key)})
		}
	}
}

func readTarget(d *strict.Document, n *yaml.Node, from Target) Target {
	list := d.Entries(n, ofTarget)
	d.Missing(n, ofTarget, "target")
	t := from
	t.Place, t.Address = d.At(n), list.First("target")
	t.take(d, list)
	return t
}

// take puts what is given into the target, and leaves the rest as it is.
func (t *Target) take(d *strict.Document, list strict.Entries) {
	d.Exclude(list, "password-file", "password-env")
	for _, e := range list {
		switch e.Name {
		case "user":
			t.User = e.Values[0]
		case "password-file":
			t.PasswordFile, t.PasswordEnv = e.Values[0], ""
		case "password-env":
			t.PasswordFile, t.PasswordEnv = "", e.Values[0]
		case "thumbprint":
			t.Thumbprints = e.Values
		case "insecure":
			t.Insecure = e.Values[0] == "true"
		case "compute-resource":
			t.ComputeResource = e.Values[0]
		case "host":
			t.Hosts = e.Values
		}
	}
}

func readSeverities(d *strict.Document, n *yaml.Node) map[checks.Reason]checks.Status {
	if strict.Empty(n) {
		return nil
	}
	set := map[checks.Reason]checks.Status{}
	for _, e := range d.Entries(n, severities) {
		set[checks.Reason(e.Name)] = checks.Warn
		if e.Values[0] == checks.Fail.String() {
			set[checks.Reason(e.Name)] = checks.Fail
		}
	}
	return set
}

func (c *Config) waive(d *strict.Document, n *yaml.Node) {
	list := d.Entries(n, ofWaiver)
	d.Missing(n, ofWaiver, "reason", "because", "expires")
	expires, _ := time.Parse(time.DateOnly, list.First("expires"))
	c.Waivers = append(c.Waivers, checks.Waiver{
		Check: list.First("check"), Reason: checks.Reason(list.First("reason")),
		Host: list.First("host"), Target: list.First("target"), Requirement: list.First("requirement"),
		Because: list.First("because"), Ticket: list.First("ticket"), Expires: expires,
	})
	c.waiverPlaces = append(c.waiverPlaces, d.At(n))
}
