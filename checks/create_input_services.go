package checks

import (
	"crypto/x509"
	"net"
	"net/url"
	"slices"
	"strings"
)

// The reasons of registries, syslog and proxies.
const (
	RegistryCAUnreadable    Reason = "registry-ca-unreadable"
	RegistryUnreadable      Reason = "registry-unreadable"
	InsecureRegistryNetwork Reason = "insecure-registry-network"
	RegistryUnreachable     Reason = "registry-unreachable"
	RegistryNotTried        Reason = "registry-not-tried"
	SyslogUnreadable        Reason = "syslog-unreadable"
	SyslogTransport         Reason = "syslog-transport"
	SyslogWithoutHost       Reason = "syslog-without-host"
	ProxyUnreadable         Reason = "proxy-unreadable"
	NoProxyUnreadable       Reason = "no-proxy-unreadable"
)

func registries() Check {
	return optionCheck(Check{
		ID:      "registries",
		Title:   "The registries can be read and reached, and so can their authorities",
		Why:     "The virtual container host pulls images from them.",
		Reasons: []Reason{RegistryCAUnreadable, RegistryUnreadable, InsecureRegistryNetwork, RegistryUnreachable, RegistryNotTried, FileNotRead},
	}, "--whitelist-registry", func(v *VCH) bool {
		return len(v.RegistryCAs)+len(v.InsecureRegistries)+len(v.WhitelistRegistries) > 0
	}, func(o *optionJudge) {
		if pem, ok := o.read("--registry-ca", o.vch.RegistryCAs, RegistryCAUnreadable, Fail); ok && len(pem) > 0 && !x509.NewCertPool().AppendCertsFromPEM(pem) {
			o.refuse("--registry-ca", RegistryCAUnreadable, "there is no certificate in it")
		}
		for _, text := range o.vch.InsecureRegistries {
			subject := "--insecure-registry " + text
			if _, _, err := net.ParseCIDR(text); err == nil {
				o.refuse(subject, InsecureRegistryNetwork, "it is a network, and only --whitelist-registry takes those")
				continue
			}
			o.registry(subject, text)
		}
		for _, text := range o.vch.WhitelistRegistries {
			o.registry("--whitelist-registry "+text, text)
		}
	})
}

// registry says of one whether it can be reached. It can only ever be a warning, so that
// one which was not tried is left out, and not unknown.
func (o *optionJudge) registry(subject, text string) {
	host, ok := registryHost(text)
	why, tried := o.Registries[host]
	switch {
	case !ok:
		o.refuse(subject, RegistryUnreadable, "it is neither an address nor a URL")
	case host == "":
	case !tried:
		o.say(subject, Skip, "", RegistryNotTried, "whether it can be reached from here was not tried")
	case why != "":
		o.warn(subject, RegistryUnreachable, "it cannot be reached from here: %s", why)
	default:
		o.say(subject, Pass, "", InOrder, "it answers")
	}
}

// registryHost returns host[:port], and nothing for networks and names with a *, which
// vic-machine tries none of: ParseEntry of pkg/registry, and reachableRegistries of
// lib/install/validate/validator.go.
func registryHost(text string) (host string, ok bool) {
	if _, _, err := net.ParseCIDR(text); err == nil {
		return "", true
	}
	for _, scheme := range []string{"", "https://"} {
		if u, err := url.Parse(scheme + text); err == nil && u.Host != "" {
			if strings.HasPrefix(u.Host, "*") {
				return "", true
			}
			return u.Host, true
		}
	}
	return "", false
}

// Registries are those that the options name and that vic-machine tries to reach, each
// once, as host[:port]: the keys of inventory.Workstation.Registries.
func (v *VCH) Registries() []string {
	var hosts []string
	for _, text := range v.InsecureRegistries {
		if _, _, err := net.ParseCIDR(text); err != nil {
			hosts = appendHost(hosts, text)
		}
	}
	for _, text := range v.WhitelistRegistries {
		hosts = appendHost(hosts, text)
	}
	return hosts
}

func appendHost(hosts []string, text string) []string {
	if host, _ := registryHost(text); host != "" && !slices.Contains(hosts, host) {
		return append(hosts, host)
	}
	return hosts
}

func syslogAddress() Check {
	const option = "--syslog-address"
	return optionCheck(Check{
		ID:      "syslog",
		Title:   "The syslog server is TRANSPORT://HOST[:PORT]",
		Why:     "The virtual container host sends its logs there.",
		Reasons: []Reason{SyslogUnreadable, SyslogTransport, SyslogWithoutHost},
	}, option, func(v *VCH) bool { return v.Syslog != "" }, func(o *optionJudge) {
		u, err := url.Parse(o.vch.Syslog)
		switch {
		case err != nil:
			o.refuse(option, SyslogUnreadable, "it is no URL such as udp://log.example:514")
		case u.Scheme != "udp" && u.Scheme != "tcp":
			o.refuse(option, SyslogTransport, "it starts with neither udp:// nor tcp://")
		case u.Host == "":
			o.refuse(option, SyslogWithoutHost, "it names no host")
		}
	})
}

func proxies() Check {
	return optionCheck(Check{
		ID:      "proxies",
		Title:   "The proxies are http(s)://HOST:PORT",
		Why:     "The virtual container host pulls images through them.",
		Reasons: []Reason{ProxyUnreadable, NoProxyUnreadable},
	}, "--https-proxy", func(v *VCH) bool { return v.HTTPProxy != "" || v.HTTPSProxy != "" || v.NoProxy != "" }, func(o *optionJudge) {
		o.proxy("--http-proxy", o.vch.HTTPProxy)
		o.proxy("--https-proxy", o.vch.HTTPSProxy)
		// The first one is not looked at: validateURIs of cmd/vic-machine/common/proxy.go.
		for _, name := range strings.Split(o.vch.NoProxy, ",")[1:] {
			if _, err := url.Parse(strings.TrimSpace(name)); err != nil {
				o.refuse("--no-proxy", NoProxyUnreadable, "%q is refused as no URL; a name or an address with a port is one only in the first place", strings.TrimSpace(name))
			}
		}
	})
}

func (o *optionJudge) proxy(option, text string) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		o.refuse(option, ProxyUnreadable, "it is not http://HOST:PORT or https://HOST:PORT")
	}
}
