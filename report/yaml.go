package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// YAML writes the document that JSON writes, with its keys in the same order.
func YAML(w io.Writer, r *Report) error {
	var document bytes.Buffer
	if err := JSON(&document, r); err != nil {
		return err
	}
	dec := json.NewDecoder(&document)
	dec.UseNumber()
	node, err := yamlNode(dec)
	if err != nil {
		return fmt.Errorf("write the report as YAML: %w", err)
	}
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(node); err != nil {
		return err
	}
	return enc.Close()
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
