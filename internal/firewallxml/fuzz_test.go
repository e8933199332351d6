package firewallxml_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/vic-preflight/vic-preflight/internal/firewallxml"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// theirs is a file as encoding/xml reads it by itself.
type theirs struct {
	XMLName  xml.Name `xml:"ConfigRoot"`
	Services []struct {
		Number   string `xml:"id,attr"`
		ID       string `xml:"id"`
		Enabled  string `xml:"enabled"`
		Required string `xml:"required"`
		Rules    []struct {
			Direction string `xml:"direction"`
			Protocol  string `xml:"protocol"`
			PortType  string `xml:"porttype"`
			Port      struct {
				Text string `xml:",chardata"`
			} `xml:"port"`
		} `xml:"rule"`
	} `xml:"service"`
}

func seed(f *testing.F) {
	for _, text := range []string{
		numbered, string(firewallxml.Document(vic)), strings.ReplaceAll(numbered, "\n", "\r\n"), "\ufeff<ConfigRoot>\n</ConfigRoot>",
		"<ConfigRoot><service><id>a</id></service><!-- </ConfigRoot> --></ConfigRoot><!-- x -->",
		"<ConfigRoot/>", "<ConfigRoot> </ConfigRoot>", "<!DOCTYPE a><ConfigRoot/>", "<?xml version='1.0' encoding='ascii'?><ConfigRoot></ConfigRoot>",
		rule(way + "<port type='dst'>53</port><flags>-m state</flags>"),
		rule(way + "<porttype>dst</porttype><port><begin>1</begin><end>1</end></port>"),
	} {
		f.Add([]byte(text))
	}
}

// FuzzParse compares with encoding/xml by itself, and makes sure that whatever is
// read can be written and read again.
func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := firewallxml.Parse(data)
		if err != nil {
			var syntax *firewallxml.SyntaxError
			if !errors.As(err, &syntax) || syntax.Line < 1 || syntax.Line > 1+bytes.Count(data, []byte("\n")) {
				t.Fatalf("an error without a line of the file: %#v", err)
			}
			return
		}
		compare(t, data, file.Services())
		for _, s := range file.Services() {
			if s.Validate() != nil {
				continue
			}
			again, err := firewallxml.Parse(firewallxml.Document(s))
			if err != nil || !reflect.DeepEqual(again.Services(), []firewallxml.Service{s}) {
				t.Fatalf("%+v became %+v, %v", s, again, err)
			}
		}
	})
}

func compare(t *testing.T, data []byte, services []firewallxml.Service) {
	if bytes.ContainsRune(data, ':') || bytes.Contains(data, []byte("xmlns")) || bytes.Contains(data, []byte("encoding")) {
		return // encoding/xml takes elements of any namespace, and needs a hand for ASCII
	}
	var want theirs
	if err := xml.Unmarshal(data, &want); err != nil {
		t.Fatalf("encoding/xml refuses what we take: %v", err)
	}
	if len(services) != len(want.Services) {
		t.Fatalf("%d services, and encoding/xml sees %d", len(services), len(want.Services))
	}
	for i, s := range services {
		w := want.Services[i]
		if s.ID != trim(w.ID) || s.Number != trim(w.Number) || len(s.Rules) != len(w.Rules) ||
			s.Enabled != (trim(w.Enabled) == "true") || s.Required != (trim(w.Required) == "true") {
			t.Fatalf("service %d is %+v, and encoding/xml sees %+v", i, s, w)
		}
		for j, r := range s.Rules {
			if r.Direction != trim(w.Rules[j].Direction) || r.Protocol != trim(w.Rules[j].Protocol) || r.Last() < r.Port || r.Last() > 65535 {
				t.Fatalf("rule %d of %s is %+v, and encoding/xml sees %+v", j, s.ID, r, w.Rules[j])
			}
			if port, err := strconv.Atoi(trim(w.Rules[j].Port.Text)); err == nil && (port != r.Port || r.EndPort != 0) {
				t.Fatalf("rule %d of %s is %+v, and encoding/xml sees the port %d", j, s.ID, r, port)
			}
		}
	}
}

func trim(s string) string { return strings.Trim(s, " \t\r\n") }

// FuzzInsert makes sure that an edit keeps every byte around the insertion, and
// every service but the new one.
func FuzzInsert(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := firewallxml.Parse(data)
		if err != nil {
			return
		}
		s := firewallxml.Service{ID: "vic-new.1", Required: true, Rules: []inventory.Rule{
			{Port: 2377, Direction: inventory.Outbound, PortType: inventory.Dst, Protocol: inventory.TCP},
			{Port: 0, EndPort: 65535, Direction: inventory.Inbound, PortType: inventory.Src, Protocol: inventory.UDP},
		}}
		edited, err := file.Insert(s)
		if err != nil {
			return
		}
		if !insertion(edited, data) {
			t.Fatalf("%q became %q: that is no insertion", data, edited)
		}
		again, err := firewallxml.Parse(edited)
		if err != nil {
			t.Fatalf("%q became %q: %v", data, edited, err)
		}
		got := again.Services()
		if len(got) == 0 {
			t.Fatalf("%q became %q: no service", data, edited)
		}
		s.Number = got[len(got)-1].Number // given by Insert
		if want := append(file.Services(), s); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q became %q: %+v, not %+v", data, edited, got, want)
		}
		if _, err := again.Insert(s); err == nil {
			t.Fatal("it can be inserted twice")
		}
	})
}

// insertion reports whether edited is data with something put in at one place.
func insertion(edited, data []byte) bool {
	at := 0
	for at < len(data) && at < len(edited) && edited[at] == data[at] {
		at++
	}
	return len(edited) > len(data) && bytes.HasSuffix(edited, data[at:])
}
