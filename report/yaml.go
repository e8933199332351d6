package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// YAML writes the document that JSON writes, with its keys in the same order, host by
// host: as one tree a report of 15,000 hosts takes gigabytes.
func YAML(w io.Writer, r *Report) error {
	in, out := io.Pipe()
	go func() { out.CloseWithError(JSON(out, r)) }()
	dec := json.NewDecoder(in)
	dec.UseNumber()
	y := yamlStream{dec: dec, out: bufio.NewWriterSize(w, 64<<10)}
	err := y.document()
	in.CloseWithError(err) // the other side ends, too
	if err != nil {
		return fmt.Errorf("write the report as YAML: %w", err)
	}
	return y.out.Flush()
}

// yamlStream writes the lists that may be long itself, and what is in them by the library.
type yamlStream struct {
	dec *json.Decoder
	out *bufio.Writer
}

func (y *yamlStream) document() error {
	if _, err := y.dec.Token(); err != nil { // the opening brace
		return err
	}
	return y.mapping("", "")
}

// mapping writes a mapping whose brace was read: its first line behind first, the others
// behind rest.
func (y *yamlStream) mapping(first, rest string) error {
	for y.dec.More() {
		token, err := y.dec.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string) // of a mapping
		if key == "targets" || key == "hosts" {
			err = y.sequence(key, first, rest)
		} else {
			var value *yaml.Node
			if value, err = yamlNode(y.dec); err == nil {
				err = y.piece(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: key}, value}}, first, rest)
			}
		}
		if err != nil {
			return err
		}
		first = rest
	}
	_, err := y.dec.Token() // the closing brace
	return err
}

// sequence writes a list of mappings under its key.
func (y *yamlStream) sequence(key, first, rest string) error {
	if _, err := y.dec.Token(); err != nil { // the opening bracket
		return err
	}
	_, _ = y.out.WriteString(first + key + ":") // a bufio.Writer keeps its first error for Flush
	if !y.dec.More() {
		_, _ = y.out.WriteString(" []")
	}
	_ = y.out.WriteByte('\n')
	for y.dec.More() {
		if key == "targets" {
			if _, err := y.dec.Token(); err != nil { // the opening brace
				return err
			}
			if err := y.mapping(rest+"  - ", rest+"    "); err != nil {
				return err
			}
			continue
		}
		node, err := yamlNode(y.dec)
		if err != nil {
			return err
		}
		if err := y.piece(node, rest+"  - ", rest+"    "); err != nil {
			return err
		}
	}
	_, err := y.dec.Token() // the closing bracket
	return err
}

// piece writes a node that is small.
func (y *yamlStream) piece(node *yaml.Node, first, rest string) error {
	var text bytes.Buffer
	enc, err := yaml.NewDumper(&text, yaml.WithIndent(2), yaml.WithLineWidth(-1), yaml.WithCompactSeqIndent(false))
	if err != nil {
		return err
	}
	if err := errors.Join(enc.Dump(node), enc.Close()); err != nil {
		return err
	}
	for line := range bytes.Lines(text.Bytes()) {
		_, _ = y.out.WriteString(first)
		_, _ = y.out.Write(line)
		first = rest
	}
	return nil
}

// yamlNode reads the next value of a JSON document.
func yamlNode(dec *json.Decoder) (*yaml.Node, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch value := token.(type) {
	case json.Delim:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		if value == '{' {
			n.Kind = yaml.MappingNode // keys and values in turn, as they are read
		}
		for dec.More() {
			child, err := yamlNode(dec)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, child)
		}
		_, err := dec.Token() // the closing bracket
		return n, err
	case string:
		n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
		if !plainYAML(value) {
			n.Style = yaml.DoubleQuotedStyle
		}
		return n, nil
	default: // numbers and truth values are written alike
		return &yaml.Node{Kind: yaml.ScalarNode, Value: fmt.Sprint(value)}, nil
	}
}

// plainYAML reports whether a string needs no quotes for any reader: also one of YAML
// 1.1, to which a host named "no" is false and one named "1:30" is ninety.
func plainYAML(s string) bool {
	letter := func(c rune) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
	if s == "" || !letter(rune(s[0])) || strings.HasSuffix(s, " ") {
		return false
	}
	if slices.Contains([]string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}, strings.ToLower(s)) {
		return false
	}
	return !strings.ContainsFunc(s, func(c rune) bool {
		return !letter(c) && (c < '0' || c > '9') && !strings.ContainsRune(" _-./,;()", c)
	})
}
