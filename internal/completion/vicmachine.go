package completion

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/internal/vicmachine"
)

// VICMachine makes vic-machine's options known to the command create, which takes them beside
// its own, where the arguments are a shell's question what may come next. It returns them as
// create then reads them, with long names; the last word is still being typed. What the
// command has already stays its own.
func VICMachine(root *cobra.Command, args []string) []string {
	if len(args) < 3 || !strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) || args[1] != "create" {
		return args
	}
	cmd, _, err := root.Find(args[1:2])
	if err != nil || cmd.Name() != "create" {
		return args
	}
	own, aliases := cmd.Flags(), map[string]string{}
	for _, c := range vicmachine.Choices() {
		if c.Alias != "" && (len(c.Alias) > 1 || own.ShorthandLookup(c.Alias) == nil) {
			aliases[c.Alias] = c.Name
		}
		if own.Lookup(c.Name) != nil {
			continue
		}
		own.String(c.Name, "", "vic-machine's, "+c.Takes)
		if !c.Value {
			own.Lookup(c.Name).NoOptDefVal = "true"
		}
		if c.File {
			_ = cmd.RegisterFlagCompletionFunc(c.Name, File) // the flag is there
		}
	}
	args = slices.Clone(args)
	for i := 2; i < len(args)-1; i++ {
		name, value, valued := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		if long := aliases[name]; long != "" && strings.HasPrefix(args[i], "-") {
			if args[i] = "--" + long; valued {
				args[i] += "=" + value
			}
		}
	}
	return args
}
