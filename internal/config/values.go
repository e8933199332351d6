package config

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/strict"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/profile"
)

var duration = strict.Pattern(`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`)

// span reads a time that is more than 0.
func span(_ *strict.Document, n *yaml.Node) (string, string) {
	length, err := time.ParseDuration(n.Value)
	if n.ShortTag() != "!!str" || !duration().MatchString(n.Value) || err != nil || length <= 0 {
		return "", "takes a time, such as 90s, 5m or 1h30m"
	}
	return n.Value, ""
}

// limit reads a time, or 0 for none.
func limit(d *strict.Document, n *yaml.Node) (string, string) {
	if n.ShortTag() == "!!int" && n.Value == "0" {
		return "0", ""
	}
	t, complaint := span(d, n)
	if complaint != "" {
		complaint += ", or 0 for no limit"
	}
	return t, complaint
}

// file reads a path and makes it one that can be opened: see Config.
func file(d *strict.Document, n *yaml.Node) (string, string) {
	t, complaint := strict.Text(d, n)
	if complaint != "" {
		return "", complaint
	}
	return resolve(d, t)
}

func resolve(d *strict.Document, name string) (resolved, complaint string) {
	rest, home := strings.CutPrefix(name, "~/")
	switch {
	case home:
		dir, err := os.UserHomeDir()
		if err != nil {
			return "", "begins with ~/, and there is no home directory: write the path out"
		}
		return filepath.Join(dir, rest), ""
	case filepath.IsAbs(name):
		return name, ""
	}
	return filepath.Join(filepath.Dir(d.Path), name), ""
}

var format = strict.Pattern(`^[a-z][a-z0-9-]*(=.*\S.*)?$`)

// output reads FORMAT or FORMAT=FILE; whether there is such a format is the flag's to
// say. A file - is standard output.
func output(d *strict.Document, n *yaml.Node) (string, string) {
	t, complaint := strict.Matching(format, "takes FORMAT or FORMAT=FILE, such as junit=report.xml")(d, n)
	name, to, toFile := strings.Cut(t, "=")
	if complaint != "" || !toFile || to == "-" {
		return t, complaint
	}
	to, complaint = resolve(d, to)
	return name + "=" + to, complaint
}

func glob(d *strict.Document, n *yaml.Node) (string, string) {
	t, complaint := strict.Text(d, n)
	if _, err := path.Match(t, ""); complaint == "" && err != nil {
		complaint = "takes a glob, such as esx*.example or esx[1-4].*"
	}
	return t, complaint
}

func peer(d *strict.Document, n *yaml.Node) (string, string) {
	t, complaint := strict.Text(d, n)
	if complaint != "" {
		return "", complaint
	}
	_, err := inventory.ParsePeer(t)
	var two *inventory.AmbiguousPeerError
	switch {
	case errors.As(err, &two):
		complaint = fmt.Sprintf("is an address and a network at once: give %s for the address, or %s for the network", two.Address, two.Network)
	case err != nil:
		complaint = "takes an address such as 10.0.0.5, or a network such as 10.0.0.0/24"
	}
	return t, complaint
}

// other reads the other side of a profile: [PROFILE=]PEER.
func other(d *strict.Document, n *yaml.Node) (string, string) {
	t, complaint := strict.Text(d, n)
	_, given, named := strings.Cut(t, "=")
	if !named {
		given = t
	}
	if _, err := profile.ParsePeer(given); complaint == "" && given != profile.Auto && err != nil {
		complaint = "takes [PROFILE=]auto or [PROFILE=]PEER: " + err.Error()
	}
	return t, complaint
}

// address reads a target. Whatever stands before an @ could be a password, with @ and /
// in it. The rest is for the run to read.
func address(d *strict.Document, n *yaml.Node) (string, string) {
	t, complaint := strict.Text(d, n)
	if complaint == "" && strings.Contains(t, "@") {
		complaint = "takes no credentials: give the user by user, and the password by password-file or password-env"
	}
	return t, complaint
}

// day reads a date.
func day(_ *strict.Document, n *yaml.Node) (string, string) {
	t, complaint := strict.Text(nil, n)
	if _, err := time.Parse(time.DateOnly, t); complaint != "" || err != nil {
		return "", "takes a date, such as 2027-01-31"
	}
	return t, ""
}

// reason reads a reason that can be a warning or a failure.
func reason(_ *strict.Document, n *yaml.Node) (string, string) {
	if _, known := checks.Explain(checks.Reason(n.Value)); known && !checks.Gradable(checks.Reason(n.Value)) {
		return "", "takes a " + ofReason + ", and " + n.Value + " is none"
	}
	return strict.WordOf("a "+ofReason+explained, gradable()...)(nil, n)
}

// ofReason is what can be waived and regraded.
const ofReason = "reason of a warning or a failure"

// explained says where the words stand that are too many to be told.
const explained = " that vic-preflight explain lists"

func gradable() (reasons []string) {
	for _, e := range checks.Explanations() {
		if checks.Gradable(e.Reason) {
			reasons = append(reasons, string(e.Reason))
		}
	}
	return reasons
}
