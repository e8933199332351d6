package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
)

var printedCommand = regexp.MustCompile(`(?m)^ +(vic-preflight (?:fix|check|vib|undo|probe) .*)$`)

// printed are the commands of ours that an output advises, each once.
func printed(output string) (commands []string) {
	for _, m := range printedCommand.FindAllStringSubmatch(output, -1) {
		if !slices.Contains(commands, m[1]) {
			commands = append(commands, m[1])
		}
	}
	return commands
}

// inShell runs a command line as a user who copies it does.
func inShell(ctx context.Context, dir string, env []string, line string) outcome {
	GinkgoHelper()
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Dir, cmd.Env = dir, env
	session, err := gexec.Start(cmd, nil, nil)
	Expect(err).NotTo(HaveOccurred())
	Eventually(session).WithContext(ctx).WithTimeout(time.Minute).Should(gexec.Exit())
	return outcome{session.ExitCode(), string(session.Out.Contents()), string(session.Err.Contents())}
}

var _ = DescribeTable("every command that is printed works as printed",
	func(ctx SpecContext, scenario string, mended int, options ...string) {
		dir := GinkgoT().TempDir()
		Expect(os.WriteFile(filepath.Join(dir, "pass word"), []byte("pw\n"), 0o600)).To(Succeed())
		env := append(environment(), "PATH="+filepath.Dir(preflight)+":"+os.Getenv("PATH"))
		address := strings.TrimSuffix(strings.TrimPrefix(serveScenario(scenario).url, "https://"), "/sdk")
		check := append([]string{"check", "--target", address, "--user", "root", "--password-file", filepath.Join(dir, "pass word"), "--insecure"}, options...)
		found := command(ctx, env, preflight, check...)
		commands := printed(found.stdout)
		Expect(commands).NotTo(BeEmpty(), found.stdout)
		all := printed(command(ctx, env, preflight, append(check, "--hints")...).stdout)
		for _, line := range commands {
			Expect(all).To(ContainElement(line), "the brief advice is a part of the whole")
		}
		commands = all
		for _, line := range commands {
			out := inShell(ctx, dir, env, line)
			switch {
			case strings.Contains(line, "--method vib"):
				Expect(out.stderr).NotTo(ContainSubstring("flag"), line) // it takes a login that is the user's to name
			case strings.Contains(line, "ADDRESS"):
				Expect(out.stderr).To(ContainSubstring("ADDRESS"), line)
			default:
				Expect(out.code).NotTo(Equal(2), "%s: %s", line, out.stderr)
			}
		}
		Expect(command(ctx, env, preflight, check...).code).To(Equal(mended))
	},
	Entry("an estate as installed", SpecTimeout(2*time.Minute), "closed", 0),
	Entry("another port", SpecTimeout(2*time.Minute), "closed", 0, "--port", "2378"),
	Entry("another port, and an address", SpecTimeout(2*time.Minute), "closed", 0, "--port", "2378", "--vch-ip", "10.0.0.5"),
	Entry("a bare host", SpecTimeout(2*time.Minute), "esxi", 0),
	Entry("every verdict", SpecTimeout(2*time.Minute), "mixed", 1, "--vch-ip", "10.20.0.5"),
	Entry("what hosts need by their own settings", SpecTimeout(2*time.Minute), "estate", 1, "--profile", "auto"),
	Entry("a peer that stands in", SpecTimeout(2*time.Minute), "estate", 0, "--compute-resource", "new", "--profile", "syslog", "--profile", "ntp", "--peer", "syslog=auto", "--peer", "ntp=10.0.20.1", "--peer", "syslog=ssl://10.0.20.9"),
	Entry("a cluster", SpecTimeout(2*time.Minute), "mixed", 0, "--compute-resource", "prod", "--host", "esx0[1345]*"),
)
