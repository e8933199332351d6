package main

import (
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("fix by another method than a ruleset", func() {
	var dir, key, known, good, other, damaged string
	BeforeEach(func(ctx SpecContext) {
		dir = GinkgoT().TempDir()
		key, known = filepath.Join(dir, "key"), filepath.Join(dir, "known_hosts")
		Expect(os.WriteFile(known, nil, 0o600)).To(Succeed())
		Expect(os.WriteFile(key, []byte("no key"), 0o600)).To(Succeed())
		good, other, damaged = filepath.Join(dir, "good.vib"), filepath.Join(dir, "other.vib"), filepath.Join(dir, "damaged.vib")
		Expect(invocation{args: []string{"vib", "build", "--output", good}}.run(ctx).code).To(Equal(exitOK))
		Expect(invocation{args: []string{"vib", "build", "--port", "80", "--output", other}}.run(ctx).code).To(Equal(exitOK))
		text, err := os.ReadFile(good)
		Expect(err).NotTo(HaveOccurred())
		text[len(text)-700] ^= 1
		Expect(os.WriteFile(damaged, text, 0o600)).To(Succeed())
	})

	type row struct {
		args []string
		says string
	}
	DescribeTable("refuses what cannot be meant, before anything is asked", func(ctx SpecContext, r row) {
		names := map[string]string{"GOOD": good, "OTHER": other, "DAMAGED": damaged, "KEY": key, "KNOWN": known}
		args := []string{"-t", "sim://closed"}
		for _, a := range r.args {
			if file, ok := names[a]; ok {
				a = file
			}
			args = append(args, a)
		}
		out := invocation{args: append([]string{"fix"}, args...)}.run(ctx)
		Expect(out.code).To(Equal(exitUsage), out.stderr)
		Expect(out.stderr).To(ContainSubstring(r.says))
		Expect(out.stdout).To(BeEmpty())
	},
		Entry("a method that is none", row{[]string{"--allow", "--method", "magic"}, "none of auto, ruleset, vib and service-xml"}),
		Entry("a VIB without its method", row{[]string{"--allow", "--vib", "GOOD"}, "go with --method vib"}),
		Entry("the acceptance level without a VIB", row{[]string{"--allow", "--method", "service-xml", "--lower-acceptance-level"}, "go with --method vib"}),
		Entry("the method without a VIB", row{[]string{"--allow", "--method", "vib"}, "needs --vib FILE"}),
		Entry("a VIB that is not there", row{[]string{"--allow", "--method", "vib", "--vib", "/nowhere"}, "no such file"}),
		Entry("something else than a VIB", row{[]string{"--allow", "--method", "vib", "--vib", "KEY"}, "--vib"}),
		Entry("a damaged VIB", row{[]string{"--allow", "--method", "vib", "--vib", "DAMAGED"}, "damaged"}),
		Entry("a VIB for another port", row{[]string{"--allow", "--method", "vib", "--vib", "OTHER"}, "no ruleset that lets TCP 2377 out"}),
		Entry("a ruleset with a VIB", row{[]string{"--allow", "--method", "vib", "--vib", "GOOD", "--ruleset", "x"}, "--ruleset does not go"}),
		Entry("a built-in ruleset for service.xml", row{[]string{"--allow", "--method", "service-xml", "--ruleset", "vSPC"}, "--ruleset vSPC is a ruleset that ESXi brings itself"}),
		Entry("a VIB's ruleset for service.xml", row{[]string{"--allow", "--method", "service-xml", "--ruleset", "vmware-vic"}, "key of a VIB's ruleset"}),
		Entry("a key that is none", row{[]string{"--allow", "--method", "service-xml", "--ruleset", "a b"}, "--ruleset"}),
		Entry("to deny by a method", row{[]string{"--deny", "--method", "service-xml"}, "--method goes with --allow"}),
		Entry("allowed addresses", row{[]string{"--allow", "--method", "service-xml", "--allowed-ip", "10.0.0.5"}, "--allowed-ip does not go"}),
		Entry("a key that does not read", row{[]string{"--allow", "--method", "service-xml", "--ssh-key", "KEY", "--ssh-known-hosts", "KNOWN"}, "is no private key"}),
		Entry("a port that is none", row{[]string{"--allow", "--method", "service-xml", "--ssh-port", "0"}, "--ssh-port 0 is not a port"}),
		Entry("a login without a method", row{[]string{"--allow", "--ssh-key", "KEY"}, "--ssh-key goes with --method vib|service-xml"}),
		Entry("no way to log in", row{[]string{"--allow", "--method", "service-xml", "--ssh-known-hosts", "KNOWN"}, "no way to log in"}),
	)

	DescribeTable("check --ssh", func(ctx SpecContext, says string, args ...string) {
		out := invocation{args: append([]string{"check", "-t", "sim://open"}, args...)}.run(ctx)
		Expect(out.code).To(Equal(exitUsage), out.stderr)
		Expect(out.stderr).To(ContainSubstring(says))
	},
		Entry("is needed for its flags", "--ssh-user goes with --probe ssh or --ssh", "--ssh-user", "root"),
		Entry("needs a way to log in", "read the known hosts", "--ssh", "--ssh-known-hosts", "/nowhere"),
		Entry("needs its check", "--ssh is for the check rule-persistence", "--ssh", "--skip", "rule-persistence"),
	)

	It("names the VIB where a host has no ruleset that could serve", func(ctx SpecContext) {
		out := invocation{args: []string{"fix", "--allow", "-t", "sim://mixed", "--host", "esx14*", "--dry-run"}}.run(ctx)
		Expect(out.stdout).To(ContainSubstring("VIB"))
		Expect(strings.Join(strings.Fields(out.stdout), " ")).To(ContainSubstring("the lasting way (--method vib)"))
	})
})
