package vicmachine

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/internal/completion"
)

// files are the options whose value is a path on this machine.
var files = []string{"tls-server-key", "tls-server-cert", "tls-cert-path", "tls-ca", "registry-ca", "appliance-iso", "bootstrap-iso"}

// kinds say in a shell's list of options what an option takes.
var kinds = map[kind]string{
	text: "takes a text", list: "takes a text, several times", boolean: "takes no value", integer: "takes a number", anyBase: "takes a number",
	shares: "takes low, normal, high or a number", duration: "takes a time", address: "takes a URL",
}

// Offer makes vic-machine's options known to a command that takes them beside its own, for a
// shell that asks what may come next. It returns the words that are typed so far as the
// command then reads them, with long names; the last word is still being typed. What the
// command has already stays its own.
func Offer(cmd *cobra.Command, words []string) []string {
	own := cmd.Flags()
	words = slices.Clone(words)
	for i, word := range words[:max(len(words)-1, 0)] {
		name, value, valued := strings.Cut(strings.TrimLeft(word, "-"), "=")
		o := spellings()[name]
		if !strings.HasPrefix(word, "-") || o == nil || name != o.alias || len(name) == 1 && own.ShorthandLookup(name) != nil {
			continue
		}
		if words[i] = "--" + o.name; valued {
			words[i] += "=" + value
		}
	}
	for _, o := range options {
		if o.name == "help" || own.Lookup(o.name) != nil {
			continue
		}
		own.String(o.name, "", "vic-machine's, "+kinds[o.kind])
		if o.kind == boolean {
			own.Lookup(o.name).NoOptDefVal = "true"
		}
		if slices.Contains(files, o.name) {
			_ = cmd.RegisterFlagCompletionFunc(o.name, completion.File) // the flag is there
		}
	}
	return words
}
