package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = It("what the tests need and is not there is named, where it cannot be installed", func(ctx SpecContext) {
	bin := GinkgoT().TempDir()
	for _, program := range []string{"git", "ip", "ssh", "sshd", "nft", "zsh", "fish", "chromium", "prove", "xmllint", "prometheus", "man", "rpm", "zip", "kubectl", "ansible-playbook"} {
		Expect(os.WriteFile(filepath.Join(bin, program), []byte("#!/bin/sh\n"), 0o755)).To(Succeed())
	}
	cmd := exec.CommandContext(ctx, "/bin/sh", "needs.sh")
	cmd.Env = []string{"PATH=" + bin}
	out, err := cmd.CombinedOutput()
	Expect(err).To(HaveOccurred(), "%s", out)
	Expect(string(out)).To(Equal("the tests need what is missing here: install netcat-openbsd binutils\n"))
})
