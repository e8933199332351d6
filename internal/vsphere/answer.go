package vsphere

import (
	"bytes"
	"io"
	"strings"

	"github.com/vmware/govmomi/vim25/types"

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
	incomingBlocked inventory.Tristate
	outgoingBlocked inventory.Tristate
	rulesets        []*inventory.Ruleset
}

// answer is one page of objects. A Val is what govmomi would make of it, but
// for what takeFacts puts in its place.
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
	valOpen, valClose         = []byte("<val>"), []byte("</val>")
	valName                   = []byte("val")
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
	if r.scan(tail, 0); r.end(&a) {
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
	// declared are the namespace declarations around the objects.
	declared []attribute
	// last are the rulesets of the firewall that was read last, and lastList is what
	// came of them. room is for those of the next one.
	last, room []*keptRuleset
	lastList   []*inventory.Ruleset
	// usual is how many properties the last object had.
	usual int
	// enclosing are the names of the elements around the objects, the inner ones
	// first.
	enclosing [][]byte
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
	if name := string(method.name); !ok || name != "RetrievePropertiesExResponse" && name != "ContinueRetrievePropertiesExResponse" || !r.declares(method) {
		return false
	}
	r.declared = append(r.declared, method.attrs...)
	r.enclosing = [][]byte{method.name, inner.name, outer.name}
	// Where nothing was found there is no value.
	if t, found := r.openIf("returnval"); found {
		if len(t.attrs) > 0 || !r.token(a) {
			return false
		}
		r.enclosing = append([][]byte{t.name}, r.enclosing...)
	}
	// The head is kept beyond the window that it was read in.
	for i := range r.enclosing {
		r.enclosing[i] = bytes.Clone(r.enclosing[i])
	}
	for i := range r.declared {
		r.declared[i] = attribute{bytes.Clone(r.declared[i].name), bytes.Clone(r.declared[i].value)}
	}
	return true
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
	if len(r.enclosing) == 4 && !r.token(a) {
		return false
	}
	for _, name := range r.enclosing {
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
	r.declared = append(r.declared, t.attrs...)
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
	uri, _ := namespaceIn(r.declared, prefix)
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
