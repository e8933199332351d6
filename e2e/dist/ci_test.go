//go:build linux

package dist_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	"github.com/onsi/gomega/gexec"
	"go.yaml.in/yaml/v4"
)

// example reads one of docs/ci.
func example(name string) string {
	GinkgoHelper()
	data, err := os.ReadFile(filepath.Join(root, "docs", "ci", name))
	Expect(err).NotTo(HaveOccurred())
	return string(data)
}

var _ = Describe("the examples of docs/ci", func() {
	DescribeTable("are YAML", func(name string) {
		decoder := yaml.NewDecoder(bytes.NewReader([]byte(example(name))))
		documents := 0
		for {
			var document any
			err := decoder.Decode(&document)
			if errors.Is(err, io.EOF) {
				break
			}
			Expect(err).NotTo(HaveOccurred())
			documents++
		}
		Expect(documents).To(Equal(1))
	},
		Entry(nil, "github-actions.yml"), Entry(nil, "gitlab-ci.yml"), Entry(nil, "cronjob.yaml"), Entry(nil, "vulnerabilities.yml"),
		Entry(nil, "ansible/tasks.yml"), Entry(nil, "ansible/playbook.yml"),
	)

	DescribeTable("pin every action by its commit", func(name string) {
		uses := regexp.MustCompile(`(?m)uses: (.*)$`).FindAllStringSubmatch(example(name), -1)
		Expect(uses).NotTo(BeEmpty())
		for _, use := range uses {
			Expect(use[1]).To(MatchRegexp(`^[\w-]+/[\w-]+@[0-9a-f]{40} # v[0-9.]+$`))
		}
	}, Entry(nil, "github-actions.yml"), Entry(nil, "vulnerabilities.yml"))

	// kubectl reads a file into its own types without a server only where it changes it
	// (set --local); what those types do not know is lost there, and missed here.
	// Debian's kubectl 1.20 has the CronJob as v1beta1, with the same fields.
	It("have a CronJob of which kubectl knows every field", func(ctx SpecContext) {
		var given, known any
		beta := strings.Replace(example("cronjob.yaml"), "apiVersion: batch/v1\n", "apiVersion: batch/v1beta1\n", 1)
		Expect(beta).To(ContainSubstring("v1beta1"))
		Expect(yaml.Unmarshal([]byte(beta), &given)).To(Succeed())
		path := filepath.Join(GinkgoT().TempDir(), "cronjob.yaml")
		Expect(os.WriteFile(path, []byte(beta), 0o600)).To(Succeed())
		image := regexp.MustCompile(`image: (\S+)`).FindStringSubmatch(beta)[1]
		out := run(ctx, root, "kubectl", "set", "image", "--local", "-f", path, "vic-preflight="+image+"-other", "-o", "json")
		Expect(json.Unmarshal([]byte(strings.ReplaceAll(out, image+"-other", image)), &known)).To(Succeed())
		Expect(lost("", given, known)).To(BeEmpty())
	})

	It("have an Ansible playbook that changes nothing in check mode, and nothing twice", func(ctx SpecContext) {
		dir := unpacked(ctx)
		sim, state := serve(filepath.Join(dir, "vic-preflight")), GinkgoT().TempDir()
		variables, err := json.Marshal(map[string]any{
			"vic_preflight_target": sim["TARGET"], "vic_preflight_user": sim["USER"], "vic_preflight_password": sim["PASSWORD"],
			"vic_preflight_args": []string{"--thumbprint", sim["THUMBPRINT"]},
		})
		Expect(err).NotTo(HaveOccurred())
		environment := []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "HOME=" + state, "XDG_STATE_HOME=" + state, "ANSIBLE_NOCOWS=1"}
		for name, value := range sim {
			environment = append(environment, "VIC_MACHINE_"+name+"="+value)
		}
		play := func(args ...string) string {
			GinkgoHelper()
			args = append([]string{"ansible-playbook", "-i", "localhost,", "-e", string(variables), filepath.Join(root, "docs/ci/ansible/playbook.yml")}, args...)
			return run(ctx, dir, "env", append(slices.Clone(environment), args...)...)
		}
		Expect(play("--check")).To(MatchRegexp(`changed=1 .*failed=0`))
		out, err := try(ctx, dir, "env", append(slices.Clone(environment), "vic-preflight", "check", "--color", "never")...)
		Expect(err).To(MatchError("exit status 1"), "check mode changed nothing: "+out)
		if !whole {
			return // a playbook takes seconds to start
		}
		Expect(play()).To(MatchRegexp(`changed=1 .*failed=0`))
		Expect(play()).To(MatchRegexp(`changed=0 .*failed=0`), "there is nothing left to do")
		run(ctx, dir, "env", append(slices.Clone(environment), "vic-preflight", "check")...)
	})
})

// lost names what is in given and not, or not the same, in known.
func lost(path string, given, known any) (list []string) {
	switch g := given.(type) {
	case map[string]any:
		k, _ := known.(map[string]any)
		for key, value := range g {
			list = append(list, lost(path+"."+key, value, k[key])...)
		}
	case []any:
		k, _ := known.([]any)
		for i, value := range g {
			var there any
			if i < len(k) {
				there = k[i]
			}
			list = append(list, lost(path+"[]", value, there)...)
		}
	default:
		a, _ := json.Marshal(given)
		b, _ := json.Marshal(known)
		if string(a) != string(b) {
			list = append(list, path)
		}
	}
	return list
}

// serve starts the simulator with hosts that keep the port shut, and returns what it has
// users export, without VIC_MACHINE_.
func serve(program string) map[string]string {
	GinkgoHelper()
	cmd := exec.Command(program, "sim", "closed", "--listen", "127.0.0.1:0")
	out := gbytes.NewBuffer()
	session, err := gexec.Start(cmd, out, GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { session.Interrupt().Wait("30s") })
	Eventually(out).WithTimeout(time.Minute).Should(gbytes.Say("Ctrl-C"))
	exports := map[string]string{}
	for _, found := range regexp.MustCompile(`export VIC_MACHINE_(\w+)=(\S+)`).FindAllStringSubmatch(string(out.Contents()), -1) {
		exports[found[1]] = found[2]
	}
	Expect(exports).To(And(HaveKey("TARGET"), HaveKey("USER"), HaveKey("PASSWORD"), HaveKey("THUMBPRINT")))
	return exports
}
