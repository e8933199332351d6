package checks_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/vicmachine"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// options are what a command line says.
func options(line string) *checks.VCH {
	words, err := vicmachine.ParseFile(strings.NewReader("create " + line))
	Expect(err).NotTo(HaveOccurred())
	c, err := vicmachine.Parse(words)
	Expect(err).NotTo(HaveOccurred())
	return &c.VCH
}

// ask makes one check of a command line, and writes what it says about each subject:
// SUBJECT: STATUS REASON.
func ask(id, line string, workstation inventory.Workstation) (said []string, results []checks.Result) {
	facts := checks.Facts{
		Inventory: &inventory.Inventory{Placement: &inventory.Placement{Workstation: workstation}}, VCH: options(line),
	}
	for _, c := range checks.InputChecks() {
		if c.ID != id {
			continue
		}
		results = c.Run(facts)
		for _, r := range results {
			said = append(said, fmt.Sprintf("%s: %s %s", r.Subject, r.Status, r.Reason))
		}
	}
	return said, results
}

var _ = Describe("the options of vic-machine create", func() {
	DescribeTable("are judged as it judges them",
		func(id, line string, want ...string) {
			said, results := ask(id, line, inventory.Workstation{})
			Expect(said).To(ConsistOf(want))
			for _, r := range results {
				Expect(r.Scope).To(Equal(checks.ScopeVCH))
				Expect(r.Check).To(Equal(id))
				Expect(r.Detail).NotTo(BeEmpty())
				Expect(r.Class == "").To(Equal(r.Status.Fine() || r.Status == checks.Unknown), "the class of %s", r.Reason)
				Expect(r.Class == checks.CreateRefuses).To(Equal(r.Status == checks.Fail))
			}
		},
		Entry(nil, "name-and-sizes", "", "--name: pass in-order"),
		Entry("31 bytes", "name-and-sizes", "-n "+strings.Repeat("x", 31), "--name: pass in-order"),
		Entry("32 bytes", "name-and-sizes", "-n "+strings.Repeat("x", 32), "--name: fail name-too-long"),
		Entry("16 letters of 2 bytes", "name-and-sizes", "-n "+strings.Repeat("ö", 16), "--name: fail name-too-long"),
		Entry("blanks and brackets", "name-and-sizes", "-n 'my vch-1_(a)'", "--name: pass in-order"),
		Entry("a slash", "name-and-sizes", "-n a/b", "--name: fail name-characters"),
		Entry("a colon, and a size", "name-and-sizes", "-n a:b --base-image-size lots", "--name: fail name-characters", "--base-image-size: fail size-unreadable"),
		Entry("sizes", "name-and-sizes", "--base-image-size 8GB", "--name: pass in-order"),
		Entry("a size below nothing", "name-and-sizes", "--base-image-size=-1GB", "--base-image-size: fail size-unreadable"),
		Entry("a convention", "name-and-sizes", "--cnc 'x-{name}'", "--name: pass in-order"),
		Entry("no token", "name-and-sizes", "--cnc x", "--container-name-convention: fail name-convention-without-token"),
		Entry("long enough", "name-and-sizes", "--cnc {id}"+strings.Repeat("x", 67), "--name: pass in-order"),
		Entry("too long", "name-and-sizes", "--cnc {id}"+strings.Repeat("x", 68), "--container-name-convention: fail name-convention-too-long"),

		Entry(nil, "ops-user-options", "--ops-user o", "--ops-password: skip not-asked-for"),
		Entry(nil, "ops-user-options", "--ops-user o --ops-password p", "--ops-password: pass in-order"),
		Entry(nil, "ops-user-options", "--ops-password ''", "--ops-password: fail ops-password-without-user"),

		Entry(nil, "static-addresses", "", "--public-network-ip: skip not-asked-for"),
		Entry("whole", "static-addresses", "--public-network-ip 10.0.0.2/24 --public-network-gateway 10.0.0.1", "--public-network-ip: pass in-order"),
		Entry("IPv6 addresses", "static-addresses", "--mn m --management-network-ip fd00::2/64", "--public-network-ip: pass in-order"),
		Entry("public without gateway", "static-addresses", "--public-network-ip 10.0.0.2/24", "--public-network-ip: fail address-without-gateway"),
		Entry("public with no gateway's address", "static-addresses", "--public-network-ip 10.0.0.2/0 --public-network-gateway 0.0.0.0", "--public-network-ip: fail address-without-gateway"),
		Entry("public with destinations", "static-addresses", "--public-network-ip 10.0.0.2/24 --public-network-gateway 10.1.0.0/16:10.0.0.1", "--public-network-gateway: fail gateway-with-destinations"),
		Entry("a gateway alone", "static-addresses", "--public-network-gateway 10.0.0.1", "--public-network-gateway: fail gateway-without-address"),
		Entry("no length", "static-addresses", "--cln c --client-network-ip 10.0.0.2", "--client-network-ip: fail address-unreadable"),
		Entry("outside", "static-addresses", "--public-network-ip 10.0.0.2/24 --public-network-gateway 10.0.1.1", "--public-network-gateway: fail gateway-not-in-subnet"),
		Entry("a gateway with a length", "static-addresses", "--public-network-ip 10.0.0.2/24 --public-network-gateway 10.0.0.1/24", "--public-network-gateway: fail gateway-unreadable"),
		Entry("an IPv6 gateway", "static-addresses", "--public-network-ip fd00::2/64 --public-network-gateway fd00::1", "--public-network-gateway: fail gateway-unreadable"),
		Entry("a broken destination", "static-addresses", "--mn m --management-network-ip 10.0.0.2/24 --management-network-gateway 10.1.0.0:10.0.0.1", "--management-network-gateway: fail gateway-unreadable"),
		Entry("client without gateway", "static-addresses", "--cln c --client-network-ip 10.0.0.2/24", "--public-network-ip: pass in-order"),
		Entry("client's gateway without destination", "static-addresses", "--cln c --client-network-ip 10.0.0.2/24 --client-network-gateway 10.0.0.1", "--client-network-gateway: fail gateway-without-destination"),
		Entry("management's with two", "static-addresses", "--mn m --management-network-ip 10.0.0.2/24 --management-network-gateway 10.1.0.0/16,10.2.0.0/16:10.0.0.1", "--public-network-ip: pass in-order"),
		Entry("client on the public port group", "static-addresses", "--client-network-ip 10.0.0.2/24", "--client-network-ip: fail address-on-public-port-group"),
		Entry("management there, by name", "static-addresses", "--pn x --cln y --mn x --management-network-ip 10.0.0.2/24", "--management-network-ip: fail address-on-public-port-group"),
		Entry("two on one", "static-addresses", "--cln y --client-network-ip 10.0.0.2/24 --management-network-ip 10.0.0.3/24", "--management-network-ip: fail two-addresses-one-port-group"),
		Entry("one of two on one", "static-addresses", "--cln y --client-network-ip 10.0.0.2/24", "--public-network-ip: pass in-order"),
		Entry("the same subnet", "static-addresses", "--cln y --client-network-ip 10.0.0.2/24 --mn z --management-network-ip 10.0.0.3/24", "--management-network-ip: warn same-subnet"),
		Entry("another length", "static-addresses", "--cln y --client-network-ip 10.0.0.2/24 --mn z --management-network-ip 10.0.0.3/25", "--public-network-ip: pass in-order"),

		Entry(nil, "dns-servers", "", "--dns-server: skip not-asked-for"),
		Entry(nil, "dns-servers", "--dns-server 10.0.0.1 --dns-server fd00::1", "--dns-server: pass in-order"),
		Entry("with a comma", "dns-servers", "--dns-server 10.0.0.1,10.0.0.2", "--dns-server: fail dns-server-unreadable"),
		Entry("a name", "dns-servers", "--dns-server dns.example", "--dns-server: fail dns-server-unreadable"),
		Entry("an empty one", "dns-servers", "--dns-server ''", "--dns-server: pass in-order"),
		Entry("four", "dns-servers", "--dns-server 1.1.1.1 --dns-server 1.1.1.2 --dns-server 1.1.1.3 --dns-server 1.1.1.4", "--dns-server: warn too-many-dns-servers"),
		Entry("none, all static", "dns-servers", "--public-network-ip 10.0.0.2/24 --public-network-gateway 10.0.0.1", "--dns-server: pass default-dns-servers"),
		Entry("none, one by DHCP", "dns-servers", "--mn m --public-network-ip 10.0.0.2/24 --public-network-gateway 10.0.0.1", "--dns-server: skip not-asked-for"),

		Entry(nil, "bridge-range", "", "--bridge-network-range: skip not-asked-for"),
		Entry(nil, "bridge-range", "--bnr 192.168.0.0/16", "--bridge-network-range: pass in-order"),
		Entry("as wide", "bridge-range", "--bnr 192.168.0.0/20 --bnw 20", "--bridge-network-range: pass in-order"),
		Entry("smaller than the default width", "bridge-range", "--bnr 192.168.0.0/20", "--bridge-network-width: fail bridge-width-shorter-than-range"),
		Entry("the default range", "bridge-range", "--bnw 11", "--bridge-network-width: fail bridge-width-shorter-than-range"),
		Entry("30", "bridge-range", "--bnw 30", "--bridge-network-range: pass in-order"),
		Entry("31", "bridge-range", "--bnw 31", "--bridge-network-width: fail bridge-width-unreadable"),
		Entry("no number", "bridge-range", "--bnw /16", "--bridge-network-width: fail bridge-width-unreadable"),
		Entry("no network", "bridge-range", "--bnr 172.16.0.0", "--bridge-network-range: fail bridge-range-unreadable"),
		Entry("no network, no number", "bridge-range", "--bnr 172.16.0.0 --bnw x", "--bridge-network-range: fail bridge-range-unreadable", "--bridge-network-width: fail bridge-width-unreadable"),

		Entry(nil, "container-network-options", "", "--container-network: skip not-asked-for"),
		Entry("whole", "container-network-options", "--cn ext:e --cng ext:10.2.0.1/16 --cnr ext:10.2.0.10-20 --cnr ext:10.2.1.0/24 --cnd ext:10.2.0.2 --cnf ext:Open", "--container-network: pass in-order"),
		Entry("two colons", "container-network-options", "--cn a:b:c", "--container-network a:b:c: fail container-network-unreadable"),
		Entry("no name", "container-network-options", "--cn :b", "--container-network :b: fail container-network-unreadable"),
		Entry("blanks", "container-network-options", "--cn 'a b'", "--container-network a b: fail alias-missing"),
		Entry("blanks with an alias", "container-network-options", "--cn 'a b:c'", "--container-network: pass in-order"),
		Entry("an alias with blanks", "container-network-options", "--cn 'a:b c'", "--container-network a: fail alias-with-blanks"),
		Entry("a gateway without length", "container-network-options", "--cn a --cng a:10.2.0.1", "--container-network-gateway a: fail container-gateway-unreadable"),
		Entry("two gateways", "container-network-options", "--cn a --cng a:10.2.0.1/16 --cng a:10.2.0.2/16", "--container-network-gateway a: fail container-gateway-twice"),
		Entry("the network's own address", "container-network-options", "--cn a --cng a:10.2.0.0/16", "--container-network-gateway a: fail container-gateway-unroutable"),
		Entry("the broadcast address", "container-network-options", "--cn a --cng a:10.2.255.255/16", "--container-network-gateway a: fail container-gateway-unroutable"),
		Entry("by the alias", "container-network-options", "--cn ext:e --cng e:10.2.0.1/16", "--container-network-gateway e: fail container-network-not-named"),
		Entry("not named", "container-network-options", "--cnf ext:open", "--container-network-firewall ext: fail container-network-not-named"),
		Entry("a broken range", "container-network-options", "--cn a --cng a:10.2.0.1/16 --cnr a:10.2.0.20-10", "--container-network-ip-range a: fail container-range-unreadable"),
		Entry("a range backwards", "container-network-options", "--cn a --cng a:10.2.0.1/16 --cnr a:10.2.0.20-10.2.0.10", "--container-network-ip-range a: fail container-range-unreadable"),
		Entry("a range alone", "container-network-options", "--cn a --cnr a:10.2.0.0/24", "--container-network-ip-range a: fail range-without-gateway"),
		Entry("outside", "container-network-options", "--cn a --cng a:10.2.0.1/24 --cnr a:10.2.0.250-10.2.1.5", "--container-network-ip-range a: fail range-not-in-subnet"),
		Entry("overlapping", "container-network-options", "--cn a --cng a:10.2.0.1/16 --cnr a:10.2.0.0-10.2.0.255 --cnr a:10.2.0.9-10.2.2.1", "--container-network-ip-range a: fail ranges-overlap"),
		Entry("overlapping networks", "container-network-options", "--cn a --cng a:10.2.0.1/16 --cnr a:10.2.0.0/24 --cnr a:10.2.0.128/25", "--container-network-ip-range a: fail ranges-overlap"),
		Entry("overlapping unseen", "container-network-options", "--cn a --cng a:10.2.0.1/16 --cnr a:10.2.0.0/24 --cnr a:10.2.0.9-10.2.2.1", "--container-network-ip-range a: warn ranges-overlap"),
		Entry("IPv6", "container-network-options", "--cn a --cnr a:fd00::-fd00::5", "--container-network-ip-range a:fd00::-fd00::5: fail container-network-unreadable"),
		Entry("side by side", "container-network-options", "--cn a --cng a:10.2.0.1/16 --cnr a:10.2.0.10-19 --cnr a:10.2.0.20-29", "--container-network: pass in-order"),
		Entry("no DNS server", "container-network-options", "--cn a --cnd a", "--container-network-dns a: fail container-dns-unreadable"),
		Entry("levels", "container-network-options", "--cn a --cn b --cnf a:PEERS --cnf b:", "--container-network: pass in-order"),
		Entry("two aliases", "container-network-options", "--cn ext:a --cn ext:b", "--container-network ext: warn container-network-twice"),
		Entry("no level", "container-network-options", "--cn a --cnf a:most", "--container-network-firewall a: fail trust-level-unknown"),

		Entry(nil, "store-options", "", "--volume-store: skip not-asked-for"),
		Entry(nil, "store-options", "-i ds://shared/f --vs shared/v:default --vs ds://shared:b --vs nfs://nas/vol?uid=1:c", "--volume-store: pass in-order"),
		Entry("a name with a blank", "store-options", "-i 'the store/f'", "--volume-store: pass in-order"),
		Entry("the same in a URL", "store-options", "-i 'ds://the store/f'", "--image-store: fail image-store-unreadable"),
		Entry("a pattern", "store-options", "-i 'sha*'", "--image-store: fail store-characters"),
		Entry("a pattern in a volume store", "store-options", "--vs 'sha?:a'", "--volume-store sha?:a: fail store-characters"),
		Entry("no label", "store-options", "--vs shared", "--volume-store shared: fail volume-store-unreadable"),
		Entry("an empty label", "store-options", "--vs shared:", "--volume-store shared:: fail volume-store-unreadable"),
		Entry("no target", "store-options", "--vs :a", "--volume-store :a: fail volume-store-unreadable"),
		Entry("the URL's rest for a label", "store-options", "--vs ds://shared/a", "--volume-store ds://shared/a: fail volume-store-unreadable"),
		Entry("a broken escape", "store-options", "--vs nfs://nas/%zz:a", "--volume-store nfs://nas/%zz:a: fail volume-store-unreadable"),
		Entry("two in one", "store-options", "--vs a:b,c:d", "--volume-store a:b,c:d: fail volume-store-scheme"),
		Entry("another scheme", "store-options", "--vs smb://nas/vol:a", "--volume-store smb://nas/vol:a: fail volume-store-scheme"),
		Entry("NFS without a path", "store-options", "--vs nfs://nas:a", "--volume-store nfs://nas:a: fail nfs-store-incomplete"),
		Entry("NFS without a host", "store-options", "--vs nfs:///vol:a", "--volume-store nfs:///vol:a: fail nfs-store-incomplete"),
		Entry("a label twice", "store-options", "--vs a:x --vs b:x", "--volume-store b:x: warn volume-label-twice"),

		Entry(nil, "syslog", "", "--syslog-address: skip not-asked-for"),
		Entry(nil, "syslog", "--syslog-address udp://log", "--syslog-address: pass in-order"),
		Entry(nil, "syslog", "--syslog-address tcp://log:601", "--syslog-address: pass in-order"),
		Entry(nil, "syslog", "--syslog-address log", "--syslog-address: fail syslog-transport"),
		Entry(nil, "syslog", "--syslog-address http://log", "--syslog-address: fail syslog-transport"),
		Entry(nil, "syslog", "--syslog-address udp:", "--syslog-address: fail syslog-without-host"),
		Entry(nil, "syslog", "--syslog-address udp://[", "--syslog-address: fail syslog-unreadable"),

		Entry(nil, "proxies", "", "--https-proxy: skip not-asked-for"),
		Entry(nil, "proxies", "--http-proxy http://p:3128 --https-proxy http://u:p@p:3128 --no-proxy localhost:80,.example.com", "--https-proxy: pass in-order"),
		Entry("no scheme", "proxies", "--http-proxy p:3128", "--http-proxy: fail proxy-unreadable"),
		Entry("another scheme", "proxies", "--https-proxy socks5://p:3128", "--https-proxy: fail proxy-unreadable"),
		Entry("no host", "proxies", "--https-proxy https:///p", "--https-proxy: fail proxy-unreadable"),
		Entry("a port", "proxies", "--no-proxy 'a, 10.0.0.1:80'", "--no-proxy: fail no-proxy-unreadable"),

		Entry(nil, "iso-files", "", "--appliance-iso: skip iso-files-not-judged"),

		Entry("no TLS", "tls", "-k", "--no-tls: warn no-tls"),
		Entry("no TLS, whatever else", "tls", "-k --tls-server-cert x", "--no-tls: warn no-tls"),
		Entry("a certificate alone", "tls", "--tls-server-cert x --tls-cname n", "--tls-server-cert: fail certificate-and-key-apart"),
		Entry("a key alone", "tls", "--tls-server-key x --tls-cname n", "--tls-server-cert: fail certificate-and-key-apart"))

	It("are all told of in one result", func() {
		said, results := ask("name-and-sizes", "-n '"+strings.Repeat("x", 40)+"?'", inventory.Workstation{})
		Expect(said).To(ConsistOf("--name: fail name-characters"))
		Expect(results[0].Detail).To(ContainSubstring("; besides (name-too-long): "))
	})

	It("give a note where DNS servers are put in", func() {
		_, results := ask("dns-servers", "--public-network-ip 10.0.0.2/24 --public-network-gateway 10.0.0.1", inventory.Workstation{})
		Expect(results[0].Note).To(Equal("create puts in 8.8.8.8 and 8.8.4.4"))
	})

	It("are of no concern without a virtual container host", func() {
		for _, c := range checks.InputChecks() {
			Expect(c.Run(checks.Facts{Inventory: &inventory.Inventory{}})).To(BeEmpty(), c.ID)
		}
	})

	It("have an explanation for each reason, and no other", func() {
		explained := map[checks.Reason]bool{}
		for _, e := range checks.InputExplanations {
			Expect(explained).NotTo(HaveKey(e.Reason))
			Expect(e.Meaning).NotTo(BeEmpty())
			switch e.Class {
			case checks.CreateSilent:
				Expect(e.Create).To(BeEmpty(), string(e.Reason))
				Expect(e.Differs).NotTo(BeEmpty(), string(e.Reason))
			case checks.CreateRefuses, checks.CreateWarns:
				Expect(e.Create).NotTo(BeEmpty(), string(e.Reason))
			}
			if e.Class != "" {
				Expect(e.Hint).NotTo(BeEmpty(), string(e.Reason))
			}
			explained[e.Reason] = true
		}
		used := map[checks.Reason]bool{}
		for _, c := range checks.InputChecks() {
			Expect(c.Title).NotTo(BeEmpty())
			Expect(c.Why).NotTo(BeEmpty())
			for _, r := range c.Reasons {
				used[r] = true
			}
		}
		Expect(explained).To(Equal(used))
	})
})

var _ = Describe("the address that hosts will dial", func() {
	DescribeTable("is the management network's", func(line, want string) {
		address, ok := options(line).Address()
		Expect(ok).To(Equal(want != ""))
		if ok {
			Expect(address).To(Equal(netip.MustParsePrefix(want)))
		}
	},
		Entry("DHCP", "", ""),
		Entry("its own", "--mn m --management-network-ip 10.0.0.2/24 --public-network-ip 10.1.0.2/24", "10.0.0.2/32"),
		Entry("the public one's, all on one port group", "--public-network-ip 10.1.0.2/24", "10.1.0.2/32"),
		Entry("the client's, which it follows", "--cln c --client-network-ip 10.2.0.2/24 --public-network-ip 10.1.0.2/24", "10.2.0.2/32"),
		Entry("the public one's, by name", "--pn x --cln c --mn x --public-network-ip 10.1.0.2/24", "10.1.0.2/32"),
		Entry("none of another port group", "--mn m --public-network-ip 10.1.0.2/24", ""),
		Entry("IPv6", "--mn m --management-network-ip fd00::2/64", "fd00::2/128"),
		Entry("unreadable", "--mn m --management-network-ip 10.0.0.2", ""),
		Entry("0.0.0.0", "--mn m --management-network-ip 0.0.0.0/24", ""))
})

var _ = Describe("registries", func() {
	DescribeTable("are judged", func(line string, reached map[string]string, want ...string) {
		said, _ := ask("registries", line, inventory.Workstation{Registries: reached})
		Expect(said).To(ConsistOf(want))
	},
		Entry(nil, "", nil, "--whitelist-registry: skip not-asked-for"),
		Entry("reached", "--wr reg:5000", map[string]string{"reg:5000": ""}, "--whitelist-registry reg:5000: pass in-order"),
		Entry("not reached", "--dir https://reg/p", map[string]string{"reg": "timeout"}, "--insecure-registry https://reg/p: warn registry-unreachable"),
		Entry("not tried", "--dir reg", nil, "--insecure-registry reg: skip registry-not-tried"),
		Entry("networks", "--wr 10.0.0.0/8 --dir 10.0.0.0/8", nil, "--insecure-registry 10.0.0.0/8: fail insecure-registry-network"),
		Entry("all of a domain", "--wr '*.example.com'", nil, "--whitelist-registry: pass in-order"),
		Entry("neither", "--wr 'a b'", nil, "--whitelist-registry a b: fail registry-unreadable"),
		Entry("no secret's rest", "--dir https://u:p/w@reg", nil, "--insecure-registry %: fail registry-unreadable"))

	It("are listed as they are to be reached", func() {
		Expect(options("--wr reg:5000 --wr https://hub.example/library --wr 10.0.0.0/8 --wr '*.example.com' --dir reg:5000 --dir other --dir 10.1.0.0/16 --wr 'a b'").Registries()).
			To(ConsistOf("reg:5000", "hub.example", "other"))
	})

	DescribeTable("have authorities", func(file *inventory.LocalFile, want string) {
		files := map[string]inventory.LocalFile{}
		if file != nil {
			files["ca.pem"] = *file
		}
		said, _ := ask("registries", "--rc ca.pem", inventory.Workstation{Files: files})
		Expect(said).To(ConsistOf(want))
	},
		Entry("good", &inventory.LocalFile{Content: pair("ca").cert}, "--whitelist-registry: pass in-order"),
		Entry("empty", &inventory.LocalFile{Content: []byte{}}, "--whitelist-registry: pass in-order"),
		Entry("no certificate", &inventory.LocalFile{Content: []byte("x")}, "--registry-ca: fail registry-ca-unreadable"),
		Entry("missing", &inventory.LocalFile{Err: "no such file", Missing: true}, "--registry-ca ca.pem: fail registry-ca-unreadable"),
		Entry("not read", nil, "--registry-ca ca.pem: unknown file-not-read"))
})

// keyPair is a certificate and its key, in PEM.
type keyPair struct{ cert, key []byte }

func pair(name string) keyPair {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		panic(err)
	}
	return keyPair{
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}),
	}
}

var _ = Describe("certificates", func() {
	one, other := pair("vch.example"), pair("vch.example")
	there := func(content []byte) inventory.LocalFile { return inventory.LocalFile{Content: content} }
	missing := inventory.LocalFile{Err: "no such file or directory", Missing: true}
	denied := inventory.LocalFile{Err: "permission denied"}
	junk := there([]byte("junk"))
	const given = " --tls-server-cert c --tls-server-key k"
	type files map[string]inventory.LocalFile

	DescribeTable("are loaded or made", func(line string, some files, want ...string) {
		vch := options("-n vch1 " + line)
		all := map[string]inventory.LocalFile{}
		for _, name := range vch.Files() {
			all[name] = missing
		}
		for name, f := range some {
			Expect(all).To(HaveKey(name))
			all[name] = f
		}
		said, results := ask("tls", "-n vch1 "+line, inventory.Workstation{Files: all})
		Expect(said).To(ConsistOf(want))
		for _, r := range results {
			Expect(r.Class == checks.CreateRefuses).To(Equal(r.Status == checks.Fail))
		}
	},
		Entry("no name", "", nil, "--tls-cname: fail certificate-without-name"),
		Entry("a name", "--tls-cname vch.example", nil, "--tls-cname: pass in-order"),
		Entry("the client's address", "--cln c --client-network-ip 10.0.0.2/24", nil, "--tls-cname: pass in-order"),
		Entry("the public address, which is the client's", "--public-network-ip 10.0.0.2/24", nil, "--tls-cname: pass in-order"),
		Entry("the public address, which is not", "--cln c --public-network-ip 10.0.0.2/24", nil, "--tls-cname: fail certificate-without-name"),
		Entry("the management's, which is the client's", "--cln c --mn c --management-network-ip 10.0.0.2/24", nil, "--tls-cname: pass in-order"),
		Entry("the management's, on the public port group", "--pn p --mn p --management-network-ip 10.0.0.2/24", nil, "--tls-cname: pass in-order"),
		Entry("the management's, which is not", "--mn c --management-network-ip 10.0.0.2/24", nil, "--tls-cname: fail certificate-without-name"),
		Entry("clients need none", "--kv", nil, "--no-tlsverify: warn tls-not-verified"),
		Entry("an authority for clients", "--ca a", files{"a": there(one.cert)}, "--tls-cname: pass in-order"),
		Entry("no authority", "--ca a", files{"a": junk}, "--tls-ca: fail certificate-authority-invalid"),
		Entry("a missing authority", "--tls-cname n --ca a", nil, "--tls-ca a: fail certificate-unreadable"),
		Entry("a missing authority, by force", "--tls-cname n --ca a -f", nil, "--tls-ca a: warn certificate-unreadable"),
		Entry("a pair and an authority", "--ca a"+given, files{"a": there(one.cert), "c": there(one.cert), "k": there(one.key)}, "--tls-cname: pass in-order"),
		Entry("a pair alone", "--tls-cname vch.example"+given, files{"c": there(one.cert), "k": there(one.key)}, "--tls-cname: pass in-order"),
		Entry("a pair alone without a name", given, files{"c": there(one.cert), "k": there(one.key)}, "--tls-cname: fail certificate-without-name"),
		Entry("a pair of another name", "--tls-cname n"+given, files{"c": there(one.cert), "k": there(one.key)}, "--tls-server-cert c: fail certificate-name-differs"),
		Entry("by force", "-f --tls-cname n"+given, files{"c": there(one.cert), "k": there(one.key)}, "--tls-server-cert c: warn certificate-name-differs"),
		Entry("no pair", "--tls-cname vch.example"+given, files{"c": there(one.cert), "k": there(other.key)}, "--tls-server-cert c: fail certificate-and-key-unfit"),
		Entry("junk", given, files{"c": junk, "k": junk}, "--tls-server-cert c: fail certificate-and-key-unfit"),
		Entry("junk, by force and without a name", "-f"+given, files{"c": junk, "k": junk}, "--tls-server-cert c: warn certificate-and-key-unfit", "--tls-cname: fail certificate-without-name"),
		Entry("a missing key", given, files{"c": there(one.cert)}, "--tls-server-key k: fail certificate-unreadable"),
		Entry("those of an earlier run", "", files{
			"vch1/server-cert.pem": there(one.cert), "vch1/server-key.pem": there(one.key), "vch1/ca.pem": there(one.cert), "vch1/key.pem": denied,
		}, "--tls-cname: pass in-order"),
		Entry("in another folder", "--tls-cert-path p", files{
			"p/server-cert.pem": there(one.cert), "p/server-key.pem": there(one.key), "p/ca.pem": there(one.cert),
		}, "--tls-cname: pass in-order"),
		Entry("an earlier run's authority that is none", "", files{
			"vch1/server-cert.pem": there(one.cert), "vch1/server-key.pem": there(one.key), "vch1/ca.pem": junk,
		}, "--tls-ca: fail certificate-authority-invalid"),
		Entry("an authority that cannot be read", "", files{
			"vch1/server-cert.pem": there(one.cert), "vch1/server-key.pem": there(one.key), "vch1/ca.pem": denied,
		}, "--tls-cert-path vch1/ca.pem: fail certificate-unreadable"),
		Entry("half of an earlier run", "--tls-cname n", files{"vch1/server-cert.pem": there(one.cert)}, "--tls-cert-path: fail certificate-path-not-empty"),
		Entry("what cannot be read", "--tls-cname n", files{"vch1/server-cert.pem": denied, "vch1/server-key.pem": denied}, "--tls-server-cert vch1/server-cert.pem: fail certificate-unreadable"))

	It("are unknown where nothing was read", func() {
		said, _ := ask("tls", "-n vch1 --tls-cname n", inventory.Workstation{})
		Expect(said).To(ConsistOf("--tls-server-cert vch1/server-cert.pem: unknown file-not-read"))
		said, _ = ask("tls", "-n vch1 --tls-cname n -f --ca a", inventory.Workstation{})
		Expect(said).To(ConsistOf("--tls-ca a: unknown file-not-read"))
	})

	It("are listed as they are to be read", func() {
		Expect(options("-k --ca a --rc r --rc r --tls-server-cert c --tls-server-key k").Files()).To(Equal([]string{"r"}))
		Expect(options("-n v --ca a --tls-server-cert c --tls-server-key k").Files()).To(ConsistOf(
			"a", "c", "k", "v/server-cert.pem", "v/server-key.pem", "v/ca.pem", "v/ca-key.pem", "v/cert.pem", "v/key.pem"))
	})
})
