package report_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/vic-preflight/vic-preflight/report"
)

// FuzzClean holds that nothing is left of a text that a terminal or a log would obey.
func FuzzClean(f *testing.F) {
	for _, text := range []string{"esx1", "a\x1b[31mb", "\u202egpj.exe", "a\u2028b", "\xff\xfe", "\u00ad", "\U000e0041", "日本"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		clean := report.Clean(text)
		if report.Clean(clean) != clean || !utf8.ValidString(clean) || len(clean) > 3*len(text) {
			t.Errorf("%q is %q", text, clean)
		}
		if strings.ContainsFunc(clean, func(r rune) bool { return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) }) {
			t.Errorf("%q is %q", text, clean)
		}
	})
}

// FuzzReadSaved holds that no file makes a panic, and that what is said of one, and of
// two, can be shown on a terminal and is JSON.
func FuzzReadSaved(f *testing.F) {
	for _, r := range reports() {
		var text bytes.Buffer
		if err := report.JSON(&text, r); err != nil {
			f.Fatal(err)
		}
		if text.Len() < 20<<10 { // the fuzzer's time goes by the size
			f.Add(text.Bytes())
		}
	}
	f.Add([]byte(`{"schemaVersion":1,"startedAt":"2026-01-01T00:00:00Z","requirements":[],"targets":[{"startedAt":"2026-01-01T00:00:00Z"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		read := func() *report.Saved {
			saved, err := report.ReadSaved(bytes.NewReader(text))
			if err != nil && (strings.ContainsFunc(err.Error(), unicode.IsControl) || len(err.Error()) > 1000) {
				t.Errorf("the error %q", err)
			}
			return saved
		}
		then, now := read(), read()
		if then == nil {
			return
		}
		diff, err := report.NewDiff(then, now)
		if err != nil {
			return
		}
		var table, data bytes.Buffer
		if err := diff.Table(&table, report.Style{Width: 100}); err != nil {
			t.Fatal(err)
		}
		if err := diff.JSON(&data); err != nil {
			t.Fatal(err)
		}
		if !json.Valid(data.Bytes()) {
			t.Errorf("%s", &data)
		}
		if strings.ContainsFunc(strings.ReplaceAll(table.String(), "\n", ""), unicode.IsControl) {
			t.Errorf("%q", table.String())
		}
	})
}
