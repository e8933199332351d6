package prompt_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vic-preflight/vic-preflight/internal/prompt"
	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func echoes(t *testing.T, terminal *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// person types when the prompt comes.
type person struct {
	t                  *testing.T
	keyboard, terminal *os.File
	types              string
	read               string
}

func (p *person) Write(b []byte) (int, error) {
	if p.read == "" && echoes(p.t, p.terminal) {
		p.t.Error("the prompt comes while the terminal echoes")
	}
	if p.read == "" {
		_, _ = p.keyboard.WriteString(p.types)
	}
	p.read += string(b)
	return len(b), nil
}

func TestSecret(t *testing.T) {
	for typed, want := range map[string]string{"s3cr3t\r": "s3cr3t", "\x03": "", "\x04": ""} {
		keyboard, terminal := testsuite.Terminal(t)
		out := &person{t: t, keyboard: keyboard, terminal: terminal, types: typed}
		got, err := prompt.Secret(t.Context(), terminal, out, "Password: ")
		if got != want || (want == "") != errors.Is(err, prompt.ErrInterrupted) {
			t.Errorf("%q is %q, %v", typed, got, err)
		}
		if out.read != "Password: \r\n\n" && out.read != "Password: \n" {
			t.Errorf("%q: the terminal shows %q", typed, out.read)
		}
		if !echoes(t, terminal) {
			t.Error("the terminal is not given back")
		}
	}
}

func TestInterrupted(t *testing.T) {
	keyboard, terminal := testsuite.Terminal(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := prompt.Secret(ctx, terminal, keyboard, ""); !errors.Is(err, prompt.ErrInterrupted) {
		t.Errorf("it goes on: %v", err)
	}
	if !echoes(t, terminal) {
		t.Error("the terminal is not given back")
	}
}

func TestLine(t *testing.T) {
	for typed, want := range map[string]string{"y\n": "y", " yes \n": "yes", "\n": "", "\x04": ""} {
		keyboard, terminal := testsuite.Terminal(t)
		if _, err := keyboard.WriteString(typed); err != nil {
			t.Fatal(err)
		}
		if got, err := prompt.Line(t.Context(), terminal, terminal, "Go on? "); got != want || err != nil {
			t.Errorf("%q is %q, %v", typed, got, err)
		}
	}
	_, terminal := testsuite.Terminal(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := prompt.Line(ctx, terminal, terminal, "Go on? "); !errors.Is(err, prompt.ErrInterrupted) {
		t.Errorf("a run that ended: %v", err)
	}
}
