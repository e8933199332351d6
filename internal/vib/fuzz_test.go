package vib_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"

	"github.com/vic-preflight/vic-preflight/internal/vib"
)

// FuzzRead makes sure that whatever is fed to Read ends in a Package or a
// *FormatError, within the limits; and that what has no problem is whole.
func FuzzRead(f *testing.F) {
	// Seeds are small: the fuzzer spends its time on making finds smaller.
	const file = "etc/vmware/firewall/a.xml"
	packed := gzipped(tarred(map[string]string{file: "<ConfigRoot><service><id>a</id></service></ConfigRoot>"}))
	for _, kind := range []string{"tgz", "vgz"} {
		f.Add(whole(fmt.Sprintf(`<vib><name>a</name><version>1</version><vendor>b</vendor><file-list><file>%s</file></file-list><payloads>`+
			`<payload name="payload1" type="%s" size="%d"><checksum checksum-type="sha-256">%x</checksum></payload></payloads></vib>`,
			file, kind, len(packed), sha256.Sum256([]byte(packed))), packed))
	}
	f.Add(archive(member{"descriptor.xml", "<vib><name>a</name><version>1</version><vendor>b</vendor></vib>"}, member{"sig.pkcs7", "odd"}))
	f.Add(bytes.Replace(archive(member{"#1/9", "x"}), []byte("#1/9/"), []byte("#1/1 "), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := vib.ReadSmall(bytes.NewReader(data))
		if err != nil {
			var format *vib.FormatError
			if !errors.As(err, &format) || p != nil {
				t.Fatalf("%v, %v", p, err)
			}
			return
		}
		if p.Name == "" || p.Vendor == "" || p.Version == "" {
			t.Fatalf("a package without an ID: %+v", p)
		}
		for _, payload := range p.Payloads {
			for _, sum := range payload.Checksums {
				if !sum.Verified && len(p.Problems) == 0 {
					t.Fatalf("not verified, and no problem: %+v", p)
				}
			}
		}
	})
}
