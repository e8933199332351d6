package vicmachine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/syntax"

	"github.com/vic-preflight/vic-preflight/internal/infile"
)

// longestLine bounds what is read, in bytes: a command line is far shorter, and a file
// that was named by mistake is not.
const longestLine = 64 << 10

// Read reads the command line that is given, or that of a file where one is named, in which - is
// standard input: one of the two. What is wrong with it, options that are given and empty among
// them, is a *UsageError; that a file cannot be read is not.
func Read(ctx context.Context, given []string, path string, stdin io.Reader) (*Command, error) {
	line, err := choose(ctx, given, path, stdin)
	if err != nil {
		return nil, err
	}
	c, err := Parse(line)
	err = cmp.Or(err, c.Filled())
	if wrong := (*UsageError)(nil); path == "" && errors.As(err, &wrong) {
		wrong.Hints = append(wrong.Hints, "options of vic-preflight itself stand before --")
	}
	return c, err
}

// choose returns the words of the command line that Read reads.
func choose(ctx context.Context, given []string, path string, stdin io.Reader) ([]string, error) {
	switch {
	case path == "":
		return given, nil
	case len(given) > 0:
		return nil, unusable("leave one of them out", "--from-file brings the whole command line, and options of vic-machine stand beside it")
	}
	in, name, err := infile.Argument(ctx, path, infile.Short, stdin)
	if err != nil {
		return nil, fmt.Errorf("--from-file: %w", err)
	}
	defer in.Close()
	line, err := ParseFile(in)
	if wrong := (*UsageError)(nil); errors.As(err, &wrong) {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return line, err
}

// ParseFile splits a pasted command line into words, as a POSIX shell would: quotation
// marks, backslashes, comments, lines that a backslash continues. Lines that start with an
// option go on with the one before, whether a backslash joins them or not. It reads the
// lines of cmd and PowerShell, too, where ^ or ` continues them, or where the program is
// vic-machine-windows: a backslash is a letter there.
//
// Nothing is expanded or run: what a shell would replace, such as $NAME, is refused. Its
// errors are *UsageError, but for those of reading.
func ParseFile(r io.Reader) ([]string, error) {
	data, err := io.ReadAll(io.LimitReader(r, longestLine+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > longestLine:
		return nil, unusable("it holds one command line of vic-machine create, and comments", "the file of the command line is longer than %d KiB", longestLine>>10)
	}
	content := withoutPrompt(strings.ReplaceAll(strings.TrimPrefix(string(data), "\uFEFF"), "\r\n", "\n"))
	windows := strings.Contains(content, "vic-machine-windows")
	if continued().MatchString(content) {
		windows = true
		content = continued().ReplaceAllString(content, " ")
	}
	file, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(content), "")
	if err != nil {
		return nil, unreadable(err)
	}
	l := line{windows: windows}
	for i, s := range file.Stmts {
		if err := l.add(s, i > 0); err != nil {
			return nil, err
		}
	}
	if len(l.words) == 0 {
		return nil, unusable("vic-machine-linux create --target ...", "the file holds no command line")
	}
	return l.words, nil
}

// continued is the end of a line that goes on in cmd (^) or in PowerShell (`).
var continued = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("[ \t][`^][ \t]*\n") })

// prompted is a line with the prompt of a shell in front of the program: without the
// program it would be a comment.
var prompted = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\s*[$#%>]\s+(\S+)`) })

// withoutPrompt drops the prompt that was copied with the line.
func withoutPrompt(content string) string {
	lines := strings.Split(content, "\n")
	for i, l := range lines {
		if m := prompted().FindStringSubmatch(l); m != nil && isProgram(m[1]) {
			lines[i] = l[strings.Index(l, m[1]):]
		}
	}
	return strings.Join(lines, "\n")
}

// unreadable says where the shell's grammar is broken. The parser's own words are not
// shown: they can quote the text.
func unreadable(err error) error {
	place := ""
	var p syntax.ParseError
	if errors.As(err, &p) {
		place = fmt.Sprintf(" (line %d, column %d)", p.Pos.Line(), p.Pos.Col())
	}
	problem := "cannot be split into words"
	if syntax.IsIncomplete(err) {
		problem = "ends within quotation marks, or within brackets"
	}
	return unusable("write a value with blanks or special characters in single quotation marks", "the command line %s%s", problem, place)
}

// line is a command line that is being put together.
type line struct {
	words   []string
	windows bool // a backslash is a letter
}

func (l *line) add(s *syntax.Stmt, more bool) error {
	call, ok := s.Cmd.(*syntax.CallExpr)
	switch {
	case !ok || s.Background || s.Negated || len(s.Redirs) > 0:
		return unusable("leave out pipes, redirections and what else is for the shell", "line %d is more than one command", s.Pos().Line())
	case len(call.Assigns) > 0:
		return unusable("export the variable before, and leave it out here", "a variable is set in front of the command in line %d", s.Pos().Line())
	}
	for i, w := range call.Args {
		word, err := l.word(w)
		if err != nil {
			return err
		}
		if more && i == 0 && !strings.HasPrefix(word, "-") {
			return unusable("it holds one command line of vic-machine create; further lines of it start with an option",
				"a second command starts in line %d", w.Pos().Line())
		}
		l.words = append(l.words, word)
	}
	return nil
}

// word is a word without its quotation marks.
func (l *line) word(w *syntax.Word) (string, error) {
	var b strings.Builder
	for i, part := range w.Parts {
		switch p := part.(type) {
		case *syntax.Lit:
			if i == 0 && strings.HasPrefix(p.Value, "~") {
				return "", l.refused(b.String(), "starts with ~, which only a shell replaces", "write the path in full")
			}
			b.WriteString(l.unescaped(p.Value, ""))
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			for _, inner := range p.Parts {
				lit, ok := inner.(*syntax.Lit)
				if !ok {
					return "", l.expansion(b.String())
				}
				b.WriteString(l.unescaped(lit.Value, "$`\"\\\n"))
			}
		default:
			return "", l.expansion(b.String())
		}
	}
	return b.String(), nil
}

func (l *line) expansion(start string) error {
	return l.refused(start, "has a $ or a backquote in it, which only a shell replaces",
		"write the value itself, in single quotation marks if it has such characters",
		"a password can stay out: the variable VIC_MACHINE_PASSWORD has it, or --password-file")
}

// refused names the option that the word belongs to: the one that the word starts with, or
// the one in front of it.
func (l *line) refused(start, problem string, hints ...string) error {
	before := ""
	if len(l.words) > 0 {
		before = l.words[len(l.words)-1]
	}
	for _, word := range []string{start, before} {
		name, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
		if o := spellings()[name]; o != nil && strings.HasPrefix(word, "-") {
			return misused(o.name, problem, hints...)
		}
	}
	return &UsageError{Problem: fmt.Sprintf("word %d %s", len(l.words)+1, problem), Hints: hints}
}

// unescaped drops the backslashes in front of special characters: all, where special is
// empty.
func (l *line) unescaped(text, special string) string {
	if l.windows {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) && (special == "" || strings.IndexByte(special, text[i+1]) >= 0) {
			if i++; text[i] == '\n' {
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
