// Package prompt asks a person at a terminal for a secret.
package prompt

import (
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/term"
)

// ErrInterrupted means that the person, or the context, ended it.
var ErrInterrupted = errors.New("interrupted")

// Secret prompts on out for a line from the terminal, where nothing is echoed any more by
// then. The terminal is given back as it was.
func Secret(ctx context.Context, terminal *os.File, out io.Writer, text string) (string, error) {
	before, err := term.MakeRaw(int(terminal.Fd()))
	if err != nil {
		return "", err
	}
	defer func() {
		_ = term.Restore(int(terminal.Fd()), before)
		_, _ = io.WriteString(out, "\n")
	}()
	type answer struct {
		text string
		err  error
	}
	read := make(chan answer, 1)
	go func() {
		text, err := term.NewTerminal(struct {
			io.Reader
			io.Writer
		}{terminal, out}, "").ReadPassword(text)
		read <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", ErrInterrupted
	case got := <-read:
		if errors.Is(got.err, io.EOF) { // Ctrl-C and Ctrl-D
			return "", ErrInterrupted
		}
		return got.text, got.err
	}
}
