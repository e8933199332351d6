package inventory

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// ParsePrefix reads an address or a CIDR, IPv4, IPv6 or IPv4 in IPv6, and
// returns it in its one canonical form: unmapped, masked, without a zone. An
// address becomes a prefix of its full length.
func ParsePrefix(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		addr, err := netip.ParseAddr(s)
		if err != nil {
			return netip.Prefix{}, fmt.Errorf("%q is not an IP address or CIDR", s)
		}
		addr = addr.WithZone("").Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is not an IP address or CIDR", s)
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

// AmbiguousPeerError means that a text could be an address or a network, and the two
// differ by all the addresses of the network.
type AmbiguousPeerError struct {
	Text    string
	Address netip.Addr
	Network netip.Prefix
}

func (e *AmbiguousPeerError) Error() string { return e.Text + " is an address and a network at once" }

// ParsePeer is ParsePrefix for what people give: an address with a mask is an
// *AmbiguousPeerError.
func ParsePeer(s string) (netip.Prefix, error) {
	p, err := ParsePrefix(s)
	if err != nil {
		return p, err
	}
	if host, err := netip.ParsePrefix(s); err == nil && host.Masked() != host {
		return p, &AmbiguousPeerError{s, host.Addr(), host.Masked()}
	}
	return p, nil
}

// Covered reports whether the union of the prefixes contains all of peer. Two
// halves of a network cover the network. All prefixes must be canonical, as
// ParsePrefix returns them.
func Covered(peer netip.Prefix, by []netip.Prefix) bool {
	var inside []netip.Prefix
	for _, p := range by {
		if p.Bits() <= peer.Bits() && p.Contains(peer.Addr()) {
			return true
		}
		if p.Bits() > peer.Bits() && peer.Contains(p.Addr()) {
			inside = append(inside, p)
		}
	}
	// Only prefixes longer than peer are left, and halving peer stops at the
	// longest of them: with none inside there is nothing more to find.
	if len(inside) == 0 {
		return false
	}
	low, high := halves(peer)
	return Covered(low, inside) && Covered(high, inside)
}

// PrefixText is a prefix as people write it: a single address is that alone.
func PrefixText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

func halves(p netip.Prefix) (low, high netip.Prefix) {
	bits := p.Bits() + 1
	raw := p.Addr().AsSlice()
	raw[(bits-1)/8] |= 1 << (7 - (bits-1)%8)
	addr, _ := netip.AddrFromSlice(raw) // AsSlice gave 4 or 16 bytes
	return netip.PrefixFrom(p.Addr(), bits), netip.PrefixFrom(addr, bits)
}

// Canonical is a text that is equal for lists that let the same addresses
// through, whatever their order and spelling: "not known" for nil, "all", or
// the sorted prefixes.
func (a *AllowedHosts) Canonical() string {
	if a == nil || a.All {
		return a.String()
	}
	prefixes, malformed := a.Prefixes()
	list := malformed
	for _, p := range prefixes {
		list = append(list, p.String())
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " ")
}
