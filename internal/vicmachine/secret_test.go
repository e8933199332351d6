package vicmachine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/vicmachine"
)

// canary stands for a password.
const canary = "c4naRy"

// said is all that an error says.
func said(err error) string {
	var usage *vicmachine.UsageError
	if !errors.As(err, &usage) {
		return fmt.Sprintf("not a usage error: %#v %v", err, err)
	}
	return usage.Error() + strings.Join(usage.Hints, "")
}

var _ = Describe("a secret on the command line", func() {
	It("is in no error, whatever option it is given to, and however", func() {
		errors := 0
		for _, name := range vicmachine.Names() {
			for _, words := range [][]string{
				{"--" + name, canary, canary},
				{"--" + name + canary},
				{"--" + name + "=" + canary, "-" + canary},
				{"--" + name, "-" + canary, "-" + canary},
				{"-" + canary, "--" + name},
				{"--" + name + "=" + canary, "--", canary},
				{"--" + name + "=", "---" + canary},
				{"-p" + canary, "--" + name},
				{"--" + name + "=" + canary, "--name"},
				{"--" + name, "u:" + canary + "@h:x/%zz"},
				{"--" + name + "=u:" + canary + "/@h"},
				{"--" + name + "=u:1" + canary + "@%zz"},
				{"vic-machine-linux", canary, "--" + name},
				{canary, "--" + name},
				{"--" + name + "=%" + canary},
			} {
				if _, err := vicmachine.Parse(words); err != nil {
					errors++
					Expect(said(err)).NotTo(ContainSubstring(canary), "%q", words)
				}
			}
			for _, text := range []string{
				"--" + name + " $" + canary, "--" + name + "=$(" + canary + ")", "--" + name + " \"x`" + canary + "`\"", "--" + name + " '" + canary,
				"--" + name + " ~" + canary, "--" + name + "=(" + canary, "--" + name + " x & " + canary, "--" + name + " x\n" + canary,
				canary + "=x --" + name, "--" + name + " ${" + canary + "-}", "--" + name + " <<" + canary + "\n", "--" + name + " x)" + canary,
			} {
				_, err := vicmachine.ParseFile(strings.NewReader("vic-machine-linux create " + text))
				if err != nil {
					errors++
					Expect(said(err)).NotTo(ContainSubstring(canary), text)
				}
			}
		}
		Expect(errors).To(BeNumerically(">", 1000))
	})

	DescribeTable("is taken out of a URL", func(option, value, want string, of func(checks.VCH) string) {
		c, err := vicmachine.Parse([]string{"--" + option, value})
		Expect(err).NotTo(HaveOccurred())
		Expect(of(c.VCH)).To(Equal(want))
		Expect(fmt.Sprintf("%+v", *c)).NotTo(ContainSubstring(canary))
	},
		Entry(nil, "http-proxy", "http://me:"+canary+"@proxy:3128", "http://proxy:3128", func(v checks.VCH) string { return v.HTTPProxy }),
		Entry("none", "http-proxy", "http://proxy:3128/", "http://proxy:3128/", func(v checks.VCH) string { return v.HTTPProxy }),
		Entry("a / in it", "https-proxy", "http://me:"+canary+"/x@proxy:3128", "%", func(v checks.VCH) string { return v.HTTPSProxy }),
		Entry("digits and a / in it", "https-proxy", "http://me:12/"+canary+"@proxy:3128", "http://me:12/...", func(v checks.VCH) string { return v.HTTPSProxy }),
		Entry("no scheme", "https-proxy", "me:"+canary+"@proxy:3128", "%", func(v checks.VCH) string { return v.HTTPSProxy }),
		Entry(nil, "syslog-address", "udp://me:"+canary+"@log:514", "udp://log:514", func(v checks.VCH) string { return v.Syslog }),
		Entry(nil, "no-proxy", "a,http://me:"+canary+"@b", "a,@b", func(v checks.VCH) string { return v.NoProxy }),
		Entry(nil, "dir", "https://me:"+canary+"@reg:5000", "https://reg:5000", func(v checks.VCH) string { return v.InsecureRegistries[0] }),
		Entry(nil, "wr", "https://me:"+canary+"@reg/p", "https://reg/p", func(v checks.VCH) string { return v.WhitelistRegistries[0] }),
		Entry(nil, "vs", "nfs://me:"+canary+"@nas/vol?uid=1:lab", "nfs://nas/vol:lab", func(v checks.VCH) string { return v.VolumeStores[0] }),
		Entry(nil, "vs", "nfs://nas/vol?uid=1:lab", "nfs://nas/vol?uid=1:lab", func(v checks.VCH) string { return v.VolumeStores[0] }),
		Entry("no scheme", "vs", "me:"+canary+"@nas/vol:lab", "@nas/vol:lab", func(v checks.VCH) string { return v.VolumeStores[0] }),
		Entry("ds", "vs", "ds://me:"+canary+"@shared:lab", "@shared:lab", func(v checks.VCH) string { return v.VolumeStores[0] }),
		Entry("no label", "vs", "nfs://me:"+canary+"@nas", "nfs://me:@nas", func(v checks.VCH) string { return v.VolumeStores[0] }))

	DescribeTable("is taken out of the target", func(target, left, user, password string, more ...string) {
		c, err := vicmachine.Parse(append([]string{"--target", target}, more...))
		Expect(err).NotTo(HaveOccurred())
		Expect(c.Target).To(Equal(left))
		Expect(c.User).To(Equal(user))
		Expect(c.Password).To(HaveValue(Equal(password)))
	},
		Entry(nil, "root:secret@esx01.example", "esx01.example", "root", "secret"),
		Entry(nil, "https://root:secret@vc.example:8443/dc1", "https://vc.example:8443/dc1", "root", "secret"),
		Entry("escaped", "a%40vsphere.local:p%2F%40@vc/dc", "vc/dc", "a@vsphere.local", "p/@"),
		Entry("an @ in the user's name", "a@vsphere.local:x@vc/dc", "vc/dc", "a@vsphere.local", "x"),
		Entry("the options win", "root:secret@vc", "vc", "me", "mine", "-u", "me", "-p", "mine"),
		Entry("each for itself", "root:secret@vc", "vc", "me", "secret", "-u", "me"),
		Entry("a user alone", "root@vc", "vc", "root", "", "-p", ""))

	It("is not left in the target", func() {
		for _, target := range []string{"root:12/" + canary + "@vc", "root:12?" + canary + "@vc/dc", "root:12#" + canary + "@vc"} {
			_, err := vicmachine.Parse([]string{"-t", target})
			Expect(said(err)).To(ContainSubstring("--target has an @ behind the host's name"), target)
		}
	})
})

// FuzzParse holds that no command line makes a panic, and that none puts a password into
// an error, or into what is said of the virtual container host.
func FuzzParse(f *testing.F) {
	for _, l := range lines {
		f.Add(l.line)
	}
	for _, text := range []string{
		"-p c4naRy", "--ops-password=c4naRy -k", "-t u:c4naRy@h", "--http-proxy http://u:c4naRy@h:1", "-vs nfs://u:c4naRy@h/p:l",
		"-pc4naRy", "--password 'c4naRy", "--password $c4naRy", "-t u:1/c4naRy@h",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		words, err := vicmachine.ParseFile(strings.NewReader(text))
		if err != nil {
			if strings.Contains(said(err), canary) {
				t.Errorf("the error of %q holds the secret", text)
			}
			return
		}
		c, err := vicmachine.Parse(words)
		if err != nil {
			if strings.Contains(said(err), canary) {
				t.Errorf("the error of %q holds the secret", text)
			}
			return
		}
		if strings.Contains(c.Target, "@") {
			t.Errorf("the target of %q is %q", text, c.Target)
		}
		for _, url := range append([]string{c.VCH.HTTPProxy, c.VCH.HTTPSProxy, c.VCH.Syslog}, c.VCH.InsecureRegistries...) {
			if strings.Contains(url, "@") {
				t.Errorf("%q is left of %q", url, text)
			}
		}
	})
}
