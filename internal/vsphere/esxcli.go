package vsphere

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// esxcli over SOAP. The types of these calls are internal to govmomi, and its
// own client (cli/esx) makes two more calls a host to fetch metadata that one
// fixed command does not need. The elements carry no namespace here, because
// vCenter may answer with prefixed ones (<reflect:response>).

type executerRequest struct {
	This types.ManagedObjectReference `xml:"urn:vim25 _this"`
}

type executerBody struct {
	Req *executerRequest `xml:"urn:vim25 RetrieveManagedMethodExecuter,omitempty"`
	Res *struct {
		Returnval *types.ManagedObjectReference `xml:"returnval"`
	} `xml:"RetrieveManagedMethodExecuterResponse,omitempty"`
	Fault_ *soap.Fault `xml:"http://schemas.xmlsoap.org/soap/envelope/ Fault,omitempty"`
}

// Fault implements soap.HasFault.
func (b *executerBody) Fault() *soap.Fault { return b.Fault_ }

type executeRequest struct {
	This    types.ManagedObjectReference `xml:"urn:vim25 _this"`
	Moid    string                       `xml:"urn:vim25 moid"`
	Version string                       `xml:"urn:vim25 version"`
	Method  string                       `xml:"urn:vim25 method"`
}

type executeBody struct {
	Req *executeRequest `xml:"urn:vim25 ExecuteSoap,omitempty"`
	Res *struct {
		Returnval *struct {
			Response string `xml:"response"`
			Fault    *struct {
				Msg    string `xml:"faultMsg"`
				Detail string `xml:"faultDetail"`
			} `xml:"fault"`
		} `xml:"returnval"`
	} `xml:"ExecuteSoapResponse,omitempty"`
	Fault_ *soap.Fault `xml:"http://schemas.xmlsoap.org/soap/envelope/ Fault,omitempty"`
}

// Fault implements soap.HasFault.
func (b *executeBody) Fault() *soap.Fault { return b.Fault_ }

// esxcli runs a command without arguments, such as "network.firewall.get", and
// returns the fields of the object it answers with.
func (s *Session) esxcli(ctx context.Context, h *inventory.Host, command string) (map[string]string, error) {
	text, err := s.runEsxcli(ctx, h, command)
	if err != nil {
		return nil, err
	}
	return parseObject(text)
}

// esxcliList runs a command that answers with a list of objects.
func (s *Session) esxcliList(ctx context.Context, h *inventory.Host, command string) ([]map[string]string, error) {
	text, err := s.runEsxcli(ctx, h, command)
	if err != nil {
		return nil, err
	}
	return parseList(text)
}

func (s *Session) runEsxcli(ctx context.Context, h *inventory.Host, command string) (string, error) {
	var find, found executerBody
	find.Req = &executerRequest{This: hostRef(h)}
	if err := s.RoundTrip(ctx, &find, &found); err != nil {
		return "", err
	}
	if found.Res == nil || found.Res.Returnval == nil {
		return "", errors.New("the host offers no esxcli")
	}

	var run, ran executeBody
	namespace := command[:strings.LastIndex(command, ".")]
	run.Req = &executeRequest{
		This: *found.Res.Returnval, Version: "urn:vim25/5.0",
		Moid:   "ha-cli-handler-" + strings.ReplaceAll(namespace, ".", "-"),
		Method: "vim.EsxCLI." + command,
	}
	if err := s.RoundTrip(ctx, &run, &ran); err != nil {
		return "", err
	}
	if ran.Res == nil || ran.Res.Returnval == nil {
		return "", errors.New("esxcli answered with nothing")
	}
	if f := ran.Res.Returnval.Fault; f != nil {
		return "", fmt.Errorf("esxcli %s: %s", strings.ReplaceAll(command, ".", " "), strings.TrimSpace(f.Msg+" "+esxcliDetail(f.Detail)))
	}
	return ran.Res.Returnval.Response, nil
}

// parseObject reads the leaf elements of an esxcli answer by their local names,
// whether the object stands alone or in an ArrayOfDataObject. Of a name that
// repeats the first counts.
func parseObject(text string) (map[string]string, error) {
	fields := map[string]string{}
	dec := xml.NewDecoder(strings.NewReader(text))
	var open string
	var value strings.Builder // a text may come in a great many pieces
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return fields, nil
		}
		if err != nil {
			return nil, fmt.Errorf("esxcli answered with malformed XML: %w", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			open = token.Name.Local
			value.Reset()
		case xml.CharData:
			value.Write(token)
		case xml.EndElement:
			if _, seen := fields[open]; !seen && token.Name.Local == open {
				fields[open] = strings.TrimSpace(value.String())
			}
			open = ""
		}
	}
}

// parseList reads the objects of an esxcli answer, each by the local names of its
// leaf elements: an ArrayOfDataObject repeats an element for each object, and is
// empty when there is none. Of a name that repeats in an object the first counts.
func parseList(text string) ([]map[string]string, error) {
	type element struct {
		text   strings.Builder
		inner  bool // it holds elements
		fields map[string]string
	}
	var list []map[string]string
	open := []*element{{}} // what is around the root
	dec := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, fmt.Errorf("esxcli answered with malformed XML: %w", err)
		}
		top := open[len(open)-1]
		switch token := token.(type) {
		case xml.StartElement:
			top.inner = true
			open = append(open, &element{fields: map[string]string{}})
		case xml.CharData:
			top.text.Write(token)
		case xml.EndElement:
			open = open[:len(open)-1]
			around := open[len(open)-1]
			switch name := token.Name.Local; {
			case len(top.fields) > 0:
				list = append(list, top.fields)
			case !top.inner && len(open) > 1:
				if _, seen := around.fields[name]; !seen {
					around.fields[name] = strings.TrimSpace(top.text.String())
				}
			}
		}
	}
}

// esxcliDetail takes the messages out of a fault's detail, which is XML.
func esxcliDetail(detail string) string {
	fields, err := parseObject(detail)
	if err != nil {
		return ""
	}
	return fields["errMsg"]
}

// switches reads hosts' master switches, which are not in the vSphere API, while
// other hosts' firewalls are still read.
type switches struct {
	session *Session
	ctx     context.Context
	opts    CollectOptions
	crew    *crew

	mu          sync.Mutex
	done, total int
	known       bool // total is: all firewalls were read
}

// startSwitches gets ready for so many hosts.
func (s *Session) startSwitches(ctx context.Context, opts CollectOptions, hosts int) *switches {
	sw := &switches{session: s, ctx: ctx, opts: opts}
	sw.crew = s.newCrew(hosts, sw.read)
	return sw
}

// ask queues those of the hosts whose switch is wanted. It may be called
// concurrently, and does not wait for any: how many there are is known only when
// all firewalls were read.
func (sw *switches) ask(hosts []*inventory.Host) {
	for _, h := range connected(hosts) {
		if h.Firewall.Switch.NotAsked = sw.opts.Switch != nil && !sw.opts.Switch(h); h.Firewall.Switch.NotAsked {
			continue
		}
		h.Firewall.Switch.Unreadable = "it was not read"
		sw.count(0, 1)
		sw.crew.queue <- h
	}
}

func (sw *switches) read(h *inventory.Host) {
	if sw.ctx.Err() != nil {
		return
	}
	one := withCallBound(sw.ctx, sw.opts.HostTimeout)
	fields, err := sw.session.esxcli(one, h, "network.firewall.get")
	h.Firewall.Switch = parseSwitch(fields, err)
	sw.count(1, 0)
}

// count reports the stage once its total is known.
func (sw *switches) count(done, total int) {
	sw.mu.Lock()
	defer sw.mu.Unlock()
	sw.done += done
	sw.total += total
	if sw.known && sw.total > 0 {
		sw.opts.Progress("switch", sw.done, sw.total)
	}
}

// wait waits for the hosts that were asked for; there come no more.
func (sw *switches) wait() {
	sw.mu.Lock()
	sw.known = true
	sw.mu.Unlock()
	sw.count(0, 0)
	sw.crew.finish()
}

func parseSwitch(fields map[string]string, err error) inventory.Switch {
	if err != nil {
		return inventory.Switch{Unreadable: Describe(err)}
	}
	sw := inventory.Switch{Enabled: parseBool(fields["Enabled"]), Loaded: parseBool(fields["Loaded"])}
	switch strings.ToUpper(fields["DefaultAction"]) {
	case "PASS":
		sw.DefaultPass = inventory.Yes
	case "DROP":
		sw.DefaultPass = inventory.No
	}
	return sw
}

// parseBool reads "true" and "false" in any case: esxcli's firewall commands
// print them in lower case, its software commands do not.
func parseBool(s string) inventory.Tristate {
	switch strings.ToLower(s) {
	case "true":
		return inventory.Yes
	case "false":
		return inventory.No
	}
	return inventory.Unknown
}
