package vsphere_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// partsOf are the facts of a placement, part by part, and the reasons where something is
// not known.
func partsOf(p *inventory.Placement) (facts, reasons map[string]string) {
	facts, reasons = map[string]string{}, map[string]string{}
	add := func(part, reason string, values ...any) {
		facts[part], reasons[part] = fmt.Sprint(values...), reason
	}
	c := p.Compute
	add("compute", c.Unreadable, c.ID, c.Hosts, c.Datastores)
	add("drs", c.Unreadable, c.DRS, c.Groups)
	add("setting", p.Setting.Unreadable, p.Setting.Values)
	add("may change", "", p.Setting.MayChange)
	add("licenses", p.LicensesUnreadable, p.Licenses)
	add("in pool", p.Taken.Unreadable, p.Taken.InPool)
	add("in folder", p.Taken.Unreadable, p.Taken.InFolder)
	var stores, networks, mounts, members []string
	var whyMounts, whyMembers string
	for _, d := range p.Datastores {
		stores = append(stores, d.Path)
		mounts = append(mounts, fmt.Sprint(d.Mounts, d.Free != nil, d.Accessible))
		whyMounts += d.Unreadable
	}
	for _, n := range p.Networks {
		networks = append(networks, n.Path)
		members = append(members, fmt.Sprint(n.Hosts, n.Uplink))
		whyMembers += n.Unreadable
	}
	add("datastores", p.DatastoresUnreadable, stores)
	add("networks", p.NetworksUnreadable, networks)
	add("mounts", p.DatastoresUnreadable+whyMounts, mounts)
	add("members", p.NetworksUnreadable+whyMembers, members)
	var power, clocks []string
	var whyHosts string
	for _, id := range slices.Sorted(maps.Keys(p.Hosts)) {
		h := p.Hosts[id]
		power = append(power, fmt.Sprint(h.PoweredOn, h.ManagedBy, h.ManagedByKnown))
		clocks = append(clocks, fmt.Sprint(h.NTPRunning, h.NTPServers))
		whyHosts += h.Unreadable
	}
	add("power", whyHosts, power)
	add("clocks", whyHosts, clocks)
	return facts, reasons
}

// placeCall is one of the calls that a placement takes: by its method, and where that is not
// enough by what its answer holds.
type placeCall struct {
	method, holds string
	// costs are the parts that it brings.
	costs []string
}

const retrieve = "RetrievePropertiesEx"

var placeCalls = map[string]placeCall{
	"lists":         {retrieve, `<name>resourcePool</name>`, []string{"compute", "drs", "in pool"}},
	"configuration": {retrieve, `ClusterConfigInfoEx`, []string{"drs"}},
	"datacenters":   {retrieve, `<name>vmFolder</name>`, []string{"datastores", "networks", "mounts", "members", "in folder"}},
	"datastores":    {retrieve, `<obj type="Datastore">.*<name>parent</name>`, []string{"datastores", "mounts"}},
	"mounts":        {retrieve, `"DatastoreSummary"`, []string{"mounts"}},
	"networks":      {retrieve, `<obj type="VmwareDistributedVirtualSwitch">|<obj type="DistributedVirtualSwitch">`, []string{"networks", "members"}},
	"members":       {retrieve, `DVPortgroupConfigInfo"`, []string{"members"}},
	"manager":       {retrieve, `<name>licenseAssignmentManager</name>`, []string{"licenses"}},
	"licenses":      {"QueryAssignedLicenses", "", []string{"licenses"}},
	"setting":       {"QueryOptions", "", []string{"setting"}},
	"privilege":     {"HasPrivilegeOnEntities", "", []string{"may change"}},
	"names":         {"FindChild", "", []string{"in pool", "in folder"}},
	"states":        {retrieve, `managementServerIp`, []string{"power"}},
	"clocks":        {retrieve, `HostServiceInfo`, []string{"clocks"}},
}

// faultAnswer is an answer with a fault.
func faultAnswer(kind, inner string) []byte {
	return []byte(`<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" ` +
		`xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault><faultcode>ServerFaultCode</faultcode>` +
		`<faultstring>no</faultstring><detail><` + kind + `Fault xmlns="urn:vim25" xsi:type="` + kind + `">` + inner + `</` + kind +
		`Fault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>`)
}

// troubles are what a call may come to, and how the reason says it.
var troubles = map[string]struct {
	answer func(*simtest.Call) []byte
	reason string
}{
	"no permission": {func(*simtest.Call) []byte {
		return faultAnswer("NoPermission", `<object type="Folder">x</object><privilegeId>System.Read</privilegeId>`)
	}, "the account lacks the privilege "},
	"no property":   {func(*simtest.Call) []byte { return faultAnswer("InvalidProperty", `<name>strange</name>`) }, "there is no property strange"},
	"an empty body": {func(*simtest.Call) []byte { return []byte(emptyBody) }, "holds neither a result nor a fault"},
	"no XML":        {func(*simtest.Call) []byte { return []byte("<html>Service Unavailable") }, "<html>"},
	"a hang":        {func(c *simtest.Call) []byte { return c.Hang() }, "the time ran out"},
}

// wantedPlace is made by preparePlace.
var wantedPlace = vsphere.PlacementWanted{
	ComputeResource: "prod", Name: "vch1", Datastores: []string{"shared"}, Networks: []string{"bridge"},
}

func preparePlace(ctx context.Context, vc *sim.VCenter) {
	GinkgoHelper()
	e := administer(ctx, vc)
	s, err := vsphere.Connect(ctx, config(vc))
	Expect(err).NotTo(HaveOccurred())
	defer s.Close()
	inv := collect(ctx, s, vsphere.Selection{ComputeResource: "prod"})
	hosts := hostsOf(inv)
	e.addSwitch(e.NetworkFolder, "dvs1", hosts, "bridge")
	e.addStore("shared", hosts)
	e.setOption("true")
	must(must(e.finder.ResourcePool(ctx, "prod/Resources")).Create(ctx, "vch1", types.DefaultResourceConfigSpec()))
	e.addMachine("vch1", "prod/Resources/vch1")
	for _, h := range inv.Hosts {
		vc.Host(h.Name).Object().Config.DateTimeInfo = &types.HostDateTimeInfo{NtpConfig: &types.HostNtpConfig{Server: []string{"10.0.0.1"}}}
	}
}

var _ = Describe("one call of ReadPlacement that fails", func() {
	for _, trouble := range slices.Sorted(maps.Keys(troubles)) {
		t := troubles[trouble]
		It("costs its own facts alone: "+trouble, func(ctx SpecContext) {
			vc := start("open")
			preparePlace(ctx, vc)
			var failing atomic.Pointer[placeCall]
			var failed atomic.Int64
			s, err := bentOf(ctx, vc, func(c *simtest.Call) []byte {
				answer := c.Pass()
				call := failing.Load()
				if call == nil || c.Method != call.method || !regexp.MustCompile(call.holds).Match(bytes.ReplaceAll(answer, []byte("\n"), nil)) {
					return answer
				}
				failed.Add(1)
				return t.answer(c)
			})
			Expect(err).NotTo(HaveOccurred())
			inv := collect(ctx, s, vsphere.Selection{ComputeResource: "prod"})
			good, none := partsOf(place(ctx, s, inv, wantedPlace))
			for part, why := range none {
				Expect(why).To(BeEmpty(), part)
			}
			want := wantedPlace
			if trouble == "a hang" {
				want.CallTimeout = 2 * time.Second
			}
			for name, call := range placeCalls {
				if trouble == "a hang" && !slices.Contains([]string{"lists", "licenses", "clocks"}, name) {
					continue // each takes its time
				}
				failing.Store(&call)
				failed.Store(0)
				facts, reasons := partsOf(place(ctx, s, inv, want))
				Expect(failed.Load()).To(BeNumerically(">", 0), name)
				for part := range good {
					switch {
					case !slices.Contains(call.costs, part), name == "manager" && trouble == "no permission":
						Expect(facts[part]).To(Equal(good[part]), "%s, which %s does not bring", part, name)
					case part != "may change":
						Expect(facts[part]).NotTo(Equal(good[part]), "%s of %s", part, name)
						Expect(reasons[part]).To(Or(ContainSubstring(t.reason), ContainSubstring("is not known")), "%s of %s", part, name)
					default:
						Expect(facts[part]).To(Equal(inventory.Unknown.String()))
					}
				}
			}
		}, SpecTimeout(2*time.Minute))
	}
})
