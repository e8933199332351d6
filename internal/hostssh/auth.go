package hostssh

import (
	"errors"
	"io"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// errOnce keeps a password from being tried twice.
var errOnce = errors.New("a password is tried once, as hosts lock accounts out")

// auth offers keys, or the password once.
func (o *Options) auth() []ssh.AuthMethod {
	if len(o.Signers) > 0 {
		return []ssh.AuthMethod{ssh.PublicKeys(o.Signers...)}
	}
	tried := false
	return []ssh.AuthMethod{
		ssh.KeyboardInteractive(func(_, _ string, questions []string, echo []bool) ([]string, error) {
			// Rounds without a question are answered with nothing. A second
			// question means that the password was wrong, or that something else
			// is wanted, such as a new one.
			switch {
			case len(questions) == 0:
				return nil, nil
			case tried || len(questions) > 1 || echo[0]:
				return nil, errOnce
			}
			tried = true
			return []string{o.Password}, nil
		}),
		ssh.PasswordCallback(func() (string, error) {
			if tried {
				return "", errOnce
			}
			tried = true // a server may take it, and ask for more
			return o.Password, nil
		}),
	}
}

// knownAlgorithms are those of the keys that are known of the host. Without
// them a host with several keys may present one that is not known.
func knownAlgorithms(callback ssh.HostKeyCallback, address string, remote net.Addr) []string {
	var unknown *knownhosts.KeyError
	if !errors.As(callback(address, remote, noKey{}), &unknown) {
		return nil
	}
	var algorithms []string
	for _, k := range unknown.Want {
		if k.Key.Type() == ssh.KeyAlgoRSA {
			algorithms = append(algorithms, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		}
		algorithms = append(algorithms, k.Key.Type())
	}
	return algorithms
}

// noKey is a key that nobody has.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return nil }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }

var (
	// errSilent means that the host let its time go by.
	errSilent = errors.New("the host stopped answering in the middle")
	errEnded  = errors.New("the connection ended before the command did")
)

// plain says in plain words what the host did not like.
func plain(err error) error {
	var unknown *knownhosts.KeyError
	var timeout net.Error
	var missing *ssh.ExitMissingError
	switch {
	case errors.As(err, &missing), errors.Is(err, io.EOF):
		return errEnded
	case errors.As(err, &unknown) && len(unknown.Want) > 0:
		return errors.New("the host's key has changed: it was set up anew, or somebody is in between")
	case errors.As(err, &unknown):
		return errors.New("the host's key is not known: add it to the known hosts (ssh-keyscan, and compare)")
	case errors.Is(err, errOnce), strings.Contains(err.Error(), "unable to authenticate"):
		return errors.New("the host refused the login")
	case errors.As(err, &timeout) && timeout.Timeout():
		return errSilent
	}
	return err
}
