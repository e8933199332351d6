package vsphere

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// RoundTrip makes one call, and when the session has expired logs in again,
// once in the session's life, and repeats it.
func (s *Session) RoundTrip(ctx context.Context, req, res soap.HasFault) error {
	return s.renewing(ctx, res, func() error { return whole{s.client.Client}.RoundTrip(ctx, req, res) })
}

// errEmpty means that an answer has neither what was asked for nor a fault.
var errEmpty = errors.New("the answer holds neither a result nor a fault")

// whole is a client that takes no answer for one whose body is empty. The functions of
// govmomi's methods package use the result without looking.
type whole struct{ *soap.Client }

func (w whole) RoundTrip(ctx context.Context, req, res soap.HasFault) error {
	if err := w.Client.RoundTrip(ctx, req, res); err != nil {
		return err
	}
	return filled(res)
}

func filled(res soap.HasFault) error {
	if v := reflect.ValueOf(res).Elem().FieldByName("Res"); v.Kind() == reflect.Pointer && v.IsNil() {
		return errEmpty
	}
	return nil
}

func (s *Session) renewing(ctx context.Context, res soap.HasFault, call func() error) error {
	seen := s.seenRenewals()
	err := call()
	if !isNotAuthenticated(err) || !s.renew(ctx, seen) {
		return s.discreet(err)
	}
	// The body keeps the fault of the first answer: start with a new one.
	reflect.ValueOf(res).Elem().SetZero()
	return s.discreet(call())
}

// discreet takes out of a server's text what it must not repeat: the password, and what
// names the session to it.
func (s *Session) discreet(err error) error {
	if !soap.IsSoapFault(err) {
		return err
	}
	fault := soap.ToSoapFault(err)
	fault.String = without(s.key(), without(s.cfg.Password, fault.String))
	for _, cookie := range s.client.Jar.Cookies(s.client.URL()) {
		fault.String = without(strings.Trim(cookie.Value, `"`), fault.String)
	}
	return err
}

func (s *Session) seenRenewals() int {
	s.renewLock.Lock()
	defer s.renewLock.Unlock()
	return s.renewals
}

// renew logs in again unless another call did so since seen was read, or it
// was done before. It reports whether the call is worth repeating.
func (s *Session) renew(ctx context.Context, seen int) bool {
	s.renewLock.Lock()
	defer s.renewLock.Unlock()
	if s.renewals > seen {
		return true
	}
	if s.renewals > 0 || s.login(ctx) != nil {
		return false
	}
	s.renewals++
	return true
}

var errExpired = errors.New("the session has expired, and could not be renewed")

// retrieve makes one property collection and follows its pages to the end. A
// server may page even when it was not asked to. When the answer says that the
// session has expired, which a simulator says property by property, it is
// renewed and the collection repeated.
func (s *Session) retrieve(ctx context.Context, specs []types.PropertyFilterSpec, add func(*types.ObjectContent)) error {
	seen := s.seenRenewals()
	objects, err := s.retrievePages(ctx, specs)
	// A page's token ends with its session: the collection starts anew.
	if isNotAuthenticated(err) || err == nil && expired(objects) {
		if !s.renew(ctx, seen) {
			return errExpired
		}
		objects, err = s.retrievePages(ctx, specs)
	}
	var unread *answerError
	if errors.As(err, &unread) {
		// One character that XML forbids, in one name, must not cost the others.
		objects, err = s.retrievePages(context.WithValue(ctx, cleaning{}, true), specs)
	}
	if err != nil {
		return err
	}
	for i := range objects {
		add(&objects[i])
	}
	return nil
}

// ofHosts makes one collection that starts at hosts. A server faults on it as a whole when
// one of them is gone: it is halved then, and that one is left out.
func (s *Session) ofHosts(
	ctx context.Context, hosts []*inventory.Host, spec func([]*inventory.Host) types.PropertyFilterSpec, add func(*types.ObjectContent),
) error {
	err := s.retrieve(ctx, []types.PropertyFilterSpec{spec(hosts)}, add)
	switch _, gone := deref(faultOf(err)).(types.ManagedObjectNotFound); {
	case !gone:
		return err
	case len(hosts) == 1:
		return nil
	}
	half := len(hosts) / 2
	return errors.Join(s.ofHosts(ctx, hosts[:half], spec, add), s.ofHosts(ctx, hosts[half:], spec, add))
}

func expired(objects []types.ObjectContent) bool {
	for _, o := range objects {
		for _, m := range o.MissingSet {
			if _, ok := deref(m.Fault.Fault).(types.NotAuthenticated); ok {
				return true
			}
		}
	}
	return false
}

func (s *Session) retrievePages(ctx context.Context, specs []types.PropertyFilterSpec) ([]types.ObjectContent, error) {
	collector := s.client.ServiceContent.PropertyCollector
	var first methods.RetrievePropertiesExBody
	a, err := s.page(ctx, s.renewing,
		&methods.RetrievePropertiesExBody{Req: &types.RetrievePropertiesEx{This: collector, SpecSet: specs}},
		&first, func() *types.RetrieveResult { return first.Res.Returnval })
	if err != nil {
		return nil, err
	}
	objects := a.objects
	for a.token != "" {
		var next methods.ContinueRetrievePropertiesExBody
		a, err = s.page(ctx, once,
			&methods.ContinueRetrievePropertiesExBody{Req: &types.ContinueRetrievePropertiesEx{This: collector, Token: a.token}},
			&next, func() *types.RetrieveResult { return &next.Res.Returnval })
		if err != nil {
			return nil, s.discreet(err)
		}
		if len(a.objects) == 0 || len(objects)+len(a.objects) > maxObjects {
			return nil, fmt.Errorf("the pages of an answer do not end: %d objects were read", len(objects))
		}
		objects = append(objects, a.objects...)
	}
	return objects, nil
}

// maxObjects bounds one collection. vCenter's own maximum is 15,000 hosts and 40,000
// virtual machines.
const maxObjects = 200_000

// once makes a call without renewing the session.
func once(_ context.Context, _ soap.HasFault, call func() error) error { return call() }

// page asks for one page. What readAnswer does not take of the answer is decoded
// by govmomi into res, of which result is the part that counts.
func (s *Session) page(
	ctx context.Context, calling func(context.Context, soap.HasFault, func() error) error,
	req, res soap.HasFault, result func() *types.RetrieveResult,
) (a answer, err error) {
	err = calling(ctx, res, func() (err error) {
		return s.post(ctx, req, func(body io.Reader) error {
			decode := func(body io.Reader) (answer, error) { return decodeAnswer(body, res, result) }
			if ctx.Value(cleaning{}) != nil {
				body, err = cleaned(body)
			}
			if err == nil {
				a, err = readAnswer(body, s.kept, decode)
			}
			return err
		})
	})
	return a, err
}

// decodeAnswer is govmomi's way to read an answer.
func decodeAnswer(body io.Reader, res soap.HasFault, result func() *types.RetrieveResult) (a answer, err error) {
	source := &source{Reader: body}
	dec := xml.NewDecoder(source)
	dec.TypeFunc = types.TypeFunc()
	if err := dec.Decode(&soap.Envelope{Body: res}); err != nil {
		return a, source.explain(err)
	}
	if f := res.Fault(); f != nil {
		return a, soap.WrapSoapFault(f)
	}
	if err := filled(res); err != nil {
		return a, err
	}
	found := result()
	if found == nil {
		return a, nil
	}
	for i := range found.Objects {
		takeFacts(&found.Objects[i])
	}
	return answer{found.Objects, found.Token}, nil
}

// post sends a request as govmomi's client does, and hands the answer to read.
func (s *Session) post(ctx context.Context, body soap.HasFault, read func(answer io.Reader) error) error {
	text, err := xml.Marshal(soap.Envelope{Body: body})
	if err != nil {
		return fmt.Errorf("write the request: %w", err)
	}
	c := s.client.Client
	req, err := http.NewRequest(http.MethodPost, c.URL().String(), io.MultiReader(strings.NewReader(xml.Header), bytes.NewReader(text)))
	if err != nil {
		return fmt.Errorf("write the request: %w", err)
	}
	req.Header.Set("Content-Type", `text/xml; charset="utf-8"`)
	req.Header.Set("SOAPAction", c.Namespace+"/"+c.Version)
	return c.Do(ctx, req, func(res *http.Response) error {
		if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusInternalServerError {
			return &url.Error{Op: req.Method, URL: req.URL.Path, Err: errors.New(res.Status)}
		}
		return read(res.Body)
	})
}
