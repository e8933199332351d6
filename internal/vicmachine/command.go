package vicmachine

import (
	"maps"
	"slices"
	"strconv"

	"github.com/vic-preflight/vic-preflight/checks"
)

// Command is what a command line of vic-machine create says. What it leaves to the
// variables VIC_MACHINE_TARGET, _USER, _PASSWORD and _THUMBPRINT is empty.
type Command struct {
	VCH checks.VCH
	// Target is --target as it was given, without the user and the password in it.
	Target string
	// User and Password are of their options, or else those in the target. Password and
	// OpsPassword are nil where none was given, which differs from an empty one.
	User                  string
	Password, OpsPassword *string
	Thumbprint            string
	// Help is true where the line only asks vic-machine for its help.
	Help bool
	// Empty is an option that is given and empty, by its long name; empty where there is none.
	Empty string
}

// Parse reads a command line, as a shell splits it: from vic-machine's program on, from
// create on, or from the first option on. Its errors are *UsageError.
func Parse(args []string) (*Command, error) {
	values, err := parse(args)
	if err != nil {
		return nil, err
	}
	c := &Command{
		User: values.text("user"), Password: values.optional("password"), OpsPassword: values.optional("ops-password"),
		Thumbprint: values.text("thumbprint"), Help: values.is("help") || values.is("extended-help"),
		VCH: values.vch(), Empty: values.empty(),
	}
	if err := c.setTarget(values.text("target")); err != nil {
		return nil, err
	}
	return c, nil
}

func parse(args []string) (given, error) {
	options, err := afterVerb(args)
	if err != nil {
		return nil, err
	}
	return read(options, len(args)-len(options))
}

// Filled returns a *UsageError where an option is given and empty; of no command there is
// none. vic-machine does as if it was not given; but a variable that is unset must not widen
// what is meant.
func (c *Command) Filled() error {
	if c == nil || c.Empty == "" {
		return nil
	}
	return misused(c.Empty, "is given and empty", "is a variable unset? leave the option out to do without it")
}

// empty is the first option, by its name, that is given and empty; empty where there is none.
func (g given) empty() string {
	for _, name := range slices.Sorted(maps.Keys(g)) {
		if slices.Contains(g[name], "") {
			return name
		}
	}
	return ""
}

func (g given) text(name string) string {
	if list := g[name]; len(list) > 0 {
		return list[0]
	}
	return ""
}

func (g given) or(name, otherwise string) string {
	if _, ok := g[name]; ok {
		return g.text(name)
	}
	return otherwise
}

func (g given) optional(name string) *string {
	if list := g[name]; len(list) > 0 {
		return &list[0]
	}
	return nil
}

func (g given) is(name string) bool { return g.text(name) == "true" }

// number is of an option that was read as one before.
func (g given) number(name string) int64 {
	n, _ := strconv.ParseInt(g.text(name), 10, 64)
	return n
}

// limits are the options that vic-machine ignores where DRS is off.
var limits = []string{"cpu", "cpu-reservation", "cpu-shares", "memory", "memory-reservation", "memory-shares"}

func (g given) vch() checks.VCH {
	v := checks.VCH{
		Name: g.or("name", checks.DefaultVCHName), ComputeResource: g.text("compute-resource"),
		ImageStore: g.text("image-store"), VolumeStores: apply(volumeStore, g["volume-store"]),
		Bridge: g.text("bridge-network"), BridgeRange: g.text("bridge-network-range"), BridgeWidth: g.text("bridge-network-width"),
		ContainerNetworks: g["container-network"], ContainerGateways: g["container-network-gateway"],
		ContainerRanges: g["container-network-ip-range"], ContainerDNS: g["container-network-dns"],
		ContainerFirewalls: g["container-network-firewall"], DNSServers: g["dns-server"],
		StorageQuota: g.number("storage-quota"), AffinityVMGroup: g.is("affinity-vm-group"),
		OpsUser: g.text("ops-user"), OpsGrantPerms: g.is("ops-grant-perms"), OpsPasswordGiven: len(g["ops-password"]) > 0,
		NoTLS: g.is("no-tls"), NoTLSVerify: g.is("no-tlsverify"),
		ServerCert: g.text("tls-server-cert"), ServerKey: g.text("tls-server-key"), TLSName: g.text("tls-cname"),
		ClientCAs: g["tls-ca"], Organization: g["organization"], CertPath: g.text("tls-cert-path"), KeySize: g.text("certificate-key-size"),
		RegistryCAs: g["registry-ca"], InsecureRegistries: apply(withoutCredentials, g["insecure-registry"]),
		WhitelistRegistries: apply(withoutCredentials, g["whitelist-registry"]),
		HTTPProxy:           withoutCredentials(g.text("http-proxy")), HTTPSProxy: withoutCredentials(g.text("https-proxy")),
		NoProxy: noProxy(g.text("no-proxy")), Syslog: withoutCredentials(g.text("syslog-address")),
		BaseImageSize: g.text("base-image-size"), ContainerNames: g.text("container-name-convention"),
		ApplianceISO: g.text("appliance-iso"), BootstrapISO: g.text("bootstrap-iso"), Force: g.is("force"),
	}
	for _, name := range limits {
		if len(g[name]) > 0 {
			v.Limits = append(v.Limits, name)
		}
	}
	v.Public = g.role("public-network", checks.DefaultPublicNetwork)
	v.Client = g.role("client-network", v.Public.Network)
	v.Management = g.role("management-network", v.Client.Network)
	return v
}

// role is one network of the virtual container host; an empty name is the default's, as
// vic-machine takes it: lib/install/validate/network.go.
func (g given) role(option, network string) checks.Role {
	r := checks.Role{Network: network, IP: g.text(option + "-ip"), Gateway: g.text(option + "-gateway")}
	if name := g.text(option); name != "" {
		r.Network, r.Given = name, true
	}
	return r
}

func apply(change func(string) string, values []string) []string {
	changed := slices.Clone(values)
	for i := range changed {
		changed[i] = change(changed[i])
	}
	return changed
}
