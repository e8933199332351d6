package vsphere_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vic-preflight/vic-preflight/internal/vsphere"
)

// BenchmarkAnswer reads a batch of 50 firewalls: by govmomi's decoder, by the
// reader of a session that has just begun, and by one that has read other hosts
// before; of hosts that are all alike, and of hosts that each have a ruleset of
// their own.
func BenchmarkAnswer(b *testing.B) {
	start := strings.Index(vcsimAnswer, `<objects><obj type="HostFirewallSystem">`)
	end := start + strings.Index(vcsimAnswer[start:], "</objects>") + len("</objects>")
	object := vcsimAnswer[start:end]
	alike := one(strings.Repeat(object, 50))
	var differing strings.Builder
	for i := range 50 {
		differing.WriteString(strings.Replace(object, "<label>NFS", fmt.Sprintf("<label>%d NFS", i), 1))
	}
	for name, text := range map[string]string{"alike": alike, "differing": one(differing.String())} {
		measure := func(how string, read func() error) {
			b.Run(fmt.Sprintf("hosts=%s/how=%s", name, how), func(b *testing.B) {
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
		measure("first", func() error {
			_, _, err := vsphere.ReadAnswer(strings.NewReader(text), vsphere.NewKeeper())
			return err
		})
		kept := vsphere.NewKeeper()
		measure("kept", func() error {
			_, _, err := vsphere.ReadAnswer(strings.NewReader(text), kept)
			return err
		})
	}
}
