//go:build linux

package esxi

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// element is a node of an XML file.
type element struct {
	name     string
	attrs    map[string]string
	children []*element
	text     string // trimmed
	line     int
}

// parseXML reads a whole file. It is strict: encoding/xml's own mapping would
// pass over what it does not know.
func parseXML(data []byte) (*element, error) {
	d := xml.NewDecoder(bytes.NewReader(data))
	var root *element
	var open []*element
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			line, _ := d.InputPos()
			e := &element{name: t.Name.Local, attrs: map[string]string{}, line: line}
			for _, a := range t.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			if len(open) > 0 {
				parent := open[len(open)-1]
				parent.children = append(parent.children, e)
			} else if root != nil {
				return nil, errors.New("more than one root element")
			} else {
				root = e
			}
			open = append(open, e)
		case xml.EndElement:
			last := open[len(open)-1]
			last.text = strings.TrimSpace(last.text)
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(t)
			} else if len(bytes.TrimSpace(t)) > 0 {
				return nil, errors.New("text outside the root element")
			}
		}
	}
	if root == nil {
		return nil, errors.New("no root element")
	}
	return root, nil
}

// all are the children of a name.
func (e *element) all(name string) []*element {
	var list []*element
	for _, c := range e.children {
		if c.name == name {
			list = append(list, c)
		}
	}
	return list
}

// child is the one child of a name; without one it is an empty element.
func (e *element) child(name string) *element {
	if list := e.all(name); len(list) > 0 {
		return list[0]
	}
	return &element{name: name}
}

// only refuses children and attributes other than these, and children that are
// there more than once unless they may be.
func (e *element) only(attrs, once, often string) error {
	for name := range e.attrs {
		if !isWord(attrs, name) {
			return fmt.Errorf("<%s> has an attribute %s", e.name, name)
		}
	}
	for _, c := range e.children {
		switch {
		case isWord(often, c.name):
		case !isWord(once, c.name):
			return fmt.Errorf("<%s> has a child <%s>", e.name, c.name)
		case len(e.all(c.name)) > 1:
			return fmt.Errorf("<%s> has several children <%s>", e.name, c.name)
		}
	}
	if e.text != "" && len(e.children) > 0 {
		return fmt.Errorf("<%s> has text beside its children", e.name)
	}
	return nil
}

func isWord(words, word string) bool {
	for _, w := range strings.Fields(words) {
		if w == word {
			return true
		}
	}
	return false
}
