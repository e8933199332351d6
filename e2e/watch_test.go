package e2e_test

import (
	"bufio"
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	"github.com/onsi/gomega/gexec"
)

var _ = Describe("vic-preflight watch", func() {
	It("goes on while a vCenter is away, tells when it is back, and leaves the last whole report when it ends", func(ctx SpecContext) {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		address := free.Addr().String()
		Expect(free.Close()).To(Succeed())
		vcenter := func() *gexec.Session {
			cmd := exec.Command(preflight, "sim", "open", "--listen", address, "--user", "root", "--password", "pw")
			cmd.Env = environment()
			session, err := gexec.Start(cmd, nil, nil)
			Expect(err).NotTo(HaveOccurred())
			DeferCleanup(func() { session.Kill().Wait() })
			Eventually(session.Out).WithContext(ctx).WithTimeout(30 * time.Second).Should(gbytes.Say("https://" + address))
			return session
		}
		vc := vcenter()
		env := environment("VIC_MACHINE_PASSWORD=pw")
		dir := GinkgoT().TempDir()
		metrics := filepath.Join(dir, "watch.prom")
		up := func() string {
			text, _ := os.ReadFile(metrics)
			return regexp.MustCompile(`(?m)^vic_preflight_target_up\S* \d`).FindString(string(text))
		}
		cmd := exec.Command(preflight, "watch", address, "--user", "root", "--insecure", "--every", "10s", "-o", "prometheus="+metrics)
		cmd.Env = env
		watch, err := gexec.Start(cmd, nil, nil)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { watch.Kill().Wait() })
		eventually := Eventually(watch.Out).WithContext(ctx).WithTimeout(time.Minute)
		eventually.Should(gbytes.Say(`5 hosts: 5 passed\n`))
		Eventually(up).Should(HaveSuffix(" 1"))
		vc.Kill().Wait()
		eventually.Should(gbytes.Say(`^20\S+Z lost ` + address + `: NOT CHECKED: cannot reach ` + address + `[^\n]*\n`))
		Eventually(up).WithContext(ctx).WithTimeout(20 * time.Second).Should(HaveSuffix(" 0"))
		vcenter()
		closed := command(ctx, append(env, "HOME="+dir), preflight, "fix", "--deny", "--yes", "--target", address, "--user", "root", "--insecure", "--host", "esx01*")
		Expect(closed.code).To(Equal(0), closed.stderr)
		eventually.Should(gbytes.Say(`^20\S+Z back ` + address + `: checked again: 5 hosts: `))
		eventually.Should(gbytes.Say(`\n20\S+Z NEW esx01.example: outbound-port: pass permitted -> FAIL ruleset-disabled: `))
		Eventually(up).WithContext(ctx).WithTimeout(20 * time.Second).Should(HaveSuffix(" 1"))
		watch.Signal(syscall.SIGINT)
		Eventually(watch).WithContext(ctx).WithTimeout(30 * time.Second).Should(gexec.Exit(130))
		Expect(up()).To(HaveSuffix(" 1"))
		text, err := os.ReadFile(metrics)
		Expect(err).NotTo(HaveOccurred())
		check := exec.Command("promtool", "check", "metrics")
		check.Stdin = strings.NewReader(string(text))
		Expect(check.CombinedOutput()).To(BeEmpty())
	}, SpecTimeout(4*time.Minute))

	It("does not die in the middle of a later round for nobody reads what it notes", func(ctx SpecContext) {
		vc, _ := hostScenario("open")
		dir := GinkgoT().TempDir()
		var stdout bytes.Buffer
		cmd := exec.CommandContext(ctx, preflight, "watch", vc.URL.Host, "--user", "root", "--thumbprint", vc.Thumbprint, "--fix", "--every", "10s", "--rounds", "2")
		cmd.Env, cmd.Stdout = environment("VIC_MACHINE_PASSWORD=pw", "XDG_STATE_HOME="+dir), &stdout
		notes, err := cmd.StderrPipe()
		Expect(err).NotTo(HaveOccurred())
		Expect(cmd.Start()).To(Succeed())
		said := bufio.NewScanner(notes)
		for said.Scan() && !strings.Contains(said.Text(), "checking again") {
		}
		Expect(said.Text()).To(ContainSubstring("checking again"))
		Expect(notes.Close()).To(Succeed())
		vc.Host("esx01.example").SetRuleset("vic-engine", false)
		Expect(cmd.Wait()).To(Succeed())
		Expect(stdout.String()).To(MatchRegexp(`\n20\S+Z repaired esx01\.example: vic-engine: disabled `))
	}, SpecTimeout(time.Minute))

	It("runs as the service of systemd that docs has", func(ctx SpecContext) {
		text, err := os.ReadFile("../docs/vic-preflight-watch.service")
		Expect(err).NotTo(HaveOccurred())
		start := regexp.MustCompile(`(?m)^ExecStart=/usr/bin/vic-preflight (.*)$`).FindStringSubmatch(string(text))
		Expect(start).NotTo(BeNil())
		dir := GinkgoT().TempDir()
		Expect(os.WriteFile(filepath.Join(dir, "password"), []byte("pw\n"), 0o600)).To(Succeed())
		vc, _ := hostScenario("open")
		line := strings.NewReplacer("%d", dir, "/var/lib/prometheus/node-exporter", dir).Replace(start[1])
		args := append(strings.Fields(line), "--rounds", "1")
		for flag, value := range map[string]string{"--target": vc.URL.Host, "--user": "root", "--thumbprint": vc.Thumbprint} {
			args[slices.Index(args, flag)+1] = value
		}
		out := command(ctx, environment(), preflight, args...)
		Expect(out.code).To(Equal(0), out.stderr)
		Expect(filepath.Join(dir, "vic-preflight.prom")).To(BeAnExistingFile())
		Expect(string(text)).To(ContainSubstring("\nRestartPreventExitStatus=2 3\n"), "a refused login is not tried again")
	}, SpecTimeout(time.Minute))
})
