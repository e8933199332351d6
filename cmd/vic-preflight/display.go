package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/vic-preflight/vic-preflight/report"
)

// display holds the flags that say how the table looks.
type display struct {
	width  int
	colour string
	group  string
}

func (d *display) register(f *pflag.FlagSet) {
	f.IntVar(&d.width, "width", 0, "`columns` of the table; the terminal's when absent, and one line a host when piped")
	f.StringVar(&d.group, "group", "auto", "`when` hosts with the same verdict share a row: auto (over 100 hosts, on a terminal), always or never")
	f.StringVar(&d.colour, "color", "auto", "`when` to colour: auto, always or never [NO_COLOR]")
}

// minWidth is what a table of five columns needs.
const minWidth = 60

func (d *display) style(a *app) (report.Style, error) {
	if d.width != 0 && d.width < minWidth {
		return report.Style{}, usageError(fmt.Errorf("--width %d is too narrow for the table: it takes %d or more", d.width, minWidth))
	}
	style, err := d.styleOf(a.stdout, a)
	switch g := report.Grouping(d.group); g {
	case report.GroupAlways, report.GroupNever:
		style.Group = g
	case "auto":
	default:
		return style, usageError(fmt.Errorf("--group %q is none of auto, always and never", d.group))
	}
	if d.width != 0 {
		style.Width = d.width
	}
	return style, err
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// styleOf says what one stream can show.
func (d *display) styleOf(w io.Writer, a *app) (report.Style, error) {
	var style report.Style
	f, ok := w.(*os.File)
	terminal := ok && term.IsTerminal(int(f.Fd()))
	if terminal {
		style.Width = 80
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			style.Width = max(width, minWidth)
		} else if n, err := strconv.Atoi(a.getenv("COLUMNS")); err == nil {
			style.Width = max(n, minWidth)
		}
	}
	switch d.colour {
	case "auto":
		style.Colour = terminal && a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb"
	case "always":
		style.Colour = true
	case "never":
	default:
		return style, usageError(fmt.Errorf("--color %q is none of auto, always and never", d.colour))
	}
	return style, nil
}

// hints writes them to standard error, below the table.
func (d *display) hints(a *app, r *report.Report) error {
	style, err := d.styleOf(a.stderr, a)
	if err != nil {
		return err
	}
	if style.Width == 0 {
		style.Width = 80 // prose is for people, also in a log
	}
	return report.Hints(spaced{a.stderr}, r, style)
}

// spaced puts an empty line before the first thing that is written.
type spaced struct{ w io.Writer }

func (s spaced) Write(p []byte) (int, error) {
	if _, err := s.w.Write([]byte("\n")); err != nil {
		return 0, err
	}
	return s.w.Write(p)
}

type renderFunc func(io.Writer, *report.Report, report.Style) error

func renderer(format string) (renderFunc, error) {
	switch format {
	case "table":
		return report.Table, nil
	case "json":
		return func(w io.Writer, r *report.Report, _ report.Style) error { return report.JSON(w, r) }, nil
	}
	return nil, usageError(fmt.Errorf("--output %q is no format; the formats are: table, json", format))
}

// progress shows on a terminal how far a run is; elsewhere it is silent.
type progress struct {
	w  io.Writer // nil when silent
	mu sync.Mutex
	at time.Time
	on bool
}

// progressEvery keeps the line from flickering and from costing anything.
const progressEvery = 100 * time.Millisecond

func newProgress(a *app) *progress {
	if isTerminal(a.stderr) {
		return &progress{w: a.stderr, at: time.Now()}
	}
	return &progress{}
}

var stageNames = map[string]string{
	"refresh":  "refreshing the firewalls",
	"read":     "reading the firewalls",
	"switch":   "asking whether they are on",
	"software": "listing what is installed",
	"probe":    "letting the hosts dial",
	"survey":   "asking the hosts",
	"apply":    "changing the firewalls",
	"verify":   "seeing whether the changes hold",
}

// update may be called concurrently.
func (p *progress) update(stage string, done, total int) {
	if p.w == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.at) < progressEvery {
		return
	}
	p.at, p.on = time.Now(), true
	fmt.Fprintf(p.w, "\r\x1b[K%s: %d of %d hosts", stageNames[stage], done, total)
}

func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.on {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.on = false
	}
}
