package report

import (
	"strings"

	"github.com/fatih/color"
	"github.com/olekukonko/tablewriter/pkg/twwarp"

	"github.com/vic-preflight/vic-preflight/checks"
)

// Style says what the output may look like.
type Style struct {
	// Width is the number of columns; 0 means that lines are never wrapped,
	// for output that programs read line by line.
	Width int
	// Colour allows ANSI colours.
	Colour bool
	// Group says whether hosts with the same verdict share a row.
	Group Grouping
	// Advice says how much is told of what to do.
	Advice Advice

	// advised is how many lines the brief advice on one target may have.
	advised int
}

// Advice is how much a table tells of what to do.
type Advice uint8

// The kinds of advice.
const (
	// AdviceBrief is ten lines at most, or what it takes to name each host that failed.
	AdviceBrief Advice = iota
	// AdviceFull has all reasons, all commands.
	AdviceFull
	AdviceNone
)

// proseWidth is that of text for people where lines are not wrapped: in a log, too, it is
// read.
const proseWidth = 80

// folds reports whether hosts that pass may share a line: where people read.
func (s Style) folds() bool { return s.Width > 0 && s.Group != GroupNever }

// wrap breaks text into lines of the style's width.
func (s Style) wrap(text string) string { return strings.Join(Wrap(text, s.Width), "\n") }

// writeLine writes a line, or the lines that it takes.
func (s Style) writeLine(b *strings.Builder, text string) { b.WriteString(s.wrap(text) + "\n") }

// colours are used where Style.Colour says so: what the library thinks of the
// terminal does not count.
var colours = map[checks.Status]*color.Color{
	checks.Fail:    color.New(color.Bold, color.FgRed),
	checks.Unknown: color.New(color.FgMagenta),
	checks.Warn:    color.New(color.FgYellow),
	checks.Pass:    color.New(color.FgGreen),
	checks.Skip:    color.New(color.Faint),
}

func (s Style) paint(status checks.Status, text string) string {
	if !s.Colour {
		return text
	}
	c := *colours[status]
	c.EnableColor()
	return c.Sprint(text)
}

// indent wraps text to the width and puts prefix before each line.
func indent(text, prefix string, width int) string {
	return prefix + strings.Join(Wrap(text, width-len(prefix)), "\n"+prefix)
}

// hanging wraps text, and puts all lines but the first further in.
func hanging(text string, width int) []string {
	lines := Wrap(text, width-2)
	for i := 1; i < len(lines); i++ {
		lines[i] = "  " + lines[i]
	}
	return lines
}

// Wrap breaks text into lines of at most width columns, at blanks. A word that is
// longer than that stays whole: it may be a name to be copied. A width under 1 does not
// wrap.
func Wrap(text string, width int) []string {
	if width < 1 {
		return []string{text}
	}
	lines, _ := twwarp.WrapString(strings.Join(strings.Fields(text), " "), width)
	if len(lines) == 0 {
		return []string{""}
	}
	return lines
}
