package prompt_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vic-preflight/vic-preflight/internal/prompt"
)

// pseudo opens a terminal: keyboard is where a person types.
func pseudo(t *testing.T) (keyboard, terminal *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keyboard.Close() })
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	return keyboard, terminal
}

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
		keyboard, terminal := pseudo(t)
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
	keyboard, terminal := pseudo(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := prompt.Secret(ctx, terminal, keyboard, ""); !errors.Is(err, prompt.ErrInterrupted) {
		t.Errorf("it goes on: %v", err)
	}
	if !echoes(t, terminal) {
		t.Error("the terminal is not given back")
	}
}
