package longflag_test

import (
	"slices"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vic-preflight/vic-preflight/internal/longflag"
)

func TestExpand(t *testing.T) {
	root := &cobra.Command{Use: "tool"}
	sub := &cobra.Command{Use: "check", Run: func(*cobra.Command, []string) {}}
	f := sub.Flags()
	f.StringP("user", "u", "", "")
	f.StringP("target", "t", "", "")
	f.StringP("password", "p", "", "")
	f.Bool("insecure", false, "")
	root.AddCommand(sub)
	for name, row := range map[string]struct{ given, want []string }{
		"with its value":              {[]string{"check", "-user=root"}, []string{"check", "--user=root"}},
		"before its value":            {[]string{"check", "-user", "root", "-target", "H"}, []string{"check", "--user", "root", "--target", "H"}},
		"a switch":                    {[]string{"check", "-insecure", "-user", "x"}, []string{"check", "--insecure", "--user", "x"}},
		"two dashes":                  {[]string{"check", "--user", "root"}, []string{"check", "--user", "root"}},
		"a short one":                 {[]string{"check", "-u", "-user", "-troot", "-t=x"}, []string{"check", "-u", "-user", "-troot", "-t=x"}},
		"a value that looks like one": {[]string{"check", "--password", "-user", "-p", "-target"}, []string{"check", "--password", "-user", "-p", "-target"}},
		"standard input":              {[]string{"check", "-password", "-", "-user=x"}, []string{"check", "--password", "-", "--user=x"}},
		"behind two dashes":           {[]string{"check", "--", "-user=x"}, []string{"check", "--", "-user=x"}},
		"none of any command":         {[]string{"check", "-nosuch"}, []string{"check", "-nosuch"}},
		"help":                        {[]string{"check", "-help"}, []string{"check", "--help"}},
		"at the end without a value":  {[]string{"check", "-user"}, []string{"check", "--user"}},
	} {
		if got := longflag.Expand(root, row.given); !slices.Equal(got, row.want) {
			t.Errorf("%s: %q became %q, not %q", name, row.given, got, row.want)
		}
	}
}

func TestTakes(t *testing.T) {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.StringP("user", "u", "", "")
	f.Bool("insecure", false, "")
	takes := longflag.Takes(f)
	for name, want := range map[string][2]bool{
		"user": {true, true}, "u": {true, true}, "insecure": {true, false}, "help": {true, false}, "h": {true, false}, "us": {}, "nosuch": {},
	} {
		if known, value := takes(name); known != want[0] || value != want[1] {
			t.Errorf("%s: %t, %t", name, known, value)
		}
	}
}
