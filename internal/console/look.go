package console

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/internal/completion"
	"github.com/vic-preflight/vic-preflight/report"
)

// Look is how a table is to look, by the flags of a command.
type Look struct {
	width         int
	colour, group string
}

// lookValues are what the flags of Look take, by their names.
var lookValues = map[string][]string{
	"group": {"auto", string(report.GroupAlways), string(report.GroupNever)},
	"color": {"auto", "always", "never"},
}

// narrowest is what a table of five columns needs.
const narrowest = 60

// Register adds the flags --width, --group and --color.
func (l *Look) Register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&l.width, "width", 0, "`columns` of the table; the terminal's when absent, and no limit when piped")
	f.StringVar(&l.group, "group", "auto", "`when` rows that are alike share one: auto (over 100 of them, on a terminal), always (naming all hosts that did not pass) or never")
	f.StringVar(&l.colour, "color", "auto", "`when` to colour: auto, always or never [NO_COLOR]")
	for flag, values := range lookValues {
		completion.Offer(cmd, flag, values...)
	}
}

// Style is what the flags, the stream and the environment come to. The error names the
// flag.
func (l *Look) Style(out io.Writer, getenv func(string) string) (report.Style, error) {
	terminal := Width(out, getenv("COLUMNS"))
	style := report.Style{Width: l.width}
	if l.width == 0 && terminal > 0 {
		style.Width = max(terminal, narrowest)
	}
	switch l.colour {
	case "auto":
		style.Colour = terminal > 0 && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
	case "always":
		style.Colour = true
	case "never":
	default:
		return style, fmt.Errorf("--color %q is none of auto, always and never", l.colour)
	}
	switch g := report.Grouping(l.group); g {
	case report.GroupAlways, report.GroupNever:
		style.Group = g
	case "auto":
	default:
		return style, fmt.Errorf("--group %q is none of auto, always and never", l.group)
	}
	if l.width != 0 && l.width < narrowest {
		return style, fmt.Errorf("--width %d is too narrow for the table: it takes %d or more", l.width, narrowest)
	}
	return style, nil
}
