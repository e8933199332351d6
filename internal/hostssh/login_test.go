package hostssh_test

import (
	"errors"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/crypto/ssh"

	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/internal/hostssh/sshtest"
)

var errNo = errors.New("no")

// asker is a server's side of the methods with a password. It counts how often
// it is told one.
type asker struct{ told atomic.Int32 }

func (a *asker) hear(password string) {
	if password == secret {
		a.told.Add(1)
	}
}

// round is one of keyboard-interactive's: how many questions, and whether what
// is typed would show.
type round struct {
	questions int
	echo      bool
}

// interactive asks the rounds, and then ends with the error.
func (a *asker) interactive(end error, rounds ...round) func(ssh.ConnMetadata, ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
	return func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
		for _, r := range rounds {
			questions, echo := make([]string, r.questions), make([]bool, r.questions)
			for i := range questions {
				questions[i], echo[i] = "Password: ", r.echo
			}
			answers, err := ask("", "", questions, echo)
			if err != nil {
				return nil, err
			}
			for _, answer := range answers {
				a.hear(answer)
			}
		}
		return nil, end
	}
}

// password takes one, and ends with the error.
func (a *asker) password(end error) func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) {
	return func(_ ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
		a.hear(string(p))
		return nil, end
	}
}

// passwordRow is a server, and what it hears.
type passwordRow struct {
	server func(*asker) *ssh.ServerConfig
	in     bool
	told   int
	// tried are the methods after none.
	tried []string
}

const (
	byRounds   = "keyboard-interactive"
	byPassword = "password"
)

var one = round{questions: 1}

var _ = DescribeTable("a password is sent once", func(ctx SpecContext, row passwordRow) {
	a := &asker{}
	key := sshtest.NewKey(GinkgoTB())
	config := row.server(a)
	config.AddHostKey(key)
	config.MaxAuthTries = 20
	s := sshtest.Start(GinkgoTB(), config, silent)
	_, err := dial(ctx, options(s, s.Known(GinkgoTB(), key.PublicKey())))
	if row.in {
		Expect(err).NotTo(HaveOccurred())
	} else {
		Expect(err).To(MatchError("the host refused the login"))
	}
	s.Close() // all that was sent has arrived
	Expect(a.told.Load()).To(BeEquivalentTo(row.told))
	Expect(s.Attempts()).To(Equal(append([]string{"none"}, row.tried...)))
},
	Entry("in answer to a question", SpecTimeout(limit), passwordRow{in: true, told: 1, tried: []string{byRounds}, server: func(a *asker) *ssh.ServerConfig {
		return &ssh.ServerConfig{KeyboardInteractiveCallback: a.interactive(nil, one), PasswordCallback: a.password(nil)}
	}}),
	Entry("past rounds without a question", SpecTimeout(limit), passwordRow{in: true, told: 1, tried: []string{byRounds}, server: func(a *asker) *ssh.ServerConfig {
		return &ssh.ServerConfig{KeyboardInteractiveCallback: a.interactive(nil, round{}, round{}, one, round{})}
	}}),
	Entry("and not to a second question", SpecTimeout(limit), passwordRow{told: 1, tried: []string{byRounds}, server: func(a *asker) *ssh.ServerConfig {
		return &ssh.ServerConfig{KeyboardInteractiveCallback: a.interactive(nil, one, round{}, one)}
	}}),
	Entry("and not when two things are asked at once", SpecTimeout(limit), passwordRow{tried: []string{byRounds}, server: func(a *asker) *ssh.ServerConfig {
		return &ssh.ServerConfig{KeyboardInteractiveCallback: a.interactive(nil, round{questions: 2})}
	}}),
	Entry("and not when the answer would show", SpecTimeout(limit), passwordRow{tried: []string{byRounds}, server: func(a *asker) *ssh.ServerConfig {
		return &ssh.ServerConfig{KeyboardInteractiveCallback: a.interactive(nil, round{1, true})}
	}}),
	Entry("as a password where there is no other way", SpecTimeout(limit), passwordRow{in: true, told: 1, tried: []string{byPassword}, server: func(a *asker) *ssh.ServerConfig {
		return &ssh.ServerConfig{PasswordCallback: a.password(nil)}
	}}),
	Entry("as a password that is refused", SpecTimeout(limit), passwordRow{told: 1, tried: []string{byPassword}, server: func(a *asker) *ssh.ServerConfig {
		return &ssh.ServerConfig{PasswordCallback: a.password(errNo)}
	}}),
	Entry("as a password where nothing was asked before", SpecTimeout(limit), passwordRow{in: true, told: 1, tried: []string{byRounds, byPassword}, server: func(a *asker) *ssh.ServerConfig {
		return &ssh.ServerConfig{KeyboardInteractiveCallback: a.interactive(errNo, round{}), PasswordCallback: a.password(nil)}
	}}),
	Entry("and not as a password when the answer was refused", SpecTimeout(limit), passwordRow{told: 1, tried: []string{byRounds}, server: func(a *asker) *ssh.ServerConfig {
		return &ssh.ServerConfig{KeyboardInteractiveCallback: a.interactive(errNo, one), PasswordCallback: a.password(nil)}
	}}),
	Entry("and not as a password besides the answer", SpecTimeout(limit), passwordRow{told: 1, tried: []string{byRounds}, server: func(a *asker) *ssh.ServerConfig {
		return &ssh.ServerConfig{KeyboardInteractiveCallback: a.interactive(&ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{PasswordCallback: a.password(nil)}}, one)}
	}}),
	Entry("and not in answer to a question besides the password", SpecTimeout(limit), passwordRow{told: 1, tried: []string{byPassword, byRounds}, server: func(a *asker) *ssh.ServerConfig {
		return &ssh.ServerConfig{PasswordCallback: a.password(&ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{KeyboardInteractiveCallback: a.interactive(nil, one)}})}
	}}),
	Entry("and not as a password twice", SpecTimeout(limit), passwordRow{told: 1, tried: []string{byPassword}, server: func(a *asker) *ssh.ServerConfig {
		return &ssh.ServerConfig{PasswordCallback: a.password(&ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{PasswordCallback: a.password(nil)}})}
	}}),
)

var _ = It("a password that was refused is not sent to the host again; another one is, and to another host", func(ctx SpecContext) {
	a := &asker{}
	key := sshtest.NewKey(GinkgoTB())
	config := &ssh.ServerConfig{PasswordCallback: a.password(errNo)}
	config.AddHostKey(key)
	s := sshtest.Start(GinkgoTB(), config, silent)
	opts := options(s, s.Known(GinkgoTB(), key.PublicKey()))
	opts.Refused = &hostssh.Refusals{}
	refuse := func(name string) {
		GinkgoHelper()
		_, err := hostssh.Dial(ctx, hostssh.Host{Name: name, Address: "127.0.0.1"}, opts)
		Expect(err).To(MatchError("the host refused the login"))
		_, err = hostssh.Dial(ctx, hostssh.Host{Name: name, Address: "127.0.0.1"}, opts)
		Expect(err).To(MatchError(ContainSubstring("the same password is not sent again: hosts lock accounts out")))
	}
	refuse("esx1.example")
	refuse("esx2.example")
	opts.Password = "another"
	refuse("esx1.example")
	opts.Signers = []ssh.Signer{sshtest.NewKey(GinkgoTB())}
	for range 2 { // keys lock nobody out
		_, err := dial(ctx, opts)
		Expect(err).To(MatchError("the host refused the login"))
	}
	s.Close()
	Expect(s.Attempts()).To(Equal([]string{"none", byPassword, "none", byPassword, "none", byPassword, "none", "none"}))
}, SpecTimeout(limit))

var _ = Describe("keys", func() {
	It("go without a password, whatever the host offers", func(ctx SpecContext) {
		a := &asker{}
		host, client, other := sshtest.NewKey(GinkgoTB()), sshtest.NewKey(GinkgoTB()), sshtest.NewKey(GinkgoTB())
		config := sshtest.AllowKey(other.PublicKey(), host)
		config.PasswordCallback, config.KeyboardInteractiveCallback = a.password(nil), a.interactive(nil, one)
		s := sshtest.Start(GinkgoTB(), config, silent)
		opts := options(s, s.Known(GinkgoTB(), host.PublicKey()), client)
		opts.Password = secret
		_, err := dial(ctx, opts)
		Expect(err).To(MatchError("the host refused the login"))
		s.Close()
		Expect(a.told.Load()).To(BeZero())
		Expect(s.Attempts()).To(HaveEach(BeElementOf("none", "publickey")))
	}, SpecTimeout(limit))

	It("are all offered", func(ctx SpecContext) {
		host, client := sshtest.NewKey(GinkgoTB()), sshtest.NewKey(GinkgoTB())
		s := sshtest.Start(GinkgoTB(), sshtest.AllowKey(client.PublicKey(), host), silent)
		_, err := dial(ctx, options(s, s.Known(GinkgoTB(), host.PublicKey()), rsaKey(), client))
		Expect(err).NotTo(HaveOccurred())
	}, SpecTimeout(limit))
})
