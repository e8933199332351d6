package completion_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
)

// bashSettings bind the keys of the tests.
const bashSettings = `
PS1='` + prompt + `'
bind 'set enable-bracketed-paste off'
bind 'set page-completions off'
bind 'set completion-query-items 0'
bind '"\C-x\C-a": insert-completions'
send() { printf '%s\n' "$READLINE_LINE" >&3; READLINE_LINE= READLINE_POINT=0; }
bind -x '"\C-x\C-d": send'
`

const bashCompletion = "source /usr/share/bash-completion/bash_completion\n"

// bash starts a bash with the settings.
func bash(settings string, prepare ...func(home string)) *shell {
	GinkgoHelper()
	folder, environment := place()
	rc := filepath.Join(home(environment), "rc")
	write(settings+bashSettings, rc)
	for _, p := range prepare {
		p(home(environment))
	}
	return start(folder, environment, ":=", "bash", "--noprofile", "--rcfile", rc, "-i")
}

var _ = Describe("bash", func() {
	It("completes with the script sourced", func(SpecContext) {
		s := bash(bashCompletion + "source <(vic-preflight completion bash)")
		s.completes(what)
		// What is completed is one word, whatever is in it.
		Expect(s.typed("undo no", keyTab)).To(Equal(`undo notes\ with\ blanks.txt `))
		Expect(s.typed("check -o json=no", keyTab)).To(Equal(`check -o json=notes\ with\ blanks.txt `))
	}, SpecTimeout(3*time.Minute))

	It("completes with the script where packages put it", func(SpecContext) {
		bash(bashCompletion, func(home string) {
			write(scripts["bash"], home, "share", "bash-completion", "completions", "vic-preflight")
		}).completes(some)
	}, SpecTimeout(3*time.Minute))

	It("lists scenarios with what they are", func(SpecContext) {
		s := bash(bashCompletion + "source <(vic-preflight completion bash)")
		s.typed("check sim://", keyTab+keyTab)
		Eventually(s.screen).Should(gbytes.Say(`mixed +\(three clusters`))
	}, SpecTimeout(3*time.Minute))
})

// Cobra's script splits the line by a function of the package, and does nothing without.
var _ = Describe("bash without its completion package", func() {
	It("leaves the line as it is, and help names the package", func(ctx SpecContext) {
		s := bash("source <(vic-preflight completion bash)")
		Expect(s.typed("che", keyTab)).To(Equal("che"))
		Eventually(s.screen).Should(gbytes.Say("_get_comp_words_by_ref: command not found"))
		help, err := exec.CommandContext(ctx, preflight, "completion", "bash", "--help").Output()
		Expect(err).NotTo(HaveOccurred())
		Expect(string(help)).To(ContainSubstring("depends on the 'bash-completion' package"))
	}, SpecTimeout(3*time.Minute))
})

// zshSettings bind the keys of the tests, after zsh's completion was set up.
const zshSettings = `
PS1='` + prompt + `'
unsetopt prompt_cr prompt_sp beep
zle -C insert-all complete-word _generic
zstyle ':completion:insert-all:*' completer _all_matches _complete
zstyle ':completion:insert-all:*' insert yes
bindkey '^X^A' insert-all
send() { print -r -- "$BUFFER" >&3; BUFFER= }
zle -N send
bindkey '^X^D' send
`

// zsh starts a zsh with the settings.
func zsh(settings string, prepare ...func(home string)) *shell {
	GinkgoHelper()
	folder, environment := place()
	write(settings+zshSettings, home(environment), ".zshrc")
	for _, p := range prepare {
		p(home(environment))
	}
	return start(folder, environment, "", "zsh", "-d", "-i")
}

var _ = Describe("zsh", func() {
	const setUp = "autoload -Uz compinit && compinit -u -D\n"

	It("completes with the script sourced", func(SpecContext) {
		s := zsh(setUp + "source <(vic-preflight completion zsh)")
		s.completes(what)
		Expect(s.typed("undo no", keyTab)).To(Equal(`undo notes\ with\ blanks.txt `))
		Expect(s.typed("check -o json=no", keyTab)).To(Equal(`check -o json=notes\ with\ blanks.txt `))
	}, SpecTimeout(3*time.Minute))

	It("completes with the script where packages put it", func(SpecContext) {
		zsh("fpath=(~/functions $fpath)\n"+setUp, func(home string) {
			write(scripts["zsh"], home, "functions", "_vic-preflight")
		}).completes(some)
	}, SpecTimeout(3*time.Minute))

	It("lists scenarios with what they are", func(SpecContext) {
		s := zsh(setUp + "source <(vic-preflight completion zsh)")
		s.typed("check sim://", keyTab+keyTab)
		Eventually(s.screen).Should(gbytes.Say(`mixed +-- three clusters`))
	}, SpecTimeout(3*time.Minute))
})

var _ = Describe("fish", func() {
	It("completes with the script sourced", func(ctx SpecContext) {
		folder, environment := place()
		// One fish answers for all lines; NUL stands between the answers.
		text := "vic-preflight completion fish | source\n"
		for _, w := range what {
			text += "complete -C 'vic-preflight " + w.line + "'; printf '\\0'\n"
		}
		cmd := exec.CommandContext(ctx, "fish", "--no-config", "-c", text)
		cmd.Dir, cmd.Env = folder, environment
		out, err := cmd.Output()
		Expect(err).NotTo(HaveOccurred())
		answers := strings.Split(string(out), "\x00")
		Expect(answers).To(HaveLen(len(what) + 1))
		for i, w := range what {
			w.satisfied(words(answers[i]))
		}
	}, SpecTimeout(3*time.Minute))
})

// words are the first fields of lines that may have a description behind a tab.
func words(lines string) []string {
	list := []string{}
	for line := range strings.Lines(lines) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
		list = append(list, word)
	}
	return list
}

// Debian has no PowerShell. Its script asks the tool for all that it offers, keeps what
// begins with what is typed, and leaves files to PowerShell itself: the tool is asked
// here as the script asks it.
var _ = Describe("what PowerShell's script asks the tool", func() {
	It("is answered with the values", func(ctx SpecContext) {
		Expect(scripts["powershell"]).To(And(
			ContainSubstring("Register-ArgumentCompleter -CommandName 'vic-preflight'"),
			ContainSubstring("__complete"),
		))
		folder, environment := place()
		for _, w := range slices.Concat(what, more) {
			cmd := exec.CommandContext(ctx, preflight, append([]string{"__complete"}, strings.Split(w.line, " ")...)...)
			cmd.Dir, cmd.Env = folder, environment
			out, err := cmd.Output()
			Expect(err).NotTo(HaveOccurred())
			answer, directive, _ := strings.Cut(string(out), "\n:")
			if directive = strings.TrimSpace(directive); directive == "" { // nothing offered
				answer, directive = "", strings.TrimSpace(strings.TrimPrefix(string(out), ":"))
			}
			typed := w.line[strings.LastIndex(w.line, " ")+1:]
			if directive == "0" { // files
				Expect(w.only).To(HaveLen(1))
				Expect(files).To(ContainElements(w.only))
				continue
			}
			before := ""
			if flag, value, ok := strings.Cut(typed, "="); ok && strings.HasPrefix(flag, "-") {
				before, typed = flag+"=", value
			}
			got := slices.DeleteFunc(words(answer), func(s string) bool { return !strings.HasPrefix(s, typed) })
			for i := range got {
				got[i] = before + got[i]
			}
			w.satisfied(got)
		}
	}, SpecTimeout(3*time.Minute))
})
