// Package e2e tests the built binary against simulators in processes of their
// own. It knows nothing of what is inside.
package e2e_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"regexp"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestE2E(t *testing.T) { testsuite.Run(t, "e2e") }

const module = "github.com/vic-preflight/vic-preflight"

// The programs under test and beside it, built once.
var preflight, govc, vcsim string

var _ = BeforeSuite(func() {
	preflight = testsuite.Program("cmd/vic-preflight")
	govc = testsuite.Program("e2e/tools/govc")
	vcsim = testsuite.Program("e2e/tools/vcsim")
})

// environment is a clean one: nothing of the machine's own settings.
func environment(more ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + GinkgoT().TempDir(), "GOVC_PERSIST_SESSION=false"}, more...)
}

type outcome struct {
	code           int
	stdout, stderr string
}

// command runs a program to its end.
func command(ctx context.Context, env []string, name string, args ...string) outcome {
	GinkgoHelper()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = env
	session, err := gexec.Start(cmd, nil, nil)
	Expect(err).NotTo(HaveOccurred())
	Eventually(session).WithContext(ctx).WithTimeout(time.Minute).Should(gexec.Exit())
	return outcome{session.ExitCode(), string(session.Out.Contents()), string(session.Err.Contents())}
}

// serve starts a program that serves until the spec ends, and returns the
// first match of the expression in what it prints.
func serve(expression, name string, args ...string) string {
	GinkgoHelper()
	cmd := exec.Command(name, args...)
	cmd.Env = environment()
	out, err := cmd.StdoutPipe()
	Expect(err).NotTo(HaveOccurred())
	Expect(cmd.Start()).To(Succeed())
	DeferCleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	found := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if m := regexp.MustCompile(expression).FindString(lines.Text()); m != "" {
				found <- m
				break
			}
		}
		_, _ = io.Copy(io.Discard, out)
	}()
	var m string
	Eventually(found).WithTimeout(30 * time.Second).Should(Receive(&m))
	return m
}

// simulator is a served simulator and the credentials for it.
type simulator struct{ url string }

func serveScenario(name string) simulator {
	GinkgoHelper()
	return simulator{serve(`https://[^ ]+`, preflight, "sim", name, "--listen", "127.0.0.1:0", "--user", "root", "--password", "pw")}
}

// hostScenario serves a scenario from this process, where calls can be held at
// the right moment.
func hostScenario(name string) (*sim.VCenter, simulator) {
	GinkgoHelper()
	vc := simtest.Start(GinkgoTB(), name, sim.Options{User: "root", Password: "pw"})
	return vc, simulator{vc.URL.String()}
}

func (s simulator) env() []string {
	return environment("GOVC_URL="+s.url, "GOVC_USERNAME=root", "GOVC_PASSWORD=pw", "GOVC_INSECURE=true")
}
