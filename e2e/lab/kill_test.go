//go:build linux

package lab_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/e2e/lab"
)

const held = "the lab is held open"

// hold makes a lab with everything in it and keeps it until it is killed. It is
// the second one, to see that the first makes room.
func hold(t *testing.T) {
	first, err := lab.New(lab.Options{Hosts: []string{esx1}})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.StartSSH(esx1); err != nil {
		t.Fatal(err)
	}
	first.Close()
	l, err := lab.New(lab.Options{Hosts: []string{esx1}})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.StartSSH(esx1); err != nil {
		t.Fatal(err)
	}
	if err := l.VCH().Command(context.Background(), "sleep", "600").Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = os.Stdout.WriteString(held + "\n")
	select {}
}

// marked returns the processes that have the text in their environment.
func marked(text string) (pids []string) {
	environments, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environments {
		if env, err := os.ReadFile(path); err == nil && strings.Contains(string(env), text) {
			pids = append(pids, filepath.Base(filepath.Dir(path)))
		}
	}
	return pids
}

// namespaces returns those of one kind that processes are in, threads included.
func namespaces(kind string) (ids []string) {
	links, _ := filepath.Glob("/proc/[0-9]*/task/[0-9]*/ns/" + kind)
	for _, path := range links {
		if id, err := os.Readlink(path); err == nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// traces are what could be left on the machine, besides processes.
func traces() map[string]string {
	GinkgoHelper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	Expect(err).NotTo(HaveOccurred())
	found := map[string]string{"mounts": string(mounts)}
	for _, dir := range []string{"/run", "/run/netns", os.TempDir(), "/tmp"} {
		entries, err := os.ReadDir(dir)
		Expect(err).NotTo(HaveOccurred())
		for _, e := range entries {
			// Other people's programs come and go in the machine's /tmp.
			if dir != "/tmp" || strings.Contains(e.Name(), "lab") {
				found[filepath.Join(dir, e.Name())] = e.Type().String()
			}
		}
	}
	return found
}

var _ = It("a test that is killed leaves nothing behind", func(ctx SpecContext) {
	self, err := os.Executable()
	Expect(err).NotTo(HaveOccurred())
	mark := holding + "=" + rand.Text()
	before, mounts, nets := traces(), namespaces("mnt"), namespaces("net")

	cmd := exec.Command(self, "-test.run", "^TestLab$")
	cmd.Env = append(os.Environ(), mark)
	out, err := cmd.StdoutPipe()
	Expect(err).NotTo(HaveOccurred())
	Expect(cmd.Start()).To(Succeed())
	DeferCleanup(func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	Expect(lines.Scan()).To(BeTrue())
	Expect(lines.Text()).To(Equal(held))

	soon := func(actual any) AsyncAssertion {
		return Eventually(actual).WithContext(ctx).WithTimeout(10 * time.Second).WithPolling(5 * time.Millisecond)
	}
	alive := func() []string { return marked(mark) }
	others := func(kind string, before []string) func() []string {
		return func() []string {
			return slices.DeleteFunc(namespaces(kind), func(id string) bool { return slices.Contains(before, id) })
		}
	}

	By("it is there: outer and inner test, and sleep; sshd overwrites its environment, but is in a namespace")
	soon(alive).Should(HaveLen(3))
	soon(others("mnt", mounts)).ShouldNot(BeEmpty())
	soon(others("net", nets)).Should(HaveLen(3), "the inner test's, the host's and the VCH's")

	By("it is gone")
	Expect(cmd.Process.Kill()).To(Succeed())
	Expect(cmd.Wait()).NotTo(Succeed())
	soon(alive).Should(BeEmpty())
	soon(others("mnt", mounts)).Should(BeEmpty())
	soon(others("net", nets)).Should(BeEmpty())
	Expect(traces()).To(Equal(before))
}, SpecTimeout(time.Minute))

var _ = It("a machine without the programs fails the tests in one line", func(ctx SpecContext) {
	self, err := os.Executable()
	Expect(err).NotTo(HaveOccurred())
	cmd := exec.CommandContext(ctx, self, "-test.run", "^TestLab$")
	cmd.Env = []string{"PATH=/nonexistent"}
	out, err := cmd.CombinedOutput()
	Expect(code(err)).To(Equal(1))
	Expect(string(out)).To(MatchRegexp(`^lab: the lab needs programs that are not installed: .*\bnc\b.* \(apt-get install nftables openssh-server netcat-openbsd iproute2\)\n$`))
}, SpecTimeout(20*time.Second))

var _ = It("the end of the tests gives the exit code", func(ctx SpecContext) {
	self, err := os.Executable()
	Expect(err).NotTo(HaveOccurred())
	Expect(exec.CommandContext(ctx, self, "-test.run", "^$").Run()).To(Succeed())
	Expect(code(exec.CommandContext(ctx, self, "-no-such-flag").Run())).To(Equal(2))
}, SpecTimeout(20*time.Second))
