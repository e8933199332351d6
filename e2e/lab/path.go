//go:build linux

package lab

import (
	"fmt"
	"net/netip"
)

// Path makes the VCH's machine treat packets otherwise than it would: what
// happens to them beyond the hosts. The script is the inside of an nft table
// of family inet, chains and sets; it replaces the one before, and "" is back
// to normal. DropPort, RejectPort, LoseSYN and Redirect are such scripts and
// may be joined.
func (l *Lab) Path(script string) error {
	if err := l.vch.NFT(table("path", script)); err != nil {
		return fmt.Errorf("change the path to the VCH: %w", err)
	}
	return nil
}

// DropPort is a Path that drops what arrives for a TCP port.
func DropPort(port int) string { return input("drop", port, fmt.Sprintf("tcp dport %d drop", port)) }

// RejectPort is a Path that rejects what arrives for a TCP port, with for
// example "tcp reset" or "icmpx type admin-prohibited".
func RejectPort(port int, with string) string {
	return input("reject", port, fmt.Sprintf("tcp dport %d reject with %s", port, with))
}

// LoseSYN is a Path that loses some of the first packets of connections to a
// TCP port. They are sent again after 1 s, 3 s and so on.
func LoseSYN(port, percent int) string {
	return input("lose", port, fmt.Sprintf("tcp dport %d tcp flags & (syn | ack) == syn %s drop", port, some(percent)))
}

// some matches some of the packets. A number beyond its range is an error to
// nft, so it has no way to say all.
func some(percent int) string {
	if percent >= 100 {
		return ""
	}
	return fmt.Sprintf("numgen random mod 100 < %d", percent)
}

// Redirect is a Path that hands one client's connections for a TCP port to
// another port of the same machine.
func Redirect(from netip.Addr, port, to int) string {
	family := "ip"
	if from.Is6() {
		family = "ip6"
	}
	return fmt.Sprintf("chain redirect_%[1]d { type nat hook prerouting priority dstnat; %[2]s saddr %[3]s tcp dport %[1]d redirect to :%[4]d; }\n",
		port, family, from, to)
}

func input(name string, port int, rule string) string {
	return fmt.Sprintf("chain %s_%d { type filter hook input priority filter; %s; }\n", name, port, rule)
}

// RemoveRoute leaves the host without a route to the address, and with its
// routes to all others.
func (l *Lab) RemoveRoute(name string, to netip.Addr) error { return l.route(name, "add", to) }

// RestoreRoute undoes RemoveRoute.
func (l *Lab) RestoreRoute(name string, to netip.Addr) error { return l.route(name, "del", to) }

// route uses a route that sends the kernel looking elsewhere, where there is
// nothing.
func (l *Lab) route(name, action string, to netip.Addr) error {
	h, err := l.host(name)
	if err != nil {
		return err
	}
	if err := h.ns.ip(fmt.Sprintf("route %s throw %s\n", action, netip.PrefixFrom(to, to.BitLen()))); err != nil {
		return fmt.Errorf("%s the gap in the routes of %s: %w", action, name, err)
	}
	return nil
}
