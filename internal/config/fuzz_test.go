package config_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/config"
)

// FuzzConfig holds that no file makes a panic, that every error has its place, that a file
// which is taken holds nothing that runs would refuse or take for green, and that a
// password in it is in no error.
func FuzzConfig(f *testing.F) {
	for text := range strings.Lines(goodDocuments + badDocuments) {
		f.Add(text)
	}
	f.Add("targets:\n- target: a\n  host: *x\nuser: &x y\n---\n")
	placed := regexp.MustCompile(`^conf\.yaml:[1-9][0-9]*:[1-9][0-9]*: `)
	const canary = "c4naRy"
	f.Fuzz(func(t *testing.T, text string) {
		for _, line := range []string{"password: " + canary, "target: root:" + canary + "@vc", "targets:\n- target: vc\n  password: " + canary} {
			if _, err := config.Parse("conf.yaml", []byte(line+"\n"+text)); err == nil || strings.Contains(err.Error(), canary) {
				t.Errorf("%q and %q: %v", line, text, err)
			}
		}
		c, err := config.Parse("conf.yaml", []byte(text))
		if err != nil {
			for _, line := range strings.Split(err.Error(), "\n") {
				if !placed.MatchString(line) {
					t.Errorf("%q has no place", line)
				}
			}
			return
		}
		for _, s := range c.Settings {
			if s.Flag == "" || len(s.Values) == 0 || strings.Contains(strings.Join(s.Values, ""), "\n") {
				t.Errorf("the setting %+v", s)
			}
		}
		for _, target := range c.Targets {
			if target.Address == "" || strings.Contains(target.Address, "@") || target.PasswordFile != "" && target.PasswordEnv != "" {
				t.Errorf("the target %+v", target)
			}
		}
		for _, w := range c.Waivers {
			if w.Because == "" || !checks.Gradable(w.Reason) {
				t.Errorf("the waiver %+v", w)
			}
		}
		for reason, status := range c.Severities {
			if !checks.Gradable(reason) || status != checks.Warn && status != checks.Fail {
				t.Errorf("%s is %s", reason, status)
			}
		}
	})
}
