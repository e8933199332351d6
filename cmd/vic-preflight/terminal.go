package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// minWidth is what a table of five columns needs.
const minWidth = 60

// styleOf says what one stream can show.
func (f *outputFlags) styleOf(w io.Writer, a *app) (report.Style, error) {
	var style report.Style
	terminal := isTerminal(w)
	if terminal {
		style.Width = 80
		if width, _, err := term.GetSize(int(w.(*os.File).Fd())); err == nil && width > 0 {
			style.Width = max(width, minWidth)
		} else if n, err := strconv.Atoi(a.getenv("COLUMNS")); err == nil {
			style.Width = max(n, minWidth)
		}
	}
	switch f.colour {
	case "auto":
		style.Colour = terminal && a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb"
	case "always":
		style.Colour = true
	case "never":
	default:
		return style, usageError(fmt.Errorf("--color %q is none of auto, always and never", f.colour))
	}
	return style, nil
}

const (
	// quiet is how long a run shows no progress: most are over by then.
	quiet = 300 * time.Millisecond
	// lineEvery is how often a line tells of it where there is no terminal.
	lineEvery = 30 * time.Second
)

// console shows on standard error how far the runs are, and what they have to say:
// on a terminal by a bar, elsewhere by a line now and then. Its methods may be called
// concurrently.
type console struct {
	w        io.Writer
	terminal bool
	several  bool

	mu    sync.Mutex
	began time.Time
	last  time.Time // of the last line
	stage preflight.Stage
	of    string
	bar   *progressbar.ProgressBar
}

func newConsole(a *app, several bool) *console {
	now := time.Now()
	return &console{w: a.stderr, terminal: isTerminal(a.stderr), several: several, began: now, last: now}
}

// observer is the console for the run of one target.
func (c *console) observer(target string) preflight.Observer { return observer{c, target} }

type observer struct {
	*console
	target string
}

// Progress implements preflight.Observer.
func (o observer) Progress(stage preflight.Stage, done, total int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	name := stage.String()
	if o.several {
		name = o.target + ": " + name
	}
	now := time.Now()
	switch {
	case now.Sub(o.began) < quiet:
	case o.terminal:
		o.show(stage, o.target, name, done, total)
	case now.Sub(o.last) >= lineEvery:
		o.console.last = now
		fmt.Fprintf(o.w, "%s: %d of %d hosts, %s\n", report.Clean(name), done, total, now.Sub(o.began).Round(time.Second))
	}
}

// show moves the bar of the stage, and begins one for a new stage.
func (c *console) show(stage preflight.Stage, target, name string, done, total int) {
	if c.bar == nil || c.stage != stage || c.of != target {
		c.clear()
		c.stage, c.of = stage, target
		c.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(c.w), progressbar.OptionSetDescription(report.Clean(name)),
			progressbar.OptionShowCount(), progressbar.OptionSetElapsedTime(true), progressbar.OptionSetPredictTime(false),
			progressbar.OptionSetWidth(20), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
		)
	}
	_ = c.bar.Set(done) // nothing hangs on what a terminal shows
}

func (c *console) clear() {
	if c.bar != nil {
		_ = c.bar.Clear()
		c.bar = nil
	}
}

// close takes the bar away.
func (c *console) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
}

// Note implements preflight.Observer.
func (o observer) Note(text string) { o.say("note: ", text) }

// Warn implements preflight.Observer.
func (o observer) Warn(text string) { o.say("warning: ", text) }

// Journal implements preflight.Observer.
func (o observer) Journal(path string) { o.say("journal: ", path) }

func (o observer) say(what, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.clear()
	if o.several {
		text = o.target + ": " + text
	}
	fmt.Fprintf(o.w, "%s%s\n", what, report.Clean(text))
}
