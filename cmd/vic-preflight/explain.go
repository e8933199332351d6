package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/report"
)

func newExplain(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [CHECK|REASON]",
		Short: "Say what a check or a reason means, and how to mend it",
		Example: joinLines(
			"  vic-preflight explain",
			"  vic-preflight explain ruleset-disabled",
			"  vic-preflight explain outbound-port",
		),
		RunE: func(_ *cobra.Command, args []string) error {
			switch len(args) {
			case 0:
				return explainAll(a.stdout)
			case 1:
				return explainOne(a.stdout, args[0])
			}
			return usageError(fmt.Errorf("explain takes one check or reason, not %d", len(args)))
		},
	}
}

func explainAll(w io.Writer) error {
	var b strings.Builder
	b.WriteString("Checks\n")
	for _, c := range checks.Default() {
		fmt.Fprintf(&b, "  %-28s%s\n", c.ID, c.Title)
	}
	b.WriteString("\nReasons\n")
	for _, e := range checks.Explanations() {
		first, _, _ := strings.Cut(e.Meaning, ". ")
		lines := report.Wrap(strings.TrimSuffix(first, "."), 50)
		fmt.Fprintf(&b, "  %-28s%s\n", e.Reason, strings.Join(lines, "\n"+strings.Repeat(" ", 30)))
	}
	b.WriteString("\nReasons of a plan\n")
	for _, e := range fix.Explanations() {
		first, _, _ := strings.Cut(e.Meaning, ". ")
		lines := report.Wrap(strings.TrimSuffix(first, "."), 50)
		fmt.Fprintf(&b, "  %-28s%s\n", e.Reason, strings.Join(lines, "\n"+strings.Repeat(" ", 30)))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func explainOne(w io.Writer, name string) error {
	for _, c := range checks.Default() {
		if c.ID == name {
			_, err := fmt.Fprintf(w, "%s: %s\n\n%s\n", c.ID, c.Title, strings.Join(report.Wrap(c.Why, 78), "\n"))
			return err
		}
	}
	e, ok := checks.Explain(checks.Reason(name))
	for _, p := range fix.Explanations() {
		if !ok && string(p.Reason) == name {
			_, err := fmt.Fprintf(w, "%s (of a plan)\n\n%s\n", p.Reason, strings.Join(report.Wrap(p.Meaning, 78), "\n"))
			return err
		}
	}
	if !ok {
		return usageError(fmt.Errorf("there is no check or reason %q", name), "vic-preflight explain lists them")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n", e.Reason, strings.Join(report.Wrap(e.Meaning, 78), "\n"))
	if e.Hint != "" {
		fmt.Fprintf(&b, "\nWhat to do: %s\n", strings.Join(report.Wrap(e.Hint, 66), "\n            "))
	}
	for _, c := range e.Commands {
		fmt.Fprintf(&b, "  %s\n", placeholders.Replace(c))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// placeholders writes the commands' place holders as manuals do.
var placeholders = strings.NewReplacer("{target}", "TARGET", "{host}", "HOST", "{name}", "HOST", "{cluster}", "CLUSTER", "{ruleset}", "RULESET", "{peer}", "VCH_ADDRESS")
