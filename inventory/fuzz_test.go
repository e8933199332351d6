package inventory_test

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// FuzzParsePrefix holds that what is taken is canonical and holds the address that was
// written, and that a peer is the same or refused.
func FuzzParsePrefix(f *testing.F) {
	for _, text := range []string{
		"10.0.0.9", "10.0.0.9/24", "10.0.0.0/8", "0.0.0.0/0", "::/0", "::ffff:10.0.0.9", "::ffff:10.0.0.0/104", "::ffff:1.2.3.4/90",
		"fe80::1%eth0", "2001:db8::1/64", "010.0.0.1", "10.0.0.1/024", "1.2.3.4/33", "10.0.0.9/ 24", "/", "",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := inventory.ParsePrefix(text)
		peer, peerErr := inventory.ParsePeer(text)
		if err != nil {
			if peerErr == nil || peer.IsValid() {
				t.Errorf("%q is the peer %s, and no prefix", text, peer)
			}
			return
		}
		if !p.IsValid() || p != p.Masked() || p.Addr().Zone() != "" || p.Addr().Is4In6() && p.Bits() >= 96 {
			t.Errorf("%q is %s", text, p)
		}
		if again, err := inventory.ParsePrefix(p.String()); err != nil || again != p {
			t.Errorf("%q is %s, and that is %s, %v", text, p, again, err)
		}
		var two *inventory.AmbiguousPeerError
		switch {
		case errors.As(peerErr, &two):
			if two.Address == two.Network.Addr() || !two.Network.Contains(two.Address) {
				t.Errorf("%q: %v", text, two)
			}
		case peerErr != nil || peer != p:
			t.Errorf("%q is %s, and the peer %s, %v", text, p, peer, peerErr)
		}
		// By the parser that knows no netip: the same addresses.
		written, network, err := net.ParseCIDR(text)
		if err != nil {
			written = net.ParseIP(strings.Split(text, "%")[0])
		}
		if written == nil {
			t.Fatalf("%q is %s, and nothing for package net", text, p)
		}
		_, ours, err := net.ParseCIDR(p.String())
		if err == nil && ours.IP.To4() == nil {
			written = written.To16() // Contains takes an IPv4 address in an IPv6 network for none of it
		}
		if err != nil || !ours.IP.Equal(written.Mask(ours.Mask)) || network != nil && !ours.IP.Equal(network.IP) {
			t.Errorf("%q is %s, and for package net %s in %v", text, p, written, network)
		}
	})
}
