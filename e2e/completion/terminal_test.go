package completion_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	"golang.org/x/sys/unix"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

// The keys that the shells' settings bind: insert all that is offered, and send the line
// as it stands to file descriptor 3 and empty it.
const (
	keyTab    = "\t"
	keyInsert = "\x18\x01"
	keySend   = "\x18\x04"
	prompt    = "ready> "
)

// shell is a shell at a terminal.
type shell struct {
	keyboard io.Writer
	screen   *gbytes.Buffer
	lines    chan string
	// breaks are the characters, besides blanks, at which the shell's editor begins
	// a word anew.
	breaks string
}

// start starts a shell at a terminal of its own, and waits for its prompt.
func start(folder string, environment []string, breaks, name string, args ...string) *shell {
	GinkgoHelper()
	keyboard, terminal := testsuite.Terminal(GinkgoTB())
	Expect(unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: 200})).To(Succeed())
	reader, writer, err := os.Pipe()
	Expect(err).NotTo(HaveOccurred())
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = folder, environment
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	cmd.ExtraFiles = []*os.File{writer}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	Expect(cmd.Start()).To(Succeed())
	_ = writer.Close()
	DeferCleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = reader.Close()
	})
	s := &shell{keyboard: keyboard, screen: gbytes.NewBuffer(), lines: make(chan string, 1), breaks: breaks}
	go func() { _, _ = io.Copy(s.screen, keyboard) }() // ends with the terminal
	go func() {
		for in := bufio.NewScanner(reader); in.Scan(); {
			s.lines <- in.Text()
		}
	}()
	Eventually(s.screen).WithTimeout(30 * time.Second).Should(gbytes.Say(prompt))
	return s
}

// typed types a command line of the tool, and returns what stands in it after the keys.
func (s *shell) typed(line, keys string) string {
	GinkgoHelper()
	const tool = "vic-preflight "
	_, err := fmt.Fprint(s.keyboard, tool+line+keys+keySend)
	Expect(err).NotTo(HaveOccurred())
	var after string
	Eventually(s.lines).WithTimeout(30*time.Second).Should(Receive(&after), func() string { return string(s.screen.Contents()) })
	Expect(after).To(HavePrefix(tool))
	return strings.ReplaceAll(strings.TrimPrefix(after, tool), `\,`, ",") // bash takes no risk with a comma
}

// offers are what the shell offers for the last word of the line, as whole words.
func (s *shell) offers(line string) []string {
	GinkgoHelper()
	after := s.typed(line, keyInsert)
	word := line[strings.LastIndex(line, " ")+1:]
	before := word[:strings.LastIndexAny(word, s.breaks)+1]
	if after == line {
		return []string{}
	}
	list := strings.Fields(strings.TrimPrefix(after, strings.TrimSuffix(line, word)+before))
	for i := range list {
		list[i] = before + list[i]
	}
	return list
}

// completes holds the shell to all that it is to offer: at a Tab where that completes the
// word, else among all that can be inserted.
func (s *shell) completes(all []a) {
	GinkgoHelper()
	for _, w := range all {
		if w.tab == "" {
			w.satisfied(s.offers(w.line))
			continue
		}
		Expect(s.typed(w.line, keyTab)).To(Equal(w.tab), "vic-preflight %s", w.line)
	}
}
