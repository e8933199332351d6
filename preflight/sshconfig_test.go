package preflight

import (
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/hostssh"
)

var _ = Describe("the user's configuration of OpenSSH", func() {
	written := func(text string, o SSHOptions) *sshConfig {
		GinkgoHelper()
		o.Config = filepath.Join(GinkgoT().TempDir(), "config")
		Expect(os.WriteFile(o.Config, []byte(text), 0o600)).To(Succeed())
		c, err := o.readConfig()
		Expect(err).NotTo(HaveOccurred())
		return c
	}

	DescribeTable("says where a host is", func(text string, o SSHOptions, want hostssh.Host) {
		Expect(written(text, o).host("esx1.example", "10.0.0.1")).To(Equal(want))
	},
		Entry("nothing", "", SSHOptions{}, hostssh.Host{Name: "esx1.example", Address: "10.0.0.1"}),
		Entry("of another host", "Host esx2.*\n  Port 2222\n", SSHOptions{}, hostssh.Host{Name: "esx1.example", Address: "10.0.0.1"}),
		Entry("all of it", "Host esx1.example\n  HostName %h.lan\n  Port 2222\n  User admin\n  HostKeyAlias esx1\n", SSHOptions{},
			hostssh.Host{Name: "esx1.example", Address: "esx1.example.lan", Port: 2222, User: "admin", Alias: "esx1"}),
		Entry("behind what the options say", "Host *\n  Port 2222\n  User admin\n", SSHOptions{User: "root", Port: 22},
			hostssh.Host{Name: "esx1.example", Address: "10.0.0.1"}),
		Entry("a way", "Host esx*\n  ProxyJump me@bastion:2200\nHost bastion\n  HostName 192.0.2.1\n  Port 22\n", SSHOptions{User: "root", Port: 22},
			hostssh.Host{Name: "esx1.example", Address: "10.0.0.1", Jump: &hostssh.Host{Name: "bastion", Address: "192.0.2.1", User: "me", Port: 2200}}),
		Entry("a way for all, the machine on it too", "Host *\n  ProxyJump me@bastion:2200\n", SSHOptions{},
			hostssh.Host{Name: "esx1.example", Address: "10.0.0.1", Jump: &hostssh.Host{Name: "bastion", Address: "bastion", User: "me", Port: 2200}}),
		Entry("no way", "Host esx*\n  ProxyJump none\n", SSHOptions{}, hostssh.Host{Name: "esx1.example", Address: "10.0.0.1"}),
	)

	It("names a way that is not supported, before anything is tried", func() {
		h := written("Host esx*\n  ProxyJump a,b\n", SSHOptions{}).host("esx1.example", "10.0.0.1")
		Expect(h.Problem).To(MatchError(ContainSubstring("ProxyJump of esx1.example")))
	})

	It("names a way that leads back to itself", func() {
		h := written("Host esx*\n  ProxyJump a\nHost a\n  ProxyJump b\nHost b\n  ProxyJump a\n", SSHOptions{}).host("esx1.example", "10.0.0.1")
		Expect(h.Jump.Problem).To(MatchError(ContainSubstring("it is itself behind another")))
	})

	It("may be missing, and need not be sound", func() {
		c, err := (&SSHOptions{Config: filepath.Join(GinkgoT().TempDir(), "none")}).readConfig()
		Expect(err).NotTo(HaveOccurred())
		Expect(c.hasIdentity()).To(BeFalse())
		bad := filepath.Join(GinkgoT().TempDir(), "config")
		Expect(os.WriteFile(bad, []byte("Match user x\n  Port 1\n"), 0o600)).To(Succeed())
		_, err = (&SSHOptions{Config: bad}).readConfig()
		Expect(err).To(MatchError(ContainSubstring(bad)))
		known := filepath.Join(GinkgoT().TempDir(), "known_hosts")
		Expect(os.WriteFile(known, []byte("nonsense\n"), 0o600)).To(Succeed())
		login, err := (&SSHOptions{Config: bad, KnownHosts: known, PasswordFile: bad}).login()
		Expect(err).NotTo(HaveOccurred())
		Expect(login.Notes).To(HaveExactElements(ContainSubstring("known_hosts:1 is damaged"), ContainSubstring("is not used: "+bad)))
		Expect(login.Place("esx1.example", "").Address).To(Equal("esx1.example"))
		Expect(written("Host *\n  IdentityFile ~/.ssh/esx\n", SSHOptions{}).hasIdentity()).To(BeTrue())
	})
})
