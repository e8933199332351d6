package campaign_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vic-preflight/vic-preflight/preflight"
)

// fault is what goes wrong in one cell. It serves for one run.
type fault struct {
	// row is where it is counted, name says which of the row it is.
	row, name string

	// What becomes of connections.
	refused, resets, mute, plain, expired bool
	up, down                              int

	// serve answers a call, or returns false for it to be passed on.
	serve func(http.ResponseWriter, *call) bool
	// trust changes how the server's certificate is verified.
	trust func(*preflight.Options, *proxy) error

	// hangs means that the run's time has to run out.
	hangs bool
	// total means that nothing can be found out, and nothing changed: the code is 3.
	total bool
	// harmless means that nobody need notice: all is as without the fault.
	harmless bool
	// out means that the tool can sign out at the end.
	out bool
	// facts means that facts are missing from good answers.
	facts bool
	// host is the one that it is about: others are done.
	host string
	// hung means that what is asked of that host is not answered.
	hung bool
	// removed means that the host is there no longer.
	removed bool
}

// traits are what a command does when nothing goes wrong.
type traits struct {
	calls   int
	methods []string
	paths   []string // properties of the answers
	hosts   []string
	refs    map[string][]string // of a host: the IDs of its objects
}

// faultsOf are all faults of the table, as they apply to a command.
func faultsOf(p traits) (list []*fault) {
	list = append(list, connectionFaults()...)
	list = append(list, answerFaults(p)...)
	list = append(list, callFaults(p)...)
	list = append(list, methodFaults(p)...)
	list = append(list, factFaults(p)...)
	return append(list, hostFaults(p)...)
}

func connectionFaults() []*fault {
	list := []*fault{
		{row: "connection refused", refused: true, total: true},
		{row: "reset at accept", resets: true, total: true},
		{row: "TLS wrong or hanging", name: "another certificate than the pinned", total: true, trust: func(o *preflight.Options, _ *proxy) error {
			o.Target.Thumbprints = []string{strings.Repeat("ab", 32)}
			return nil
		}},
		{row: "TLS wrong or hanging", name: "an authority that nobody knows", total: true, trust: func(o *preflight.Options, _ *proxy) error {
			o.Target.Thumbprints = nil
			return nil
		}},
		{row: "TLS wrong or hanging", name: "an expired certificate", expired: true, total: true, trust: func(o *preflight.Options, p *proxy) error {
			o.Target.Thumbprints, o.Target.CACerts = nil, filepath.Join(o.Change.StateDir, "ca.pem")
			return os.WriteFile(o.Target.CACerts, p.pem(), 0o600)
		}},
		{row: "TLS wrong or hanging", name: "no TLS on the port", plain: true, total: true},
		{row: "TLS wrong or hanging", name: "nothing after the connection", mute: true, hangs: true, total: true},
	}
	for _, n := range []int{1, 100, 700, 1500, 2500, 6000, 15000} {
		list = append(list, &fault{row: "reset after n bytes", name: fmt.Sprintf("%d to the server", n), up: n, total: n <= 700})
	}
	for _, n := range []int{1, 100, 900, 2500, 6000, 20000, 60000} {
		list = append(list, &fault{row: "reset after n bytes", name: fmt.Sprintf("%d from the server", n), down: n, total: n <= 900})
	}
	return list
}

// from lets a fault begin at the nth call.
func from(n int, serve func(http.ResponseWriter, *call) bool) func(http.ResponseWriter, *call) bool {
	return func(w http.ResponseWriter, c *call) bool { return c.n >= n && serve(w, c) }
}

// only is of the nth call alone.
func only(n int, serve func(http.ResponseWriter, *call) bool) func(http.ResponseWriter, *call) bool {
	return func(w http.ResponseWriter, c *call) bool { return c.n == n && serve(w, c) }
}

func status(code int) func(http.ResponseWriter, *call) bool {
	return func(w http.ResponseWriter, _ *call) bool { w.WriteHeader(code); return true }
}

func text(kind string, body string) func(http.ResponseWriter, *call) bool {
	return func(w http.ResponseWriter, _ *call) bool {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write([]byte(body))
		return true
	}
}

func hang(_ http.ResponseWriter, c *call) bool { <-c.gone; return true }

func abort(http.ResponseWriter, *call) bool { panic(http.ErrAbortHandler) }

// bent passes a call on, and bends its answer.
func bent(bend func([]byte) []byte) func(http.ResponseWriter, *call) bool {
	return func(w http.ResponseWriter, c *call) bool {
		a := c.pass()
		a.body = bend(a.body)
		a.write(w)
		return true
	}
}

// slowly writes a byte now and then until the caller gives up.
func slowly(w http.ResponseWriter, c *call, body []byte) {
	for i := range body {
		select {
		case <-c.gone:
			return
		case <-time.After(200 * time.Millisecond):
		}
		_, _ = w.Write(body[i : i+1])
		_ = http.NewResponseController(w).Flush()
	}
}

// huge is an answer of 100 MB.
func huge(open string) func(http.ResponseWriter, *call) bool {
	return func(w http.ResponseWriter, c *call) bool {
		w.Header().Set("Content-Type", "text/xml")
		_, _ = w.Write([]byte(open))
		block := []byte(strings.Repeat("x", 1<<20))
		for range 100 {
			if _, err := w.Write(block); err != nil {
				return true
			}
		}
		return true
	}
}

// length answers with the wrong length.
func length(more int) func(http.ResponseWriter, *call) bool {
	return func(w http.ResponseWriter, c *call) bool {
		a := c.pass()
		n := max(len(a.body)+more, 1)
		w.Header().Set("Content-Length", fmt.Sprint(n))
		w.WriteHeader(a.status)
		_, _ = w.Write(a.body[:min(n, len(a.body))])
		return true
	}
}

const envelope = `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" ` +
	`xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>`

func answerFaults(p traits) (list []*fault) {
	type kind struct {
		row, name string
		hangs     bool
		serve     func(http.ResponseWriter, *call) bool
	}
	var kinds []kind
	for _, code := range []int{401, 403, 429, 500, 503} {
		kinds = append(kinds, kind{row: "HTTP 401, 403, 429, 500, 503", name: fmt.Sprint("HTTP ", code), serve: status(code)})
	}
	kinds = append(kinds,
		kind{"slow headers or body", "no headers", true, func(w http.ResponseWriter, c *call) bool { c.pass(); <-c.gone; return true }},
		kind{"slow headers or body", "a byte now and then", true, func(w http.ResponseWriter, c *call) bool { slowly(w, c, c.pass().body); return true }},
		kind{"truncated or garbage XML", "half of it", false, bent(func(b []byte) []byte { return b[:len(b)/2] })},
		kind{"truncated or garbage XML", "all but the end", false, bent(func(b []byte) []byte { return b[:max(0, len(b)-40)] })},
		kind{"truncated or garbage XML", "garbage", false, text("text/xml", "\x00\xff<<<>]]>&&&;")},
		kind{"truncated or garbage XML", "an empty body", false, text("text/xml", envelope+"</soapenv:Body></soapenv:Envelope>")},
		kind{"truncated or garbage XML", "nothing at all", false, status(200)},
		kind{"HTML with 200", "", false, text("text/html", "<!DOCTYPE html><html><head><title>Sign in</title></head><body><p>Please sign in<br></body></html>")},
		kind{"100 MB", "of text", false, huge(envelope + "<a>")},
		kind{"100 MB", "of a name", false, huge("<")},
		kind{"wrong length", "longer than said", false, length(-30)},
		kind{"wrong length", "shorter than said", false, length(30)},
	)
	middle := max(p.calls/2, 2)
	for _, k := range kinds {
		name := strings.TrimPrefix(k.name+", ", ", ")
		list = append(list,
			&fault{row: k.row, name: name + "always", serve: from(1, k.serve), hangs: k.hangs, total: true},
			&fault{row: k.row, name: fmt.Sprintf("%sfrom call %d on", name, middle), serve: from(middle, k.serve), hangs: k.hangs},
			&fault{row: k.row, name: fmt.Sprintf("%scall %d alone", name, middle), serve: only(middle, k.serve), hangs: k.hangs})
	}
	return list
}

// callFaults happen at the nth call, for every n.
func callFaults(p traits) (list []*fault) {
	for n := 1; n <= p.calls; n++ {
		at := fmt.Sprintf("call %d", n)
		list = append(list,
			&fault{row: "black hole from call n on", name: at, hangs: true, serve: from(n, hang), total: n <= 2},
			&fault{row: "session expired at call n", name: at, serve: only(n, func(_ http.ResponseWriter, c *call) bool {
				_ = c.proxy.vc.ExpireSessions()
				return false
			})})
		if n > 3 && n%3 != 0 {
			continue // what follows is much alike from call to call
		}
		list = append(list,
			&fault{row: "reset at call n", name: at, serve: only(n, abort)},
			&fault{row: "reset from call n on", name: at, serve: from(n, abort), total: n <= 2},
			&fault{row: "vCenter restarts at call n", name: at, serve: restart(n)})
	}
	return list
}

// restart ends sessions and connections, and is not ready for three more calls.
func restart(n int) func(http.ResponseWriter, *call) bool {
	return func(w http.ResponseWriter, c *call) bool {
		switch {
		case c.n == n:
			_ = c.proxy.vc.ExpireSessions()
			c.proxy.cut()
			return abort(w, c)
		case c.n > n && c.n <= n+3:
			return status(http.StatusServiceUnavailable)(w, c)
		}
		return false
	}
}

// vimFault answers with a fault of the API.
func vimFault(kind, inner string) func(http.ResponseWriter, *call) bool {
	return func(w http.ResponseWriter, _ *call) bool {
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = fmt.Fprintf(w, `%s<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>no</faultstring><detail><%sFault xmlns="urn:vim25" xsi:type="%s">%s</%sFault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>`,
			envelope, kind, kind, inner, kind)
		return true
	}
}

const lacking = `<object type="Folder">group-d1</object><privilegeId>System.Read</privilegeId>`

var vimFaults = [][2]string{
	{"NoPermission", lacking},
	{"NotAuthenticated", `<object type="Folder">group-d1</object><privilegeId>System.View</privilegeId>`},
	{"HostConfigFault", ""},
	{"HostNotReachable", ""},
	{"NotFound", ""},
	{"ManagedObjectNotFound", `<obj type="HostSystem">host-0</obj>`},
	{"InvalidRequest", ""},
}

// first are the methods without which nobody signs in.
var first = []string{"RetrieveServiceContent", "Login"}

func methodFaults(p traits) (list []*fault) {
	for _, method := range p.methods {
		of := func(serve func(http.ResponseWriter, *call) bool) func(http.ResponseWriter, *call) bool {
			return func(w http.ResponseWriter, c *call) bool { return c.method == method && serve(w, c) }
		}
		total, logout := slices.Contains(first, method), method == "Logout"
		for _, f := range vimFaults {
			if f[0] == "ManagedObjectNotFound" && method == "Destroy_Task" {
				continue // a vCenter that says of a machine that there is none is believed
			}
			list = append(list, &fault{
				row: f[0] + " by a method", name: method, serve: of(vimFault(f[0], f[1])), total: total, harmless: logout, out: !total && !logout,
			})
		}
		var lost atomic.Bool
		list = append(list,
			&fault{row: "a method's answer is lost", name: method + ", once", harmless: logout, serve: of(func(w http.ResponseWriter, c *call) bool {
				if lost.Swap(true) {
					return false
				}
				c.pass()
				return abort(w, c)
			})},
			&fault{row: "a method's answer is lost", name: method + ", each", total: total, harmless: logout, serve: of(func(w http.ResponseWriter, c *call) bool {
				c.pass()
				return abort(w, c)
			})},
			&fault{row: "a method hangs", name: method, total: total, harmless: logout, hangs: !logout, serve: of(hang)})
	}
	return list
}

// factFaults are answers that the API allows.
func factFaults(p traits) (list []*fault) {
	for _, path := range p.paths {
		set := regexp.MustCompile(`<propSet><name>` + regexp.QuoteMeta(path) + `</name><val.*?</val></propSet>`)
		missing := []byte(`<missingSet><path>` + path + `</path><fault><fault xsi:type="NoPermission">` + lacking + `</fault><localizedMessage>no</localizedMessage></fault></missingSet></objects>`)
		object := regexp.MustCompile(`(?s)<objects>.*?</objects>`)
		list = append(list,
			&fault{row: "nil where the API allows nil", name: path, facts: true, out: true, serve: bent(func(b []byte) []byte { return set.ReplaceAll(b, nil) })},
			&fault{row: "NoPermission for a property", name: path, facts: true, out: true, serve: bent(func(b []byte) []byte {
				return object.ReplaceAllFunc(b, func(o []byte) []byte {
					if !set.Match(o) {
						return o
					}
					return append(set.ReplaceAll(o[:len(o)-len("</objects>")], nil), missing...)
				})
			})})
	}
	for _, name := range []string{"allowedHosts", "userControllable", "ipListUserConfigurable", "service", "endPort", "portType", "info", "fault", "parent"} {
		element := regexp.MustCompile(`(?s)<` + name + `(?: [^>]*)?>.*?</` + name + `>`)
		list = append(list, &fault{row: "nil where the API allows nil", name: "element " + name, facts: true, out: true, serve: bent(func(b []byte) []byte { return element.ReplaceAll(b, nil) })})
	}
	objects := regexp.MustCompile(`<objects>`)
	return append(list,
		&fault{row: "pages of one object", out: true, harmless: true, serve: func(_ http.ResponseWriter, c *call) bool { c.proxy.vc.SetPageSize(1); return false }},
		&fault{row: "tokens that never end", name: "empty pages", out: true, serve: endless(objects, "")},
		&fault{row: "tokens that never end", name: "the same object again", out: true, serve: endless(objects, `<objects><obj type="HostSystem">host-0</obj></objects>`)})
}

// endless says of every page that there are more.
func endless(objects *regexp.Regexp, again string) func(http.ResponseWriter, *call) bool {
	return func(w http.ResponseWriter, c *call) bool {
		switch c.method {
		case "RetrievePropertiesEx":
			return bent(func(b []byte) []byte {
				if at := objects.FindIndex(b); at != nil {
					return slices.Concat(b[:at[0]], []byte("<token>more</token>"), b[at[0]:])
				}
				return b
			})(w, c)
		case "ContinueRetrievePropertiesEx":
			return text("text/xml", envelope+`<ContinueRetrievePropertiesExResponse xmlns="urn:vim25"><returnval><token>more</token>`+again+
				`</returnval></ContinueRetrievePropertiesExResponse></soapenv:Body></soapenv:Envelope>`)(w, c)
		}
		return false
	}
}

// hostFaults are of one host. What is asked of its objects goes wrong; what is read of
// all hosts at once does not.
func hostFaults(p traits) (list []*fault) {
	for _, host := range p.hosts {
		refs := p.refs[host]
		of := func(serve func(http.ResponseWriter, *call) bool) func(http.ResponseWriter, *call) bool {
			return func(w http.ResponseWriter, c *call) bool { return slices.Contains(refs, c.this) && serve(w, c) }
		}
		list = append(list, &fault{row: "a hung host", name: host, host: host, hung: true, out: true, serve: of(hang)})
		for _, f := range vimFaults[2:] {
			list = append(list, &fault{row: "a fault of one host", name: f[0] + ", " + host, host: host, out: true, serve: of(vimFault(f[0], f[1]))})
		}
	}
	for n := 3; n <= p.calls && len(p.hosts) > 0; n += 2 {
		host := p.hosts[n/2%len(p.hosts)]
		list = append(list, &fault{row: "a host removed in mid-run", name: fmt.Sprintf("%s at call %d", host, n), host: host, removed: true, out: true, serve: from(n, removal(p.refs[host]))})
	}
	return list
}

// removal is how a vCenter answers from which a host was removed: who names one of its objects
// is told that there is none, and answers hold it no more.
func removal(refs []string) func(http.ResponseWriter, *call) bool {
	ids := strings.Join(refs, "|")
	named := regexp.MustCompile(`>(?:` + ids + `)<`)
	objects := regexp.MustCompile(`(?s)<objects>.*?</objects>`)
	own := regexp.MustCompile(`^<objects><obj [^>]*>(?:` + ids + `)<`)
	listed := regexp.MustCompile(`<ManagedObjectReference [^>]*>(?:` + ids + `)</ManagedObjectReference>`)
	return func(w http.ResponseWriter, c *call) bool {
		if id := strings.Trim(named.FindString(string(c.body)), "<>"); id != "" {
			return vimFault("ManagedObjectNotFound", `<obj type="HostSystem">`+id+`</obj>`)(w, c)
		}
		return bent(func(b []byte) []byte {
			b = objects.ReplaceAllFunc(b, func(o []byte) []byte {
				if own.Match(o) {
					return nil
				}
				return o
			})
			return listed.ReplaceAll(b, nil)
		})(w, c)
	}
}
