package vsphere_test

import (
	"bytes"
	_ "embed"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// same reports whether both answers are equal, but for slices that are nil in
// one and empty in the other.
func same(a, b vsphere.Answer) bool {
	x, y := a.Objects(), b.Objects()
	if a.Token() != b.Token() || len(x) != len(y) {
		return false
	}
	for i := range x {
		if !reflect.DeepEqual(x[i], y[i]) {
			return false
		}
	}
	return true
}

// recorded answers: the simulator's, and one in vCenter's form.
var (
	//go:embed testdata/vcsim.xml
	vcsimAnswer string
	//go:embed testdata/vcenter.xml
	vcenterAnswer string
)

// one is an answer with one object in it, in vCenter's form.
func one(object string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` +
		`<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" ` +
		`xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><RetrievePropertiesExResponse xmlns="urn:vim25"><returnval>` +
		object + `</returnval></RetrievePropertiesExResponse></soapenv:Body></soapenv:Envelope>`
}

func prop(val string) string {
	return `<objects><obj type="HostSystem">host-1</obj><propSet><name>p</name>` + val + `</propSet></objects>`
}

// servicesAndClock are of a host; the second has the bytes of the first, but not its type.
var servicesAndClock = prop(`<val xsi:type="HostServiceInfo"><service><key>ntpd</key><label>NTP</label><required>false</required>`+
	`<uninstallable>false</uninstallable><running>true</running><ruleset>ntpClient</ruleset><policy>on</policy></service></val>`) +
	prop(`<val xsi:type="HostDateTimeInfo"><timeZone><key>UTC</key><name>UTC</name><description>UTC</description><gmtOffset>0</gmtOffset></timeZone>`+
		`<ntpConfig><server>10.0.0.1</server></ntpConfig></val>`) +
	prop(`<val xsi:type="HostServiceInfo"></val>`) + prop(`<val xsi:type="HostDateTimeInfo"></val>`) +
	prop(`<val xsi:type="HostSystemPowerState">poweredOn</val>`)

// netConfigs, mounts and adapters are lists of a host's configuration in vCenter's form.
const (
	vmk = `<candidateVnic><device>vmk1</device><key>vmotion.key-vim.host.VirtualNic-vmk1</key><portgroup></portgroup><spec><ip><dhcp>false</dhcp>` +
		`<ipAddress>10.5.0.1</ipAddress><subnetMask>255.255.255.0</subnetMask><ipV6Config>` +
		`<ipV6Address><ipAddress>fe80::1</ipAddress><prefixLength>64</prefixLength><origin>other</origin><dadState>preferred</dadState></ipV6Address>` +
		`<ipV6Address><ipAddress>fd00::1</ipAddress><prefixLength>64</prefixLength><origin>manual</origin></ipV6Address>` +
		`<autoConfigurationEnabled>false</autoConfigurationEnabled></ipV6Config></ip><mac>00:50:56:00:00:01</mac><mtu>1500</mtu>` +
		`<ipRouteSpec><ipRouteConfig xsi:type="HostIpRouteConfig"><defaultGateway>10.5.0.254</defaultGateway></ipRouteConfig></ipRouteSpec></spec></candidateVnic>`
	netConfigs = `<val xsi:type="ArrayOfVirtualNicManagerNetConfig"><VirtualNicManagerNetConfig><nicType>vmotion</nicType><multiSelectAllowed>true</multiSelectAllowed>` +
		vmk + `<candidateVnic><device>vmk2</device><key>vmotion.key-vim.host.VirtualNic-vmk2</key><portgroup>x</portgroup><spec><mac>m</mac></spec></candidateVnic>` +
		`<selectedVnic>vmotion.key-vim.host.VirtualNic-vmk2</selectedVnic><selectedVnic>vmotion.key-vim.host.VirtualNic-vmk1</selectedVnic></VirtualNicManagerNetConfig>` +
		`<VirtualNicManagerNetConfig><nicType>ptp</nicType><multiSelectAllowed>false</multiSelectAllowed>` + vmk + `</VirtualNicManagerNetConfig></val>`
	mounts = `<val xsi:type="ArrayOfHostFileSystemMountInfo"><HostFileSystemMountInfo><mountInfo><path>/vmfs/volumes/1</path><accessMode>readWrite</accessMode></mountInfo>` +
		`<volume xsi:type="HostVmfsVolume"><type>VMFS</type><name>local</name><capacity>7</capacity><blockSizeMb>1</blockSizeMb><maxBlocks>1</maxBlocks><majorVersion>6</majorVersion>` +
		`<version>6.82</version><uuid>u</uuid><extent><diskName>d</diskName><partition>1</partition></extent><vmfsUpgradable>false</vmfsUpgradable></volume></HostFileSystemMountInfo>` +
		`<HostFileSystemMountInfo><mountInfo><path>/vmfs/volumes/2</path><accessMode>readWrite</accessMode></mountInfo><volume xsi:type="HostNasVolume"><type>NFS</type><name>nfs</name>` +
		`<capacity>7</capacity><remoteHost>nas</remoteHost><remotePath>/x</remotePath><userName></userName><remoteHostNames>nas</remoteHostNames><remoteHostNames>nas2</remoteHostNames></volume>` +
		`<vStorageSupport>vStorageSupported</vStorageSupport></HostFileSystemMountInfo></val>`
	adapters = `<val xsi:type="ArrayOfHostHostBusAdapter"><HostHostBusAdapter xsi:type="HostBlockHba"><key>k</key><device>vmhba0</device><bus>0</bus><status>unknown</status>` +
		`<model>m</model></HostHostBusAdapter><HostHostBusAdapter xsi:type="HostInternetScsiHba"><device>vmhba64</device><bus>0</bus><status>online</status><model>iSCSI Software Adapter</model>` +
		`<isSoftwareBased>true</isSoftwareBased><discoveryCapabilities><iSnsDiscoverySettable>false</iSnsDiscoverySettable><slpDiscoverySettable>false</slpDiscoverySettable>` +
		`<staticTargetDiscoverySettable>true</staticTargetDiscoverySettable><sendTargetsDiscoverySettable>true</sendTargetsDiscoverySettable></discoveryCapabilities>` +
		`<supportedAdvancedOptions><label>l</label><summary>s</summary><key>LoginTimeout</key><optionType xsi:type="IntOption"><valueIsReadonly>false</valueIsReadonly><min>1</min><max>60</max>` +
		`<defaultValue>5</defaultValue></optionType></supportedAdvancedOptions><iScsiName>iqn.a</iScsiName><configuredSendTarget><address>10.3.0.1</address><port>3260</port></configuredSendTarget>` +
		`<configuredSendTarget><address>san</address></configuredSendTarget><configuredStaticTarget><address>fd00::3</address><port>3261</port><iScsiName>iqn.b</iScsiName></configuredStaticTarget>` +
		`</HostHostBusAdapter></val>`
)

var peerLists = prop(netConfigs) + prop(mounts) + prop(adapters)

var _ = It("lists of which little is kept cost few allocations", func() {
	simulators := strings.NewReplacer("<val ", `<val xmlns:i="http://www.w3.org/2001/XMLSchema-instance" `, "xsi:", "i:")
	for _, list := range []string{netConfigs, mounts, adapters, simulators.Replace(netConfigs), simulators.Replace(mounts), simulators.Replace(adapters)} {
		batch, kept := one(strings.Repeat(prop(list), 50)), vsphere.NewKeeper()
		Expect(testing.AllocsPerRun(20, func() {
			defer GinkgoRecover()
			_, _, err := vsphere.ReadAnswer(strings.NewReader(batch), kept)
			Expect(err).NotTo(HaveOccurred())
		})).To(BeNumerically("<", 50*30), "govmomi takes 350 to 640 for each")
	}
})

func firewallWith(inner string) string {
	return prop(`<val xsi:type="HostFirewallInfo">` + inner + `</val>`)
}

const policy = `<defaultPolicy><incomingBlocked>true</incomingBlocked><outgoingBlocked>false</outgoingBlocked></defaultPolicy>`

func rulesetXML(key string) string {
	return `<ruleset><key>` + key + `</key><label>x</label><required>false</required><enabled>true</enabled></ruleset>`
}

// whole answers are read without govmomi's decoder on the document.
const whole, left = false, true

type answerRow struct {
	body string
	left bool
}

var _ = It("a batch like the one before costs few allocations", func() {
	start := strings.Index(vcsimAnswer, `<objects><obj type="HostFirewallSystem">`)
	end := start + strings.Index(vcsimAnswer[start:], "</objects>") + len("</objects>")
	batch := one(strings.Repeat(vcsimAnswer[start:end], 50))
	kept := vsphere.NewKeeper()
	Expect(testing.AllocsPerRun(20, func() {
		defer GinkgoRecover()
		_, _, err := vsphere.ReadAnswer(strings.NewReader(batch), kept)
		Expect(err).NotTo(HaveOccurred())
	})).To(BeNumerically("<", 7*50), "6 for each host")
})

var _ = DescribeTable("reading an answer as govmomi does", func(row answerRow) {
	want, wantErr := vsphere.Oracle(strings.NewReader(row.body))
	for name, body := range map[string]io.Reader{
		"at once":      strings.NewReader(row.body),
		"byte by byte": iotest.OneByteReader(strings.NewReader(row.body)),
	} {
		got, isLeft, err := vsphere.ReadAnswer(body, vsphere.NewKeeper())
		Expect(err != nil).To(Equal(wantErr != nil), "%s: %v against %v", name, err, wantErr)
		if wantErr == nil {
			Expect(got).To(Equal(want), name)
		}
		Expect(isLeft).To(Equal(row.left), "%s: left to govmomi", name)
	}
},
	Entry("the simulator's", answerRow{vcsimAnswer, whole}),
	Entry("vCenter's", answerRow{vcenterAnswer, whole}),
	Entry("the page after the first", answerRow{strings.ReplaceAll(one(prop(`<val xsi:type="xsd:string">x</val>`)), "RetrievePropertiesExResponse", "ContinueRetrievePropertiesExResponse"), whole}),
	Entry("nothing found", answerRow{strings.NewReplacer("<returnval>", "", "</returnval>", "").Replace(one("")), whole}),
	Entry("an empty list", answerRow{one(""), whole}),
	Entry("a token alone", answerRow{one("<token>7</token>"), whole}),
	Entry("a token at the end", answerRow{one(prop(`<val xsi:type="xsd:string">x</val>`) + "<token>7</token>"), whole}),
	Entry("a token in the middle", answerRow{one(prop(`<val xsi:type="xsd:string">x</val>`) + "<token>7</token>" + prop(`<val xsi:type="xsd:string">y</val>`)), left}),
	Entry("white space between elements", answerRow{strings.ReplaceAll(one(firewallWith(policy+rulesetXML("a"))), "><", ">\n\t <"), whole}),
	Entry("carriage returns", answerRow{strings.ReplaceAll(one(prop(`<val xsi:type="xsd:string">x</val>`)), "><", ">\r\n<"), left}),

	Entry("lists of which little is kept", answerRow{one(peerLists), whole}),
	Entry("such lists with white space", answerRow{strings.ReplaceAll(one(peerLists), "><", ">\n <"), whole}),
	Entry("such lists that are empty", answerRow{one(prop(`<val xsi:type="ArrayOfVirtualNicManagerNetConfig"></val>`) +
		prop(`<val xsi:type="ArrayOfHostFileSystemMountInfo"></val>`) + prop(`<val xsi:type="ArrayOfHostHostBusAdapter"></val>`)), whole}),
	Entry("such lists with other letters", answerRow{strings.NewReplacer("<name>nfs", "<name>Lüfter &amp; Söhne").Replace(one(peerLists)), whole}),
	Entry("such lists with prefixes", answerRow{strings.NewReplacer("remoteHost>", "v:remoteHost>", "nicType>", "v:nicType>", "isSoftwareBased>", "v:isSoftwareBased>",
		`xmlns="urn:vim25"`, `xmlns="urn:vim25" xmlns:v="urn:vim25"`).Replace(one(peerLists)), whole}),
	Entry("such lists with attributes", answerRow{strings.NewReplacer("<ip>", `<ip a="b">`, "<remoteHost>", `<remoteHost a="b">`, "<configuredSendTarget>", `<configuredSendTarget xsi:type="HostInternetScsiHbaSendTarget">`).Replace(one(peerLists)), whole}),
	Entry("such lists with a flag as a number", answerRow{strings.ReplaceAll(one(peerLists), "<isSoftwareBased>true", "<isSoftwareBased>1"), whole}),
	Entry("such lists whose kind stands at the end", answerRow{strings.NewReplacer("<nicType>ptp</nicType>", "", vmk+"</VirtualNicManagerNetConfig>", vmk+"<nicType>ptp</nicType></VirtualNicManagerNetConfig>").Replace(one(peerLists)), whole}),
	Entry("such lists with a prefix of their own", answerRow{strings.ReplaceAll(strings.ReplaceAll(one(peerLists), "xsi:type", "i:type"), "<val i", `<val xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i`), whole}),
	Entry("such lists that mean something else by a prefix", answerRow{strings.ReplaceAll(one(peerLists), `<val xsi:type`, `<val xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsi="urn:other" i:type`), whole}),
	Entry("such a list with a port that is none", answerRow{strings.ReplaceAll(one(peerLists), "<port>3260", "<port>x"), left}),
	Entry("such a list that is cut off", answerRow{one(prop(strings.ReplaceAll(mounts, "</volume>", ""))), left}),
	Entry("a value's own prefix", answerRow{one(prop(`<val xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="xsd:string">x</val>`)), whole}),
	Entry("a prefix that means something else", answerRow{one(prop(`<val xmlns:xsi="urn:other" xsi:type="xsd:string">x</val>`)), whole}),
	Entry("a prefix that means nothing", answerRow{one(prop(`<val xmlns:xsi="" xsi:type="xsd:string">x</val>`)), whole}),
	Entry("a prefix that means something else for a whole property", answerRow{strings.Replace(one(prop(`<val xsi:type="xsd:string">x</val>`)), "<propSet>", `<propSet xmlns:xsi="urn:other">`, 1), whole}),
	Entry("attributes the other way round", answerRow{one(prop(`<val xsi:type="ManagedObjectReference" type="Folder">group-1</val>`)), whole}),
	Entry("single quotes", answerRow{one(prop(`<val type='Folder' xsi:type='ManagedObjectReference'>group-1</val>`)), whole}),
	Entry("a server's GUID", answerRow{one(prop(`<val type="Folder" serverGuid="g" xsi:type="ManagedObjectReference">group-1</val>`)), whole}),
	Entry("an entity in a value", answerRow{one(prop(`<val xsi:type="xsd:string">a&amp;b&#33;</val>`)), whole}),
	Entry("an entity that nobody declared", answerRow{one(prop(`<val xsi:type="xsd:string">&nope;</val>`)), left}),
	Entry("umlauts", answerRow{one(prop(`<val xsi:type="xsd:string">Köln</val>`)), whole}),
	Entry("CDATA", answerRow{one(prop(`<val xsi:type="xsd:string"><![CDATA[</objects>]]></val>`)), left}),
	Entry("a comment", answerRow{one(prop(`<val xsi:type="xsd:string">a<!-- </objects> -->b</val>`)), left}),
	Entry("a comment between objects", answerRow{one(prop(`<val xsi:type="xsd:string">x</val>`) + `<!-- -->` + prop(`<val xsi:type="xsd:string">y</val>`)), left}),
	Entry("a processing instruction", answerRow{one(`<?p?>` + prop(`<val xsi:type="xsd:string">x</val>`)), left}),
	Entry("no value", answerRow{one(prop(``)), whole}),
	Entry("an empty element", answerRow{one(prop(`<val xsi:type="xsd:string"/>`)), whole}),
	Entry("a value without a type", answerRow{one(prop(`<val>x</val>`)), whole}),
	Entry("a number", answerRow{one(prop(`<val xsi:type="xsd:int">7</val>`)), whole}),
	Entry("blanks around a boolean", answerRow{one(prop(`<val xsi:type="xsd:boolean"> true </val>`)), whole}),
	Entry("a boolean in digits", answerRow{one(prop(`<val xsi:type="xsd:boolean">1</val>`)), whole}),
	Entry("a boolean that is none", answerRow{one(prop(`<val xsi:type="xsd:boolean">maybe</val>`)), left}),
	Entry("a time with an offset", answerRow{one(prop(`<val xsi:type="xsd:dateTime">2026-10-01T06:12:00+02:00</val>`)), whole}),
	Entry("a time that is none", answerRow{one(prop(`<val xsi:type="xsd:dateTime">yesterday</val>`)), left}),
	Entry("a structure", answerRow{one(prop(`<val xsi:type="AboutInfo"><name>n</name></val>`)), whole}),
	Entry("a type that nobody knows", answerRow{one(prop(`<val xsi:type="NoSuchThing"><name>n</name></val>`)), whole}),
	Entry("an object without properties", answerRow{one(`<objects><obj type="HostSystem">host-1</obj></objects>`), whole}),
	Entry("an object without a reference", answerRow{one(`<objects></objects>`), whole}),
	Entry("an element that nobody knows", answerRow{one(`<objects><obj type="HostSystem">host-1</obj><more/></objects>`), whole}),

	Entry("a firewall without rulesets", answerRow{one(firewallWith(policy)), whole}),
	Entry("a firewall without a policy", answerRow{one(firewallWith(rulesetXML("a"))), whole}),
	Entry("half a policy", answerRow{one(firewallWith(`<defaultPolicy><outgoingBlocked>true</outgoingBlocked></defaultPolicy>` + rulesetXML("a"))), whole}),
	Entry("an empty policy", answerRow{one(firewallWith(`<defaultPolicy></defaultPolicy>`)), whole}),
	Entry("the policy after the rulesets", answerRow{one(firewallWith(rulesetXML("a") + policy)), whole}),
	Entry("equal rulesets", answerRow{one(firewallWith(policy + rulesetXML("a") + rulesetXML("a"))), whole}),
	Entry("a ruleset with a prefix of its own", answerRow{one(firewallWith(policy + strings.Replace(rulesetXML("a"), "<key>", `<key xmlns:v="urn:v">`, 1))), whole}),
	Entry("a ruleset in a ruleset", answerRow{one(firewallWith(policy + "<ruleset>" + rulesetXML("a") + "</ruleset>")), whole}),
	Entry("a ruleset with an attribute", answerRow{one(firewallWith(policy + strings.Replace(rulesetXML("a"), "<ruleset>", `<ruleset x="1">`, 1))), whole}),
	Entry("a ruleset with a port that is none", answerRow{one(firewallWith(strings.Replace(rulesetXML("a"), "<key>", "<rule><port>x</port></rule><key>", 1))), left}),
	Entry("a ruleset that does not end", answerRow{one(firewallWith("<ruleset><key>a</key>")), left}),

	Entry("services and clocks, shared", answerRow{one(servicesAndClock + servicesAndClock), whole}),
	Entry("a service with a prefix of its own", answerRow{one(strings.Replace(servicesAndClock, "<label>", `<label xmlns:v="urn:v">`, 1)), whole}),
	Entry("a service that does not end", answerRow{one(prop(`<val xsi:type="HostServiceInfo"><service></val>`)), left}),
	Entry("an end of a value in a comment", answerRow{one(prop(`<val xsi:type="HostServiceInfo"><!-- </val> --></val>`)), left}),

	Entry("a default namespace", answerRow{strings.ReplaceAll(strings.ReplaceAll(one(""), "soapenv:", ""), "xmlns:soapenv", "xmlns"), left}),
	Entry("another prefix", answerRow{strings.ReplaceAll(one(prop(`<val xsi:type="xsd:string">x</val>`)), "soapenv", "s"), whole}),
	Entry("another namespace", answerRow{strings.ReplaceAll(one(""), "schemas.xmlsoap.org", "schemas.example"), left}),
	Entry("a prefix on everything", answerRow{`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:v="urn:vim25" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><s:Body><v:RetrievePropertiesExResponse><v:returnval><v:objects><v:obj type="HostSystem">host-1</v:obj></v:objects></v:returnval></v:RetrievePropertiesExResponse></s:Body></s:Envelope>`, left}),
	Entry("a header", answerRow{strings.Replace(one(""), "<soapenv:Body>", "<soapenv:Header></soapenv:Header><soapenv:Body>", 1), left}),
	Entry("a fault", answerRow{`<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>no</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>`, left}),
	Entry("another method's answer", answerRow{strings.ReplaceAll(one(""), "RetrievePropertiesExResponse", "LoginResponse"), left}),
	Entry("cut off in the middle", answerRow{vcenterAnswer[:1500], left}),
	Entry("cut off at the end", answerRow{strings.TrimSuffix(one(""), "</soapenv:Envelope>"), left}),
	Entry("more after the end", answerRow{one("") + "<more/>", left}),
	Entry("nothing", answerRow{"", left}),
	Entry("a web page", answerRow{"<!DOCTYPE html><html></html>", left}),
)

var _ = Describe("what answers share", func() {
	read := func(text string, kept *vsphere.Keeper) vsphere.Answer {
		GinkgoHelper()
		a, isLeft, err := vsphere.ReadAnswer(strings.NewReader(text), kept)
		Expect(err).NotTo(HaveOccurred())
		Expect(isLeft).To(BeFalse())
		return a
	}
	rulesetsIn := func(a vsphere.Answer, n int) []*inventory.Ruleset {
		return vsphere.RulesetsIn(a.Objects()[n].PropSet[0].Val)
	}

	It("keeps equal rulesets, and equal lists of them, once", func() {
		kept := vsphere.NewKeeper()
		text := one(firewallWith(policy+rulesetXML("a")+rulesetXML("b")) + firewallWith(policy+rulesetXML("a")+rulesetXML("b")) +
			firewallWith(policy+rulesetXML("b")))
		first, second := read(text, kept), read(text, kept)
		Expect(&rulesetsIn(first, 0)[0]).To(BeIdenticalTo(&rulesetsIn(first, 1)[0]))
		Expect(&rulesetsIn(first, 0)[0]).To(BeIdenticalTo(&rulesetsIn(second, 0)[0]))
		Expect(rulesetsIn(first, 2)[0]).To(BeIdenticalTo(rulesetsIn(first, 0)[1]))
	})

	It("keeps what came of an answer that was read into the same memory as the next", func() {
		kept := vsphere.NewKeeper()
		body := []byte(one(firewallWith(rulesetXML("aaaa")) + prop(`<val xsi:type="xsd:string">word</val>`)))
		a, _, err := vsphere.ReadAnswer(bytes.NewReader(body), kept)
		Expect(err).NotTo(HaveOccurred())
		_, _, err = vsphere.ReadAnswer(strings.NewReader(strings.Repeat("z", 2*vsphere.WindowSize)), kept)
		Expect(err).To(HaveOccurred())
		Expect(rulesetsIn(a, 0)[0].Key).To(Equal("aaaa"))
		Expect(a.Objects()[1].PropSet[0].Val).To(Equal("word"))
	})

	It("reads objects larger than its window", func() {
		long := strings.Repeat("x", 5*vsphere.WindowSize)
		a := read(one(prop(`<val xsi:type="xsd:string">`+long+`</val>`)+prop(`<val xsi:type="xsd:string">y</val>`)), vsphere.NewKeeper())
		Expect(a.Objects()[0].PropSet[0].Val).To(Equal(long))
		Expect(a.Objects()[1].PropSet[0].Val).To(Equal("y"))
	})

	It("passes on what goes wrong with the connection", func() {
		text := vcenterAnswer
		_, _, err := vsphere.ReadAnswer(io.MultiReader(strings.NewReader(text[:len(text)/2]), iotest.ErrReader(io.ErrClosedPipe)), vsphere.NewKeeper())
		Expect(err).To(MatchError(io.ErrClosedPipe))
	})
})

// FuzzAnswer compares the reader with govmomi's decoder.
func FuzzAnswer(f *testing.F) {
	for _, text := range []string{
		vcenterAnswer,
		one(firewallWith(policy + rulesetXML("a") + rulesetXML("a"))),
		one(prop(`<val xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="xsd:boolean">true</val>`)),
		one(prop(`<val xsi:type="ManagedObjectReference" type="Folder">group-1</val>`) + "<token>7</token>"),
		one(servicesAndClock),
		one(peerLists),
		string(faultAnswer("NoPermission", `<object type="HostSystem">host-1</object><privilegeId>System.View</privilegeId>`)),
		strings.Replace(one(prop(`<val xsi:type="xsd:string">x</val>`)), "<propSet>", `<propSet xmlns:xsi="urn:other">`, 1),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		want, wantErr := vsphere.Oracle(bytes.NewReader(text))
		kept := vsphere.NewKeeper()
		for range 2 { // the second time from what was kept
			got, _, err := vsphere.ReadAnswer(bytes.NewReader(text), kept)
			if (err != nil) != (wantErr != nil) {
				t.Fatalf("%v against govmomi's %v", err, wantErr)
			}
			if err != nil && vsphere.Describe(err) == "" {
				t.Fatalf("nothing is said of %v", err)
			}
			if err == nil && !same(got, want) {
				t.Fatalf("%#v against govmomi's %#v", got, want)
			}
		}
	})
}
