// Package vicmachine reads the command line of vic-machine create as vic-machine itself
// does. It knows the words of that command line, and nothing of what they are checked for.
//
// No error and no text of it ever holds the value of an option, nor a word that is none:
// either may be a password.
package vicmachine

import "sync"

// kind is what values an option takes.
type kind uint8

// The kinds of options, by the type that they have in vmware/vic.
const (
	text     kind = iota // cli.StringFlag, flags.NewOptionalString: the last one counts
	list                 // cli.StringSliceFlag: each counts, none is split at commas
	boolean              // cli.BoolFlag, flags.NewOptionalBool: a value stands behind = alone
	integer              // flags.NewOptionalInt: decimal
	anyBase              // cli.IntFlag: 0x and 0 in front set the base
	shares               // flags.NewSharesFlag: low, normal, high or a number
	duration             // cli.DurationFlag
	address              // flags.NewURLFlag: https:// unless it has a scheme
)

// option is one of vic-machine create's, by its names without dashes.
type option struct {
	name, alias string // alias is empty where there is none
	kind        kind
}

// options are all of them, hidden ones too, in vic-machine's own order: cmd/vic-machine,
// create/create.go and common/*.go of vmware/vic at commit 9489f63e3. The last is
// urfave/cli's own.
var options = []option{
	{"target", "t", address},
	{"user", "u", text},
	{"password", "p", text},
	{"thumbprint", "", text},
	{"name", "n", text},
	{"compute-resource", "r", text},
	{"ops-user", "", text},
	{"ops-password", "", text},
	{"ops-grant-perms", "", boolean},
	{"image-store", "i", text},
	{"base-image-size", "", text},
	{"affinity-vm-group", "", boolean},
	{"container-name-convention", "cnc", text},
	{"volume-store", "vs", list},
	{"dns-server", "", list},
	{"bridge-network", "b", text},
	{"bridge-network-range", "bnr", text},
	{"bridge-network-width", "bnw", text},
	{"client-network", "cln", text},
	{"client-network-gateway", "", text},
	{"client-network-ip", "", text},
	{"public-network", "pn", text},
	{"public-network-gateway", "", text},
	{"public-network-ip", "", text},
	{"management-network", "mn", text},
	{"management-network-gateway", "", text},
	{"management-network-ip", "", text},
	{"container-network", "cn", list},
	{"container-network-gateway", "cng", list},
	{"container-network-ip-range", "cnr", list},
	{"container-network-dns", "cnd", list},
	{"container-network-firewall", "cnf", list},
	{"memory", "mem", integer},
	{"memory-reservation", "memr", integer},
	{"memory-shares", "mems", shares},
	{"endpoint-memory", "", anyBase},
	{"cpu", "", integer},
	{"cpu-reservation", "cpur", integer},
	{"cpu-shares", "cpus", shares},
	{"endpoint-cpu", "", anyBase},
	{"storage-quota", "sq", integer},
	{"containers", "", integer},
	{"tls-server-key", "", text},
	{"tls-server-cert", "", text},
	{"tls-cname", "", text},
	{"tls-cert-path", "", text},
	{"no-tlsverify", "kv", boolean},
	{"organization", "", list},
	{"certificate-key-size", "ksz", anyBase},
	{"tls-ca", "ca", list},
	{"no-tls", "k", boolean},
	{"registry-ca", "rc", list},
	{"insecure-registry", "dir", list},
	{"whitelist-registry", "wr", list},
	{"https-proxy", "", text},
	{"http-proxy", "", text},
	{"no-proxy", "", text},
	{"syslog-address", "", text},
	{"appliance-iso", "ai", text},
	{"bootstrap-iso", "bi", text},
	{"force", "f", boolean},
	{"timeout", "", duration},
	{"asymmetric-routes", "ar", boolean},
	{"debug", "v", integer},
	{"extended-help", "x", boolean},
	{"help", "h", boolean},
}

// spellings are the options by each of their names.
var spellings = sync.OnceValue(func() map[string]*option {
	all := map[string]*option{}
	for i := range options {
		o := &options[i]
		all[o.name] = o
		if o.alias != "" {
			all[o.alias] = o
		}
	}
	return all
})

// Names are the long names of all options, without dashes.
func Names() []string {
	names := make([]string, len(options))
	for i, o := range options {
		names[i] = o.name
	}
	return names
}

// Takes reports whether vic-machine create knows an option by this name, long or short
// and without dashes, and whether the option takes the word after it for its value.
func Takes(name string) (known, value bool) {
	o := spellings()[name]
	return o != nil, o != nil && o.kind != boolean
}
