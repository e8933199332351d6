package vsphere

import (
	"bytes"
	"io"
	"strings"
	"time"

	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// Reading an answer of the property collector. A host's firewall is 17 kB of
// XML, and nearly all of it is the same on every host, so that decoding it by
// reflection is most of what a run costs. The reader here walks through the
// answer and decodes a ruleset when it sees its bytes for the first time;
// everything with the same bytes shares what came of that.
//
// It knows the few elements that the answers to this package's own questions
// hold, in plain ASCII. An object with anything else in it is decoded by
// govmomi, and so is an answer that is built otherwise: the reader never
// guesses, and never differs from govmomi's decoder.

// firewallFacts is what is kept of a HostFirewallInfo. It takes its place as
// the value of the property firewallInfo.
type firewallFacts struct {
	outgoingBlocked inventory.Tristate
	rulesets        []*inventory.Ruleset
}

// answer is one page of objects. A Val is what govmomi would make of it, but
// for firewallFacts.
type answer struct {
	objects []types.ObjectContent
	// token asks for the next page; empty on the last.
	token string
}

const (
	soapNS = "http://schemas.xmlsoap.org/soap/envelope/"
	xsiNS  = "http://www.w3.org/2001/XMLSchema-instance"
)

var (
	objectsOpen, objectsClose = []byte("<objects>"), []byte("</objects>")
	rulesetOpen, rulesetClose = []byte("<ruleset>"), []byte("</ruleset>")
)

// readAnswer reads the answer to RetrievePropertiesEx or to its continuation,
// object by object as they come in. From the first one on that it cannot make
// out, the rest of the document goes to decode, with its head before it.
func readAnswer(src io.Reader, kept *keeper, decode func(io.Reader) (answer, error)) (a answer, err error) {
	w, free := newWindow(src)
	defer free()
	before, err := w.find(objectsOpen)
	if err != nil {
		return a, err
	}
	if before < 0 {
		before = len(w.seen()) // there are none
	}
	r := &reader{keeper: kept, scanner: scanner{text: w.seen()[:before]}}
	if !r.begin(&a) {
		return decode(w)
	}
	head := bytes.Clone(r.text[:r.at])
	w.skip(r.at)
	if err := r.objects(w, &a); err != nil {
		return a, err
	}
	tail, err := w.all()
	if err != nil {
		return a, err
	}
	if r.scanner = (scanner{text: tail}); r.end(&a) {
		return a, nil
	}
	rest, err := decode(io.MultiReader(bytes.NewReader(head), w))
	if err != nil {
		return answer{}, err
	}
	return answer{append(a.objects, rest.objects...), rest.token}, nil
}

type reader struct {
	scanner
	*keeper
	// scope are the namespace declarations around the objects.
	scope []attribute
	// before are the rulesets of the firewall before, beforeList what came of
	// them; spare is room for the next.
	before, spare []*keptRuleset
	beforeList    []*inventory.Ruleset
	// usual is how many properties the last object had.
	usual int
	// around are the names of the elements around the objects.
	around [][]byte
}

// begin reads what is before the objects.
func (r *reader) begin(a *answer) bool {
	if rest, ok := bytes.CutPrefix(r.text, []byte(`<?xml version="1.0" encoding="UTF-8"?>`)); ok {
		r.at = len(r.text) - len(rest)
	}
	outer, ok := r.open()
	if !ok || !r.is(outer, soapNS, "Envelope") {
		return false
	}
	inner, ok := r.open()
	if !ok || !r.is(inner, soapNS, "Body") {
		return false
	}
	method, ok := r.open()
	if name := string(method.name); !ok || name != "RetrievePropertiesExResponse" && name != "ContinueRetrievePropertiesExResponse" {
		return false
	}
	r.scope = append(r.scope, method.attrs...)
	r.around = [][]byte{method.name, inner.name, outer.name}
	// Where nothing was found there is no value.
	if t, found := r.openIf("returnval"); found {
		if len(t.attrs) > 0 || !r.token(a) {
			return false
		}
		r.around = append([][]byte{t.name}, r.around...)
	}
	// The head is kept beyond the window that it was read in.
	for i := range r.around {
		r.around[i] = bytes.Clone(r.around[i])
	}
	for i := range r.scope {
		r.scope[i] = attribute{bytes.Clone(r.scope[i].name), bytes.Clone(r.scope[i].value)}
	}
	return r.declares(method)
}

// objects reads objects until something else comes. It leaves in the window
// what it did not read.
func (r *reader) objects(w *window, a *answer) error {
	for {
		if next, err := w.starts(objectsOpen); err != nil || !next {
			return err
		}
		end, err := w.find(objectsClose)
		if err != nil || end < 0 {
			return err
		}
		raw := w.seen()[:end+len(objectsClose)]
		content, ok := r.object(raw)
		if !ok {
			return nil
		}
		a.objects = append(a.objects, content)
		w.skip(len(raw))
	}
}

// end reads what is after the objects.
func (r *reader) end(a *answer) bool {
	if len(r.around) == 4 && !r.token(a) {
		return false
	}
	for _, name := range r.around {
		if !r.close(name) {
			return false
		}
	}
	return r.atEnd()
}

// token reads the token of the next page where there is one. There is one at
// most.
func (r *reader) token(a *answer) bool {
	t, found := r.openIf("token")
	if !found {
		return true
	}
	text, ok := r.leaf("token")
	if !ok || len(t.attrs) > 0 || a.token != "" {
		return false
	}
	a.token = string(text)
	return true
}

// is reports whether the tag is the named one of the namespace, whatever its
// prefix, and takes its declarations over.
func (r *reader) is(t tag, namespace, local string) bool {
	r.scope = append(r.scope, t.attrs...)
	prefix, name, prefixed := strings.Cut(string(t.name), ":")
	return prefixed && name == local && r.namespace(prefix) == namespace && r.declares(t)
}

// declares reports whether all attributes of a tag declare namespaces.
func (r *reader) declares(t tag) bool {
	for _, a := range t.attrs {
		if string(a.name) != "xmlns" && !bytes.HasPrefix(a.name, []byte("xmlns:")) {
			return false
		}
	}
	return true
}

// namespace is what a prefix stands for; of several declarations the inner one.
func (r *reader) namespace(prefix string) string {
	uri, _ := namespaceIn(r.scope, prefix)
	return uri
}

func namespaceIn(attrs []attribute, prefix string) (uri string, declared bool) {
	for i := len(attrs) - 1; i >= 0; i-- {
		if name, ok := bytes.CutPrefix(attrs[i].name, []byte("xmlns:")); ok && string(name) == prefix {
			return string(attrs[i].value), true
		}
	}
	return "", false
}

// object reads an object element, by itself or by govmomi.
func (r *reader) object(raw []byte) (content types.ObjectContent, ok bool) {
	r.scanner = scanner{text: raw, at: len(objectsOpen)}
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
	takeFirewall(&list.Objects[0])
	return list.Objects[0], true
}

// decode is govmomi's decoder on a part of the answer.
func (r *reader) decode(raw []byte, v any) error {
	var b bytes.Buffer
	b.WriteString("<part")
	for _, a := range r.scope {
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

// takeFirewall puts firewallFacts in the place of a HostFirewallInfo.
func takeFirewall(content *types.ObjectContent) {
	for i, p := range content.PropSet {
		if info, ok := p.Val.(types.HostFirewallInfo); ok {
			content.PropSet[i].Val = factsOf(&info)
		}
	}
}

func factsOf(info *types.HostFirewallInfo) firewallFacts {
	facts := firewallFacts{
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
	var kind []byte
	rest := t.attrs[:0:0]
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
	case "xsd:boolean":
		return string(text) == "true", string(text) == "true" || string(text) == "false"
	case "xsd:dateTime":
		var at time.Time
		err := at.UnmarshalText(text)
		return at, err == nil
	}
	return nil, false
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
		if len(t.attrs) > 0 || !r.flag("incomingBlocked", nil) || !r.flag("outgoingBlocked", &facts.outgoingBlocked) ||
			!r.close([]byte("defaultPolicy")) {
			return nil, false
		}
	}
	same := true
	found := r.spare[:0]
	for r.skipSpace(); ; r.skipSpace() {
		rest := r.text[r.at:]
		// Most hosts have the rulesets of the host before.
		if n := len(found); n < len(r.before) && bytes.HasPrefix(rest, r.before[n].raw) {
			found = append(found, r.before[n])
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
	if !same || len(found) != len(r.before) || r.beforeList == nil {
		r.beforeList = r.list(found)
	}
	r.before, r.spare = found, r.before
	facts.rulesets = r.beforeList
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
	if to != nil {
		*to = inventory.Known(string(text) == "true")
	}
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
