package report

import (
	"strings"

	"github.com/fatih/color"
	"github.com/olekukonko/tablewriter/pkg/twwarp"
	"github.com/olekukonko/tablewriter/pkg/twwidth"

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
}

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

// Wrap breaks text into lines of at most width columns, at blanks, and inside
// words longer than that. A width under 1 does not wrap.
func Wrap(text string, width int) []string {
	if width < 1 {
		return []string{text}
	}
	var words []string
	for _, word := range strings.Fields(text) {
		words = append(words, pieces(word, width)...)
	}
	lines, _ := twwarp.WrapString(strings.Join(words, " "), width)
	if len(lines) == 0 {
		return []string{""}
	}
	return lines
}

// pieces cuts a word into parts of at most width columns. A single character
// that is wider than that stays whole.
func pieces(word string, width int) []string {
	if twwidth.Width(word) <= width {
		return []string{word}
	}
	var parts []string
	from := 0
	for i, r := range word {
		if i > from && twwidth.Width(word[from:i]+string(r)) > width {
			parts = append(parts, word[from:i])
			from = i
		}
	}
	return append(parts, word[from:])
}
