//go:build man

package main

import (
	"bytes"
	"io"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

// init makes this build write the man pages into the directory that it is given, in
// place of running: the program of the users carries no generator.
func init() {
	root := newRoot(&app{stdin: os.Stdin, stdout: io.Discard, stderr: os.Stderr, lookupEnv: os.LookupEnv})
	root.DisableAutoGenTag = true
	if err := writePages(root, os.Args[1]); err != nil {
		log.Fatal(err)
	}
	os.Exit(0)
}

// writePages writes the pages of a command and of those below it.
func writePages(cmd *cobra.Command, dir string) error {
	cmd.InitDefaultHelpFlag()
	cmd.InitDefaultVersionFlag()
	cmd.LocalFlags().VisitAll(forMan)
	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() {
			if err := writePages(child, dir); err != nil {
				return err
			}
		}
	}
	cmd.Long, cmd.Short = markdown(cmd.Long), markdown(cmd.Short)
	var page bytes.Buffer
	header := &doc.GenManHeader{Section: "1", Source: "vic-preflight " + version, Manual: "vic-preflight"}
	if err := doc.GenMan(cmd, header, &page); err != nil {
		return err
	}
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-") + ".1"
	return os.WriteFile(filepath.Join(dir, name), polish(page.Bytes()), 0o644)
}

// prose is a line that markdown does not take for an example.
var prose = regexp.MustCompile(`(?m)^(?: {0,3}[^ \t\n].*)$`)

// markdown keeps what cobra's generator would take for HTML, emphasis or a link, as <service>.
func markdown(text string) string {
	return prose.ReplaceAllStringFunc(text, strings.NewReplacer("<", `\<`, "[", `\[`, "*", `\*`, "`", "\\`").Replace)
}

// placeholder is a flag's value that the generator writes bare, as in --port=port.
type placeholder struct{ pflag.Value }

func (placeholder) Type() string { return "placeholder" }

// forMan has a flag tell, as --help-all does, what its value is called, and its default.
func forMan(f *pflag.Flag) {
	if _, done := f.Value.(placeholder); done {
		return
	}
	name, text := pflag.UnquoteUsage(f)
	switch f.DefValue {
	case "", "0", "0s", "false", "[]":
	default:
		text += " (default " + f.DefValue + ")"
	}
	f.Usage, f.DefValue, f.Value = markdown(text), "", placeholder{f.Value}
	if name != "" {
		f.DefValue, f.NoOptDefVal = `*`+name+`*`, ""
	}
}

var option = regexp.MustCompile(`(?m)^(?:\.PP\n)?(\\fB-.*)\n\t(.*)\n`)

// polish indents what is said of an option below it, and adds the exit status.
func polish(page []byte) []byte {
	page = option.ReplaceAll(page, []byte(".TP\n$1\n$2\n"))
	page = bytes.ReplaceAll(page, []byte("[=]\n"), []byte("\n")) // a flag without a value
	_, status, _ := strings.Cut(exitStatus, "EXIT STATUS\n")
	var section strings.Builder
	section.WriteString(".SH EXIT STATUS\n")
	for _, line := range strings.Split(strings.ReplaceAll(status, "-", `\-`), "\n") {
		code, text := strings.TrimSpace(line[:min(7, len(line))]), line[min(7, len(line)):]
		switch {
		case strings.HasPrefix(line, "  Of"):
			section.WriteString(".PP\n" + strings.TrimSpace(line) + "\n")
		case code != "":
			section.WriteString(".TP\n\\fB" + code + "\\fP\n" + text + "\n")
		default:
			section.WriteString(text + "\n")
		}
	}
	for _, next := range []string{"\n.SH EXAMPLE\n", "\n.SH SEE ALSO\n"} {
		if bytes.Contains(page, []byte(next)) {
			return bytes.Replace(page, []byte(next), []byte("\n"+section.String()+next), 1)
		}
	}
	return append(page, section.String()...)
}
