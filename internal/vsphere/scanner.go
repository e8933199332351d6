package vsphere

import "bytes"

// scanner reads tags and text of an XML document that has neither comments nor
// CDATA nor processing instructions. It takes ASCII without entities; its
// methods say no to anything else, and to what is not there.
type scanner struct {
	text []byte
	at   int
	// attrs is room for the attributes of one tag, within for the names of those that pass
	// is in.
	attrs  []attribute
	within [][]byte
}

// scan starts on a text.
func (s *scanner) scan(text []byte, at int) { s.text, s.at = text, at }

// tag is a start tag. Its attributes stand until the next tag is opened.
type tag struct {
	name  []byte
	attrs []attribute
}

type attribute struct{ name, value []byte }

func (s *scanner) skipSpace() {
	for s.at < len(s.text) && isSpace(s.text[s.at]) {
		s.at++
	}
}

// Carriage returns are left out: XML makes line feeds of them.
func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' }

func (s *scanner) atEnd() bool {
	s.skipSpace()
	return s.at == len(s.text)
}

// openIf reads a start tag if it has the name. An element without an end tag
// (<name/>) is left alone.
func (s *scanner) openIf(name string) (t tag, found bool) {
	start := s.at
	if t, found = s.open(); !found || string(t.name) != name {
		s.at = start
		return tag{}, false
	}
	return t, true
}

// open reads the next start tag.
func (s *scanner) open() (t tag, ok bool) {
	s.skipSpace()
	if s.at >= len(s.text) || s.text[s.at] != '<' {
		return t, false
	}
	end := bytes.IndexByte(s.text[s.at:], '>')
	if end < 0 {
		return t, false
	}
	inner := s.text[s.at+1 : s.at+end]
	n := 0
	for n < len(inner) && isNameByte(inner[n], n) {
		n++
	}
	if t.name = inner[:n]; !isQName(t.name) {
		return t, false
	}
	if t.attrs, ok = attributes(s.attrs[:0], inner[n:]); !ok {
		return t, false
	}
	s.attrs = t.attrs
	s.at += end + 1
	return t, true
}

// attributes appends to list what follows the name in a start tag.
func attributes(list []attribute, text []byte) (_ []attribute, ok bool) {
	for {
		trimmed := bytes.TrimLeft(text, " \n\t")
		if len(trimmed) == 0 {
			return list, true
		}
		if len(trimmed) == len(text) {
			return nil, false // nothing between two attributes
		}
		name, rest, found := bytes.Cut(trimmed, []byte("="))
		if !found || !isQName(name) || len(rest) < 2 || rest[0] != '"' && rest[0] != '\'' {
			return nil, false
		}
		value, rest, found := bytes.Cut(rest[1:], rest[:1])
		if !found || !isPlain(value) || bytes.ContainsAny(value, "\n\t\"") {
			return nil, false
		}
		list = append(list, attribute{name, value})
		text = rest
	}
}

// close reads the end tag of the name.
func (s *scanner) close(name []byte) bool {
	s.skipSpace()
	rest, ok := bytes.CutPrefix(s.text[s.at:], []byte("</"))
	if !ok {
		return false
	}
	if rest, ok = bytes.CutPrefix(rest, name); !ok || len(rest) == 0 || rest[0] != '>' {
		return false
	}
	s.at += len("</") + len(name) + len(">")
	return true
}

// leaf reads the text of an element that holds nothing else, and its end tag.
func (s *scanner) leaf(name string) (text []byte, ok bool) {
	end := bytes.IndexByte(s.text[s.at:], '<')
	if end < 0 || !isPlain(s.text[s.at:s.at+end]) {
		return nil, false
	}
	text = s.text[s.at : s.at+end]
	s.at += end
	return text, s.close([]byte(name))
}

// fields reads the elements that an element of the name holds, and its end tag. read reads
// one to its end.
func (s *scanner) fields(name []byte, read func(tag) bool) bool {
	for !s.close(name) {
		if t, ok := s.open(); !ok || !read(t) {
			return false
		}
	}
	return true
}

// pass goes over an element to its end. One with a prefix may be a field that is wanted.
func (s *scanner) pass(t tag) bool {
	if bytes.IndexByte(t.name, ':') >= 0 {
		return false
	}
	s.within = append(s.within[:0], t.name)
	for len(s.within) > 0 {
		end := bytes.IndexByte(s.text[s.at:], '<')
		if end < 0 || !isPlain(s.text[s.at:s.at+end]) {
			return false
		}
		s.at += end
		if inner := len(s.within) - 1; s.close(s.within[inner]) {
			s.within = s.within[:inner]
		} else if t, ok := s.open(); ok {
			s.within = append(s.within, t.name)
		} else {
			return false
		}
	}
	return true
}

// isPlain reports whether text means itself: printable ASCII, line feeds and
// tabs, without entities.
func isPlain(text []byte) bool {
	for _, c := range text {
		if c == '&' || c == '<' || c == '>' || c >= 0x7f || c < ' ' && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}

func isNameByte(c byte, position int) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', c == ':':
		return true
	case '0' <= c && c <= '9', c == '-', c == '.':
		return position > 0
	}
	return false
}

// isQName reports whether name is one, with at most one prefix.
func isQName(name []byte) bool {
	for i, c := range name {
		if !isNameByte(c, i) {
			return false
		}
	}
	prefix, local, prefixed := bytes.Cut(name, []byte(":"))
	if !prefixed {
		return len(name) > 0
	}
	return len(prefix) > 0 && len(local) > 0 && isNameByte(local[0], 0) && !bytes.ContainsRune(local, ':')
}
