// Package guard turns a panic into an error: a fault of the program in the work about one
// host must not take down a run that has changed others.
package guard

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// PanicError is a panic. Where is the place in the source, such as collect.go:41.
type PanicError struct {
	Value any
	Where string
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("a fault of this program at %s, please report it: %v", e.Where, e.Value)
}

// Do calls f. Where that panics, the error is a *PanicError. A panic in a goroutine that
// f starts is not caught.
func Do(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &PanicError{p, place()}
		}
	}()
	return f()
}

// place is the innermost frame below the panic that is not the runtime's.
func place() string {
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	panicking := false
	for {
		frame, more := frames.Next()
		switch {
		case frame.Function == "runtime.gopanic":
			panicking = true
		case panicking && !strings.HasPrefix(frame.Function, "runtime."):
			return fmt.Sprintf("%s:%d", filepath.Base(frame.File), frame.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}
