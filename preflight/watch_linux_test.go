package preflight_test

import (
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vic-preflight/vic-preflight/preflight"
)

func TestWatchRefusesPipes(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for option, o := range map[string]preflight.Options{
		"baseline":          {Baseline: pipe},
		"listener-key":      {Probe: preflight.ProbeOptions{ListenerKey: pipe}},
		"ssh-key":           {SSH: preflight.SSHOptions{Key: pipe}},
		"ssh-password-file": {SSH: preflight.SSHOptions{PasswordFile: pipe}},
		"ssh-known-hosts":   {SSH: preflight.SSHOptions{KnownHosts: pipe}},
	} {
		o.Target.Address = "sim://open"
		_, err := preflight.Watch(t.Context(), []preflight.Options{o}, preflight.WatchOptions{
			Every: time.Second, Rounds: 1, Begin: func() {}, Told: func(preflight.Round) { t.Errorf("a round by --%s", option) },
		})
		var bad *preflight.UsageError
		if want := "--" + option + " " + pipe + " is a pipe, which is read once"; !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, and not %s", err, want)
		}
	}
}
