// Package prompt asks a person at a terminal for a secret.
package prompt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// ErrInterrupted means that the person ended it, or somebody the context, which is the same.
var ErrInterrupted = fmt.Errorf("interrupted: %w", context.Canceled)

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
		return "", ended(ctx)
	case got := <-read:
		if errors.Is(got.err, io.EOF) { // Ctrl-C and Ctrl-D
			return "", ErrInterrupted
		}
		return got.text, got.err
	}
}

// Line asks for a line, which the terminal shows as it is typed. The end of the input is
// an empty one.
func Line(ctx context.Context, in io.Reader, out io.Writer, text string) (string, error) {
	if _, err := io.WriteString(out, text); err != nil {
		return "", err
	}
	type answer struct {
		text string
		err  error
	}
	read := make(chan answer, 1)
	go func() {
		line, err := bufio.NewReader(in).ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
		read <- answer{strings.TrimSpace(line), err}
	}()
	select {
	case <-ctx.Done():
		return "", ended(ctx)
	case got := <-read:
		return got.text, got.err
	}
}

// ended is the error of a context that ended while somebody was asked.
func ended(ctx context.Context) error {
	if err := ctx.Err(); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("nobody answered: %w", err)
	}
	return ErrInterrupted
}
