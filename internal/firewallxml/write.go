package firewallxml

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// Render returns one <service> element, indented by two spaces for its place in
// a ConfigRoot as in ESXi's own files, with a line end. It writes what it is
// given: see Service.Validate.
func Render(s Service) []byte {
	style := layout{indent: "  ", step: "  ", eol: "\n"}
	return []byte(style.indent + style.service(s) + style.eol)
}

// Document returns a whole file with one service. It writes what it is given:
// see Service.Validate.
func Document(s Service) []byte {
	return []byte("<ConfigRoot>\n" + string(Render(s)) + "</ConfigRoot>\n")
}

// Insert returns the file with a service after its last one, in the same
// indentation and line ends. Every other byte stays. A service without a number
// gets NextNumber where the file's others have one, as a file of several needs
// them. It fails when the service is not valid, its id or number is taken, or
// the file's ConfigRoot has no closing tag to write before.
func (f *File) Insert(s Service) ([]byte, error) {
	if s.Number == "" && f.usesNumbers() {
		s.Number = f.NextNumber()
	}
	if err := f.admits(s); err != nil {
		return nil, err
	}
	style := f.layout()
	var at int
	var text string
	switch {
	case f.last != nil:
		at = f.last.end
		text = style.eol + style.indent + style.service(s)
	case f.root.closing == f.root.end:
		return nil, f.root.errorf("it is closed in its own tag: write <ConfigRoot></ConfigRoot> to add a service")
	default:
		at = f.root.closing
		at -= len(trailingBlanks(f.data[:at]))
		text = style.indent + style.service(s) + style.eol
		if at > 0 && f.data[at-1] != '\n' {
			text = style.eol + text
		}
	}
	if len(f.data)+len(text) > MaxSize {
		return nil, fmt.Errorf("with the service %s the file would have more than %d bytes", s.ID, MaxSize)
	}
	edited := make([]byte, 0, len(f.data)+len(text))
	edited = append(edited, f.data[:at]...)
	edited = append(edited, text...)
	return append(edited, f.data[at:]...), nil
}

// Add is Insert for a file that is handed out: it returns the edited file, and the
// service as it stands in there. Nothing is returned that does not read as what was
// meant, and of a file of /etc/vmware/service, which has the same form and no rules.
func (f *File) Add(s Service) ([]byte, Service, error) {
	if len(f.services) > 0 && !slices.ContainsFunc(f.services, func(s Service) bool { return len(s.Rules) > 0 }) {
		return nil, s, f.last.errorf("neither it nor any other service has a <rule>: this is not a firewall configuration file, as those of /etc/vmware/service are not")
	}
	edited, err := f.Insert(s)
	if err != nil {
		return nil, s, err
	}
	again, err := Parse(edited)
	if err != nil {
		return nil, s, fmt.Errorf("with %s in it: %w", s.ID, err)
	}
	services := again.Services()
	s.Number = services[len(services)-1].Number
	if !bytes.Equal(Render(services[len(services)-1]), Render(s)) {
		return nil, s, fmt.Errorf("with %s in it, it does not read as was meant", s.ID)
	}
	return edited, s, nil
}

func (f *File) usesNumbers() bool {
	for _, s := range f.services {
		if s.Number != "" {
			return true
		}
	}
	return false
}

// admits says why the service cannot be added.
func (f *File) admits(s Service) error {
	if err := s.Validate(); err != nil {
		return err
	}
	if f.Has(s.ID) {
		return fmt.Errorf("the file has a service %s already", s.ID)
	}
	if other := f.numbered(s.Number); other != "" {
		return fmt.Errorf("the number %s is that of the service %s already: use %s", s.Number, other, f.NextNumber())
	}
	return nil
}

// layout is how a file is written: the blanks before a service, those that each
// level adds, and what ends a line.
type layout struct{ indent, step, eol string }

// maxIndent bounds the indentation that is imitated.
const maxIndent = 64

// layout reads the style off the last service.
func (f *File) layout() layout {
	l := layout{indent: "  ", step: "  ", eol: f.lineEnd()}
	if f.last == nil {
		return l
	}
	indent, alone := f.indentOf(f.last)
	if !alone {
		return l
	}
	l.indent = indent
	if len(f.last.children) == 0 {
		return l
	}
	if inner, alone := f.indentOf(f.last.children[0]); alone && strings.HasPrefix(inner, indent) {
		l.step = inner[len(indent):]
	}
	return l
}

// indentOf returns the blanks before an element, and whether nothing else stands
// before it on its line.
func (f *File) indentOf(n *node) (indent string, alone bool) {
	before := f.data[:n.start]
	blanks := trailingBlanks(before)
	start := len(before) - len(blanks)
	return string(blanks), len(blanks) <= maxIndent && start > 0 && before[start-1] == '\n'
}

func trailingBlanks(data []byte) []byte {
	return data[len(bytes.TrimRight(data, " \t")):]
}

// lineEnd returns what ends the lines where a service would be inserted.
func (f *File) lineEnd() string {
	at := f.root.closing
	if f.last != nil {
		at = f.last.end
	}
	i := bytes.LastIndexByte(f.data[:at], '\n')
	if i < 0 {
		i = bytes.IndexByte(f.data, '\n')
	}
	if i > 0 && f.data[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// service returns the element without the first indentation and the last line
// end.
func (l layout) service(s Service) string {
	b := &lines{layout: l}
	number := ""
	if s.Number != "" {
		number = " id='" + escape(s.Number) + "'"
	}
	b.add(0, "<service"+number+">")
	b.add(1, "<id>"+escape(s.ID)+"</id>")
	for i, r := range s.Rules {
		b.rule(i, r)
	}
	b.add(1, "<enabled>"+strconv.FormatBool(s.Enabled)+"</enabled>")
	b.add(1, "<required>"+strconv.FormatBool(s.Required)+"</required>")
	b.add(0, "</service>")
	return b.text.String()
}

// lines gathers lines that are indented alike.
type lines struct {
	layout
	text strings.Builder
}

// add appends a line so many levels below the service.
func (b *lines) add(level int, text string) {
	if b.text.Len() > 0 {
		b.text.WriteString(b.eol + b.indent)
	}
	b.text.WriteString(strings.Repeat(b.step, level) + text)
}

func (b *lines) rule(number int, r inventory.Rule) {
	portType := r.PortType
	if portType == "" {
		portType = inventory.Dst
	}
	b.add(1, fmt.Sprintf("<rule id='%04d'>", number))
	b.add(2, "<direction>"+escape(r.Direction)+"</direction>")
	b.add(2, "<protocol>"+escape(r.Protocol)+"</protocol>")
	b.add(2, "<porttype>"+escape(portType)+"</porttype>")
	if r.Last() == r.Port {
		b.add(2, "<port>"+strconv.Itoa(r.Port)+"</port>")
	} else {
		b.add(2, "<port>")
		b.add(3, "<begin>"+strconv.Itoa(r.Port)+"</begin>")
		b.add(3, "<end>"+strconv.Itoa(r.EndPort)+"</end>")
		b.add(2, "</port>")
	}
	b.add(1, "</rule>")
}

func escape(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		panic(err) // a strings.Builder takes everything
	}
	return b.String()
}
