package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vic-preflight/vic-preflight/internal/prompt"
	"github.com/vic-preflight/vic-preflight/report"
)

// ErrNotWanted is what a person says who does not want a plan.
var ErrNotWanted = errors.New("the plan was not confirmed: nothing was changed")

// Confirm shows plans on a terminal and asks whether they are wanted, as
// preflight.ChangeOptions want it; several one after the other. word is what must be typed
// where a y does not do, as what is asked for is large; it may be empty.
func Confirm(in io.Reader, out io.Writer, columns, word string) func(context.Context, *report.Run) error {
	var mu sync.Mutex
	return func(ctx context.Context, plan *report.Run) error {
		mu.Lock()
		defer mu.Unlock()
		if ctx.Err() != nil { // the question before this one was the last
			return prompt.ErrInterrupted
		}
		if err := report.Plan(out, plan, report.Style{Width: Width(out, columns)}); err != nil {
			return err
		}
		question, want := fmt.Sprintf("\nChange %s of %s? [y/N] ", changed(plan), report.Clean(plan.Target)), []string{"y", "yes"}
		if word != "" {
			question, want = fmt.Sprintf("\nThat is for all hosts of %s. Type %s to go on: ", report.Clean(plan.Target), word), []string{word}
		}
		return answered(ctx, in, out, question, want...)
	}
}

// Leave asks once whether a watch may change hosts whenever they need it, as
// preflight.WatchOptions want it asked.
func Leave(in io.Reader, out io.Writer, every time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		return answered(ctx, in, out, fmt.Sprintf(`A watch with --fix looks every %s, and opens the port where it is shut then,
without asking again; --max-hosts bounds on how many hosts at a time.
Go on? [y/N] `, every), "y", "yes")
	}
}

// answered returns ErrNotWanted unless the answer is one of those.
func answered(ctx context.Context, in io.Reader, out io.Writer, question string, want ...string) error {
	answer, err := prompt.Line(ctx, in, out, question)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(want, func(w string) bool { return strings.EqualFold(answer, w) }) {
		return ErrNotWanted
	}
	return nil
}

// changed says what a plan changes, in a few words.
func changed(plan *report.Run) string {
	hosts, setting := map[string]bool{}, false
	for _, e := range plan.Plan {
		switch {
		case e.Action == report.None || e.Action == report.Refuse:
		case e.Setting != nil:
			setting = true
		default:
			hosts[e.Path] = true
		}
	}
	text := fmt.Sprintf("%d hosts", len(hosts))
	if len(hosts) == 1 {
		text = "1 host"
	}
	switch {
	case setting && len(hosts) == 0:
		return "a setting"
	case setting:
		return text + " and a setting"
	}
	return text
}
