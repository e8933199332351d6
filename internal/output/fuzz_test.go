package output_test

import (
	"testing"

	"github.com/vic-preflight/vic-preflight/internal/output"
)

// FuzzParse holds that what is taken goes somewhere, each to a place of its own, and
// that one goes to standard output.
func FuzzParse(f *testing.F) {
	f.Add("json", "table=-")
	f.Add("junit=a.xml", "html=./a.xml")
	f.Add("json=", "tabel")
	f.Add("nagios=/", "\x00=\x00")
	f.Fuzz(func(t *testing.T, a, b string) {
		list, err := output.Parse([]string{a, b})
		if err != nil {
			if len(list) > 0 || err.Error() == "" {
				t.Errorf("%v, %q", list, err)
			}
			return
		}
		paths := map[string]bool{}
		for _, o := range list {
			if o.Format.Name == "" || o.Format.Write == nil || paths[o.Path] {
				t.Errorf("%q and %q are %+v", a, b, list)
			}
			paths[o.Path] = true
		}
		if !paths[""] {
			t.Errorf("%q and %q: nothing goes to standard output", a, b)
		}
	})
}
