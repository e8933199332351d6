package hostssh

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

	"github.com/vic-preflight/vic-preflight/internal/infile"
)

// Host is where a host's SSH server is, what it is called, and what is different there.
type Host struct {
	// Name is how people know it, such as esx1.example, and OpenSSH's known_hosts too.
	Name string
	// Address is where to connect to, a name or an IP address.
	Address string
	// Alias is what the key is known under instead; empty means Name, then Address.
	Alias string
	// Port, User and Signers go before those of Options.
	Port    int
	User    string
	Signers []ssh.Signer
	// Jump is the machine through which the host is reached; nil means directly.
	Jump *Host
	// Problem is why no login is tried.
	Problem error
}

// names are those under which the host's key may be known, the better one first.
func (h Host) names() []string {
	if h.Alias != "" {
		return []string{h.Alias}
	}
	return slices.Compact(slices.DeleteFunc([]string{h.Name, h.Address}, func(name string) bool { return name == "" }))
}

// listed are the names as known_hosts has them, where an alias stands for any port.
func (h Host) listed(port int) []string {
	if h.Alias != "" {
		port = 22
	}
	names := h.names()
	for i, name := range names {
		names[i] = net.JoinHostPort(name, strconv.Itoa(port))
	}
	return names
}

// Known are hosts' keys. It may be used concurrently.
type Known struct {
	db *knownhosts.HostKeyDB
	// Damaged are the lines of the files that cannot be read, as file:line.
	Damaged []string
}

// KnownHosts reads OpenSSH known_hosts files. Damaged lines are passed over.
func KnownHosts(files ...string) (*Known, error) {
	if !slices.ContainsFunc(files, infile.IsPipe) { // NewDB reads a file several times
		if db, err := knownhosts.NewDB(files...); err == nil {
			return &Known{db: db}, nil
		}
	}
	sound, damaged, err := soundLines(files)
	if sound != "" {
		defer os.Remove(sound)
	}
	var db *knownhosts.HostKeyDB
	if err == nil {
		db, err = knownhosts.NewDB(sound)
	}
	if err != nil {
		return nil, fmt.Errorf("read the known hosts: %w", err)
	}
	return &Known{db, damaged}, nil
}

// soundLines is a file of the lines that can be read, each by itself, and where the others
// are. The caller removes it, where it has a name, whatever the error.
func soundLines(files []string) (name string, damaged []string, err error) {
	f, err := os.CreateTemp("", "vic-preflight-known-hosts-")
	if err != nil {
		return "", nil, err
	}
	name = f.Name()
	if err := f.Close(); err != nil {
		return name, nil, err
	}
	var b strings.Builder
	for _, file := range files {
		text, err := infile.Read(file, infile.Long)
		if err != nil {
			return name, nil, err
		}
		n := 0
		for line := range strings.Lines(string(text)) {
			n++
			line = strings.TrimSpace(line) + "\n"
			if err := os.WriteFile(name, []byte(line), 0o600); err != nil {
				return name, nil, err
			}
			if _, err := knownhosts.NewDB(name); err == nil {
				b.WriteString(line)
			} else {
				damaged = append(damaged, file+":"+strconv.Itoa(n))
			}
		}
	}
	return name, damaged, os.WriteFile(name, []byte(b.String()), 0o600)
}

// UnknownKeyError means that nothing is known of a host's key.
type UnknownKeyError struct{ Names []string }

func (e *UnknownKeyError) Error() string {
	return fmt.Sprintf("the host's key is not known as that of %s: add it to the known hosts (ssh-keyscan, and compare)", strings.Join(e.Names, " or "))
}

// verify takes the key of a host if it is known under its name, or else under its
// address. A name of which another key is known is not looked for by its address.
func (k *Known) verify(h Host, port int) ssh.HostKeyCallback {
	return func(_ string, remote net.Addr, key ssh.PublicKey) error {
		for _, name := range h.listed(port) {
			err := k.db.HostKeyCallback()(name, remote, key)
			if !knownhosts.IsHostUnknown(err) {
				return err
			}
		}
		return &UnknownKeyError{h.names()}
	}
}

// algorithms are those of the keys that are known of the host, so that one with several
// keys presents one of them; nil where none is known.
func (k *Known) algorithms(h Host, port int) []string {
	for _, name := range h.listed(port) {
		if list := k.db.HostKeyAlgorithms(name); len(list) > 0 {
			return list
		}
	}
	return nil
}
