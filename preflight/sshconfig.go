package preflight

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/kevinburke/ssh_config"
	"golang.org/x/crypto/ssh"

	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/internal/infile"
)

// sshConfig is the user's configuration of OpenSSH. What the options say goes before it.
type sshConfig struct {
	file *ssh_config.Config // nil where there is none
	SSHOptions
}

func (o *SSHOptions) readConfig() (*sshConfig, error) {
	c := &sshConfig{SSHOptions: *o}
	if o.Config == "" {
		return c, nil
	}
	f, err := infile.Open(o.Config, infile.Long)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if c.file, err = ssh_config.Decode(f); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Config, err)
	}
	return c, nil
}

func (c *sshConfig) get(name, key string) string {
	if c.file == nil {
		return ""
	}
	value, err := c.file.Get(name, key)
	if err != nil {
		return ""
	}
	return strings.Trim(value, `"`)
}

// hasIdentity reports whether the configuration names a key for any host.
func (c *sshConfig) hasIdentity() bool {
	return c.file != nil && slices.ContainsFunc(c.file.Hosts, func(h *ssh_config.Host) bool {
		return slices.ContainsFunc(h.Nodes, func(n ssh_config.Node) bool {
			kv, ok := n.(*ssh_config.KV)
			return ok && strings.EqualFold(kv.Key, "IdentityFile")
		})
	})
}

// host is where the SSH server of a host is, by its name and the address that is known
// of it.
func (c *sshConfig) host(name, address string) hostssh.Host {
	h := c.machine(name, address)
	through := c.through(name)
	switch {
	case h.Problem != nil || through == "":
	case strings.Contains(through, ","):
		h.Problem = fmt.Errorf("ProxyJump of %s in %s names several machines, which is not supported", name, c.Config)
	default:
		jump := c.jump(through)
		h.Jump = &jump
	}
	return h
}

// through is the ProxyJump of a machine; empty where it is reached directly. That of the
// jump itself, which Host * gives it too, is none.
func (c *sshConfig) through(name string) string {
	through := c.get(name, "ProxyJump")
	if _, jump, _ := jumpParts(through); through == "none" || jump == name {
		return ""
	}
	return through
}

// jumpParts are those of [user@]name[:port].
func jumpParts(text string) (user, name, port string) {
	user, name, named := strings.Cut(text, "@")
	if !named {
		user, name = "", text
	}
	name, port, _ = strings.Cut(name, ":")
	return user, name, port
}

// machine is a host without the one that it is reached through.
func (c *sshConfig) machine(name, address string) hostssh.Host {
	h := hostssh.Host{
		Name: name, Address: cmp.Or(strings.ReplaceAll(c.get(name, "HostName"), "%h", name), address, name),
		Alias: c.get(name, "HostKeyAlias"),
	}
	if c.User == "" {
		h.User = c.get(name, "User")
	}
	if port, err := strconv.Atoi(c.get(name, "Port")); err == nil && c.Port == 0 {
		h.Port = port
	}
	if file := c.get(name, "IdentityFile"); file != "" && c.Key == "" && c.PasswordFile == "" {
		var err error
		if h.Signers, err = identity(file); err != nil {
			h.Problem = fmt.Errorf("IdentityFile of %s in %s: %w", name, c.Config, err)
		}
	}
	return h
}

// jump is the machine of a ProxyJump.
func (c *sshConfig) jump(text string) hostssh.Host {
	user, name, port := jumpParts(text)
	outer := *c
	outer.User, outer.Port = "", 0 // which are of the hosts
	h := outer.machine(name, name)
	if c.through(name) != "" {
		h.Problem = fmt.Errorf("ProxyJump of %s in %s: it is itself behind another, which is not supported", name, c.Config)
	}
	h.User = cmp.Or(user, h.User, os.Getenv("USER"), os.Getenv("USERNAME"))
	if n, err := strconv.Atoi(port); err == nil {
		h.Port = n
	}
	h.Port = cmp.Or(h.Port, defaultSSHPort)
	return h
}

func identity(file string) ([]ssh.Signer, error) {
	if rest, ok := strings.CutPrefix(file, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, err
		}
		file = filepath.Join(home, rest)
	}
	signer, err := readSigner(file)
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.As(err, &locked):
		return nil, nil // OpenSSH passes it over, too; the agent may have it
	case err != nil:
		return nil, err
	}
	return []ssh.Signer{signer}, nil
}
