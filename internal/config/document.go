package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/vic-preflight/vic-preflight/internal/nearest"
)

// document is a file while it is read, with what was found wrong so far.
type document struct {
	path string
	errs []*Error
}

func (d *document) at(n *yaml.Node) Place { return Place{d.path, max(1, n.Line), max(1, n.Column)} }

// wrong notes an error at a node. No argument may be a value of the file, unless it is
// one of a few known words: it could be a secret.
func (d *document) wrong(n *yaml.Node, format string, args ...any) {
	d.errs = append(d.errs, &Error{d.at(n), fmt.Sprintf(format, args...)})
}

func compare(a, b Place) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

// root returns the one document of the file, or nil when it is none.
func (d *document) root(data []byte) *yaml.Node {
	if place, ok := d.unprintable(data); ok {
		d.errs = append(d.errs, &Error{place, "it is not UTF-8 text, or has a control character here"})
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	err := decoder.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF), err == nil && (len(doc.Content) == 0 || empty(doc.Content[0])):
		d.wrong(&doc, "the file is empty")
		return nil
	case err != nil:
		d.syntax(err)
		return nil
	}
	if err := decoder.Decode(&second); err == nil {
		d.wrong(&second, "a second document begins, and a configuration file is one")
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err)
	}
	d.plain(&doc)
	if len(d.errs) > 0 {
		return nil
	}
	return doc.Content[0]
}

// unprintable returns the place of the first byte that is no text.
func (d *document) unprintable(data []byte) (Place, bool) {
	p := Place{d.path, 1, 1}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size == 1, unicode.IsControl(r) && !strings.ContainsRune("\t\r\n\u0085", r):
			return p, true
		case r == '\n':
			p.Line, p.Column = p.Line+1, 1
		default:
			p.Column++
		}
		i += size
	}
	return p, false
}

// noAlias says the way out to who wrote host: *.example, too.
const noAlias = "anchors and aliases are not taken: write the value out, and put a text that begins with * or & in quotes"

// syntax notes what the library found. Its words for the scanner and the parser are
// fixed, but for a character of a tag; others repeat what stands in the file.
func (d *document) syntax(err error) {
	var load *yaml.LoadError
	if !errors.As(err, &load) {
		d.wrong(&yaml.Node{}, "it is not YAML")
		return
	}
	text := "it is not YAML: " + load.Message
	switch {
	case strings.Contains(load.Message, "anchor"):
		text = noAlias
	case strings.Contains(load.Message, "found character '"):
		text = "it is not YAML: put a text that begins with ! in quotes"
	case load.Stage != "scanner" && load.Stage != "parser":
		text = "it is not YAML"
	}
	d.wrong(&yaml.Node{Line: load.Mark.Line, Column: load.Mark.Column}, "%s", text)
}

// plain refuses anchors and aliases: a small file of them can stand for a huge one, and
// an & where quotes were forgotten takes the value away.
func (d *document) plain(n *yaml.Node) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		d.wrong(n, noAlias)
	}
	for _, inner := range n.Content {
		d.plain(inner)
	}
}

// vocabulary are the keys of a mapping. A nil reader leaves the value to the caller.
type vocabulary map[string]reader

// section is a kind of mapping.
type section struct {
	// name is what it is called in errors, noun what its keys are.
	name, noun string
	keys       vocabulary
}

// entry is a key of the file with what was read: values as the command line takes them.
type entry struct {
	name      string
	key, node *yaml.Node
	values    []string
}

// entries are those of a mapping that are known and have good values.
type entries []entry

func (e entries) find(name string) *entry {
	for i := range e {
		if e[i].name == name {
			return &e[i]
		}
	}
	return nil
}

// first returns the value of a key, or "" where it is not given.
func (e entries) first(name string) string {
	if found := e.find(name); found != nil {
		return found.values[0]
	}
	return ""
}

// entries reads a mapping.
func (d *document) entries(n *yaml.Node, s section) (list entries) {
	if n.Kind != yaml.MappingNode || n.ShortTag() != "!!map" {
		d.wrong(n, "%s is keys with values, such as port: 2377", s.name)
		return nil
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		e := entry{name: n.Content[i].Value, key: n.Content[i], node: n.Content[i+1]}
		read, ok := s.keys[e.name]
		switch {
		case e.key.Kind != yaml.ScalarNode || e.key.ShortTag() != "!!str":
			d.wrong(e.key, "a key is a word")
		case !ok:
			s.unknown(d, e.key)
		case lines[e.name] > 0:
			d.wrong(e.key, "%s is given twice, first on line %d", e.name, lines[e.name])
		default:
			lines[e.name] = e.key.Line
			if d.filled(e) && read != nil {
				e.values = read(d, e)
			}
			if read == nil || len(e.values) > 0 {
				list = append(list, e)
			}
		}
	}
	return list
}

// filled notes when a key has no value: to do as if it was not given could widen what
// is meant.
func (d *document) filled(e entry) bool {
	if !empty(e.node) {
		return true
	}
	d.wrong(e.key, "%s is given and empty: leave it out or give it a value", e.name)
	return false
}

func empty(n *yaml.Node) bool {
	if n.Kind == yaml.ScalarNode {
		return n.ShortTag() == "!!null" || strings.TrimSpace(n.Value) == ""
	}
	return len(n.Content) == 0
}

// word is what is repeated of an unknown key: anything else may be a value, as in
// {password:secret}, which lacks a space.
var word = pattern(`^[A-Za-z][A-Za-z0-9_-]{0,31}$`)

func (s section) unknown(d *document, key *yaml.Node) {
	why, ok := refused[key.Value]
	switch {
	case ok:
		d.wrong(key, "%s %s", key.Value, why)
	case !word().MatchString(key.Value):
		d.wrong(key, "this is no key: a key is a word, and a colon and a space follow it")
	default:
		d.wrong(key, "%s is no %s%s", key.Value, s.noun, meant(key.Value, sorted(s.keys)))
	}
}

// meant suggests the known word that is nearest to one that is not known.
func meant(word string, known []string) string {
	if near := nearest.Of(word, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}
