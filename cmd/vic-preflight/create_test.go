package main

import (
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// wanted is a virtual container host that sim://vic would take.
const wanted = "--compute-resource prod --image-store shared --bridge-network vic-bridge --name vch1 --no-tls"

// created runs create with words that blanks part.
func created(words string, more ...string) invocation {
	return invocation{args: append(append([]string{"create"}, strings.Fields(words)...), more...)}
}

var _ = Describe("create", func() {
	// said is what a JSON report says of the virtual container host.
	type said struct {
		VCH struct {
			Name   string
			Checks []struct{ ID, Subject, Status, Reason, Class string }
		}
		Hosts []struct{ Name string }
	}

	DescribeTable("takes vic-machine's command line", func(ctx SpecContext, run invocation) {
		out := run.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		var found said
		onTarget(out, &found)
		Expect(found.VCH.Name).To(Equal("vch1"))
		Expect(found.Hosts).To(HaveLen(3), "those of the compute resource")
		Expect(out.stdout + out.stderr).NotTo(ContainSubstring(secret))
	},
		Entry("as a whole, behind dashes", created("-o json -- vic-machine-linux create --target sim://vic "+wanted)),
		Entry("without the dashes", created("-o json ./vic-machine-linux create --target sim://vic "+wanted)),
		Entry("its options beside this tool's own", created(wanted+" -o json --target sim://vic")),
		Entry("with one dash, =, and short forms", created("-o json -t=sim://vic -r prod -i=shared -b vic-bridge -n vch1 -k")),
		Entry("a target as an argument", created("sim://vic -o json "+wanted)),
		Entry("this tool's target wins", created("--target sim://vic -o json -- create --target vc.example --user root --password "+secret+" "+wanted)),
		Entry("secrets in it", created("-o json -- create --target sim://vic --ops-user ops --ops-password "+secret+" --https-proxy http://me:"+secret+"@proxy:1 "+wanted)),
		Entry("from standard input", invocation{
			args:  []string{"create", "--from-file", "-", "-o", "json"},
			stdin: "# what we deploy\nvic-machine-linux create --target 'sim://vic' \\\n --password '" + secret + "' " + wanted + "\n",
		}))

	It("logs in as the command line says", func(ctx SpecContext) {
		vc := start("vic")
		login := "--target root:" + secret + "@" + vc.URL.Host + " --thumbprint " + vc.ThumbprintSHA1() + " "
		out := created("-o json -- vic-machine-linux create " + login + wanted).run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(out.stdout + out.stderr).NotTo(ContainSubstring(secret))

		By("the operations user, too, where that is asked for")
		ops := " --ops-user root --ops-password "
		Expect(created("--ops-login -o json -- create " + login + wanted + ops + secret).run(ctx).code).To(Equal(exitOK))
		refused := created("--ops-login -o json -- create " + login + wanted + ops + "wrong").run(ctx)
		Expect(refused.code).To(Equal(exitFailed), refused.stderr)
		Expect(refused.stdout).To(ContainSubstring("ops-user-refused"))
		Expect(vc.OpenSessions()).To(BeZero())
	})

	It("sends the credentials of the command line to its own target alone", func(ctx SpecContext) {
		vc := start("vic")
		line := "-- vic-machine-linux create --user root --password " + secret + " --target "
		own := "--target " + vc.URL.Host + " --thumbprint " + vc.Thumbprint + " -o json "
		out := created(own + line + vc.URL.Host + "/dc1 " + wanted).run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		out = created(own + line + "vc.example " + wanted).run(ctx)
		Expect(out.code).To(Equal(exitUsage), out.stderr)
		Expect(out.stderr).To(And(ContainSubstring("is passed over"), ContainSubstring("no user"), Not(ContainSubstring(secret))))
		Expect(vc.RequestsOf("Login")).To(Equal(1))
	})

	It("takes the address that hosts will dial for the port's peer", func(ctx SpecContext) {
		address := " --public-network-ip 10.1.2.3/24 --public-network-gateway 10.1.2.1"
		Expect(created("sim://vic " + wanted + address).run(ctx).stdout).To(ContainSubstring("outbound TCP 2377 to 10.1.2.3"))
		Expect(created("sim://vic --vch-ip 10.9.9.9 " + wanted + address).run(ctx).stdout).To(ContainSubstring("outbound TCP 2377 to 10.9.9.9"))
	})

	It("breaks each check once where everything is wrong", func(ctx SpecContext) {
		out := created("sim://vic-broken -o json " + wanted).run(ctx)
		Expect(out.code).To(Equal(exitFailed), out.stderr)
		var found said
		onTarget(out, &found)
		reasons := map[string]string{}
		for _, c := range found.VCH.Checks {
			if c.Class != "" {
				Expect(reasons).NotTo(HaveKey(c.ID))
				reasons[c.ID] = c.Reason + " " + c.Class
			}
		}
		Expect(reasons).To(Equal(map[string]string{
			"datastore-access": "no-common-host create-refuses", "networks": "network-missing create-refuses",
			"bridge-network": "uplink-port-group create-silent", "persist-network-backing": "setting-unset create-silent",
			"drs": "drs-off create-warns", "vch-name": "name-taken-in-folder create-refuses",
			"ops-user": "administrative-user create-warns", "tls": "no-tls create-warns",
		}))
		for _, reason := range []string{"license-feature", "ruleset-disabled", "host-outside-switch", "esxcli-refused", "ntp-stopped", "inbound-shut"} {
			Expect(strings.Count(out.stdout, `"`+reason+`"`)).To(Equal(1), reason)
		}
	})

	It("finds that what was named is not there, and tells it as a finding", func(ctx SpecContext) {
		for words, reason := range map[string]string{
			"sim://vic --compute-resource nosuch":          "compute-resource-missing",
			"sim://vic/nosuch --compute-resource prod":     "datacenter-missing",
			"sim://vic --image-store nosuch -r prod":       "datastore-missing",
			"sim://vic --bridge-network nosuch -r prod":    "network-missing",
			"sim://vic -r prod --container-network=nosuch": "network-missing",
		} {
			for _, format := range []string{"table", "json", "junit", "html"} {
				out := created(words+" --no-tls", "-o", format).run(ctx)
				Expect(out.code).To(Equal(exitFailed), "%s: %s", words, out.stderr)
				Expect(out.stdout).To(ContainSubstring(reason), words)
			}
		}
	})

	It("sends its reports where the configuration says, and heeds its waivers", func(ctx SpecContext) {
		dir := GinkgoT().TempDir()
		file := configured("targets: [{target: sim://vic-broken}]\noutput: [json=" + filepath.Join(dir, "r.json") + "]\nonly: [vch-name]\n" +
			"waivers: [{check: vch-name, reason: name-taken-in-folder, because: it is removed tonight, expires: 2100-01-01}]\n")
		out := created("--config " + file + " " + wanted).run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		report, err := os.ReadFile(filepath.Join(dir, "r.json"))
		Expect(err).NotTo(HaveOccurred())
		Expect(string(report)).To(ContainSubstring("it is removed tonight"))
	})

	DescribeTable("refuses what is wrong with the command line", func(ctx SpecContext, row badRow) { verifyBad(ctx, row) },
		Entry("an option of nobody", badRow{created("sim://vic --image-stroe shared"), exitUsage, "image-stroe", "image-store"}),
		Entry("an option of nobody, behind dashes", badRow{created("-- --target sim://vic --image-stroe shared"), exitUsage, "word 3, behind --target, is no option of vic-machine create", "--image-store"}),
		Entry("an empty one", badRow{created("sim://vic", "--image-store="), exitUsage, "--image-store is given and empty", "is a variable unset?"}),
		Entry("one that needs a value", badRow{created("sim://vic --image-store"), exitUsage, "--image-store needs a value", ""}),
		Entry("another verb", badRow{created("-- vic-machine-linux delete --target sim://vic"), exitUsage, "delete", ""}),
		Entry("two targets", badRow{created("sim://vic --target sim://open " + wanted), exitUsage, "one target", ""}),
		Entry("hosts", badRow{created("sim://vic --host esx01* " + wanted), exitUsage, "--host narrows the hosts", "--compute-resource"}),
		Entry("an operations user's login without one", badRow{created("sim://vic --ops-login " + wanted), exitUsage, "--ops-login", "--ops-user"}),
		Entry("the setting of a bare host", badRow{created("sim://esxi --fix-setting " + wanted), exitUsage, "--fix-setting", ""}),
		Entry("a file that is not there", badRow{created("--from-file nosuch.txt"), exitUsage, "nosuch.txt", ""}),
		Entry("a file beside options", badRow{created("--from-file - --name vch1"), exitUsage, "--from-file brings the whole command line", "leave one of them out"}),
		Entry("a file that runs something", badRow{
			invocation{args: []string{"create", "--from-file", "-"}, stdin: "vic-machine-linux create --name $(hostname)"}, exitUsage, "standard input: --name", "",
		}),
		Entry("a check that is none", badRow{created("sim://vic --only nosuch " + wanted), exitUsage, "nosuch", ""}))
})
