package completion_test

import (
	"os"
	"slices"
	"testing"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/internal/completion"
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
