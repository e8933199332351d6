package report

import (
	"fmt"
	"io"
	"strings"
)

// Format is a way to write a report.
type Format struct {
	// Name is what --output takes.
	Name string
	// ForPrograms is a format that also tells of a run of which nothing is known.
	// People read that in the error.
	ForPrograms bool
	// Write writes the report. It heeds of the style what the format knows.
	Write func(w io.Writer, r *Report, style Style) error
}

// Formats are all of them, the usual one first.
func Formats() []Format {
	return []Format{
		{Name: "table", Write: Table},
		{Name: "wide", Write: Wide},
		{Name: "json", ForPrograms: true, Write: plain(JSON)},
		{Name: "yaml", ForPrograms: true, Write: plain(YAML)},
		{Name: "junit", ForPrograms: true, Write: plain(JUnit)},
		{Name: "tap", ForPrograms: true, Write: plain(TAP)},
		{Name: "markdown", ForPrograms: true, Write: plain(Markdown)},
		{Name: "github", ForPrograms: true, Write: plain(GitHub)},
		{Name: "prometheus", ForPrograms: true, Write: plain(Prometheus)},
		{Name: "nagios", ForPrograms: true, Write: plain(Nagios)},
		{Name: "html", ForPrograms: true, Write: plain(HTML)},
	}
}

// FormatNames are the names of all of them, in that order.
func FormatNames() []string {
	var names []string
	for _, f := range Formats() {
		names = append(names, f.Name)
	}
	return names
}

// FormatNamed returns the format of that name. The error names all.
func FormatNamed(name string) (Format, error) {
	for _, f := range Formats() {
		if f.Name == name {
			return f, nil
		}
	}
	return Format{}, fmt.Errorf("%q is no format; the formats are: %s", name, strings.Join(FormatNames(), ", "))
}

// plain is a way to write that heeds nothing of a style.
func plain(write func(io.Writer, *Report) error) func(io.Writer, *Report, Style) error {
	return func(w io.Writer, r *Report, _ Style) error { return write(w, r) }
}
