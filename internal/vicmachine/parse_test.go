package vicmachine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"pgregory.net/rapid"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/testsuite"
	"github.com/vic-preflight/vic-preflight/internal/vicmachine"
)

func TestVicmachine(t *testing.T) { testsuite.Run(t, "internal/vicmachine") }

// lines are command lines behind "vic-machine-linux create", as a shell's user writes
// them, and whether vic-machine takes them.
var lines = []struct {
	line  string
	taken bool
}{
	{``, true},
	{`--name vch1`, true},
	{`-name vch1`, true},
	{`--n vch1`, true},
	{`-n vch1`, true},
	{`-n=vch1`, true},
	{`--name=vch1`, true},
	{`--name=`, true},
	{`--name ""`, true},
	{`--name 'my vch'`, true},
	{`--name "my vch"`, true},
	{`--name my\ vch`, true},
	{`--name a=b`, true},
	{`--name=a=b`, true},
	{`--name -n`, true},
	{`--name --no-tls`, true},
	{`--name --`, true},
	{`--name one --name two`, true},
	{`-n one -n two`, true},
	{`-t vc.example/dc1 -u administrator@vsphere.local -p secret -r prod -i shared -b vic-bridge -k`, true},
	{`--target https://vc.example --thumbprint AA:BB`, true},
	{`--target root:secret@esx01.example`, true},
	{`--target sim://vic`, true},
	{`--target '%zz'`, false},
	{`--target 'a b'`, false},
	{`-p ''`, true},
	{`--password=-x`, true},
	{`-vs shared:default -vs nfs://nas/vol:nfs`, true},
	{`--vs a:b --vs c:d`, true},
	{`--volume-store a:b,c:d`, true},
	{`--volume-store a:b --vs c:d`, false},
	{`--dns-server 10.0.0.1 --dns-server 10.0.0.2`, true},
	{`--dns-server 10.0.0.1,10.0.0.2`, true},
	{`-cn ext-pg:ext -cng ext-pg:10.0.0.1/24 -cnr ext-pg:10.0.0.10-10.0.0.20 -cnd ext-pg:10.0.0.2 -cnf ext-pg:open`, true},
	{`--container-network=ext --container-network=int`, true},
	{`--bnr 172.16.0.0/12 --bnw 16`, true},
	{`--pn 'VM Network' --cln client --mn mgmt`, true},
	{`--public-network-ip 10.0.0.2/24 --public-network-gateway 10.0.0.1`, true},
	{`--client-network-gateway 10.1.0.0/16,10.2.0.0/16:10.0.0.1`, true},
	{`--no-tls --force`, true},
	{`-k -f`, true},
	{`-kf`, false},
	{`--no-tls=true`, true},
	{`--no-tls=t`, true},
	{`--no-tls=1`, true},
	{`--no-tls=FALSE`, true},
	{`--no-tls=yes`, false},
	{`--no-tls=`, false},
	{`--no-tls true`, false},
	{`-k --no-tls`, false},
	{`--kv`, true},
	{`--ops-user ops --ops-password x --ops-grant-perms`, true},
	{`--ops-grant-perms=false`, true},
	{`--ops-grant-perms=maybe`, false},
	{`--ops-grant-perms false`, false},
	{`--storage-quota 5`, true},
	{`-sq -5`, true},
	{`--sq 5GB`, false},
	{`--sq 0x10`, false},
	{`--endpoint-memory 0x800 --endpoint-cpu 010`, true},
	{`--endpoint-cpu two`, false},
	{`--cpu 1000 --cpur 10 --cpus HIGH --mem 2048 --memr 1 --mems 163840`, true},
	{`--cpu-shares medium`, false},
	{`--memory=2048MB`, false},
	{`--containers 100 --affinity-vm-group`, true},
	{`-v 1`, true},
	{`-v`, false},
	{`-v -k`, false},
	{`--debug=3`, true},
	{`--timeout 10m`, true},
	{`--timeout 10`, false},
	{`--ar --ai appliance.iso --bi bootstrap.iso --ksz 4096`, true},
	{`--ca a.pem --ca b.pem --rc r.pem --dir reg:5000 --wr '*.example.com'`, true},
	{`--https-proxy https://u:p@proxy:3128 --http-proxy '' --no-proxy a,b`, true},
	{`--syslog-address udp://log:514 --cnc '{name}-x' --base-image-size 8GB`, true},
	{`--organization a --organization b --tls-cname '*.example.com'`, true},
	{`--name vch1 --`, true},
	{`--name vch1 -- --no-tls`, false},
	{`--name vch1 stray --no-tls`, false},
	{`stray --name vch1`, false},
	{`--name vch1 -`, false},
	{`---name vch1`, false},
	{`--=vch1`, false},
	{`-=`, false},
	{`--Name vch1`, false},
	{`--nme vch1`, false},
	{`--image-datastore shared`, false},
	{`--external-network x`, false},
	{`--name`, false},
	{`-n vch1 --name vch1`, false},
	{`--use-rp`, false},
	{`--container-store shared`, false},
}

func split(line string) []string {
	words, err := vicmachine.ParseFile(strings.NewReader("vic-machine-linux create " + line))
	Expect(err).NotTo(HaveOccurred())
	return words
}

var _ = Describe("a command line of vic-machine create", func() {
	for _, l := range lines {
		It("is read as vic-machine reads it: "+l.line, func() {
			words := split(l.line)
			theirs, _, taken := oracle(words[2:])
			Expect(taken).To(Equal(l.taken), "the oracle")
			ours, err := vicmachine.Values(words)
			Expect(err == nil).To(Equal(l.taken), "this package: %v", err)
			if l.taken {
				Expect(ours).To(BeEquivalentTo(theirs))
			} else {
				var usage *vicmachine.UsageError
				Expect(errors.As(err, &usage)).To(BeTrue())
			}
		})
	}

	It("is read as vic-machine reads it, whatever words it is of", func() {
		// vic-machine moves words in front of the first option behind the last one: such a
		// line starts with an option here.
		var names []string
		for _, name := range vicmachine.Names() {
			if name != "help" && name != "extended-help" {
				names = append(names, name)
			}
		}
		names = append(names, strings.Fields("t u p n r i b bnr bnw cln pn mn cnc vs cn cng cnr cnd cnf mem memr mems cpur cpus sq kv ksz ca k rc dir wr ai bi f ar v")...)
		plain := []string{"x", "", "1", "true", "0x10", "high", "3m", "--", "-", "a=b", "a,b", "---x", "-=x", "--bogus", "é"}
		option := rapid.Custom(func(t *rapid.T) string {
			word := rapid.SampledFrom([]string{"-", "--"}).Draw(t, "dashes") + rapid.SampledFrom(names).Draw(t, "name")
			if rapid.Bool().Draw(t, "joined") {
				word += "=" + rapid.SampledFrom(plain).Draw(t, "value")
			}
			return word
		})
		refused, accepted := 0, 0
		rapid.Check(GinkgoT(), func(t *rapid.T) {
			words := []string{option.Draw(t, "first")}
			for range rapid.IntRange(0, 5).Draw(t, "words") {
				if rapid.Bool().Draw(t, "an option") {
					words = append(words, option.Draw(t, "option"))
				} else {
					words = append(words, rapid.SampledFrom(plain).Draw(t, "word"))
				}
			}
			theirs, _, taken := oracle(words)
			ours, err := vicmachine.Values(words)
			if (err == nil) != taken || taken && fmt.Sprint(ours) != fmt.Sprint(theirs) {
				t.Fatalf("%q\nours   %v %v\ntheirs %v %v", words, ours, err, theirs, taken)
			}
			if taken {
				accepted++
			} else {
				refused++
			}
		})
		Expect(refused).NotTo(BeZero())
		Expect(accepted).NotTo(BeZero())
	})

	DescribeTable("only asks for help", func(word string) {
		_, help, taken := oracle([]string{word})
		c, err := vicmachine.Parse([]string{"create", word})
		Expect(err).NotTo(HaveOccurred())
		Expect(c.Help).To(BeTrue())
		Expect(help || taken && strings.Contains("--extended-help -x", word)).To(BeTrue())
	},
		Entry(nil, "--help"), Entry(nil, "-h"), Entry(nil, "--extended-help"), Entry(nil, "-x"))

	DescribeTable("may start with the program and the verb", func(words ...string) {
		c, err := vicmachine.Parse(append(words, "-n", "vch1"))
		Expect(err).NotTo(HaveOccurred())
		Expect(c.VCH.Name).To(Equal("vch1"))
	},
		Entry("neither"),
		Entry(nil, "create"),
		Entry(nil, "vic-machine", "create"),
		Entry(nil, "vic-machine-linux", "create"),
		Entry(nil, "./vic-machine-darwin", "create"),
		Entry(nil, "sudo", "./vic-machine-linux", "create"),
		Entry(nil, `.\vic-machine-windows.exe`, "create"),
		Entry(nil, `C:\vic\vic-machine-windows`, "create"),
		Entry(nil, "/opt/vic/vic-machine-linux", "create"))

	DescribeTable("is refused for another verb", func(said, hint string, words ...string) {
		_, err := vicmachine.Parse(words)
		var usage *vicmachine.UsageError
		Expect(errors.As(err, &usage)).To(BeTrue())
		Expect(usage.Error()).To(ContainSubstring(said))
		Expect(usage.Hints).To(ContainElement(ContainSubstring(hint)))
	},
		Entry(nil, "vic-machine delete", "create alone", "vic-machine-linux", "delete", "--name", "x"),
		Entry(nil, "vic-machine ls", "create alone", "ls"),
		Entry(nil, "vic-machine update", "vic-preflight check", "./vic-machine-linux", "update", "firewall", "--allow"),
		Entry(nil, "is not create", "did you mean create?", "vic-machine-linux", "craete", "-n", "x"),
		Entry(nil, "is not create", "create --target", "vic-machine-linux", "-n", "x"),
		Entry(nil, "is not create", "create --target", "vic-machine-linux"))

	DescribeTable("offers what was meant", func(word, meant string) {
		_, err := vicmachine.Parse([]string{"--name", "x", word, "y"})
		var usage *vicmachine.UsageError
		Expect(errors.As(err, &usage)).To(BeTrue())
		Expect(usage.Error()).To(Equal("word 3, behind --name, is no option of vic-machine create"))
		Expect(usage.Hints).To(ConsistOf(ContainSubstring(meant)))
	},
		Entry(nil, "--bridge-netwrk", "--bridge-network?"),
		Entry(nil, "--no-tls-verify", "--no-tlsverify?"),
		Entry(nil, "--wholly-else", "--extended-help"))

	It("has vic-machine's defaults and roles", func() {
		c, err := vicmachine.Parse([]string{"create"})
		Expect(err).NotTo(HaveOccurred())
		public := checks.Role{Network: "VM Network"}
		Expect(*c).To(Equal(vicmachine.Command{VCH: checks.VCH{
			Name: "virtual-container-host", Public: public, Client: public, Management: public,
		}}))
		c, err = vicmachine.Parse(strings.Fields("--pn pub --mn= --cln cl --client-network-ip 10.0.0.2/24 --client-network-gateway 10.1.0.0/16:10.0.0.1"))
		Expect(err).NotTo(HaveOccurred())
		Expect(c.VCH.Public).To(Equal(checks.Role{Network: "pub", Given: true}))
		Expect(c.VCH.Client).To(Equal(checks.Role{Network: "cl", Given: true, IP: "10.0.0.2/24", Gateway: "10.1.0.0/16:10.0.0.1"}))
		Expect(c.VCH.Management).To(Equal(checks.Role{Network: "cl"}))
	})

	It("fills every field that an option is for", func() {
		c, err := vicmachine.Parse(strings.Fields("-n vch1 -r prod -i ds://shared/f --vs a:b -b br --bnr 172.16.0.0/16 --bnw 20 " +
			"--cn ext --cng ext:g --cnr ext:r --cnd ext:d --cnf ext:open --dns-server 1.1.1.1 --sq 7 --affinity-vm-group " +
			"--mem 1 --cpus low --ops-user ops --ops-password= --ops-grant-perms -k --kv --tls-server-cert c --tls-server-key k " +
			"--tls-cname cn --ca ca1 --ca ca2 --organization o --tls-cert-path p --ksz 4096 --rc rc --dir reg1 --wr reg2 " +
			"--http-proxy http://h:1 --https-proxy https://s:2 --no-proxy x,y --syslog-address udp://l --base-image-size 9GB " +
			"--cnc {id} --ai a.iso --bi b.iso -f -t vc/dc -u me -p= --thumbprint AA"))
		Expect(err).NotTo(HaveOccurred())
		public := checks.Role{Network: "VM Network"}
		empty := ""
		Expect(*c).To(Equal(vicmachine.Command{
			Target: "vc/dc", User: "me", Password: &empty, OpsPassword: &empty, Thumbprint: "AA", Empty: "ops-password",
			VCH: checks.VCH{
				Name: "vch1", ComputeResource: "prod", ImageStore: "ds://shared/f", VolumeStores: []string{"a:b"},
				Bridge: "br", Public: public, Client: public, Management: public, BridgeRange: "172.16.0.0/16", BridgeWidth: "20",
				ContainerNetworks: []string{"ext"}, ContainerGateways: []string{"ext:g"}, ContainerRanges: []string{"ext:r"},
				ContainerDNS: []string{"ext:d"}, ContainerFirewalls: []string{"ext:open"}, DNSServers: []string{"1.1.1.1"},
				StorageQuota: 7, AffinityVMGroup: true, Limits: []string{"cpu-shares", "memory"},
				OpsUser: "ops", OpsGrantPerms: true, OpsPasswordGiven: true, NoTLS: true, NoTLSVerify: true, ServerCert: "c", ServerKey: "k", TLSName: "cn",
				ClientCAs: []string{"ca1", "ca2"}, Organization: []string{"o"}, CertPath: "p", KeySize: "4096",
				RegistryCAs: []string{"rc"}, InsecureRegistries: []string{"reg1"}, WhitelistRegistries: []string{"reg2"},
				HTTPProxy: "http://h:1", HTTPSProxy: "https://s:2", NoProxy: "x,y", Syslog: "udp://l", BaseImageSize: "9GB",
				ContainerNames: "{id}", ApplianceISO: "a.iso", BootstrapISO: "b.iso", Force: true,
			},
		}))
	})

	It("tells which spellings are vic-machine's", func() {
		for _, name := range append(vicmachine.Names(), "t", "v", "cnf") {
			known, _ := vicmachine.Takes(name)
			Expect(known).To(BeTrue(), name)
		}
		for name, want := range map[string][2]bool{
			"v": {true, true}, "k": {true, false}, "f": {true, false}, "no-tls": {true, false}, "target": {true, true},
			"ops-grant-perms": {true, false}, "output": {false, false}, "--name": {false, false}, "": {false, false},
		} {
			known, value := vicmachine.Takes(name)
			Expect([2]bool{known, value}).To(Equal(want), name)
		}
	})
})
