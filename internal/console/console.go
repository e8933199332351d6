// Package console shows on standard error how far runs are, and what they have to say:
// on a terminal by a bar, elsewhere by a line now and then.
package console

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

// IsTerminal reports whether a stream is one that a person looks at, or types at.
func IsTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Width is the number of a terminal's columns, or columns, the variable COLUMNS, where it
// does not tell them, or 80; 0 for what is no terminal.
func Width(stream io.Writer, columns string) int {
	if !IsTerminal(stream) {
		return 0
	}
	if width, _, err := term.GetSize(int(stream.(*os.File).Fd())); err == nil && width > 0 {
		return width
	}
	if n, err := strconv.Atoi(columns); err == nil && n > 0 {
		return n
	}
	return 80
}

const (
	// quiet is how long a run shows no progress: most are over by then.
	quiet = 300 * time.Millisecond
	// lineEvery is how often a line tells of it where there is no terminal.
	lineEvery = 30 * time.Second
)

// Console is a stream with a bar on it, or lines. Its methods may be called concurrently.
type Console struct {
	w        io.Writer
	terminal bool
	several  bool
	gone     chan os.Signal // who reads the stream

	mu    sync.Mutex
	began time.Time
	last  time.Time // of the last line
	stage preflight.Stage
	of    string
	bar   *progressbar.ProgressBar

	missing string // what was said last
}

// New is a console on the stream. Where several targets are run, each line names its own.
// Until it is closed a reader that has gone away, as head does, ends no run in the middle.
func New(w io.Writer, several bool) *Console {
	c := &Console{w: w, terminal: IsTerminal(w), several: several, gone: make(chan os.Signal, 1)}
	c.Begin()
	return c
}

// Observer is the console for the run of one target.
func (c *Console) Observer(target string) preflight.Observer { return observer{c, target} }

type observer struct {
	*Console
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
		o.Console.last = now
		fmt.Fprintf(o.w, "%s: %d of %d hosts, %s\n", report.Clean(name), done, total, now.Sub(o.began).Round(time.Second))
	}
}

// show moves the bar of the stage, and begins one for a new stage.
func (c *Console) show(stage preflight.Stage, target, name string, done, total int) {
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

func (c *Console) clear() {
	if c.bar != nil {
		_ = c.bar.Clear()
		c.bar = nil
	}
}

// Begin is called where runs begin anew after a Close: what took time before does not count.
func (c *Console) Begin() {
	signal.Notify(c.gone, syscall.SIGPIPE)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began = time.Now()
	c.last = c.began
}

// Close takes the bar away.
func (c *Console) Close() {
	signal.Stop(c.gone)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
}

// Say writes a line.
func (c *Console) Say(what, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
	fmt.Fprintf(c.w, "%s: %s\n", what, report.Clean(text))
}

// Missing says what a report still lacks, as preflight.RunUntil wants it told, unless that
// is what it said last.
func (c *Console) Missing(r *report.Report, pause, left time.Duration) {
	if text := r.Missing(); text != c.missing {
		c.missing = text
		c.Say("waiting for", fmt.Sprintf("%s; again every %s, for %s", text, pause.Round(time.Second), left.Round(time.Second)))
	}
}

// Note implements preflight.Observer.
func (o observer) Note(text string) { o.say("note", text) }

// Warn implements preflight.Observer.
func (o observer) Warn(text string) { o.say("warning", text) }

// Journal implements preflight.Observer.
func (o observer) Journal(path string) { o.say("journal", path) }

func (o observer) say(what, text string) {
	if o.several {
		text = o.target + ": " + text
	}
	o.Say(what, text)
}

// Complain writes an error, each of all that is wrong with a file, and the ways out. target
// is the name of the one of several that it is about; it may be empty. An error may quote
// what a server said.
func Complain(w io.Writer, target string, err error, hints []string) {
	if target != "" {
		target += ": "
	}
	list := []error{err}
	if several := (interface{ Unwrap() []error })(nil); strings.Contains(err.Error(), "\n") && errors.As(err, &several) {
		list = several.Unwrap()
	}
	for _, err := range list {
		fmt.Fprintf(w, "vic-preflight: %s\n", report.Clean(target+err.Error()))
	}
	for _, hint := range hints {
		fmt.Fprintf(w, "hint: %s\n", report.Clean(hint))
	}
}

// Aftermath warns of what a report leaves to do: waivers that fit nothing, and machines that
// are left.
func Aftermath(w io.Writer, r *report.Report) {
	for _, waiver := range r.UnusedWaivers {
		if time.Now().Before(waiver.Expires) { // else a note has told of it
			fmt.Fprintf(w, "warning: a waiver fits nothing: %s\n", report.Clean(waiver.String()))
		}
	}
	for _, run := range r.Runs {
		for _, left := range run.Leftovers {
			fmt.Fprintf(w, "warning: the virtual machine %s could not be removed: vic-preflight probe --cleanup removes it later\n", report.Clean(left))
		}
	}
}
