package config

import (
	"maps"
	"slices"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// The keys of the three parts of a file that have a form of their own.
const (
	keyTargets    = "targets"
	keySeverities = "severities"
	keyWaivers    = "waivers"
)

// settings are the keys that are flags of commands, and no part of a target.
var settings = vocabulary{
	"port": one(whole(1, 65535)), "vch-ip": many(peer),
	"only": many(check), "skip": many(check),
	"refresh": one(truth), "ssh": one(truth), "firewall-state": one(truth),

	"probe":        one(oneOf("none", string(inventory.VantageLocal), string(inventory.VantageSSH), string(inventory.VantageSerial))),
	"probe-target": one(text), "listener-key": one(file), "probe-timeout": one(span), "probe-retries": one(whole(0, 10)),
	"ssh-user": one(text), "ssh-key": one(file), "ssh-password-file": one(file), "ssh-known-hosts": one(file), "ssh-port": one(whole(1, 65535)),

	"timeout": one(limit), "wait": one(span), "concurrency": one(whole(1, 256)), "max-hosts": one(whole(1, 1_000_000)),

	"output": many(output), "strict": one(truth), "allow-unknown": one(truth), "nagios-exit": one(truth),
	"baseline": one(file), "fail-on": one(oneOf("new")),
}

// shared are the keys of a target that may also stand at the top, for all of them.
var shared = vocabulary{
	"user": one(text), "password-file": one(file),
	"password-env": one(matching(pattern(`^[A-Z_][A-Z0-9_]*$`),
		"takes the name of an environment variable in capital letters, such as VC1_PASSWORD, and never a password")),
	"thumbprint": many(matching(pattern(`^(.*=)?[: -]*([0-9A-Fa-f][: -]*){40}(([0-9A-Fa-f][: -]*){24})?$`),
		"takes a certificate's thumbprint, which has 40 (SHA-1) or 64 (SHA-256) hexadecimal digits")),
	"insecure": one(truth), "compute-resource": one(text), "host": many(glob),
}

// The kinds of mappings.
var (
	top = section{
		"a configuration file", "key of a configuration file",
		joined(settings, shared, vocabulary{keyTargets: nil, keySeverities: nil, keyWaivers: nil}),
	}
	ofTarget = section{"a target", "key of a target", joined(shared, vocabulary{"target": one(address)})}
	ofWaiver = section{"a waiver", "key of a waiver", vocabulary{
		"check": one(check), "reason": one(reason), "host": one(glob), "target": one(glob),
		"because": one(prose), "ticket": one(text), "expires": one(day),
	}}
	severities = section{"severities", ofReason, severitiesOf(gradable())}
)

var check = wordOf("a check"+explained, checks.IDs()...)

func severitiesOf(reasons []string) vocabulary {
	v := vocabulary{}
	for _, name := range reasons {
		v[name] = one(oneOf(checks.Warn.String(), checks.Fail.String()))
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

func joined(parts ...vocabulary) vocabulary {
	all := vocabulary{}
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}

// config reads the file into c.
func (d *document) config(c *Config, root *yaml.Node) {
	list := d.entries(root, top)
	d.exclude(list, "ssh-key", "ssh-password-file")
	c.Shared.take(d, list)
	for _, e := range list {
		switch {
		case e.name == keyTargets:
			d.each(e, func(n *yaml.Node) { c.Targets = append(c.Targets, d.target(n, c.Shared)) })
		case e.name == keyWaivers:
			d.each(e, func(n *yaml.Node) { c.waive(d, n) })
		case e.name == keySeverities:
			c.Severities = d.severities(e.node)
		case settings[e.name] != nil:
			c.Settings = append(c.Settings, Setting{e.name, e.values, d.at(e.key)})
		}
	}
}

// each reads the items of a list of mappings.
func (d *document) each(e entry, read func(*yaml.Node)) {
	switch {
	case empty(e.node): // that was said
	case e.node.Kind != yaml.SequenceNode:
		d.wrong(e.node, "%s takes a list: begin each item with a dash", e.name)
	default:
		for _, item := range e.node.Content {
			read(item)
		}
	}
}

// exclude refuses two keys that say the same thing in different ways.
func (d *document) exclude(list entries, a, b string) {
	if one, other := list.find(a), list.find(b); one != nil && other != nil {
		later := one
		if compare(d.at(one.key), d.at(other.key)) < 0 {
			later = other
		}
		d.wrong(later.key, "%s and %s exclude each other", a, b)
	}
}

// missing notes keys that a mapping must have.
func (d *document) missing(n *yaml.Node, s section, names ...string) {
	if n.Kind != yaml.MappingNode {
		return // that was said
	}
	var given []string
	for i := 0; i < len(n.Content); i += 2 {
		given = append(given, n.Content[i].Value)
	}
	for _, name := range names {
		if !slices.Contains(given, name) {
			d.wrong(n, "%s needs the key %s", s.name, name)
		}
	}
}

func (d *document) target(n *yaml.Node, from Target) Target {
	list := d.entries(n, ofTarget)
	d.missing(n, ofTarget, "target")
	t := from
	t.Place, t.Address = d.at(n), list.first("target")
	t.take(d, list)
	return t
}

// take puts what is given into the target, and leaves the rest as it is.
func (t *Target) take(d *document, list entries) {
	d.exclude(list, "password-file", "password-env")
	for _, e := range list {
		switch e.name {
		case "user":
			t.User = e.values[0]
		case "password-file":
			t.PasswordFile, t.PasswordEnv = e.values[0], ""
		case "password-env":
			t.PasswordFile, t.PasswordEnv = "", e.values[0]
		case "thumbprint":
			t.Thumbprints = e.values
		case "insecure":
			t.Insecure = e.values[0] == "true"
		case "compute-resource":
			t.ComputeResource = e.values[0]
		case "host":
			t.Hosts = e.values
		}
	}
}

func (d *document) severities(n *yaml.Node) map[checks.Reason]checks.Status {
	if empty(n) {
		return nil
	}
	set := map[checks.Reason]checks.Status{}
	for _, e := range d.entries(n, severities) {
		set[checks.Reason(e.name)] = checks.Warn
		if e.values[0] == checks.Fail.String() {
			set[checks.Reason(e.name)] = checks.Fail
		}
	}
	return set
}

func (c *Config) waive(d *document, n *yaml.Node) {
	list := d.entries(n, ofWaiver)
	d.missing(n, ofWaiver, "reason", "because", "expires")
	expires, _ := time.Parse(time.DateOnly, list.first("expires"))
	c.Waivers = append(c.Waivers, checks.Waiver{
		Check: list.first("check"), Reason: checks.Reason(list.first("reason")),
		Host: list.first("host"), Target: list.first("target"),
		Because: list.first("because"), Ticket: list.first("ticket"), Expires: expires,
	})
	c.waiverPlaces = append(c.waiverPlaces, d.at(n))
}
