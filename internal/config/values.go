package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"go.yaml.in/yaml/v4"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// reader reads the value of a key. Where it cannot, it notes why and returns nothing.
type reader func(d *document, e entry) []string

// value reads one value that is not empty. complaint says what the key takes, and does
// not repeat the value; it is empty when the value is good.
type value func(d *document, n *yaml.Node) (text, complaint string)

// one reads a single value.
func one(v value) reader {
	return func(d *document, e entry) []string {
		text, complaint := v(d, e.node)
		if complaint != "" {
			d.wrong(e.node, "%s %s", e.name, complaint)
			return nil
		}
		return []string{text}
	}
}

// many reads a list, or a single value as a list of one.
func many(v value) reader {
	return func(d *document, e entry) (values []string) {
		if e.node.Kind != yaml.SequenceNode {
			return one(v)(d, e)
		}
		good := true
		for _, item := range e.node.Content {
			if empty(item) {
				d.wrong(item, "%s has an empty value", e.name)
				good = false
				continue
			}
			single := one(v)(d, entry{e.name, e.key, item, nil})
			values, good = append(values, single...), good && len(single) > 0
		}
		if !good {
			return nil
		}
		return values
	}
}

// text reads a line of text.
func text(_ *document, n *yaml.Node) (text, complaint string) {
	switch {
	case n.Kind != yaml.ScalarNode:
		return "", "takes a text"
	case n.ShortTag() != "!!str" && n.ShortTag() != "!!timestamp":
		return "", "takes a text: put it in quotes"
	case strings.ContainsFunc(n.Value, unicode.IsControl):
		return "", "takes a text on one line, without tabs and other control characters"
	}
	return n.Value, ""
}

// prose reads a text that may have several lines, and makes them one.
func prose(_ *document, n *yaml.Node) (string, string) {
	flat := *n
	flat.Value = strings.Join(strings.Fields(n.Value), " ")
	return text(nil, &flat)
}

// pattern compiles a regular expression when it is first asked for: most runs read no file.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// matching reads a text of a form.
func matching(form func() *regexp.Regexp, complaint string) value {
	return func(_ *document, n *yaml.Node) (string, string) {
		t, bad := text(nil, n)
		if bad == "" && !form().MatchString(t) {
			bad = complaint
		}
		return t, bad
	}
}

// wordOf reads one of the known words. noun says what they are.
func wordOf(noun string, known ...string) value {
	return func(_ *document, n *yaml.Node) (string, string) {
		if n.ShortTag() == "!!str" && slices.Contains(known, n.Value) {
			return n.Value, ""
		}
		return "", "takes " + noun + meant(n.Value, known)
	}
}

// oneOf is wordOf for words that are few enough to be told.
func oneOf(known ...string) value { return wordOf("one of "+strings.Join(known, ", "), known...) }

func whole(from, to int) value {
	complaint := fmt.Sprintf("takes a whole number from %d to %d", from, to)
	return func(_ *document, n *yaml.Node) (string, string) {
		var i int
		if n.ShortTag() != "!!int" || n.Decode(&i) != nil || i < from || i > to {
			return "", complaint
		}
		return strconv.Itoa(i), ""
	}
}

func truth(_ *document, n *yaml.Node) (string, string) {
	var b bool
	if n.ShortTag() != "!!bool" || n.Decode(&b) != nil {
		return "", "takes true or false"
	}
	return strconv.FormatBool(b), ""
}

var duration = pattern(`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`)

// span reads a time that is more than 0.
func span(_ *document, n *yaml.Node) (string, string) {
	length, err := time.ParseDuration(n.Value)
	if n.ShortTag() != "!!str" || !duration().MatchString(n.Value) || err != nil || length <= 0 {
		return "", "takes a time, such as 90s, 5m or 1h30m"
	}
	return n.Value, ""
}

// limit reads a time, or 0 for none.
func limit(d *document, n *yaml.Node) (string, string) {
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
func file(d *document, n *yaml.Node) (string, string) {
	t, complaint := text(d, n)
	if complaint != "" {
		return "", complaint
	}
	return d.resolve(t)
}

func (d *document) resolve(name string) (resolved, complaint string) {
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
	return filepath.Join(filepath.Dir(d.path), name), ""
}

var format = pattern(`^[a-z][a-z0-9-]*(=.*\S.*)?$`)

// output reads FORMAT or FORMAT=FILE; whether there is such a format is the flag's to
// say. A file - is standard output.
func output(d *document, n *yaml.Node) (string, string) {
	t, complaint := matching(format, "takes FORMAT or FORMAT=FILE, such as junit=report.xml")(d, n)
	name, to, toFile := strings.Cut(t, "=")
	if complaint != "" || !toFile || to == "-" {
		return t, complaint
	}
	to, complaint = d.resolve(to)
	return name + "=" + to, complaint
}

func glob(d *document, n *yaml.Node) (string, string) {
	t, complaint := text(d, n)
	if _, err := path.Match(t, ""); complaint == "" && err != nil {
		complaint = "takes a glob, such as esx*.example or esx[1-4].*"
	}
	return t, complaint
}

func peer(d *document, n *yaml.Node) (string, string) {
	t, complaint := text(d, n)
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

// address reads a target. Whatever stands before an @ could be a password, with @ and /
// in it. The rest is for the run to read.
func address(d *document, n *yaml.Node) (string, string) {
	t, complaint := text(d, n)
	if complaint == "" && strings.Contains(t, "@") {
		complaint = "takes no credentials: give the user by user, and the password by password-file or password-env"
	}
	return t, complaint
}

// day reads a date.
func day(_ *document, n *yaml.Node) (string, string) {
	t, complaint := text(nil, n)
	if _, err := time.Parse(time.DateOnly, t); complaint != "" || err != nil {
		return "", "takes a date, such as 2027-01-31"
	}
	return t, ""
}

// reason reads a reason that can be a warning or a failure.
func reason(_ *document, n *yaml.Node) (string, string) {
	if _, known := checks.Explain(checks.Reason(n.Value)); known && !checks.Gradable(checks.Reason(n.Value)) {
		return "", "takes a " + ofReason + ", and " + n.Value + " is none"
	}
	return wordOf("a "+ofReason+explained, gradable()...)(nil, n)
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

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
