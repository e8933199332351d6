package hostssh_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/internal/hostssh/sshtest"
)

// anyone takes every password, so that nothing but the client's care keeps it
// from being sent.
func anyone(keys ...ssh.Signer) *ssh.ServerConfig {
	config := &ssh.ServerConfig{
		PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, nil },
	}
	for _, k := range keys {
		config.AddHostKey(k)
	}
	return config
}

// written verifies keys by a known_hosts file of this text.
func written(text string) *hostssh.Known {
	GinkgoHelper()
	file := filepath.Join(GinkgoT().TempDir(), "known_hosts")
	Expect(os.WriteFile(file, []byte(text), 0o600)).To(Succeed())
	callback, err := hostssh.KnownHosts(file)
	Expect(err).NotTo(HaveOccurred())
	return callback
}

var _ = Describe("who is taken for the host", func() {
	DescribeTable("nobody with a key that is",
		func(ctx SpecContext, says string, known func(*sshtest.Server, ssh.PublicKey) *hostssh.Known) {
			key := sshtest.NewKey(GinkgoTB())
			s := sshtest.Start(GinkgoTB(), anyone(key), silent)
			_, err := dial(ctx, options(s, known(s, key.PublicKey())))
			Expect(err).To(MatchError(ContainSubstring(says)))
			Expect(err).NotTo(MatchError(ContainSubstring(secret)))
			s.Close() // all that was sent has arrived
			Expect(s.Attempts()).To(BeEmpty(), "not even the user's name was sent")
		},
		Entry("not known", SpecTimeout(limit), "the host's key is not known as that of esx1.example or 127.0.0.1: add it", func(s *sshtest.Server, _ ssh.PublicKey) *hostssh.Known {
			return s.Known(GinkgoTB())
		}),
		Entry("known of another port", SpecTimeout(limit), "the host's key is not known as that of esx1.example or 127.0.0.1: add it", func(_ *sshtest.Server, k ssh.PublicKey) *hostssh.Known {
			return written(knownhosts.Line([]string{"127.0.0.1"}, k) + "\n")
		}),
		Entry("another than the known one", SpecTimeout(limit), "the host's key has changed", func(s *sshtest.Server, _ ssh.PublicKey) *hostssh.Known {
			return s.Known(GinkgoTB(), sshtest.NewKey(GinkgoTB()).PublicKey())
		}),
		Entry("revoked", SpecTimeout(limit), "revoked", func(_ *sshtest.Server, k ssh.PublicKey) *hostssh.Known {
			return written("@revoked * " + string(ssh.MarshalAuthorizedKey(k)) + "* " + string(ssh.MarshalAuthorizedKey(k)))
		}),
	)

	It("nobody with a key of another type than the known one", func(ctx SpecContext) {
		s := sshtest.Start(GinkgoTB(), anyone(ecdsaKey()), silent)
		_, err := dial(ctx, options(s, s.Known(GinkgoTB(), sshtest.NewKey(GinkgoTB()).PublicKey())))
		Expect(err).To(HaveOccurred())
		s.Close()
		Expect(s.Attempts()).To(BeEmpty())
	}, SpecTimeout(limit))

	It("who has several keys is asked for the one that is known", func(ctx SpecContext) {
		keys := []ssh.Signer{sshtest.NewKey(GinkgoTB()), ecdsaKey(), rsaKey()}
		for _, k := range keys {
			s := sshtest.Start(GinkgoTB(), anyone(keys...), silent)
			By("knowing " + k.PublicKey().Type())
			_, err := dial(ctx, options(s, s.Known(GinkgoTB(), k.PublicKey())))
			Expect(err).NotTo(HaveOccurred())
		}
	}, SpecTimeout(limit))

	It("who is known by its name alone, as OpenSSH writes it down, or by its address", func(ctx SpecContext) {
		for _, name := range []string{"esx1.example", "127.0.0.1"} {
			key := sshtest.NewKey(GinkgoTB())
			s := sshtest.Start(GinkgoTB(), anyone(key), silent)
			_, err := dial(ctx, options(s, written(knownhosts.Line([]string{fmt.Sprintf("[%s]:%d", name, s.Port())}, key.PublicKey())+"\n")))
			Expect(err).NotTo(HaveOccurred(), name)
		}
	}, SpecTimeout(limit))

	It("nobody whose address is another known machine's, where its name is known", func(ctx SpecContext) {
		key, other := sshtest.NewKey(GinkgoTB()), sshtest.NewKey(GinkgoTB())
		s := sshtest.Start(GinkgoTB(), anyone(key), silent)
		_, err := dial(ctx, options(s, written(knownhosts.Line([]string{fmt.Sprintf("[127.0.0.1]:%d", s.Port())}, key.PublicKey())+"\n"+
			knownhosts.Line([]string{fmt.Sprintf("[esx1.example]:%d", s.Port())}, other.PublicKey())+"\n")))
		Expect(err).To(MatchError(ContainSubstring("the host's key has changed")))
		s.Close()
		Expect(s.Attempts()).To(BeEmpty())
	}, SpecTimeout(limit))

	It("who is vouched for by a certificate authority", func(ctx SpecContext) {
		authority, key := sshtest.NewKey(GinkgoTB()), sshtest.NewKey(GinkgoTB())
		cert := &ssh.Certificate{Key: key.PublicKey(), CertType: ssh.HostCert, ValidPrincipals: []string{"esx1.example"}, ValidBefore: ssh.CertTimeInfinity}
		Expect(cert.SignCert(rand.Reader, authority)).To(Succeed())
		signed, err := ssh.NewCertSigner(cert, key)
		Expect(err).NotTo(HaveOccurred())
		s := sshtest.Start(GinkgoTB(), anyone(signed), silent)
		_, err = dial(ctx, options(s, written("@cert-authority *.example "+string(ssh.MarshalAuthorizedKey(authority.PublicKey())))))
		Expect(err).NotTo(HaveOccurred())
		_, err = dial(ctx, options(s, written("@cert-authority *.elsewhere "+string(ssh.MarshalAuthorizedKey(authority.PublicKey())))))
		Expect(err).To(HaveOccurred())
	}, SpecTimeout(limit))

	It("one of whom a sound line tells, whatever the others are", func(ctx SpecContext) {
		GinkgoT().Setenv("TMPDIR", GinkgoT().TempDir())
		key := sshtest.NewKey(GinkgoTB())
		s := sshtest.Start(GinkgoTB(), anyone(key), silent)
		known := written("esx0.example ssh-rsa damaged\n# a comment\n" + knownhosts.Line([]string{fmt.Sprintf("[esx1.example]:%d", s.Port())}, key.PublicKey()) + "\nnonsense\n|1|x=|y= ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK8Go+MpFxTk81bBnJsVzRlR7G5mYqp3vgdUfyiTgzQd\n")
		Expect(filepath.Glob(filepath.Join(os.TempDir(), "vic-preflight-*"))).To(BeEmpty(), "the file of the sound lines stays")
		Expect(known.Damaged).To(HaveExactElements(HaveSuffix("known_hosts:1"), HaveSuffix("known_hosts:4"), HaveSuffix("known_hosts:5")))
		_, err := dial(ctx, options(s, known))
		Expect(err).NotTo(HaveOccurred())
	}, SpecTimeout(limit))

	It("one of whom a pipe tells, as a shell makes one of <(ssh-keyscan …)", func(ctx SpecContext) {
		key := sshtest.NewKey(GinkgoTB())
		s := sshtest.Start(GinkgoTB(), anyone(key), silent)
		r, w, err := os.Pipe()
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(r.Close)
		_, err = w.WriteString(knownhosts.Line([]string{fmt.Sprintf("[esx1.example]:%d", s.Port())}, key.PublicKey()) + "\n")
		Expect(errors.Join(err, w.Close())).To(Succeed())
		known, err := hostssh.KnownHosts(fmt.Sprintf("/dev/fd/%d", r.Fd()))
		Expect(err).NotTo(HaveOccurred())
		Expect(known.Damaged).To(BeEmpty())
		_, err = dial(ctx, options(s, known))
		Expect(err).NotTo(HaveOccurred())
	}, SpecTimeout(limit))

	It("nobody without a file of known hosts that can be read", func() {
		_, err := hostssh.KnownHosts(filepath.Join(GinkgoT().TempDir(), "none"))
		Expect(err).To(MatchError(HavePrefix("read the known hosts: ")))
	})
})

func ecdsaKey() ssh.Signer {
	GinkgoHelper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	return signer(private)
}

func rsaKey() ssh.Signer {
	GinkgoHelper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	Expect(err).NotTo(HaveOccurred())
	return signer(private)
}

func signer(private any) ssh.Signer {
	GinkgoHelper()
	s, err := ssh.NewSignerFromKey(private)
	Expect(err).NotTo(HaveOccurred())
	return s
}
