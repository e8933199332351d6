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
	if o.Password == "" {
		return nil
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

var (
	// errSilent means that the host let its time go by.
	errSilent = errors.New("the host stopped answering in the middle")
	errEnded  = errors.New("the connection ended before the command did")
)

// plain says in plain words what the host did not like.
func plain(err error) error {
	var changed *knownhosts.KeyError
	var unknown *UnknownKeyError
	var timeout net.Error
	var missing *ssh.ExitMissingError
	switch {
	case errors.As(err, &missing), errors.Is(err, io.EOF):
		return errEnded
	case errors.As(err, &unknown):
		return unknown
	case errors.As(err, &changed):
		return errors.New("the host's key has changed: it was set up anew, or somebody is in between")
	case errors.Is(err, errOnce), strings.Contains(err.Error(), "unable to authenticate"):
		return errRefused
	case errors.As(err, &timeout) && timeout.Timeout():
		return errSilent
	}
	return err
}
