//go:build linux

package esxi

import (
	"fmt"
	"slices"
	"strings"
)

// message is an error in ESXi's own words.
type message string

func (m message) Error() string { return string(m) }

func say(format string, args ...any) error { return message(fmt.Sprintf(format, args...)) }

// kind is what an option takes.
type kind int

const (
	text kind = iota
	flag
	boolean
)

// option is one of a command's, such as -r|--ruleset-id.
type option struct {
	short, long string
	kind        kind
	required    bool
	// argument is what the simulator's esxcli calls it.
	argument string
}

func (o option) name() string {
	if o.short == "" {
		return "--" + o.long
	}
	return "-" + o.short + "|--" + o.long
}

// options are those given, by long name; flags have the value true.
type options map[string][]string

func (o options) is(name string) bool { return len(o[name]) > 0 }

func (o options) first(name string) string {
	if len(o[name]) == 0 {
		return ""
	}
	return o[name][0]
}

type command struct {
	words   string
	options []option
	run     func(*Host, options) (string, error)
}

// commands are those of ESXi's that the stand-in knows. The options are those of
// esxcli's own metadata (govmomi simulator/esx/command_info.go and type_info.go).
func commands() []command {
	ruleset := option{short: "r", long: "ruleset-id", argument: "rulesetid"}
	one := ruleset
	one.required = true
	address := option{short: "i", long: "ip-address", required: true, argument: "ipaddress"}
	name := option{short: "n", long: "vibname"}
	named := name
	named.required = true
	common := []option{
		{short: "f", long: "force", kind: flag},
		{long: "dry-run", kind: flag},
		{long: "maintenance-mode", kind: flag},
		{long: "no-live-install", kind: flag},
	}
	sources := append([]option{
		{short: "d", long: "depot"}, {short: "v", long: "viburl"}, name, {long: "no-sig-check", kind: flag}, {long: "proxy"},
	}, common...)
	image := []option{{long: "rebooting-image", kind: flag}}
	return []command{
		{"hardware platform get", nil, platformGet},
		{"network firewall get", nil, firewallGet},
		{"network firewall set", []option{
			{short: "d", long: "default-action", kind: boolean, argument: "defaultaction"},
			{short: "e", long: "enabled", kind: boolean, argument: "enabled"},
		}, nil},
		{"network firewall refresh", nil, nil},
		{"network firewall load", nil, nil},
		{"network firewall unload", nil, nil},
		{"network firewall ruleset list", []option{ruleset}, rulesetList},
		{"network firewall ruleset set", []option{
			one,
			{short: "a", long: "allowed-all", kind: boolean, argument: "allowedall"},
			{short: "e", long: "enabled", kind: boolean, argument: "enabled"},
		}, nil},
		{"network firewall ruleset allowedip list", []option{ruleset}, allowedIPList},
		{"network firewall ruleset allowedip add", []option{one, address}, nil},
		{"network firewall ruleset allowedip remove", []option{one, address}, nil},
		{"network firewall ruleset rule list", []option{ruleset}, ruleList},
		{"software acceptance get", nil, acceptanceGet},
		{"software acceptance set", []option{{short: "l", long: "level", required: true}}, acceptanceSet},
		{"software vib list", image, vibList},
		{"software vib get", append(image, name), vibGet},
		{"software vib install", sources, vibInstall},
		{"software vib update", sources, vibUpdate},
		{"software vib remove", append([]option{named}, common...), vibRemove},
	}
}

// esxcli runs a command. The first line of what is wrong with a command line is
// as recorded ("Error: Unknown command or namespace ..."), what follows is not.
func (h *Host) esxcli(args []string) (string, error) {
	var words []string
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		words, args = append(words, args[0]), args[1:]
	}
	line := strings.Join(words, " ")
	namespace := len(words) == 0
	for _, c := range commands() {
		if c.words == line {
			given, err := parseOptions(c, args)
			if err != nil {
				return "", err
			}
			if c.run == nil {
				return "", h.simulated(c, given)
			}
			return c.run(h, given)
		}
		namespace = namespace || strings.HasPrefix(c.words, line+" ")
	}
	if namespace {
		return "", say("Usage: esxcli [options] %s {cmd} [cmd options]", line)
	}
	return "", say("Error: Unknown command or namespace %s", line)
}

// simulated leaves the command to the simulator. It prints nothing.
func (h *Host) simulated(c command, given options) error {
	arguments := map[string]string{}
	for _, o := range c.options {
		if given.is(o.long) {
			arguments[o.argument] = given.first(o.long)
		}
	}
	_, err := h.sim.Esxcli(strings.ReplaceAll(c.words, " ", "."), arguments)
	return err
}

func usage(c command, format string, args ...any) error {
	text := fmt.Sprintf("Error: "+format, args...) + fmt.Sprintf("\n\nUsage: esxcli %s [cmd options]\n\nCmd options:", c.words)
	for _, o := range c.options {
		text += "\n  " + o.name()
	}
	return message(text)
}

// parseOptions knows --x=y, --x y, -x y and flags.
func parseOptions(c command, args []string) (options, error) {
	given := options{}
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		word, value, hasValue := strings.Cut(word, "=")
		i := slices.IndexFunc(c.options, func(o option) bool {
			return word == "--"+o.long || o.short != "" && word == "-"+o.short
		})
		if i < 0 {
			return nil, usage(c, "Invalid option %s", word)
		}
		o := c.options[i]
		switch {
		case o.kind == flag && hasValue:
			return nil, usage(c, "Invalid option %s", word)
		case o.kind == flag:
			value = "true"
		case !hasValue && len(args) == 0:
			return nil, usage(c, "Missing value for option %s", o.name())
		case !hasValue:
			value, args = args[0], args[1:]
		}
		if o.kind == boolean {
			if value = truthOf(value); value == "" {
				return nil, usage(c, "Invalid value for option %s", o.name())
			}
		}
		given[o.long] = append(given[o.long], value)
	}
	for _, o := range c.options {
		if o.required && !given.is(o.long) {
			return nil, usage(c, "Missing required parameter %s", o.name())
		}
	}
	return given, nil
}

// truthOf is true, false or, for anything else, empty.
func truthOf(value string) string {
	switch strings.ToLower(value) {
	case "true", "t", "yes", "y", "1":
		return "true"
	case "false", "f", "no", "n", "0":
		return "false"
	}
	return ""
}

// column is one of a table's.
type column struct {
	title string
	right bool // as ESXi has numbers and truth values
}

// table prints rows under titles and dashes. (The outputs in VMware's
// documentation do not show whether lines end in blanks; here they do not.)
func table(columns []column, rows [][]string) string {
	width := make([]int, len(columns))
	for i, c := range columns {
		width[i] = len(c.title)
		for _, row := range rows {
			width[i] = max(width[i], len(row[i]))
		}
	}
	var b strings.Builder
	line := func(cell func(i int) string) {
		var cells []string
		for i := range columns {
			cells = append(cells, cell(i))
		}
		b.WriteString(strings.TrimRight(strings.Join(cells, "  "), " ") + "\n")
	}
	line(func(i int) string { return fmt.Sprintf("%-*s", width[i], columns[i].title) })
	line(func(i int) string { return strings.Repeat("-", width[i]) })
	for _, row := range rows {
		line(func(i int) string {
			if columns[i].right {
				return fmt.Sprintf("%*s", width[i], row[i])
			}
			return fmt.Sprintf("%-*s", width[i], row[i])
		})
	}
	return b.String()
}
