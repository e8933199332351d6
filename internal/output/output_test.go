package output_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vic-preflight/vic-preflight/internal/output"
	"github.com/vic-preflight/vic-preflight/report"
)

func TestParse(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("folder", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		texts     []string
		want, err string
	}{
		{nil, "table", ""},
		{[]string{"json"}, "json", ""},
		{[]string{"json=-"}, "json", ""},
		{[]string{"json=report.json"}, "table json=report.json", ""},
		{[]string{"json", "table=a.txt", "wide=b=c.txt"}, "json table=a.txt wide=b=c.txt", ""},
		{[]string{"xml"}, "", `"xml" is no format; the formats are: table, `},
		{[]string{"json="}, "", "json= names no file"},
		{[]string{"json", "table"}, "", "json and table cannot both go to standard output: give one a file, as table=FILE"},
		{[]string{"json=a", "table=./a"}, "", "json and table cannot both go to ./a"},
		{[]string{"json=folder"}, "", "json=folder: that is a folder"},
		{[]string{"json=nowhere/a"}, "", "json=nowhere/a: the folder nowhere is not there"},
	} {
		list, err := output.Parse(row.texts)
		var got []string
		for _, o := range list {
			text := o.Format.Name
			if o.Path != "" {
				text += "=" + o.Path
			}
			got = append(got, text)
		}
		if row.err == "" && (err != nil || strings.Join(got, " ") != row.want) {
			t.Errorf("%q are %q, %v; not %q", row.texts, got, err, row.want)
		}
		if row.err != "" && (err == nil || !strings.HasPrefix(err.Error(), row.err)) {
			t.Errorf("%q: %v, not %s", row.texts, err, row.err)
		}
	}
}

func outputs(t *testing.T, texts ...string) []output.Output {
	t.Helper()
	list, err := output.Parse(texts)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestWriteFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	r := &report.Report{ToolVersion: "v0.0.0", Runs: []*report.Run{{Target: "vc", Err: errors.New("refused")}}}
	if err := os.WriteFile("old.json", []byte("what was there"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("old.json", "link.json"); err != nil {
		t.Fatal(err)
	}
	if err := output.WriteFiles(t.Context(), outputs(t, "json=link.json", "table=new.txt"), r); err != nil {
		t.Fatal(err)
	}
	if text := read(t, "old.json"); !strings.HasPrefix(text, "{") || !strings.HasSuffix(text, "}\n") {
		t.Errorf("behind the link: %q", text)
	}
	if target, err := os.Readlink("link.json"); err != nil || target != "old.json" {
		t.Errorf("the link: %q, %v", target, err)
	}
	if text := read(t, "new.txt"); text != "vc: NOT CHECKED: refused\n" {
		t.Errorf("the table: %q", text)
	}
	if err := output.WriteFiles(t.Context(), outputs(t, "json="+os.DevNull), r); err != nil {
		t.Errorf("a device: %v", err)
	}
}

func TestWriteFilesWhole(t *testing.T) {
	t.Chdir(t.TempDir())
	broken := output.Output{Path: "a.txt", Format: report.Format{Name: "broken", Write: brokenFormat}}
	r := &report.Report{Runs: []*report.Run{{Target: "vc", Err: errors.New("refused")}}}
	if err := os.WriteFile("a.txt", []byte("what was there"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := output.WriteFiles(t.Context(), append([]output.Output{broken}, outputs(t, "json=b.json")...), r)
	if err == nil || err.Error() != "write broken to a.txt: half way" {
		t.Errorf("the error: %v", err)
	}
	if text := read(t, "a.txt"); text != "what was there" {
		t.Errorf("a file that could not be written whole: %q", text)
	}
	if text := read(t, "b.json"); !strings.HasPrefix(text, "{") {
		t.Errorf("the other file: %q", text)
	}
	entries, err := filepath.Glob(".*")
	if err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func brokenFormat(w io.Writer, _ *report.Report, _ report.Style) error {
	if _, err := io.WriteString(w, "half of it"); err != nil {
		return err
	}
	return errors.New("half way")
}
