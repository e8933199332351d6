package vsphere_test

import (
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/vsphere"
)

var _ = DescribeTable("ParseTarget takes every spelling of vic-machine",
	func(text string, want vsphere.Target) {
		got, err := vsphere.ParseTarget(text)
		Expect(err).NotTo(HaveOccurred())
		Expect(got).To(Equal(want))
	},
	Entry("a name", "vc.example", vsphere.Target{Address: "vc.example"}),
	Entry("blanks around it", " vc.example\n", vsphere.Target{Address: "vc.example"}),
	Entry("a port", "vc.example:8443", vsphere.Target{Address: "vc.example:8443"}),
	Entry("an IPv4 address", "127.0.0.1", vsphere.Target{Address: "127.0.0.1"}),
	Entry("an IPv6 literal", "2001:db8::1", vsphere.Target{Address: "[2001:db8::1]"}),
	Entry("an IPv6 literal in brackets", "[2001:db8::1]", vsphere.Target{Address: "[2001:db8::1]"}),
	Entry("an IPv6 literal with a port and a datacenter", "[::1]:8989/dc1", vsphere.Target{Address: "[::1]:8989", Datacenter: "dc1"}),
	Entry("a datacenter", "vc.example/dc1", vsphere.Target{Address: "vc.example", Datacenter: "dc1"}),
	Entry("a datacenter in a folder", "vc.example/emea/dc1/", vsphere.Target{Address: "vc.example", Datacenter: "emea/dc1"}),
	Entry("an escaped datacenter", "vc.example/dc%201", vsphere.Target{Address: "vc.example", Datacenter: "dc 1"}),
	Entry("a URL", "https://vc.example:443/sdk", vsphere.Target{Address: "vc.example:443"}),
	Entry("a URL with a datacenter", "HTTPS://vc.example/dc1", vsphere.Target{Address: "vc.example", Datacenter: "dc1"}),
	Entry("a URL with the API's path and a datacenter", "https://vc.example/sdk/dc1", vsphere.Target{Address: "vc.example", Datacenter: "dc1"}),
	Entry("a datacenter that starts like the path", "vc.example/sdk1", vsphere.Target{Address: "vc.example", Datacenter: "sdk1"}),
	Entry("credentials", "root:pw@vc.example", vsphere.Target{Address: "vc.example", User: "root", Password: "pw", HasPassword: true}),
	Entry("a user alone", "root@vc.example", vsphere.Target{Address: "vc.example", User: "root"}),
	Entry("an empty password", "root:@vc.example", vsphere.Target{Address: "vc.example", User: "root", HasPassword: true}),
	Entry("a user with a domain", "administrator@vsphere.local:p:w@vc.example/dc1",
		vsphere.Target{Address: "vc.example", Datacenter: "dc1", User: "administrator@vsphere.local", Password: "p:w", HasPassword: true}),
	Entry("an escaped password", "root:p%2Fw%40@vc.example", vsphere.Target{Address: "vc.example", User: "root", Password: "p/w@", HasPassword: true}),
	Entry("a percent sign that escapes nothing", "root:100%sure@vc.example", vsphere.Target{Address: "vc.example", User: "root", Password: "100%sure", HasPassword: true}),
	Entry("plain HTTP on loopback", "http://127.0.0.1:8989/sdk", vsphere.Target{Address: "127.0.0.1:8989", Plain: true}),
)

var _ = DescribeTable("ParseTarget refuses what is no target, without repeating a password",
	func(text, message string) {
		_, err := vsphere.ParseTarget(text)
		Expect(err).To(MatchError(ContainSubstring(message)))
		Expect(err.Error()).NotTo(ContainSubstring("secret"))
	},
	Entry("nothing", "", "no host name"),
	Entry("only credentials", "root:secret@", "no host name"),
	Entry("only a datacenter", "/dc1", "no host name"),
	Entry("another scheme", "ftp://root:secret@vc.example", "scheme is not https"),
	Entry("a password that looks like a scheme", "root:pa://secret@vc", "scheme is not https"),
	Entry("a slash in the password of a user with a domain", "administrator@vsphere.local:12/secret@vc", "percent-encode"),
	Entry("an @ and a slash in the password", "root:p@secret.invalid/x@vc.example", "percent-encode"),
	Entry("plain HTTP to elsewhere", "http://root:secret@vc.example", "in the clear"),
	Entry("a port that is none", "vc.example:https", "not a number from 1 to 65535"),
	Entry("a port out of range", "vc.example:70000", "not a number from 1 to 65535"),
	Entry("a slash in the password", "root:secret/x@vc.example", "percent-encode"),
	Entry("half a bracket", "[::1", "IPv6"),
	Entry("brackets around a name", "[vc.example]:443", "IPv6"),
	Entry("a blank in the name", "vc example", "no host name"),
	Entry("a form feed behind the name", "vc\f/dc", "no host name"),
	Entry("a NUL in the name", "v\x00c", "no host name"),
	Entry("bytes that are no text", "\x9cvc", "no host name"),
	Entry("a mark that turns the text around", "vc\u202e.example", "no host name"),
	Entry("a user and a password without an @", "root:secret:443", "no host name"),
	Entry("the same in a URL", "https://u:secret:443/sdk", "no host name"),
	Entry("an @ that is percent-encoded", "u:secret%40host:1", "no host name"),
	Entry("a blank for the @", "u:secret host:443", "no host name"),
	Entry("a bracket in a password", "u:[secret:1", "no host name"),
	Entry("an @ of another width", "root:secret＠host", "port"),
	Entry("a query", "vc.example?x=1", "no host name"),
)

func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{"vc", "u:p@vc:443/dc", "https://[::1]:8989/sdk/dc", "::1", "http://127.0.0.1/x", "a@b@c/d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		target, err := vsphere.ParseTarget(s)
		if err != nil {
			return
		}
		// Without credentials it reads back as the same target, unless the
		// datacenter's name itself looks like the rest of a URL.
		if strings.ContainsAny(target.Datacenter, "%@") || strings.HasPrefix(target.Datacenter, "sdk") || strings.Contains(target.Datacenter, "://") ||
			strings.TrimSpace(target.Datacenter) != target.Datacenter || strings.Trim(target.Datacenter, "/") != target.Datacenter {
			return
		}
		again, err := vsphere.ParseTarget(target.String())
		if err != nil {
			t.Fatalf("%q became %q, which is no target: %v", s, target, err)
		}
		target.User, target.Password, target.HasPassword = "", "", false
		if again != target {
			t.Errorf("%q: %+v became %+v", s, target, again)
		}
	})
}

var _ = Describe("ParseThumbprint", func() {
	const sha1 = "DC:9D:4D:1C:7E:3C:7C:59:54:4B:85:DC:BD:86:7B:2B:51:67:7E:7B"
	It("takes any spelling", func() {
		want, err := vsphere.ParseThumbprint(sha1)
		Expect(err).NotTo(HaveOccurred())
		Expect(want.String()).To(Equal(sha1))
		for _, s := range []string{
			strings.ToLower(sha1), strings.ReplaceAll(sha1, ":", ""), strings.ReplaceAll(sha1, ":", " "),
			strings.ReplaceAll(sha1, ":", "-"), "SHA1 Fingerprint=" + sha1, " " + sha1 + "\n",
		} {
			Expect(vsphere.ParseThumbprint(s)).To(Equal(want), s)
		}
	})
	It("takes SHA-256", func() {
		Expect(vsphere.ParseThumbprint(strings.Repeat("ab", 32))).To(HaveLen(32))
	})
	It("is nothing when empty", func() {
		Expect(vsphere.ParseThumbprint(" ")).To(BeEmpty())
	})
	DescribeTable("refuses", func(s string) {
		_, err := vsphere.ParseThumbprint(s)
		Expect(err).To(MatchError(ContainSubstring("is not a certificate thumbprint")))
	},
		Entry("a digit too few", sha1[:len(sha1)-1]),
		Entry("a byte too few", sha1[:len(sha1)-3]),
		Entry("other letters", strings.Replace(sha1, "D", "G", 1)),
		Entry("a name", "none"),
		Entry("nothing after the equals sign", "SHA1 Fingerprint="),
	)
})
