package vsphere

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
	vimxml "github.com/vmware/govmomi/vim25/xml"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// licensePrivilege is the one on the LicenseManager that read-only accounts were seen to
// lack (vCenter 6.5).
const licensePrivilege = "Global.Licenses"

// conventionalLicenses is where vCenters have their LicenseAssignmentManager, for
// accounts that may not ask for it.
var conventionalLicenses = types.ManagedObjectReference{Type: "LicenseAssignmentManager", Value: "LicenseAssignmentManager"}

// assignment is a license and what it is assigned to.
type assignment struct {
	// entity is the managed object ID of the vCenter that scope names by its instance
	// UUID; that may be empty.
	entity, scope string
	license       *inventory.License
}

// readLicenses reads the licenses of the hosts.
func (r *placement) readLicenses(ctx context.Context) error {
	if len(r.inv.Hosts) == 0 {
		return nil
	}
	return try(func() error {
		if r.inv.Endpoint.Kind == inventory.ESXi {
			own, err := r.ownLicense(ctx)
			if err == nil {
				r.Licenses = map[string]inventory.License{}
			}
			if own != nil { // a host without any has none that ends
				r.Licenses[r.inv.Hosts[0].ID] = *own
			}
			return err
		}
		list, err := r.assignedLicenses(ctx)
		if err == nil {
			r.Licenses, err = licensesOf(r.inv, list)
		}
		return err
	})
}

// licensesOf picks the hosts' licenses. With linked vCenters the answer has the other
// vCenters' too, whose hosts may have the same IDs.
func licensesOf(inv *inventory.Inventory, list []assignment) (map[string]inventory.License, error) {
	own := false
	scopes := map[string]bool{}
	for _, a := range list {
		own = own || a.scope == inv.Endpoint.InstanceUUID
		scopes[a.scope] = true
	}
	delete(scopes, "")
	// That a scope is an instance UUID is seen, not documented.
	if !own && len(scopes) > 1 {
		return nil, errors.New("they are those of several vCenters, and none of them says to be this one")
	}
	byID := map[string]*inventory.License{}
	for _, a := range list {
		if a.scope == "" || a.scope == inv.Endpoint.InstanceUUID || !own {
			byID[a.entity] = a.license
		}
	}
	licenses := map[string]inventory.License{}
	for _, h := range inv.Hosts {
		if l := byID[h.ID]; l != nil {
			licenses[h.ID] = *l
		}
	}
	return licenses, nil
}

// ownLicense is what the licenses of a bare ESXi host permit together; nil where it has none.
func (s *Session) ownLicense(ctx context.Context) (*inventory.License, error) {
	manager := s.client.ServiceContent.LicenseManager
	if manager == nil {
		return nil, errors.New("the server has no license manager")
	}
	n, err := s.readNode(ctx, *manager, "licenses")
	switch {
	case isNoPermission(err):
		return nil, errNoLicenses
	case err != nil:
		return nil, err
	}
	licenses, _ := n.prop("licenses").(types.ArrayOfLicenseManagerLicenseInfo)
	return together(licenses.LicenseManagerLicenseInfo), nil
}

// together is what the licenses of a bare host permit together. How long they do, the one
// that lasts longest says, of those with the feature that container VMs need where there
// are any: the order of the answer says nothing.
func together(list []types.LicenseManagerLicenseInfo) *inventory.License {
	var all inventory.License
	var names []string
	var longest *inventory.License
	for _, info := range list {
		one := licenseOf(info)
		names = append(names, one.Name)
		all.Features = append(all.Features, one.Features...)
		if longest == nil || longer(&one, longest) {
			longest = &one
		}
	}
	if longest == nil {
		return nil
	}
	all.Expires, all.Evaluation, all.Name = longest.Expires, longest.Evaluation, strings.Join(names, ", ")
	return &all
}

// longer reports whether a serves container VMs longer than b. One that never ends lasts
// longest; an evaluation whose end is not known shortens none whose end is.
func longer(a, b *inventory.License) bool {
	one, other := slices.Contains(a.Features, serialFeature), slices.Contains(b.Features, serialFeature)
	rank := func(l *inventory.License) int {
		switch {
		case !l.Expires.IsZero():
			return 1
		case l.Evaluation:
			return 0
		}
		return 2
	}
	switch {
	case one != other:
		return one
	case rank(a) != rank(b):
		return rank(a) > rank(b)
	}
	return a.Expires.After(b.Expires)
}

// assignedLicenses reads all licenses of a vCenter that are assigned to something.
func (s *Session) assignedLicenses(ctx context.Context) ([]assignment, error) {
	manager := s.client.ServiceContent.LicenseManager
	if manager == nil {
		return nil, errors.New("the server has no license manager")
	}
	n, err := s.readNode(ctx, *manager, "licenseAssignmentManager")
	if err != nil && !isNoPermission(err) {
		return nil, err
	}
	at := conventionalLicenses
	if ref, ok := n.ref1("licenseAssignmentManager"); ok {
		at = ref
	}
	list, queryErr := s.queryAssigned(ctx, at)
	refused, ok := deref(faultOf(queryErr)).(types.NoPermission)
	if queryErr != nil && err != nil || ok && refused.PrivilegeId == "" {
		return nil, errNoLicenses
	}
	return list, queryErr
}

// errNoLicenses stands for NoPermission that does not name the privilege, and for that on
// the LicenseManager.
var errNoLicenses = fmt.Errorf("the account lacks the privilege %s", licensePrivilege)

func isNoPermission(err error) bool {
	_, is := deref(faultOf(err)).(types.NoPermission)
	return is
}

// queryAssigned reads an answer of some kilobytes for each host. Nearly all of it is the
// same license again and again, which is decoded once.
func (s *Session) queryAssigned(ctx context.Context, manager types.ManagedObjectReference) (list []assignment, err error) {
	req := &methods.QueryAssignedLicensesBody{Req: &types.QueryAssignedLicenses{This: manager}}
	var res methods.QueryAssignedLicensesBody
	err = s.renewing(ctx, &res, func() error {
		return s.post(ctx, req, func(body io.Reader) (err error) {
			list, err = readAssigned(body, &res)
			return err
		})
	})
	return list, err
}

var (
	assignedOpen, assignedClose = []byte("<returnval>"), []byte("</returnval>")
	licenseOpen, licenseClose   = []byte("<assignedLicense>"), []byte("</assignedLicense>")
)

// readAssigned takes the assignments out of an answer as they come in. What is left of the
// document, a fault above all, goes to govmomi's decoder.
func readAssigned(body io.Reader, res *methods.QueryAssignedLicensesBody) (list []assignment, err error) {
	source := &source{Reader: body}
	w, free := newWindow(source)
	defer free()
	var rest bytes.Buffer
	known := licenseBook{}
	for {
		at, err := w.find(assignedOpen)
		if err != nil {
			return nil, err
		}
		if at < 0 {
			break
		}
		rest.Write(w.seen()[:at])
		w.skip(at)
		end, err := w.find(assignedClose)
		if err != nil {
			return nil, err
		}
		if end < 0 {
			break
		}
		a, err := known.assignment(w.seen()[:end+len(assignedClose)])
		if err != nil {
			return nil, &answerError{err}
		}
		list = append(list, a)
		w.skip(end + len(assignedClose))
	}
	tail, err := w.all()
	if err != nil {
		return nil, err
	}
	rest.Write(tail)
	dec := vimxml.NewDecoder(&rest)
	dec.TypeFunc = types.TypeFunc()
	if err := dec.Decode(&soap.Envelope{Body: res}); err != nil {
		return nil, source.explain(err)
	}
	if f := res.Fault(); f != nil {
		return nil, soap.WrapSoapFault(f)
	}
	if err := filled(res); err != nil {
		return nil, err
	}
	for _, a := range res.Res.Returnval { // with prefixes, for one
		l := licenseOf(a.AssignedLicense)
		list = append(list, assignment{a.EntityId, a.Scope, &l})
	}
	return list, nil
}

// licenseBook holds the licenses that were decoded by the hash of their bytes. The bytes
// hold the key, which is not kept.
type licenseBook map[[sha256.Size]byte]*inventory.License

// assignmentInfo is the part of an assignment that is of use besides its license.
type assignmentInfo struct {
	Entity     string `xml:"entityId"`
	Scope      string `xml:"scope"`
	Properties []struct {
		Key   string     `xml:"key"`
		Value properties `xml:"value"` // of an EvaluationInfo
	} `xml:"properties"`
}

// evaluated is the license with the end of the entity's own evaluation, which the license
// itself does not tell.
func (i *assignmentInfo) evaluated(l *inventory.License) *inventory.License {
	if !l.Evaluation || !l.Expires.IsZero() {
		return l
	}
	own := *l
	for _, p := range i.Properties {
		if strings.EqualFold(p.Key, "evaluation") {
			own.Expires = licenseOf(types.LicenseManagerLicenseInfo{Properties: p.Value.decoded()}).Expires
		}
	}
	return &own
}

// assignment decodes an element of the answer.
func (b licenseBook) assignment(raw []byte) (a assignment, err error) {
	var head assignmentInfo
	before, rest, found := bytes.Cut(raw, licenseOpen)
	text, after, closed := bytes.Cut(rest, licenseClose)
	if !found || !closed {
		return a, errors.New("an assigned license is not there")
	}
	if err := decodePart(&head, before, after); err != nil {
		return a, err
	}
	sum := sha256.Sum256(text)
	if b[sum] == nil {
		var info licenseInfo
		if err := decodePart(&info, licenseOpen, text, licenseClose); err != nil {
			return a, err
		}
		b[sum] = info.license()
	}
	return assignment{head.Entity, head.Scope, head.evaluated(b[sum])}, nil
}

// decodePart decodes an element from its pieces. Texts in it that people wrote may hold
// what XML forbids.
func decodePart(v any, pieces ...[]byte) error {
	text := bytes.Join(pieces, nil)
	if xml.Unmarshal(text, v) == nil {
		return nil
	}
	return xml.Unmarshal(legal(text), v)
}

// properties are a list of KeyAnyValue.
type properties struct {
	List []struct {
		Key   string `xml:"key"`
		Value struct {
			Kind string `xml:"type,attr"`
			Text string `xml:",chardata"`
			Key  string `xml:"key"` // of a KeyValue
		} `xml:"value"`
	} `xml:"properties"`
}

// decoded are those of the properties that licenseOf reads, as govmomi has them.
func (p *properties) decoded() (list []types.KeyAnyValue) {
	for _, one := range p.List {
		property := types.KeyAnyValue{Key: one.Key}
		switch one.Value.Kind {
		case "KeyValue":
			property.Value = types.KeyValue{Key: one.Value.Key}
		case "xsd:dateTime":
			at, err := time.Parse(time.RFC3339, one.Value.Text)
			if err != nil {
				continue
			}
			property.Value = at
		}
		list = append(list, property)
	}
	return list
}

// licenseInfo is the part of a LicenseManagerLicenseInfo that is of use. Its key is not.
type licenseInfo struct {
	Name    string `xml:"name"`
	Edition string `xml:"editionKey"`
	properties
}

func (i *licenseInfo) license() *inventory.License {
	l := licenseOf(types.LicenseManagerLicenseInfo{Name: i.Name, EditionKey: i.Edition, Properties: i.decoded()})
	return &l
}

// evaluationEdition is the edition of the license that a host has for its first 60 days.
const evaluationEdition = "eval"

// licenseOf drops the key, and what the properties say of other things.
func licenseOf(info types.LicenseManagerLicenseInfo) inventory.License {
	l := inventory.License{Name: info.Name, Evaluation: info.EditionKey == evaluationEdition}
	for _, p := range info.Properties {
		switch value := p.Value.(type) {
		case types.KeyValue:
			if name, ok := featureName(value.Key); ok && p.Key == "feature" {
				l.Features = append(l.Features, name)
			}
		case time.Time:
			if strings.EqualFold(p.Key, "expirationDate") {
				l.Expires = value
			}
		}
		l.Evaluation = l.Evaluation || strings.EqualFold(p.Key, "evaluation")
	}
	return l
}

// featureName is the name of name or name:level, as govmomi's license package reads it
// for vic-machine: a level below 0 is none.
func featureName(key string) (name string, ok bool) {
	name, level, levelled := strings.Cut(key, ":")
	if !levelled {
		return key, true
	}
	level, _, _ = strings.Cut(level, ":")
	n, err := strconv.Atoi(level)
	if err != nil {
		return key, true
	}
	return name, n >= 0
}
