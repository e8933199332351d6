package e2e_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	"github.com/onsi/gomega/gexec"
	"github.com/vmware/govmomi/vim25/types"
	"golang.org/x/sys/unix"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

// codes are the exit codes of what a signal ended.
var codes = map[syscall.Signal]int{syscall.SIGHUP: 129, syscall.SIGINT: 130, syscall.SIGTERM: 143}

// begin starts the program, and kills it with the spec if it still runs.
func begin(stdin io.Reader, env []string, args ...string) *gexec.Session {
	GinkgoHelper()
	cmd := exec.Command(preflight, args...)
	cmd.Env, cmd.Stdin, cmd.Dir = env, stdin, GinkgoT().TempDir()
	session, err := gexec.Start(cmd, nil, nil)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { session.Kill().Wait() })
	return session
}

// silent is a pipe, and a function that waits until somebody has it open to read, to whom
// nothing is written.
func silent(name string) (path string, opened func()) {
	GinkgoHelper()
	path = filepath.Join(GinkgoT().TempDir(), name)
	Expect(syscall.Mkfifo(path, 0o600)).To(Succeed())
	return path, func() {
		GinkgoHelper()
		var w *os.File
		Eventually(func() (err error) { // without a reader it fails
			w, err = os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
			return err
		}).WithTimeout(20 * time.Second).Should(Succeed())
		DeferCleanup(w.Close)
	}
}

var _ = Describe("a signal", func() {
	for signal, code := range codes {
		It("ends a check while a host says nothing, reported: "+signal.String(), func(ctx SpecContext) {
			vc, s := hostScenario("closed")
			DeferCleanup(vc.Hold("RetrieveManagedMethodExecuter", vc.Host("esx02.example").Ref, nil))
			session := begin(nil, s.env(), "check", "--concurrency", "2")
			Eventually(func() int { return vc.RequestsOf("ExecuteSoap") }).WithContext(ctx).Should(BeNumerically(">", 1))
			session.Signal(signal)
			Eventually(session).WithContext(ctx).Should(gexec.Exit(code))
			Expect(string(session.Out.Contents())).To(And(ContainSubstring("5 hosts: 5 failed"), ContainSubstring("interrupted")))
			Expect(vc.OpenSessions()).To(BeZero())
		}, SpecTimeout(time.Minute))

		It("ends the waiting of --wait, also for what is not there: "+signal.String(), func(ctx SpecContext) {
			for _, target := range [][]string{{"sim://closed"}, {"127.0.0.1:1", "--user", "root", "--password", "pw"}} {
				session := begin(nil, environment(), append([]string{"check", "--wait", "10m", "--target"}, target...)...)
				Eventually(session.Err).WithContext(ctx).Should(gbytes.Say("waiting for: "))
				session.Signal(signal)
				Eventually(session).WithContext(ctx).Should(gexec.Exit(code), target[0])
			}
		}, SpecTimeout(time.Minute))

		It("ends listen, and is how sim ends: "+signal.String(), func(ctx SpecContext) {
			session := begin(nil, environment(), "listen", "--listen", "127.0.0.1:0")
			Eventually(session.Err).WithContext(ctx).Should(gbytes.Say("listening on "))
			session.Signal(signal)
			Eventually(session).WithContext(ctx).Should(gexec.Exit(code))
			session = begin(nil, environment(), "sim", "open", "--listen", "127.0.0.1:0")
			Eventually(session.Out).WithContext(ctx).Should(gbytes.Say("Ctrl-C ends it"))
			session.Signal(signal)
			Eventually(session).WithContext(ctx).Should(gexec.Exit(0))
		}, SpecTimeout(time.Minute))
	}

	It("is not heard where it is ignored from the start, as in a shell's background", func(ctx SpecContext) {
		cmd := exec.Command("sh", "-c", `trap "" INT HUP; exec "$0" "$@"`, preflight, "check", "sim://closed", "--wait", "10m")
		cmd.Env = environment()
		session, err := gexec.Start(cmd, nil, nil)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { session.Kill().Wait() })
		Eventually(session.Err).WithContext(ctx).Should(gbytes.Say("waiting for: "))
		session.Signal(syscall.SIGINT)
		session.Signal(syscall.SIGHUP)
		session.Signal(syscall.SIGTERM)
		Eventually(session).WithContext(ctx).Should(gexec.Exit(143))
	}, SpecTimeout(time.Minute))

	It("ends a run that hangs on its way out, if it is the second one", func(ctx SpecContext) {
		vc, s := hostScenario("closed")
		DeferCleanup(vc.Hold("RetrieveManagedMethodExecuter", vc.Host("esx02.example").Ref, nil))
		DeferCleanup(vc.Hold("Logout", types.ManagedObjectReference{}, nil))
		session := begin(nil, s.env(), "check", "--concurrency", "2")
		Eventually(func() int { return vc.RequestsOf("ExecuteSoap") }).WithContext(ctx).Should(BeNumerically(">", 1))
		session.Signal(syscall.SIGINT)
		Eventually(func() int { return vc.RequestsOf("Logout") }).WithContext(ctx).Should(Equal(1))
		session.Signal(syscall.SIGTERM)
		Eventually(session).WithContext(ctx).Should(gexec.Exit())
		status, ok := session.Command.ProcessState.Sys().(syscall.WaitStatus)
		Expect(ok && status.Signaled() && status.Signal() == syscall.SIGTERM).To(BeTrue(), "%v", session.Command.ProcessState)
	}, SpecTimeout(time.Minute))

	It("leaves the verdict of a run that had come to it", func(ctx SpecContext) {
		r, w, err := os.Pipe() // which is full before the report has been written
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(r.Close)
		cmd := exec.Command(preflight, "check", "sim://large?hosts=2000", "-o", "json")
		cmd.Env, cmd.Stdout = environment(), w
		Expect(cmd.Start()).To(Succeed())
		DeferCleanup(func() { _ = cmd.Process.Kill() })
		Expect(w.Close()).To(Succeed())
		Eventually(func() (int, error) { return unix.IoctlGetInt(int(r.Fd()), unix.TIOCINQ) }).WithContext(ctx).Should(BeNumerically(">=", 1<<16))
		Expect(cmd.Process.Signal(syscall.SIGTERM)).To(Succeed())
		text, err := io.ReadAll(r) // somebody reads after all
		Expect(err).NotTo(HaveOccurred())
		Expect(string(text)).To(HaveSuffix("}\n"))
		Expect(cmd.Wait()).To(MatchError("exit status 1"))
	}, SpecTimeout(time.Minute))

	It("ends the writing of a report that nobody reads", func(ctx SpecContext) {
		r, w, err := os.Pipe()
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(r.Close)
		cmd := exec.Command(preflight, "check", "sim://large?hosts=2000", "-o", "json")
		var told bytes.Buffer
		cmd.Env, cmd.Stdout, cmd.Stderr = environment(), w, &told
		Expect(cmd.Start()).To(Succeed())
		DeferCleanup(func() { _ = cmd.Process.Kill() })
		Expect(w.Close()).To(Succeed())
		Eventually(func() (int, error) { return unix.IoctlGetInt(int(r.Fd()), unix.TIOCINQ) }).WithContext(ctx).Should(BeNumerically(">=", 1<<16))
		Expect(cmd.Process.Signal(syscall.SIGTERM)).To(Succeed())
		Expect(cmd.Wait()).To(MatchError("exit status 1"))
		Expect(told.String()).To(ContainSubstring("write the report: write to standard output: context canceled"))
	}, SpecTimeout(time.Minute))
})

// readers are command lines that read PIPE, with what they have besides in KNOWN; true for
// those whose time --timeout bounds.
var readers = map[string]bool{
	"check -t vc.example -u root --password-file PIPE":                          true,
	"check -t sim://open --config PIPE":                                         true,
	"check -t sim://open --requirements PIPE":                                   true,
	"check --facts PIPE":                                                        true,
	"check -t sim://PIPE":                                                       true,
	"check -t sim://open --baseline PIPE":                                       true,
	"check -t sim://open --probe local --vch-ip 127.0.0.1 --listener-key PIPE":  true,
	"check -t sim://open --ssh --ssh-known-hosts KNOWN --ssh-key PIPE":          true,
	"check -t sim://open --ssh --ssh-known-hosts PIPE --ssh-password-file PIPE": true,
	"create -t sim://vic --from-file PIPE":                                      true,
	"collect -t vc.example -u root --password-file PIPE -o NEW":                 true,
	"fix --allow -t sim://open --method vib --vib PIPE":                         true,
	"undo -t sim://open PIPE":                                                   true,
	"probe --cleanup -t vc.example -u root --password-file PIPE":                true,
	"config check PIPE":                                                         false,
	"vib inspect PIPE":                                                          false,
	"vib build --requirements PIPE --output NEW.vib":                            false,
	"rule render --file PIPE":                                                   false,
	"diff PIPE KNOWN":                                                           false,
	"sim PIPE --listen 127.0.0.1:0":                                             false,
	"listen --listen 127.0.0.1:0 --key-file PIPE":                               false,
}

var _ = Describe("reading from a pipe to which nobody writes", func() {
	known := filepath.Join("/dev", "null")
	line := func(text, pipe string) []string {
		return strings.Fields(strings.NewReplacer("PIPE", pipe, "KNOWN", known).Replace(text))
	}
	each := func(do func(text string, timed bool)) {
		var all sync.WaitGroup
		queue := make(chan struct{}, 4)
		for text, timed := range readers {
			all.Go(func() {
				defer GinkgoRecover()
				queue <- struct{}{}
				defer func() { <-queue }()
				do(text, timed)
			})
		}
		all.Wait()
	}

	It("ends with a signal", func(ctx SpecContext) {
		each(func(text string, _ bool) {
			pipe, opened := silent("pipe.json")
			session := begin(nil, environment(), line(text, pipe)...)
			opened()
			session.Signal(syscall.SIGTERM)
			Eventually(session).WithContext(ctx).Should(gexec.Exit(143), text)
			Expect(string(session.Err.Contents())).To(ContainSubstring("interrupted before anything was known"), text)
		})
	}, SpecTimeout(2*time.Minute))

	It("ends when the time is up", func(ctx SpecContext) {
		each(func(text string, timed bool) {
			if !timed {
				return
			}
			pipe, opened := silent("pipe.json")
			session := begin(nil, environment(), append(line(text, pipe), "--timeout", "3s")...)
			opened()
			Eventually(session).WithContext(ctx).Should(gexec.Exit(3), text)
			Expect(string(session.Err.Contents())).To(ContainSubstring("the time ran out: read "), text)
		})
	}, SpecTimeout(2*time.Minute))

	It("ends on standard input, too", func(ctx SpecContext) {
		for _, text := range []string{"check -t vc.example -u root -p -", "create -t sim://vic --from-file -", "vib inspect -", "rule render --file -"} {
			r, w, err := os.Pipe()
			Expect(err).NotTo(HaveOccurred())
			session := begin(r, environment(), strings.Fields(text)...)
			_, err = w.WriteString("x")
			Expect(err).NotTo(HaveOccurred())
			Eventually(func() (int, error) { return unix.IoctlGetInt(int(r.Fd()), unix.TIOCINQ) }).WithContext(ctx).Should(BeZero(), "it is read: "+text)
			session.Signal(syscall.SIGTERM)
			Eventually(session).WithContext(ctx).Should(gexec.Exit(143), text)
			_ = w.Close()
			_ = r.Close()
		}
		r, w, err := os.Pipe()
		Expect(err).NotTo(HaveOccurred())
		defer w.Close()
		defer r.Close()
		session := begin(r, environment(), "check", "-t", "vc.example", "-u", "root", "-p", "-", "--timeout", "1s")
		Eventually(session).WithContext(ctx).Should(gexec.Exit(3))
		Expect(string(session.Err.Contents())).To(ContainSubstring("the time ran out: read the password from standard input"))
	}, SpecTimeout(time.Minute))
})

var _ = Describe("at a terminal", func() {
	asked := func(ctx context.Context, args ...string) (cmd *exec.Cmd, terminal *os.File, seen func() string) {
		GinkgoHelper()
		keyboard, terminal := testsuite.Terminal(GinkgoTB())
		var mu sync.Mutex
		var text bytes.Buffer
		go func() {
			b := make([]byte, 1024)
			for n, err := keyboard.Read(b); err == nil; n, err = keyboard.Read(b) {
				mu.Lock()
				text.Write(b[:n])
				mu.Unlock()
			}
		}()
		seen = func() string {
			mu.Lock()
			defer mu.Unlock()
			return text.String()
		}
		cmd = exec.Command(preflight, append([]string{"check", "-t", "vc.example", "-u", "root"}, args...)...)
		cmd.Env, cmd.Stdin, cmd.Stderr = environment(), terminal, terminal
		Expect(cmd.Start()).To(Succeed())
		DeferCleanup(func() { _ = cmd.Process.Kill() })
		Eventually(seen).WithContext(ctx).Should(ContainSubstring("Password of root at vc.example: "))
		return cmd, terminal, seen
	}
	echoes := func(terminal *os.File) bool {
		GinkgoHelper()
		state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
		Expect(err).NotTo(HaveOccurred())
		return state.Lflag&unix.ECHO != 0
	}
	for signal, code := range codes {
		It("a signal ends the question for a password, and gives the terminal back: "+signal.String(), func(ctx SpecContext) {
			cmd, terminal, seen := asked(ctx)
			Expect(echoes(terminal)).To(BeFalse())
			Expect(cmd.Process.Signal(signal)).To(Succeed())
			_ = cmd.Wait()
			Expect(cmd.ProcessState.ExitCode()).To(Equal(code), seen())
			Expect(echoes(terminal)).To(BeTrue())
		}, SpecTimeout(time.Minute))
	}
	It("--timeout does, too", func(ctx SpecContext) {
		cmd, terminal, seen := asked(ctx, "--timeout", "2s")
		_ = cmd.Wait()
		Expect(cmd.ProcessState.ExitCode()).To(Equal(3), seen())
		Eventually(seen).WithContext(ctx).Should(ContainSubstring("the time ran out: nobody answered"))
		Expect(echoes(terminal)).To(BeTrue())
	}, SpecTimeout(time.Minute))
})
