package strict

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// Reader reads the value of a key. Where it cannot, it notes why and returns nothing.
type Reader func(d *Document, e Entry) []string

// Value reads one value that is not empty. complaint says what the key takes, and does
// not repeat the value; it is empty when the value is good.
type Value func(d *Document, n *yaml.Node) (text, complaint string)

// One reads a single value.
func One(v Value) Reader {
	return func(d *Document, e Entry) []string {
		text, complaint := v(d, e.Node)
		if complaint != "" {
			d.Wrong(e.Node, "%s %s", e.Name, complaint)
			return nil
		}
		return []string{text}
	}
}

// Many reads a list, or a single value as a list of one.
func Many(v Value) Reader {
	return func(d *Document, e Entry) (values []string) {
		if e.Node.Kind != yaml.SequenceNode {
			return One(v)(d, e)
		}
		good := true
		for _, item := range e.Node.Content {
			if Empty(item) {
				d.Wrong(item, "%s has an empty value", e.Name)
				good = false
				continue
			}
			single := One(v)(d, Entry{e.Name, e.Key, item, nil})
			values, good = append(values, single...), good && len(single) > 0
		}
		if !good {
			return nil
		}
		return values
	}
}

// Text reads a line of text.
func Text(_ *Document, n *yaml.Node) (text, complaint string) {
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

// Prose reads a text that may have several lines, and makes them one.
func Prose(_ *Document, n *yaml.Node) (string, string) {
	flat := *n
	flat.Value = strings.Join(strings.Fields(n.Value), " ")
	return Text(nil, &flat)
}

// Pattern compiles a regular expression when it is first asked for: most runs read no file.
func Pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// Matching reads a text of a form.
func Matching(form func() *regexp.Regexp, complaint string) Value {
	return func(_ *Document, n *yaml.Node) (string, string) {
		t, bad := Text(nil, n)
		if bad == "" && !form().MatchString(t) {
			bad = complaint
		}
		return t, bad
	}
}

// WordOf reads one of the known words. noun says what they are.
func WordOf(noun string, known ...string) Value {
	return func(_ *Document, n *yaml.Node) (string, string) {
		if n.ShortTag() == "!!str" && slices.Contains(known, n.Value) {
			return n.Value, ""
		}
		return "", "takes " + noun + meant(n.Value, known)
	}
}

// OneOf is WordOf for words that are few enough to be told.
func OneOf(known ...string) Value { return WordOf("one of "+strings.Join(known, ", "), known...) }

// Whole reads a whole number.
func Whole(from, to int) Value {
	complaint := fmt.Sprintf("takes a whole number from %d to %d", from, to)
	return func(_ *Document, n *yaml.Node) (string, string) {
		var i int
		if n.ShortTag() != "!!int" || n.Decode(&i) != nil || i < from || i > to {
			return "", complaint
		}
		return strconv.Itoa(i), ""
	}
}

// Truth reads true or false.
func Truth(_ *Document, n *yaml.Node) (string, string) {
	var b bool
	if n.ShortTag() != "!!bool" || n.Decode(&b) != nil {
		return "", "takes true or false"
	}
	return strconv.FormatBool(b), ""
}
