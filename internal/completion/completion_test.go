package completion_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/internal/completion"
	"github.com/vic-preflight/vic-preflight/internal/vicmachine"
)

func TestValues(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("folder/deep", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"file", ".hidden", "folder/a", "folder/b"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := &cobra.Command{Use: "tool"}
	cmd.Flags().String("one", "", "a `value`")
	cmd.Flags().StringSlice("some", nil, "`values`")
	cmd.Flags().StringArray("output", nil, "`format[=file]`")
	const alone, more = cobra.ShellCompDirectiveNoFileComp, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	for _, row := range []struct {
		flag, typed string
		want        []string
		directive   cobra.ShellCompDirective
	}{
		{"one", "", []string{"red", "blue"}, alone},
		{"one", "red,", []string{"red", "blue"}, alone},
		{"one", "red=f", []string{"red", "blue"}, alone},
		{"some", "", []string{"red", "blue"}, alone},
		{"some", "red,", []string{"red,blue"}, alone},
		{"some", "red,b", []string{"red,blue"}, alone},
		{"some", "x,blue,red,", nil, alone},
		{"output", "r", []string{"red", "blue"}, alone},
		{"output", "red=", []string{"red=file", "red=folder/"}, alone},
		{"output", "red=.h", []string{"red=.hidden"}, alone},
		{"output", "red=fo", []string{"red=folder/"}, more},
		{"output", "red=folder/", []string{"red=folder/a", "red=folder/b", "red=folder/deep/"}, alone},
		{"output", "red=nowhere/", nil, alone},
	} {
		got, directive := completion.Values(cmd.Flag(row.flag), "red", "blue")(cmd, nil, row.typed)
		if !slices.Equal(got, row.want) || directive != row.directive {
			t.Errorf("--%s %s: %q and %d, not %q and %d", row.flag, row.typed, got, directive, row.want, row.directive)
		}
	}
}

func TestFilesAlone(t *testing.T) {
	root, sub := &cobra.Command{Use: "tool"}, &cobra.Command{Use: "sub", Run: func(*cobra.Command, []string) {}}
	root.AddCommand(sub)
	sub.Flags().String("journal", "", "new `file`")
	sub.Flags().String("user", "", "`name`")
	completion.FilesAlone(root)
	if f, ok := sub.GetFlagCompletionFunc("journal"); !ok {
		t.Error("no files for --journal")
	} else if _, directive := f(sub, nil, ""); directive != cobra.ShellCompDirectiveDefault {
		t.Errorf("--journal: %d", directive)
	}
	if _, ok := sub.GetFlagCompletionFunc("user"); ok || *root.CompletionOptions.DefaultShellCompDirective != cobra.ShellCompDirectiveNoFileComp {
		t.Error("files for --user")
	}
}

func TestVICMachineElsewhere(t *testing.T) {
	for _, line := range []string{"", "create|-n|x", "__complete|create", "__complete|check|-n|x", "__complete|create|-n|x"} {
		args := strings.Split(line, "|")
		if got := completion.VICMachine(&cobra.Command{Use: "tool"}, args); !slices.Equal(got, args) { // it has no create
			t.Errorf("%q became %q", args, got)
		}
	}
}

func TestVICMachine(t *testing.T) {
	for typed, read := range map[string]string{
		"": "",
		"--image-store|shared|--no-tls|--force=true|--na": "--image-store|shared|--no-tls|--force=true|--na",
		"-n|vch1|-vs|shared:a|-k|-cn=pg|":                 "--name|vch1|--volume-store|shared:a|--no-tls|--container-network=pg|",
		"-t|sim://vic|-r|prod|-":                          "-t|sim://vic|--compute-resource|prod|-", // -t is the command's own
		"-n":                                              "-n",                                     // it is still being typed
	} {
		root, cmd := &cobra.Command{Use: "tool"}, &cobra.Command{Use: "create", Run: func(*cobra.Command, []string) {}}
		root.AddCommand(cmd)
		cmd.Flags().StringP("target", "t", "its own", "")
		words := completion.VICMachine(root, append([]string{"__complete", "create"}, strings.Split(typed, "|")...))[2:]
		if got := strings.Join(words, "|"); got != read {
			t.Errorf("%s is read as %s, not %s", typed, got, read)
		}
		if cmd.Flag("target").DefValue != "its own" {
			t.Error("the command has lost its own option")
		}
		for _, c := range vicmachine.Choices() {
			if f, ok := cmd.GetFlagCompletionFunc(c.Name); ok != c.File {
				t.Errorf("--%s: files are offered: %t", c.Name, ok)
			} else if ok {
				if _, directive := f(cmd, nil, ""); directive != cobra.ShellCompDirectiveDefault {
					t.Errorf("--%s: %d", c.Name, directive)
				}
			}
		}
		if err := cmd.ParseFlags(words[:len(words)-1]); err != nil {
			t.Errorf("%s: %v", typed, err)
		}
	}
}
