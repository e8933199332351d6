package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
)

// TAP writes version 13 of the Test Anything Protocol: a line for each host and check,
// and under what did not pass a block of YAML. What is unknown is not ok, like what
// failed. What is waived is not ok and marked TODO, for which no reader fails a run: it
// is known, and accepted for a time. A target that could not be reached is one line that
// is not ok; the protocol's Bail out! would end the report on all others.
func TAP(w io.Writer, r *Report) error {
	out := bufio.NewWriter(w) // it keeps its first error for Flush
	sections := r.sections()
	planned := 0
	for _, s := range sections {
		planned += len(s.items)
	}
	fmt.Fprintf(out, "TAP version 13\n1..%d\n", planned)
	number := 0
	for _, s := range sections {
		for _, it := range s.items {
			number++
			it.tap(out, number, &s)
		}
	}
	return out.Flush()
}

func (it *item) tap(out io.Writer, number int, s *section) {
	verdict, directive := "ok", ""
	switch {
	case it.waiver != nil:
		verdict, directive = "not ok", " # TODO "+tapText(accepted(it.waiver))
	case it.status == checks.Skip:
		directive = " # SKIP " + tapText(it.reason+": "+it.detail)
	case it.status != checks.Pass && it.status != checks.Warn:
		verdict = "not ok"
	}
	fmt.Fprintf(out, "%s %d - %s%s\n", verdict, number, tapText(fmt.Sprintf("%s: %s: %s", s.title, it.subject, it.check)), directive)
	if it.status.Fine() {
		return
	}
	fmt.Fprintln(out, "  ---")
	for _, field := range [][2]string{
		{"message", it.detail},
		{"severity", it.status.String()},
		{"reason", it.reason},
		{"class", string(it.class)},
		{"hint", it.hint},
		{"target", s.target},
		{"cluster", s.cluster},
		{"subject", it.subject},
		{"path", it.path},
		{"check", it.check},
		{"probe", it.probe},
	} {
		tapField(out, "  ", field[0], field[1])
	}
	if w := waiverJSON(it.waiver); w != nil {
		fmt.Fprintln(out, "  waiver:")
		tapField(out, "    ", "because", w.Because)
		tapField(out, "    ", "expires", w.Expires)
		tapField(out, "    ", "ticket", w.Ticket)
	}
	fmt.Fprintln(out, "  ...")
}

// tapField writes a line of YAML, unless there is nothing to say. A string of JSON is
// one of YAML too.
func tapField(out io.Writer, indent, name, value string) {
	if value == "" {
		return
	}
	var quoted strings.Builder
	enc := json.NewEncoder(&quoted)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(representable(value)) // a string always can be
	fmt.Fprintf(out, "%s%s: %s", indent, name, quoted.String())
}

var tapEscapes = strings.NewReplacer(`\`, `\\`, "#", `\#`)

// tapText escapes what would start a directive.
func tapText(s string) string { return tapEscapes.Replace(s) }
