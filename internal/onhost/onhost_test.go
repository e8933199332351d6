package onhost_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/onhost"
	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

// The machine's own shell under a folder, with a little of esxcli, takes the place
// of a host here. e2e/packets has a real login to a stand-in for all of ESXi's
// shell.

func TestOnHost(t *testing.T) { testsuite.Run(t, "internal/onhost") }

var _ = DescribeTable("a list of VIBs", func(list string, want []fix.InstalledVIB) {
	got, err := onhost.ReadVIBs(list)
	if want == nil {
		Expect(err).To(MatchError(ContainSubstring("did not print the table")))
		return
	}
	Expect(err).NotTo(HaveOccurred())
	Expect(got).To(Equal(want))
},
	Entry("of ESXi 7", ""+
		"Name                 Version                Vendor  Acceptance Level  Install Date\n"+
		"-------------------  ---------------------  ------  ----------------  ------------\n"+
		"esx-base             7.0.3-0.105.22348816   VMware  VMwareCertified   2024-01-02  \n"+
		"vmware-vic           1.0.0-6.7              us      CommunitySupported  2026-01-02\n",
		[]fix.InstalledVIB{{Name: "esx-base", ID: "VMware_bootbank_esx-base_7.0.3-0.105.22348816"}, {Name: "vmware-vic", ID: "us_bootbank_vmware-vic_1.0.0-6.7"}}),
	Entry("with the columns in another order, as ESXi 8 has more of them", ""+
		"Vendor  Name        Platforms  Version\n"+
		"------  ----------  ---------  -------\n"+
		"us      vmware-vic  host       1.0\n",
		[]fix.InstalledVIB{{Name: "vmware-vic", ID: "us_bootbank_vmware-vic_1.0"}}),
	Entry("with a blank in a vendor's name", ""+
		"Name  Version  Vendor      \n----  -------  ------------\nx     1        Some Company\n",
		[]fix.InstalledVIB{{Name: "x", ID: "Some Company_bootbank_x_1"}}),
	Entry("without VIBs", "Name  Version  Vendor\n----  -------  ------\n", []fix.InstalledVIB{}),
	Entry("without one of the columns", "Name  Version\n----  -------\nx     1\n", nil),
	Entry("in another language", "Nom   Version  Vendeur\n----  -------  -------\nx     1        y\n", nil),
	Entry("with an empty cell", "Name  Version  Vendor\n----  -------  ------\nx              y\n", nil),
	Entry("that is none", "Unknown command or namespace software vib list\n", nil),
)

var _ = DescribeTable("an error of ESXi's", func(stdout, stderr, says string) {
	Expect(onhost.Explained("esxcli software vib install", stdout, stderr)).To(Equal(says))
},
	Entry("on standard error", "", "[AcceptanceConfigError]\n VIB x's acceptance level is community, which is not compliant with the ImageProfile acceptance level partner\n",
		"esxcli software vib install failed: VIB x's acceptance level is community, which is not compliant with the ImageProfile acceptance level partner (the host's acceptance level takes no community VIB: --lower-acceptance-level)"),
	Entry("on standard output", "[VibDownloadError]\n ('x.vib', 'Bad VIB archive header')\n", "",
		"esxcli software vib install failed: ('x.vib', 'Bad VIB archive header') (the file is no VIB, or was damaged on the way)"),
	Entry("that nobody has explained", "", "It did not work.\n", "esxcli software vib install failed: It did not work."),
	Entry("of a heading alone", "", "[NoMatchError]\n", "esxcli software vib install failed: [NoMatchError] (the host has no VIB of that name)"),
	Entry("of nothing", "", "", "esxcli software vib install failed with exit code 1"),
)

var _ = DescribeTable("a command's name in an error", func(command, want string) {
	Expect(onhost.CommandName(command)).To(Equal(want))
},
	Entry(nil, "esxcli software vib install --dry-run -v '/tmp/x.vib'", "esxcli software vib install"),
	Entry(nil, "esxcli software acceptance set --level=CommunitySupported", "esxcli software acceptance set"),
	Entry(nil, "sha256sum < /tmp/x", "sha256sum"),
	Entry(nil, "rm -f /tmp/x", "rm"),
	Entry(nil, "cat /etc/vmware/firewall/service.xml", "cat"),
	Entry(nil, "cat '/etc/vmware/firewall/service.xml'", "cat"),
	Entry(nil, "umask 077; cat > '/tmp/x'", "umask 077; cat"),
	Entry(nil, "esxcli network firewall refresh", "esxcli network firewall refresh"),
)
