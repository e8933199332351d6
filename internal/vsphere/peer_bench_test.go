package vsphere_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
	"github.com/vic-preflight/vic-preflight/internal/slowlink"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// BenchmarkCollectPeerSettings collects hosts with and without their own settings, over a
// link with a vCenter's distance. Each host has a log collector and adapters for vMotion.
func BenchmarkCollectPeerSettings(b *testing.B) {
	for _, hosts := range []int{10, 100, 1000} {
		vc := simtest.Start(b, fmt.Sprintf("large?hosts=%d", hosts), sim.Options{})
		for i, name := range vc.HostNames() {
			address := fmt.Sprintf("10.%d.%d.%d", i/65000, i/250%250, i%250+1)
			talks{
				logHost: "udp://10.1.0.1", ntp: []string{"10.2.0.1"}, nfs: "10.4.0.1", iscsi: softwareISCSI,
				nics: map[string][]string{"management": {address}, "vmotion": {address}},
			}.put(vc, name)
		}
		for _, settings := range []bool{false, true} {
			b.Run(fmt.Sprintf("hosts=%d/rtt=10ms/settings=%t", hosts, settings), func(b *testing.B) {
				s := distant(b, vc)
				opts := vsphere.CollectOptions{Switch: func(*inventory.Host) bool { return false }}
				if settings {
					opts.PeerSettings = func(*inventory.Inventory) {}
				}
				for b.Loop() {
					inv, err := s.Collect(context.Background(), vsphere.Selection{}, opts)
					if err != nil || len(inv.Hosts) != hosts || settings != (inv.Hosts[0].PeerSettings != nil) {
						b.Fatal(len(inv.Hosts), err)
					}
				}
			})
		}
	}
}

// distant signs in over a link with a vCenter's distance.
func distant(b *testing.B, vc *sim.VCenter) *vsphere.Session {
	b.Helper()
	link, err := slowlink.Listen(vc.URL.Host, 10*time.Millisecond)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = link.Close() })
	print, err := vsphere.ParseThumbprint(vc.Thumbprint)
	if err != nil {
		b.Fatal(err)
	}
	s, err := vsphere.Connect(context.Background(), vsphere.Config{
		Target: vsphere.Target{Address: link.Addr()}, User: sim.DefaultUser, Password: sim.DefaultPassword,
		Thumbprints: []vsphere.Thumbprint{print},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	return s
}

// BenchmarkPeerLists reads the lists of 50 hosts in which their settings are, by govmomi's
// decoder and by the session's reader, with as much in them as a host of 8.0 has.
func BenchmarkPeerLists(b *testing.B) {
	var kinds, volumes strings.Builder
	for range types.HostVirtualNicManagerNicType("").Values() {
		kinds.WriteString(strings.Repeat(vmk, 4))
	}
	for range 40 {
		volumes.WriteString(mounts[strings.Index(mounts, "<HostFile"):strings.LastIndex(mounts, "</val>")])
	}
	object := prop(strings.Replace(netConfigs, vmk, kinds.String(), 1)) + prop(mounts[:strings.Index(mounts, "<HostFile")]+volumes.String()+"</val>") + prop(adapters)
	text := one(strings.Repeat(object, 50))
	measure := func(how string, read func() error) {
		b.Run("how="+how, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if err := read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	measure("govmomi", func() error {
		_, err := vsphere.Oracle(strings.NewReader(text))
		return err
	})
	kept := vsphere.NewKeeper()
	measure("reader", func() error {
		_, _, err := vsphere.ReadAnswer(strings.NewReader(text), kept)
		return err
	})
}
