//go:build linux

// Package esxi makes the lab's hosts look like ESXi to whoever logs in by SSH:
// their own /etc/vmware/firewall, /tmp and VIB database, esxcli, secureBoot.py,
// and a reboot that keeps and loses what ESXi keeps and loses.
//
// It knows ESXi's firewall files, its VIB format and esxcli's texts, each from a
// source that a comment names; what is inferred is marked so. It must not share
// code with the tool under test, which reads and writes the same formats: the
// two could agree by accident.
//
// Not ESXi's are: the shell (the machine's sh for busybox's ash), the programs
// behind it (coreutils; only those that ESXi has are in PATH), the user (the
// current one for root), and where files lie outside the folders above.
package esxi

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/onsi/gomega/gexec"

	"github.com/vic-preflight/vic-preflight/e2e/lab"
	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// ESXi is a lab's hosts with ESXi's shell.
type ESXi struct {
	dir   string
	hosts map[string]*Host
}

// client is the program behind esxcli, built once in a test binary's life.
var client = sync.OnceValues(func() (string, error) {
	return gexec.Build("github.com/vic-preflight/vic-preflight/e2e/tools/esxcli")
})

// New makes the named hosts, which the lab and the simulator both have, into
// such hosts. It is for SSH servers that are started afterwards. Close it before
// the lab.
func New(l *lab.Lab, vc *sim.VCenter, names []string) (*ESXi, error) {
	program, err := client()
	if err != nil {
		return nil, fmt.Errorf("build the stand-in for esxcli: %w", err)
	}
	dir, err := os.MkdirTemp("", "esxi-")
	if err != nil {
		return nil, err
	}
	x := &ESXi{dir: dir, hosts: map[string]*Host{}}
	if err := x.start(l, vc, names, program); err != nil {
		x.Close()
		return nil, err
	}
	return x, nil
}

func (x *ESXi) start(l *lab.Lab, vc *sim.VCenter, names []string, program string) error {
	for _, name := range names {
		simulated := vc.Host(name)
		if simulated == nil {
			return fmt.Errorf("the simulator has no host %s", name)
		}
		h := &Host{Name: name, lab: l, sim: simulated, dir: filepath.Join(x.dir, name)}
		x.hosts[name] = h
		if err := h.start(program); err != nil {
			return fmt.Errorf("make %s an ESXi host: %w", name, err)
		}
	}
	return nil
}

// Host is one of the hosts, nil when there is none of that name.
func (x *ESXi) Host(name string) *Host { return x.hosts[name] }

// Close makes the hosts plain ones again, for SSH servers that are started
// afterwards.
func (x *ESXi) Close() {
	for _, h := range x.hosts {
		h.stop()
	}
	_ = os.RemoveAll(x.dir)
}
