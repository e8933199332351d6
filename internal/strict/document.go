// Package strict reads YAML files strictly: what is not known is refused, with its place
// and the nearest known word, and everything that is wrong is told at once.
package strict

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/vic-preflight/vic-preflight/internal/nearest"
)

// Place is a place in a file. Line and Column count from 1, columns in characters.
type Place struct {
	Path         string
	Line, Column int
}

// String returns FILE:LINE:COLUMN.
func (p Place) String() string { return fmt.Sprintf("%s:%d:%d", p.Path, p.Line, p.Column) }

// Error is what is wrong at a place. Its text repeats no value that could hold a secret.
type Error struct {
	Place Place
	Text  string
}

func (e *Error) Error() string { return e.Place.String() + ": " + e.Text }

// Document is a file while it is read, with what was found wrong so far.
type Document struct {
	Path string
	// Kind is what the file is, such as configuration file.
	Kind string

	errs []*Error
}

// Err joins an *Error for each thing that was wrong, in the order of the file. It is nil
// where nothing was.
func (d *Document) Err() error {
	slices.SortStableFunc(d.errs, func(a, b *Error) int { return compare(a.Place, b.Place) })
	list := make([]error, len(d.errs))
	for i, err := range d.errs {
		list[i] = err
	}
	return errors.Join(list...)
}

// At is the place of a node.
func (d *Document) At(n *yaml.Node) Place { return Place{d.Path, max(1, n.Line), max(1, n.Column)} }

// Wrong notes an error at a node. No argument may be a value of the file, unless it is
// one of a few known words: it could be a secret.
func (d *Document) Wrong(n *yaml.Node, format string, args ...any) {
	d.errs = append(d.errs, &Error{d.At(n), fmt.Sprintf(format, args...)})
}

func compare(a, b Place) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

// Root returns the one document of the file, or nil when it is none.
func (d *Document) Root(data []byte) *yaml.Node {
	if place, ok := d.unprintable(data); ok {
		d.errs = append(d.errs, &Error{place, "it is not UTF-8 text, or has a control character here"})
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	err := decoder.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF), err == nil && (len(doc.Content) == 0 || Empty(doc.Content[0])):
		d.Wrong(&doc, "the file is empty")
		return nil
	case err != nil:
		d.syntax(err)
		return nil
	}
	if err := decoder.Decode(&second); err == nil {
		d.Wrong(&second, "a second document begins, and a %s is one", d.Kind)
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
func (d *Document) unprintable(data []byte) (Place, bool) {
	p := Place{d.Path, 1, 1}
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
func (d *Document) syntax(err error) {
	var load *yaml.LoadError
	if !errors.As(err, &load) {
		d.Wrong(&yaml.Node{}, "it is not YAML")
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
	d.Wrong(&yaml.Node{Line: load.Mark.Line, Column: load.Mark.Column}, "%s", text)
}

// plain refuses anchors and aliases: a small file of them can stand for a huge one, and
// an & where quotes were forgotten takes the value away.
func (d *Document) plain(n *yaml.Node) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		d.Wrong(n, noAlias)
	}
	for _, inner := range n.Content {
		d.plain(inner)
	}
}

// Vocabulary are the keys of a mapping. A nil reader leaves the value to the caller.
type Vocabulary map[string]Reader

// Section is a kind of mapping.
type Section struct {
	// Name is what it is called in errors, Noun what its keys are, Example one of them
	// with its value.
	Name, Noun, Example string
	Keys                Vocabulary
	// Refused are keys that are left out on purpose, with why.
	Refused map[string]string
}

// Entry is a key of the file with what was read: values as the command line takes them.
type Entry struct {
	Name      string
	Key, Node *yaml.Node
	Values    []string
}

// Entries are those of a mapping that are known and have good values.
type Entries []Entry

// Find returns the entry of a key, nil where it is not given.
func (e Entries) Find(name string) *Entry {
	for i := range e {
		if e[i].Name == name {
			return &e[i]
		}
	}
	return nil
}

// First returns the value of a key, or "" where it is not given.
func (e Entries) First(name string) string {
	if found := e.Find(name); found != nil {
		return found.Values[0]
	}
	return ""
}

// All returns the values of a key, none where it is not given.
func (e Entries) All(name string) []string {
	if found := e.Find(name); found != nil {
		return found.Values
	}
	return nil
}

// Entries reads a mapping.
func (d *Document) Entries(n *yaml.Node, s Section) (list Entries) {
	if n.Kind != yaml.MappingNode || n.ShortTag() != "!!map" {
		d.Wrong(n, "%s is keys with values, such as %s", s.Name, s.Example)
		return nil
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		e := Entry{Name: n.Content[i].Value, Key: n.Content[i], Node: n.Content[i+1]}
		read, ok := s.Keys[e.Name]
		switch {
		case e.Key.Kind != yaml.ScalarNode || e.Key.ShortTag() != "!!str":
			d.Wrong(e.Key, "a key is a word")
		case !ok:
			s.unknown(d, e.Key)
		case lines[e.Name] > 0:
			d.Wrong(e.Key, "%s is given twice, first on line %d", e.Name, lines[e.Name])
		default:
			lines[e.Name] = e.Key.Line
			if d.filled(e) && read != nil {
				e.Values = read(d, e)
			}
			if read == nil || len(e.Values) > 0 {
				list = append(list, e)
			}
		}
	}
	return list
}

// Each reads the items of a list of mappings.
func (d *Document) Each(e Entry, read func(*yaml.Node)) {
	switch {
	case Empty(e.Node): // that was said
	case e.Node.Kind != yaml.SequenceNode:
		d.Wrong(e.Node, "%s takes a list: begin each item with a dash", e.Name)
	default:
		for _, item := range e.Node.Content {
			read(item)
		}
	}
}

// Exclude refuses two keys that say the same thing in different ways.
func (d *Document) Exclude(list Entries, a, b string) {
	if one, other := list.Find(a), list.Find(b); one != nil && other != nil {
		later := one
		if compare(d.At(one.Key), d.At(other.Key)) < 0 {
			later = other
		}
		d.Wrong(later.Key, "%s and %s exclude each other", a, b)
	}
}

// Missing notes keys that a mapping must have.
func (d *Document) Missing(n *yaml.Node, s Section, names ...string) {
	if n.Kind != yaml.MappingNode {
		return // that was said
	}
	var given []string
	for i := 0; i < len(n.Content); i += 2 {
		given = append(given, n.Content[i].Value)
	}
	for _, name := range names {
		if !slices.Contains(given, name) {
			d.Wrong(n, "%s needs the key %s", s.Name, name)
		}
	}
}

// filled notes when a key has no value: to do as if it was not given could widen what
// is meant.
func (d *Document) filled(e Entry) bool {
	if !Empty(e.Node) {
		return true
	}
	d.Wrong(e.Key, "%s is given and empty: leave it out or give it a value", e.Name)
	return false
}

// Empty reports whether a node has no value.
func Empty(n *yaml.Node) bool {
	if n.Kind == yaml.ScalarNode {
		return n.ShortTag() == "!!null" || strings.TrimSpace(n.Value) == ""
	}
	return len(n.Content) == 0
}

// word is what is repeated of an unknown key: anything else may be a value, as in
// {password:secret}, which lacks a space.
var word = Pattern(`^[A-Za-z][A-Za-z0-9_-]{0,31}$`)

func (s Section) unknown(d *Document, key *yaml.Node) {
	why, ok := s.Refused[key.Value]
	switch {
	case ok:
		d.Wrong(key, "%s %s", key.Value, why)
	case !word().MatchString(key.Value):
		d.Wrong(key, "this is no key: a key is a word, and a colon and a space follow it")
	default:
		d.Wrong(key, "%s is no %s%s", key.Value, s.Noun, meant(key.Value, slices.Sorted(maps.Keys(s.Keys))))
	}
}

// meant suggests the known word that is nearest to one that is not known.
func meant(word string, known []string) string {
	if near := nearest.Of(word, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}
