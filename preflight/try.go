package preflight

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/probe"
)

const (
	// mostTries bounds the connections for one requirement of a host.
	mostTries = 4
	// mostDialers is how many other hosts connect to a host.
	mostDialers = 2
)

// try is a connection for a requirement of a host.
type try struct {
	probe.Attempt
	of          *inventory.Host
	requirement string
	// from is who connects to the host; empty where the host itself connects, to the end.
	from string
	end  *end
	// left is why there is no connection to what is named; empty where there is one.
	left, named string
}

// settled reports whether no connection is to be made.
func (t *try) settled() bool { return t.left != "" || t.Found.Outcome != "" }

// final reports whether another try would tell no more. A login that was refused is never
// tried again: hosts lock accounts out.
func (t *try) final() bool {
	p := &t.Found
	refused := p.Vantage == inventory.VantageSSH && p.Outcome == inventory.ProbeError
	return refused || p.Outcome == inventory.Open || t.Service && p.Outcome == inventory.OpenUnverified
}

// note puts into the host what came of the connection.
func (t *try) note(vantage inventory.Vantage) {
	p := t.Found
	p.Vantage, p.Requirement, p.Target, p.From = vantage, t.requirement, t.To.String(), t.from
	switch {
	case t.left != "":
		p.Target, p.Cause = t.named, t.left
	case p.Outcome == "":
		return // the run ended before
	case p.Outcome != inventory.OpenUnverified || t.end == nil:
	case t.end.Key != nil:
		p.Doubt = "a listener of this tool was to prove itself there"
	case t.Service && t.end.control.Outcome == inventory.Refused:
		p.Doubt = "from this machine nobody listens there"
	case t.Service && t.end.control.Doubt != "":
		p.Doubt = "from this machine " + t.end.control.Doubt
	}
	t.of.Probes = append(t.of.Probes, p)
}

// settleEnds finds out what hosts connect to, and where they are themselves.
func (p *prober) settleEnds(ctx context.Context, s *session, inv *inventory.Inventory, o Options) error {
	reqs := o.Requirements
	if o.oneTarget() && (reqs[0].OfVCH() || o.Probe.Target != "") {
		t, err := o.probeTarget(inv.Endpoint.Simulated)
		if err != nil {
			return err
		}
		p.fixed = true
		ports := reqs[0].Ports
		if reqs[0].OfVCH() {
			ports = ports[:1]
		}
		for _, port := range ports[:min(len(ports), mostTries)] {
			p.end(probe.Target{Host: t.Host, Port: port}, !reqs[0].OfVCH())
		}
		return nil
	}
	hosts := probeable(inv)
	if slices.ContainsFunc(reqs, func(r checks.Requirement) bool { return r.Direction == inventory.Inbound }) {
		var err error
		if p.addresses, err = s.ManagementAddresses(ctx, hosts); err != nil {
			o.observer().Warn("the hosts' own addresses are not known: " + err.Error())
		}
		// Backup and others go by the name that vCenter has.
		p.byName = inv.Endpoint.Kind != inventory.ESXi && !inv.Endpoint.Simulated
	}
	p.tries(inv, o)
	switch goal := p.goal(o); {
	case len(hosts) == 0 || len(reqs) == 0:
	case goal == "" && o.oneTarget():
		return errNoTarget(reqs[0])
	case goal == "":
		var proofs []string
		for _, req := range reqs {
			proofs = append(proofs, fmt.Sprintf("%s %s", req.Name, req.Proof()))
		}
		o.observer().Note(fmt.Sprintf("--probe %s tries no connection; what proves the requirements: %s", o.Probe.Vantage, checks.Some(proofs)))
	}
	return nil
}

// end is the one of the target.
func (p *prober) end(t probe.Target, service bool) *end {
	for _, e := range p.ends {
		if e.To == t {
			return e
		}
	}
	e := &end{Attempt: probe.Attempt{To: t, Service: service}}
	p.ends = append(p.ends, e)
	return e
}

// goal is what is connected to, in words; empty for nothing.
func (p *prober) goal(o Options) string {
	var goals []string
	for _, e := range p.ends {
		goals = append(goals, e.To.String())
	}
	for _, req := range o.Requirements {
		if goal := req.Service() + " of each host"; req.Direction == inventory.Inbound && o.Probe.proves(req) && !slices.Contains(goals, goal) {
			goals = append(goals, goal)
		}
	}
	return checks.Some(goals)
}

// proves reports whether connections from the vantage prove a requirement.
func (p *ProbeOptions) proves(req checks.Requirement) bool {
	switch req.Proof() {
	case checks.FromHost:
		return p.Vantage != inventory.VantageLocal
	case checks.FromHere:
		return p.Vantage == inventory.VantageLocal
	case checks.FromPeerHost:
		return p.Vantage == inventory.VantageSSH
	}
	return false
}

// tries are the connections for all requirements of all hosts, with what is left out. The
// ends that are new to the prober it takes in.
func (p *prober) tries(inv *inventory.Inventory, o Options) (list []*try) {
	hosts := probeable(inv)
	for _, req := range o.Requirements {
		for i, h := range hosts {
			of, required := req.For(h)
			if !required {
				continue
			}
			switch proves := o.Probe.proves(req); {
			case req.Proof() == checks.FromHost:
				some := p.toEnds(bounded(p.outbound(h, of)), !req.OfVCH())
				if proves { // else the ends have their controls
					list = append(list, some...)
				}
			case proves && req.Proof() == checks.FromHere:
				list = append(list, bounded(p.inbound(of, h, "this machine", p.address(h)))...)
			case proves:
				list = append(list, bounded(p.between(req, of, hosts, i))...)
			}
		}
	}
	return list
}

// bounded leaves out what is too much, and names it.
func bounded(tries []*try) []*try {
	var made, left []*try
	var names []string
	for _, t := range tries {
		switch {
		case t.left != "":
			left = append(left, t)
		case len(made) < mostTries:
			made = append(made, t)
		default:
			names = append(names, t.To.String())
		}
	}
	if len(names) > 0 {
		t := tries[0]
		left = append(left, &try{of: t.of, requirement: t.requirement, named: checks.Some(names), left: fmt.Sprintf("%d are enough", mostTries)})
	}
	return append(made, left...)
}

// outbound are a host's connections to the peers: to their addresses, and to those that are
// known by a name alone, which the host itself looks up.
func (p *prober) outbound(h *inventory.Host, req checks.Requirement) (list []*try) {
	without := func(named, why string) {
		list = append(list, &try{of: h, requirement: req.Name, named: named, left: why})
	}
	to := func(t probe.Target) {
		list = append(list, &try{Attempt: probe.Attempt{Host: h, To: t}, of: h, requirement: req.Name})
	}
	if p.fixed {
		for _, e := range p.ends {
			to(e.To)
		}
		return list
	}
	names := slices.Clone(req.Unnamed)
	for _, peer := range req.Peers {
		if peer.IsSingleIP() {
			names = append(names, peer.Addr().String())
		} else {
			without(peer.String(), "a network is no address to connect to")
		}
	}
	if len(names) == 0 && len(list) == 0 {
		without(req.Peer, "no address of a peer is known")
	}
	for _, name := range names {
		if strings.HasPrefix(name, "-") || !isHost(name) { // and an option to nc, for one
			without(name, "it is no name of a host")
			continue
		}
		for _, port := range req.Ports {
			to(probe.Target{Host: name, Port: port})
		}
	}
	return list
}

// toEnds gives the tries their ends.
func (p *prober) toEnds(tries []*try, service bool) []*try {
	for _, t := range tries {
		if t.left != "" {
			continue
		}
		host := t.Host
		t.end = p.end(t.To, service)
		t.Attempt = t.end.Attempt
		if t.Host = host; t.end.blind != nil {
			t.Found.Outcome, t.Found.Cause = inventory.ProbeError, t.end.blind.Error()
		}
	}
	return tries
}

// address is where a host is connected to: by the name that vCenter has for it, or where
// that is only a name of its own, by its address. It is empty where that is not known.
func (p *prober) address(h *inventory.Host) string {
	if p.byName {
		return h.Name
	}
	return p.addresses[h.ID]
}

// inbound are the connections of one machine to an address of a host.
func (p *prober) inbound(req checks.Requirement, h *inventory.Host, from, address string) (list []*try) {
	if strings.HasPrefix(address, "-") || !isHost(address) {
		return []*try{{of: h, requirement: req.Name, named: h.Name, left: "its address is not known"}}
	}
	for _, port := range req.Ports {
		t := &try{Attempt: probe.Attempt{Host: h, To: probe.Target{Host: address, Port: port}, Service: true}}
		t.of, t.requirement, t.from = h, req.Name, from
		list = append(list, t)
	}
	return list
}

// between are the connections of other hosts of its cluster to a host, of the next ones in
// the order. Where the peers are in the hosts' own settings, those of another host that are
// none of this host's are this host's own addresses for that traffic.
func (p *prober) between(req, of checks.Requirement, hosts []*inventory.Host, at int) (list []*try) {
	h, dialers := hosts[at], 0
	for n := 1; n < len(hosts) && dialers < mostDialers; n++ {
		other := hosts[(at+n)%len(hosts)]
		theirs, required := req.For(other)
		if !required || h.ClusterPath == "" || other.ClusterPath != h.ClusterPath {
			continue
		}
		address := p.address(h)
		if req.Of != nil {
			address = ownAmong(theirs.Peers, of.Peers)
		} else if own, err := netip.ParseAddr(p.addresses[other.ID]); len(req.Peers) > 0 && (err != nil || !inventory.Covered(netip.PrefixFrom(own, own.BitLen()), req.Peers)) {
			continue
		}
		for _, t := range p.inbound(of, h, other.Name, address) {
			t.Host = other
			list = append(list, t)
		}
		dialers++
	}
	if dialers == 0 {
		list = append(list, &try{of: h, requirement: req.Name, named: h.Name, left: "no other host of its cluster that is a peer can be asked to connect"})
	}
	return list
}

// ownAmong is the first address among the peers of another host that is no peer of the
// host itself; empty where there is none.
func ownAmong(theirs, peers []netip.Prefix) string {
	for _, p := range theirs {
		if p.IsSingleIP() && !inventory.Covered(p, peers) {
			return p.Addr().String()
		}
	}
	return ""
}
