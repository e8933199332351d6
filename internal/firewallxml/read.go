package firewallxml

import (
	"bytes"
	"strconv"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// readService understands one <service>.
func readService(n *node) (Service, error) {
	s := Service{Number: n.attr("id")}
	if err := n.noText(); err != nil {
		return s, err
	}
	id, err := n.need("id")
	if err != nil {
		return s, err
	}
	s.ID = id.value()
	if s.Enabled, err = n.boolean("enabled"); err != nil {
		return s, err
	}
	if s.Required, err = n.boolean("required"); err != nil {
		return s, err
	}
	for _, child := range n.children {
		if child.name != "rule" {
			continue
		}
		rule, err := readRule(child)
		if err != nil {
			return s, err
		}
		s.Rules = append(s.Rules, rule)
	}
	return s, nil
}

func readRule(n *node) (inventory.Rule, error) {
	var r inventory.Rule
	if err := n.noText(); err != nil {
		return r, err
	}
	var err error
	if r.Direction, err = n.choice("direction", inventory.Outbound, inventory.Inbound); err != nil {
		return r, err
	}
	if r.Protocol, err = n.choice("protocol", inventory.TCP, inventory.UDP); err != nil {
		return r, err
	}
	port, err := n.only("port")
	if err == nil && port == nil {
		err = n.errorf("it has no <port>")
	}
	if err != nil {
		return r, err
	}
	if r.PortType, err = portType(n, port); err != nil {
		return r, err
	}
	r.Port, r.EndPort, err = readPorts(port)
	return r, err
}

// portType reads <porttype>, or the attribute that 4.x has instead.
func portType(rule, port *node) (string, error) {
	attribute := port.attr("type")
	if attribute != "" && !isPortType(attribute) {
		return "", port.errorf("its type %.40q is neither dst nor src", attribute)
	}
	element, err := rule.only("porttype")
	if err != nil || element == nil && attribute != "" {
		return attribute, err
	}
	chosen, err := rule.choice("porttype", inventory.Dst, inventory.Src)
	if err == nil && attribute != "" && attribute != chosen {
		err = port.errorf("its type is %s, and <porttype> says %s", attribute, chosen)
	}
	return chosen, err
}

// readPorts reads <port>N</port>, or <port><begin>N</begin><end>M</end></port>.
// The end is 0 for a single port.
func readPorts(n *node) (begin, end int, err error) {
	if len(n.children) == 0 {
		begin, err = n.port()
		return begin, 0, err
	}
	if err := n.noText(); err != nil {
		return 0, 0, err
	}
	from, err := n.need("begin")
	if err != nil {
		return 0, 0, err
	}
	to, err := n.need("end")
	if err != nil {
		return 0, 0, err
	}
	if begin, err = from.port(); err != nil {
		return 0, 0, err
	}
	if end, err = to.port(); err != nil {
		return 0, 0, err
	}
	switch {
	case begin > end:
		return 0, 0, n.errorf("it begins at %d and ends before, at %d", begin, end)
	case begin == end:
		end = 0
	}
	return begin, end, nil
}

func (n *node) port() (int, error) {
	text := n.value()
	if text == "" {
		return 0, n.errorf("it is empty")
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, n.errorf("%.40q is not a port, 0 to 65535", text)
	}
	return int(port), nil
}

// value returns the element's text.
func (n *node) value() string { return string(bytes.Trim(n.text, blanks)) }

// only returns the child of that name, nil when there is none.
func (n *node) only(name string) (*node, error) {
	var found *node
	for _, child := range n.children {
		if child.name != name {
			continue
		}
		if found != nil {
			return nil, child.errorf("it is there twice in one <%s>", n.name)
		}
		found = child
	}
	return found, nil
}

// need returns the child of that name, which has to be there and to hold text
// alone.
func (n *node) need(name string) (*node, error) {
	child, err := n.only(name)
	switch {
	case err != nil:
		return nil, err
	case child == nil:
		return nil, n.errorf("it has no <%s>", name)
	case len(child.children) > 0:
		return nil, child.errorf("it holds <%s>, and should hold text", child.children[0].name)
	case child.value() == "":
		return nil, child.errorf("it is empty")
	}
	return child, nil
}

// choice returns the text of the child of that name, which is one of two.
func (n *node) choice(name, one, other string) (string, error) {
	child, err := n.need(name)
	if err != nil {
		return "", err
	}
	text := child.value()
	if text != one && text != other {
		return "", child.errorf("%.40q is neither %s nor %s", text, one, other)
	}
	return text, nil
}

// boolean is false where the element is missing, as it is in files of 4.x.
func (n *node) boolean(name string) (bool, error) {
	child, err := n.only(name)
	if err != nil || child == nil {
		return false, err
	}
	text, err := n.choice(name, "true", "false")
	return text == "true", err
}
