package vsphere

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Target is where the API is, as vic-machine's --target spells it:
// [https://][user[:password]@]host[:port][/sdk][/datacenter].
type Target struct {
	// Address is host or host:port; an IPv6 literal is in brackets.
	Address string
	// Plain targets speak HTTP without TLS. ParseTarget grants that to
	// loopback addresses alone.
	Plain bool
	// Datacenter is a name or an inventory path, empty when none was named.
	Datacenter string
	// User and Password are empty when the target holds none. HasPassword
	// tells an empty password from none.
	User, Password string
	HasPassword    bool
}

// ParseTarget reads every spelling that vic-machine takes. Its errors repeat
// nothing of the text, which may hold a password in the wrong place.
func ParseTarget(s string) (Target, error) {
	var t Target
	rest := strings.TrimSpace(s)
	if scheme, after, ok := strings.Cut(rest, "://"); ok {
		switch strings.ToLower(scheme) {
		case "https":
		case "http":
			t.Plain = true
		default:
			return Target{}, errors.New("its scheme is not https (sim://SCENARIO is the simulator's)")
		}
		rest = after
	}

	authority, path, _ := strings.Cut(rest, "/")
	if strings.Contains(path, "@") {
		// Guessing where a password ends could send a part of it to a name server.
		return Target{}, errors.New("an \"@\" stands after a \"/\": percent-encode a \"/\" in a password (%2F) and an \"@\" in a datacenter's name (%40), or give the password by --password-file")
	}
	if at := strings.LastIndex(authority, "@"); at >= 0 {
		user, password, has := strings.Cut(authority[:at], ":")
		t.User, t.Password, t.HasPassword = unescape(user), unescape(password), has
		authority = authority[at+1:]
	}

	address, err := parseAddress(authority)
	if err != nil {
		return Target{}, err
	}
	t.Address = address
	if t.Plain && !isLoopback(address) {
		return Target{}, errors.New("http:// would send the password in the clear; use https://")
	}

	path = strings.Trim(path, "/")
	if path == "sdk" || strings.HasPrefix(path, "sdk/") {
		path = strings.Trim(strings.TrimPrefix(path, "sdk"), "/")
	}
	t.Datacenter = unescape(path)
	return t, nil
}

// String returns the target without credentials, as ParseTarget reads it.
func (t Target) String() string {
	var b strings.Builder
	if t.Plain {
		b.WriteString("http://")
	}
	b.WriteString(t.Address)
	if t.Datacenter != "" {
		b.WriteString("/" + t.Datacenter)
	}
	return b.String()
}

// url is the API's endpoint.
func (t Target) url() *url.URL {
	u := &url.URL{Scheme: "https", Host: t.Address, Path: "/sdk"}
	if t.Plain {
		u.Scheme = "http"
	}
	return u
}

// hostPort is the address with its port.
func (t Target) hostPort() string {
	if _, _, err := net.SplitHostPort(t.Address); err == nil {
		return t.Address
	}
	return t.Address + ":443"
}

// unescape decodes percent escapes as in a URL; text that holds none, or
// something else that looks like one, is taken as it is.
func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

func parseAddress(s string) (string, error) {
	if s == "" {
		return "", errors.New("there is no host name in it")
	}
	// An IPv6 literal without brackets can have no port.
	if ip, err := netip.ParseAddr(s); err == nil && ip.Is6() {
		return "[" + s + "]", nil
	}
	host, port := s, ""
	if i := strings.LastIndex(s, ":"); i > strings.LastIndex(s, "]") {
		host, port = s[:i], s[i+1:]
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "", errors.New("the port is not a number from 1 to 65535")
		}
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, closed := strings.CutSuffix(inner, "]")
		if ip, err := netip.ParseAddr(inner); !closed || err != nil || !ip.Is6() {
			return "", errors.New("there is no IPv6 address in the brackets")
		}
	} else if host == "" || strings.ContainsAny(host, "[]<>\"\\^`{|}?#:%") || strings.ContainsFunc(host, invisible) {
		return "", errors.New("there is no host name or address in it; user and password stand before an \"@\"")
	}
	return s, nil
}

// invisible reports whether no name of a host has such a character.
func invisible(r rune) bool {
	return r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsGraphic(r)
}

func isLoopback(address string) bool {
	host := address
	if h, _, err := net.SplitHostPort(address); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
