package vsphere

import (
	"bytes"
	"slices"
	"time"

	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// object reads an object element, by itself or by govmomi.
func (r *reader) object(raw []byte) (content types.ObjectContent, ok bool) {
	r.scan(raw, len(objectsOpen))
	if content, ok = r.content(); ok {
		return content, true
	}
	// Neither may hide an end from the reader.
	if bytes.Contains(raw, []byte("<!")) || bytes.Contains(raw, []byte("<?")) {
		return content, false
	}
	var list struct {
		Objects []types.ObjectContent `xml:"objects"`
	}
	if err := r.decode(raw, &list); err != nil || len(list.Objects) != 1 {
		return content, false
	}
	takeFacts(&list.Objects[0])
	return list.Objects[0], true
}

// decode is govmomi's decoder on a part of the answer.
func (r *reader) decode(raw []byte, v any) error {
	var b bytes.Buffer
	b.WriteString("<part")
	for _, a := range r.declared {
		b.WriteByte(' ')
		b.Write(a.name)
		b.WriteString(`="`)
		b.Write(a.value)
		b.WriteByte('"')
	}
	b.WriteByte('>')
	b.Write(raw)
	b.WriteString("</part>")
	dec := xml.NewDecoder(&b)
	dec.TypeFunc = types.TypeFunc()
	return dec.Decode(v)
}

func factsOf(info *types.HostFirewallInfo) firewallFacts {
	facts := firewallFacts{
		incomingBlocked: inventory.FromPtr(info.DefaultPolicy.IncomingBlocked),
		outgoingBlocked: inventory.FromPtr(info.DefaultPolicy.OutgoingBlocked),
		rulesets:        make([]*inventory.Ruleset, len(info.Ruleset)),
	}
	for i := range info.Ruleset {
		facts.rulesets[i] = rulesetOf(&info.Ruleset[i])
	}
	return facts
}

// content reads what is in an object, and its end.
func (r *reader) content() (content types.ObjectContent, ok bool) {
	t, found := r.openIf("obj")
	if !found {
		return content, false
	}
	if content.Obj, ok = r.reference(t); !ok {
		return content, false
	}
	for {
		t, found := r.openIf("propSet")
		if len(t.attrs) > 0 {
			return content, false // it may redeclare a prefix
		}
		if !found {
			r.usual = len(content.PropSet)
			return content, r.close([]byte("objects")) && r.atEnd()
		}
		p, ok := r.property()
		if !ok {
			return content, false
		}
		if content.PropSet == nil {
			content.PropSet = make([]types.DynamicProperty, 0, max(r.usual, 1))
		}
		content.PropSet = append(content.PropSet, p)
	}
}

func (r *reader) property() (p types.DynamicProperty, ok bool) {
	if t, found := r.openIf("name"); !found || len(t.attrs) > 0 {
		return p, false
	}
	name, ok := r.leaf("name")
	if !ok {
		return p, false
	}
	p.Name = r.word(name)
	t, found := r.openIf("val")
	if !found {
		return p, false
	}
	if p.Val, ok = r.value(t); !ok {
		return p, false
	}
	return p, r.close([]byte("propSet"))
}

// value reads a value by its xsi:type, up to its end.
func (r *reader) value(t tag) (types.AnyType, bool) {
	kind, rest := r.typeOf(t)
	if read := r.lists(string(kind)); read != nil {
		return r.inside(t, rest, read)
	}
	t.attrs = rest
	switch string(kind) {
	case "ManagedObjectReference":
		return r.reference(t)
	case "ArrayOfManagedObjectReference":
		return r.references(t)
	case "HostFirewallInfo":
		if len(t.attrs) > 0 {
			return nil, false
		}
		return r.firewall()
	case "HostServiceInfo":
		return shared[types.HostServiceInfo](r, t, "HostServiceInfo")
	case "HostDateTimeInfo":
		return shared[types.HostDateTimeInfo](r, t, "HostDateTimeInfo")
	}
	text, ok := r.leaf(string(t.name))
	if !ok || len(t.attrs) > 0 {
		return nil, false
	}
	switch string(kind) {
	case "xsd:string":
		return string(text), true
	case "HostSystemConnectionState":
		return types.HostSystemConnectionState(r.word(text)), true
	case "HostSystemPowerState":
		return types.HostSystemPowerState(r.word(text)), true
	case "xsd:boolean":
		return string(text) == "true", string(text) == "true" || string(text) == "false"
	case "xsd:dateTime":
		var at time.Time
		err := at.UnmarshalText(text)
		return at, err == nil
	}
	return nil, false
}

// lists returns what reads a list of the kind; nil where it is none of those.
func (r *reader) lists(kind string) func() (types.AnyType, bool) {
	switch kind {
	case "ArrayOfVirtualNicManagerNetConfig":
		return r.nics
	case "ArrayOfHostFileSystemMountInfo":
		return r.mounts
	case "ArrayOfHostHostBusAdapter":
		return r.adapters
	}
	return nil
}

// inside reads what is in a tag without attributes but for prefixes, which hold there.
func (r *reader) inside(t tag, rest []attribute, read func() (types.AnyType, bool)) (types.AnyType, bool) {
	around := len(r.declared)
	for _, a := range t.attrs {
		if bytes.HasPrefix(a.name, []byte("xmlns:")) {
			r.declared = append(r.declared, a)
		}
	}
	v, ok := read()
	r.declared = r.declared[:around]
	return v, ok && len(rest) == 0
}

// typeOf is a tag's xsi:type, and the attributes besides those that declare prefixes.
func (r *reader) typeOf(t tag) (kind []byte, rest []attribute) {
	for _, a := range t.attrs {
		prefix, local, prefixed := bytes.Cut(a.name, []byte(":"))
		switch {
		case prefixed && string(prefix) == "xmlns":
		case prefixed && string(local) == "type" && kind == nil && r.isInstance(t, string(prefix)):
			kind = a.value
		default:
			rest = append(rest, a)
		}
	}
	return kind, rest
}

// shared reads a value of the kind that most hosts have alike, up to its end: what came of equal
// bytes is taken again.
func shared[T any](r *reader, t tag, kind string) (types.AnyType, bool) {
	end := bytes.Index(r.text[r.at:], valClose)
	if end < 0 || len(t.attrs) > 0 {
		return nil, false
	}
	raw := r.text[r.at : r.at+end]
	v, ok := r.same(kind, raw, func() (types.AnyType, bool) {
		if !plainTags(raw) {
			return nil, false // see ruleset
		}
		var part struct {
			Val T `xml:"val"`
		}
		err := r.decode(slices.Concat(valOpen, raw, valClose), &part)
		return part.Val, err == nil
	})
	r.at += end + len(valClose)
	return v, ok
}

// isInstance reports whether the prefix stands for XML Schema's instance
// namespace, by a declaration of the tag itself or by one around it.
func (r *reader) isInstance(t tag, prefix string) bool {
	if own, declared := namespaceIn(t.attrs, prefix); declared {
		return own == xsiNS
	}
	return r.namespace(prefix) == xsiNS
}

// reference reads a reference up to its end.
func (r *reader) reference(t tag) (ref types.ManagedObjectReference, ok bool) {
	if len(t.attrs) != 1 || string(t.attrs[0].name) != "type" {
		return ref, false
	}
	text, ok := r.leaf(string(t.name))
	return types.ManagedObjectReference{Type: r.word(t.attrs[0].value), Value: string(text)}, ok
}

func (r *reader) references(t tag) (types.AnyType, bool) {
	if len(t.attrs) > 0 {
		return nil, false
	}
	var list types.ArrayOfManagedObjectReference
	for {
		t, found := r.openIf("ManagedObjectReference")
		if !found {
			return list, r.close([]byte("val"))
		}
		ref, ok := r.reference(t)
		if !ok {
			return nil, false
		}
		list.ManagedObjectReference = append(list.ManagedObjectReference, ref)
	}
}

// firewall reads a HostFirewallInfo up to its end.
func (r *reader) firewall() (types.AnyType, bool) {
	var facts firewallFacts
	if t, found := r.openIf("defaultPolicy"); found {
		if len(t.attrs) > 0 || !r.flag("incomingBlocked", &facts.incomingBlocked) || !r.flag("outgoingBlocked", &facts.outgoingBlocked) ||
			!r.close([]byte("defaultPolicy")) {
			return nil, false
		}
	}
	same := true
	found := r.room[:0]
	for r.skipSpace(); ; r.skipSpace() {
		rest := r.text[r.at:]
		// Most hosts have the rulesets of the host before.
		if n := len(found); n < len(r.last) && r.last[n].begins(rest) {
			found = append(found, r.last[n])
		} else if bytes.HasPrefix(rest, rulesetOpen) {
			k, ok := r.ruleset(rest)
			if !ok {
				return nil, false
			}
			found, same = append(found, k), false
		} else {
			break
		}
		r.at += len(found[len(found)-1].raw)
	}
	if !same || len(found) != len(r.last) || r.lastList == nil {
		r.lastList = r.list(found)
	}
	r.last, r.room = found, r.last
	facts.rulesets = r.lastList
	return facts, r.close([]byte("val"))
}

// ruleset decodes the ruleset element that text starts with, or finds what came
// of equal bytes.
func (r *reader) ruleset(text []byte) (*keptRuleset, bool) {
	end := bytes.Index(text, rulesetClose)
	if end < 0 {
		return nil, false
	}
	raw := text[:end+len(rulesetClose)]
	return r.keep(raw, func() (*inventory.Ruleset, bool) {
		// What a prefix stands for depends on what is around it; equal bytes
		// mean the same only without one.
		if !plainTags(raw) {
			return nil, false
		}
		var list struct {
			Ruleset []types.HostFirewallRuleset `xml:"ruleset"`
		}
		if err := r.decode(raw, &list); err != nil || len(list.Ruleset) != 1 {
			return nil, false
		}
		return rulesetOf(&list.Ruleset[0]), true
	})
}

// flag reads a boolean that may be absent.
func (r *reader) flag(name string, to *inventory.Tristate) bool {
	t, found := r.openIf(name)
	if !found {
		return true
	}
	text, ok := r.leaf(name)
	if !ok || len(t.attrs) > 0 || string(text) != "true" && string(text) != "false" {
		return false
	}
	*to = inventory.Known(string(text) == "true")
	return true
}

// plainTags reports whether no tag has a prefix or an attribute.
func plainTags(raw []byte) bool {
	for {
		i := bytes.IndexByte(raw, '<')
		if i < 0 {
			return true
		}
		raw = raw[i:]
		end := bytes.IndexByte(raw, '>')
		if end < 0 || bytes.ContainsAny(raw[:end], ": \t\r\n=") {
			return false
		}
		raw = raw[end:]
	}
}
