package vicmachine_test

import (
	"flag"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/urfave/cli.v1"
)

// The oracle is vic-machine's own parser: urfave/cli at the version that vmware/vic has in
// vendor (0bdeddee, which is v1.19.1), with the flags that cmd/vic-machine/create/create.go
// and cmd/vic-machine/common/*.go declare at commit 9489f63e3. They are written out here a
// second time, from there and not from this package's table.
func oracleFlags() []cli.Flag {
	plain := func(names ...string) (flags []cli.Flag) {
		for _, n := range names {
			flags = append(flags, cli.StringFlag{Name: n})
		}
		return flags
	}
	boolean := func(names ...string) (flags []cli.Flag) {
		for _, n := range names {
			flags = append(flags, cli.BoolFlag{Name: n})
		}
		return flags
	}
	whole := func(names ...string) (flags []cli.Flag) {
		for _, n := range names {
			flags = append(flags, cli.IntFlag{Name: n})
		}
		return flags
	}
	lists := func(names ...string) (flags []cli.Flag) {
		for _, n := range names {
			flags = append(flags, cli.StringSliceFlag{Name: n, Value: &cli.StringSlice{}})
		}
		return flags
	}
	own := func(set func(string) (string, error), boolean bool, names ...string) (flags []cli.Flag) {
		for _, n := range names {
			flags = append(flags, cli.GenericFlag{Name: n, Value: &oracleValue{set: set, boolean: boolean}})
		}
		return flags
	}
	return slices.Concat(
		own(oracleURL, false, "target, t"),
		plain("user, u", "thumbprint", "name, n", "compute-resource, r", "image-store, i", "base-image-size",
			"bridge-network, b", "bridge-network-range, bnr", "bridge-network-width, bnw",
			"client-network, cln", "client-network-gateway", "client-network-ip",
			"public-network, pn", "public-network-gateway", "public-network-ip",
			"management-network, mn", "management-network-gateway", "management-network-ip",
			"container-name-convention, cnc", "tls-server-key", "tls-server-cert", "tls-cname", "tls-cert-path",
			"syslog-address", "appliance-iso, ai", "bootstrap-iso, bi"),
		own(oracleText, false, "password, p", "ops-user", "ops-password", "https-proxy", "http-proxy", "no-proxy"),
		own(oracleBool, true, "ops-grant-perms"),
		own(oracleInt, false, "memory, mem", "memory-reservation, memr", "cpu", "cpu-reservation, cpur",
			"storage-quota, sq", "containers", "debug, v"),
		own(oracleShares, false, "memory-shares, mems", "cpu-shares, cpus"),
		whole("endpoint-memory", "endpoint-cpu", "certificate-key-size, ksz"),
		lists("volume-store, vs", "dns-server", "container-network, cn", "container-network-gateway, cng",
			"container-network-ip-range, cnr", "container-network-dns, cnd", "container-network-firewall, cnf",
			"organization", "tls-ca, ca", "registry-ca, rc", "insecure-registry, dir", "whitelist-registry, wr"),
		boolean("affinity-vm-group", "no-tlsverify, kv", "no-tls, k", "force, f", "asymmetric-routes, ar", "extended-help, x"),
		[]cli.Flag{cli.DurationFlag{Name: "timeout"}},
	)
}

// oracle says what vic-machine takes from a command line: nothing where it refuses it, and
// help where it only prints that.
func oracle(args []string) (values map[string][]string, help, taken bool) {
	app := cli.NewApp()
	app.Writer, app.ErrWriter = io.Discard, io.Discard
	app.EnableBashCompletion = true
	flags := oracleFlags()
	app.Commands = []cli.Command{{Name: "create", Flags: flags, Action: func(c *cli.Context) error {
		if len(c.Args()) > 0 { // create.go Run
			return nil
		}
		taken, values = true, map[string][]string{}
		for _, f := range flags {
			name, _, _ := strings.Cut(f.GetName(), ",")
			if v, ok := oracleGiven(c, f); ok {
				values[name] = v
			}
		}
		return nil
	}}}
	err := app.Run(append([]string{"vic-machine-linux", "create"}, args...))
	help = err == nil && !taken && values == nil
	return values, help, taken && err == nil
}

// oracleGiven returns what was given for a flag, as text.
func oracleGiven(c *cli.Context, f cli.Flag) ([]string, bool) {
	name, alias, _ := strings.Cut(f.GetName(), ", ")
	set := c.IsSet(name) || alias != "" && c.IsSet(alias)
	switch f.(type) {
	case cli.StringSliceFlag:
		list := c.StringSlice(name)
		return list, len(list) > 0 // IsSet misses the short forms of lists: urfave/cli issue 314
	case cli.BoolFlag:
		return []string{strconv.FormatBool(c.Bool(name))}, set
	case cli.IntFlag:
		return []string{strconv.Itoa(c.Int(name))}, set
	case cli.DurationFlag:
		return []string{c.Duration(name).String()}, set
	case cli.GenericFlag:
		return []string{fmt.Sprint(c.Generic(name))}, set
	default:
		return []string{c.String(name)}, set
	}
}

// oracleValue stands for the types of vmware/vic's pkg/flags.
type oracleValue struct {
	value   string
	set     func(string) (string, error)
	boolean bool
}

var _ flag.Value = (*oracleValue)(nil)

func (v *oracleValue) String() string   { return v.value }
func (v *oracleValue) IsBoolFlag() bool { return v.boolean }
func (v *oracleValue) Set(s string) (err error) {
	v.value, err = v.set(s)
	return err
}

func oracleText(s string) (string, error) { return s, nil }

func oracleBool(s string) (string, error) {
	b, err := strconv.ParseBool(s)
	return strconv.FormatBool(b), err
}

func oracleInt(s string) (string, error) {
	n, err := strconv.Atoi(s)
	return strconv.Itoa(n), err
}

func oracleShares(s string) (string, error) {
	switch s = strings.ToLower(s); s {
	case "normal", "low", "high":
		return s, nil
	}
	return oracleInt(s)
}

func oracleURL(s string) (string, error) {
	full := s
	if !regexp.MustCompile(`^\w+://`).MatchString(s) {
		full = "https://" + s
	}
	_, err := url.Parse(full)
	return s, err
}
