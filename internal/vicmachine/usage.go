package vicmachine

import "fmt"

// UsageError is a command line that vic-machine create would not take, or that says
// something which cannot be judged. It never holds an option's value.
type UsageError struct {
	// Option is the long name of the one that is at fault, without dashes; empty where it is
	// none.
	Option  string
	Problem string
	// Hints are ways out, often none.
	Hints []string
}

func (e *UsageError) Error() string {
	if e.Option == "" {
		return e.Problem
	}
	return "--" + e.Option + " " + e.Problem
}

// Ways are the ways out.
func (e *UsageError) Ways() []string { return e.Hints }

func misused(option, problem string, hints ...string) *UsageError {
	return &UsageError{Option: option, Problem: problem, Hints: hints}
}

func unusable(hint, format string, args ...any) *UsageError {
	e := &UsageError{Problem: fmt.Sprintf(format, args...)}
	if hint != "" {
		e.Hints = []string{hint}
	}
	return e
}
