package preflight

import (
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/hostssh"
)

// SSHHost is where a host's SSH server is by the configuration of OpenSSH.
func SSHHost(o SSHOptions, name, address string) (hostssh.Host, error) {
	c, err := o.readConfig()
	if err != nil {
		return hostssh.Host{}, err
	}
	return c.host(name, address), nil
}

var (
	// ManagingVCenter is for the tests.
	ManagingVCenter = managingVCenter
	// OwnAmong is for the tests.
	OwnAmong = ownAmong
)

// Bounds are how many hosts are worked on at a time, and up to how many calls are in flight.
func Bounds(o Options) (workers, most int) { return o.workers(), o.mostWorkers() }

// Repairs are those of a watch; its rounds spare hosts, and count them.
type Repairs struct{ repairs }

// Spare and Count are what a round does before its changes and after them.
func (r *Repairs) Spare(p *fix.Plan)              { r.spare(p) }
func (r *Repairs) Count(outcomes ...*fix.Outcome) { r.count(outcomes) }
