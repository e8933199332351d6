package report_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

// BenchmarkRender renders a linked domain of 15,000 hosts, every fifth of which
// fails, in every format.
func BenchmarkRender(b *testing.B) {
	hosts := make([]inventory.Host, 15000)
	for i := range hosts {
		hosts[i] = member(fmt.Sprintf("cluster%03d", i/64), fmt.Sprintf("esx%05d.example", i), outbound("vic-engine", i%5 != 0, everybody(), 2377, 0))
	}
	r := build(hosts)
	for name, render := range map[string]func(io.Writer) error{
		"table,group=never": func(w io.Writer) error { return report.Table(w, r, report.Style{Width: 160, Group: report.GroupNever}) },
		"table,group=always": func(w io.Writer) error {
			return report.Table(w, r, report.Style{Width: 160, Group: report.GroupAlways})
		},
		"lines": func(w io.Writer) error { return report.Table(w, r, report.Style{}) },
		"hints": func(w io.Writer) error {
			return report.Table(w, r, report.Style{Width: 80, Advice: report.AdviceFull})
		},
		"json": func(w io.Writer) error { return report.JSON(w, r) },
	} {
		b.Run("format="+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := render(io.Discard); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
