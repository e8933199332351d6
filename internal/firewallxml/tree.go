package firewallxml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// SyntaxError means that a file is not one that ESXi could be relied on to
// understand.
type SyntaxError struct {
	// Line counts from 1.
	Line int
	// Element is the name of the element, empty when it is not about one.
	Element string
	Problem string
}

func (e *SyntaxError) Error() string {
	if e.Element == "" {
		return fmt.Sprintf("line %d: %s", e.Line, e.Problem)
	}
	return fmt.Sprintf("line %d: <%s>: %s", e.Line, e.Element, e.Problem)
}

// blanks is what XML takes for white space.
const blanks = " \t\r\n"

// node is one element and where it stands.
type node struct {
	// name is qualified by its namespace, if any, and so never that of an
	// element of ESXi's then.
	name       string
	attrs      []xml.Attr
	line       int
	start, end int // of the whole element, in bytes of the file
	// closing is where the closing tag starts; it is end for <element/>.
	closing  int
	text     []byte // all text directly inside, blanks included
	children []*node
}

func (n *node) errorf(format string, args ...any) error {
	return &SyntaxError{Line: n.line, Element: n.name, Problem: fmt.Sprintf(format, args...)}
}

// attr returns the value of an attribute without a namespace; empty when it is
// not there.
func (n *node) attr(name string) string {
	for _, a := range n.attrs {
		if a.Name.Space == "" && a.Name.Local == name {
			return strings.Trim(a.Value, blanks)
		}
	}
	return ""
}

// noText makes sure that the element holds elements alone.
func (n *node) noText() error {
	if text := bytes.Trim(n.text, blanks); len(text) > 0 {
		return n.errorf("there is text that belongs to nothing: %.40q", text)
	}
	return nil
}

// ESXi's own files nest five levels deep, and an element has one attribute.
const (
	maxDepth      = 32
	maxAttributes = 32
)

// tree is the state of parseTree.
type tree struct {
	data    []byte
	decoder *xml.Decoder
	base    int // what was cut off before the decoder's first byte
	at      int // where the current token starts
	counted int // line is that of this offset
	line    int
	open    []*node
	root    *node
}

// parseTree returns the root of a well-formed file.
func parseTree(data []byte) (*node, error) {
	t := &tree{data: data, line: 1}
	if err := t.checkEncoding(); err != nil {
		return nil, err
	}
	t.decoder = xml.NewDecoder(bytes.NewReader(data[t.base:]))
	t.decoder.CharsetReader = charset
	for {
		t.at = t.offset()
		token, err := t.decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = t.take(token)
		}
		if err != nil {
			return nil, t.positioned(err)
		}
	}
	if t.root == nil {
		return nil, t.errorf("there is no <ConfigRoot>: this is no firewall configuration file")
	}
	return t.root, nil
}

const byteOrderMark = "\xef\xbb\xbf"

// checkEncoding finds what is not UTF-8 before the decoder makes a riddle of it.
func (t *tree) checkEncoding() error {
	if bytes.HasPrefix(t.data, []byte{0xfe, 0xff}) || bytes.HasPrefix(t.data, []byte{0xff, 0xfe}) {
		return t.errorf("it is encoded in UTF-16: save it as UTF-8")
	}
	if bytes.HasPrefix(t.data, []byte(byteOrderMark)) {
		t.base = len(byteOrderMark)
	}
	for rest := t.data; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if r == utf8.RuneError && size == 1 {
			t.at = len(t.data) - len(rest)
			return t.errorf("the byte 0x%02x is not UTF-8: save the file as UTF-8", rest[0])
		}
		rest = rest[size:]
	}
	return nil
}

// charset is asked for encodings other than UTF-8.
func charset(label string, r io.Reader) (io.Reader, error) {
	if strings.EqualFold(label, "us-ascii") || strings.EqualFold(label, "ascii") {
		return r, nil
	}
	return nil, fmt.Errorf("it says that it is encoded in %q: save it as UTF-8", label)
}

func (t *tree) offset() int { return t.base + int(t.decoder.InputOffset()) }

// errorf makes an error about where the current token starts.
func (t *tree) errorf(format string, args ...any) error {
	return &SyntaxError{Line: t.lineOf(t.at), Problem: fmt.Sprintf(format, args...)}
}

// lineOf is asked for growing offsets alone, so that it need not count anew.
func (t *tree) lineOf(offset int) int {
	t.line += bytes.Count(t.data[t.counted:offset], []byte("\n"))
	t.counted = offset
	return t.line
}

// positioned turns the decoder's errors into ours.
func (t *tree) positioned(err error) error {
	var ours *SyntaxError
	var theirs *xml.SyntaxError
	switch {
	case errors.As(err, &ours):
		return err
	case errors.As(err, &theirs):
		return &SyntaxError{Line: theirs.Line, Problem: "it is not well-formed XML: " + theirs.Msg}
	}
	return t.errorf("%s", strings.TrimPrefix(err.Error(), "xml: "))
}

func (t *tree) take(token xml.Token) error {
	switch token := token.(type) {
	case xml.StartElement:
		return t.start(token)
	case xml.EndElement:
		t.end()
	case xml.CharData:
		return t.text(token)
	case xml.ProcInst:
		if token.Target == "xml" && t.at != t.base {
			return t.errorf("an XML declaration stands at the very start of a file or nowhere")
		}
	case xml.Directive:
		return t.errorf("a document type or entity declaration has no place in a firewall configuration file: remove it")
	}
	return nil
}

func (t *tree) start(token xml.StartElement) error {
	n := &node{name: qualified(token.Name), attrs: slices.Clone(token.Attr), line: t.lineOf(t.at), start: t.at}
	switch {
	case len(t.open) >= maxDepth:
		return n.errorf("elements nest more than %d deep", maxDepth)
	case len(n.attrs) > maxAttributes:
		return n.errorf("it has more than %d attributes", maxAttributes)
	case len(t.open) == 0 && t.root != nil:
		return n.errorf("a second root after <ConfigRoot>: a file has one")
	case len(t.open) == 0 && n.name != "ConfigRoot":
		return n.errorf("the root is not <ConfigRoot>: this is no firewall configuration file")
	}
	for i, a := range n.attrs {
		if slices.ContainsFunc(n.attrs[:i], func(b xml.Attr) bool { return a.Name == b.Name }) {
			return n.errorf("the attribute %s is there twice", a.Name.Local)
		}
	}
	if len(t.open) == 0 {
		t.root = n
	} else {
		parent := t.open[len(t.open)-1]
		parent.children = append(parent.children, n)
	}
	t.open = append(t.open, n)
	return nil
}

func qualified(name xml.Name) string {
	if name.Space == "" {
		return name.Local
	}
	return name.Space + ":" + name.Local
}

// end closes the innermost element. The decoder has made sure that there is one
// and that the names agree.
func (t *tree) end() {
	n := t.open[len(t.open)-1]
	n.closing, n.end = t.at, t.offset()
	t.open = t.open[:len(t.open)-1]
}

func (t *tree) text(data xml.CharData) error {
	if len(t.open) > 0 {
		n := t.open[len(t.open)-1]
		n.text = append(n.text, data...)
		return nil
	}
	if text := bytes.Trim(data, blanks); len(text) > 0 {
		return t.errorf("there is text outside of <ConfigRoot>: %.40q", text)
	}
	return nil
}
