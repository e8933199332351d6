package guard_test

import (
	"errors"
	"regexp"
	"testing"

	"github.com/vic-preflight/vic-preflight/internal/guard"
)

func TestDo(t *testing.T) {
	wrong := errors.New("wrong")
	if err := guard.Do(func() error { return wrong }); !errors.Is(err, wrong) {
		t.Errorf("an error is %v", err)
	}
	if err := guard.Do(func() error { return nil }); err != nil {
		t.Errorf("no error is %v", err)
	}
	var nothing *struct{ x int }
	for name, f := range map[string]func(){"a value": func() { panic("boom") }, "the runtime": func() { nothing.x++ }} {
		err := guard.Do(func() error { f(); return nil })
		var p *guard.PanicError
		if !errors.As(err, &p) || !regexp.MustCompile(`^guard_test\.go:\d+$`).MatchString(p.Where) {
			t.Errorf("%s is %v", name, err)
		}
	}
}
