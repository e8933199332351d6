package usage

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Error is what is wrong with the words of a command line.
type Error struct {
	Err error
	// Hints say the way out.
	Hints []string
}

func (e *Error) Error() string { return e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// Ways are the ways out.
func (e *Error) Ways() []string { return e.Hints }

// NoCommand refuses arguments that are no command. The errors here are *Error.
func NoCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var hints []string
	if meant := cmd.SuggestionsFor(args[0]); len(meant) > 0 {
		hints = append(hints, fmt.Sprintf("did you mean %s?", strings.Join(meant, " or ")))
	}
	return &Error{errors.New("there is no such command"), append(hints, cmd.CommandPath()+" --help lists the commands")}
}

// NoArgs is cobra.NoArgs in this tool's words.
func NoArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		// It is not repeated: it may be a password.
		return &Error{fmt.Errorf("%s takes no argument, and there is one", cmd.CommandPath()), []string{"is a flag missing before it?"}}
	}
	return nil
}

// Parent is a command that has commands alone. question is what is said without one.
func Parent(use, short, question, hint string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short}
	ask(cmd, question, hint)
	cmd.AddCommand(commands...)
	return cmd
}

// ask makes a command refuse to run without one of its commands.
func ask(cmd *cobra.Command, question, hint string) {
	cmd.Args, cmd.SuggestionsMinimumDistance = NoCommand, 2
	cmd.RunE = func(*cobra.Command, []string) error { return &Error{errors.New(question), []string{hint}} }
}
