package inventory_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// estate has networks and datastores in folders.
var estate = inventory.Placement{
	Datacenter: "/east/dc1",
	Datastores: []inventory.Datastore{
		{ID: "1", Name: "shared", Path: "/east/dc1/datastore/shared"},
		{ID: "2", Name: "twin", Path: "/east/dc1/datastore/a/twin"},
		{ID: "3", Name: "twin", Path: "/east/dc1/datastore/b/twin"},
		{ID: "4", Name: "podded", Path: "/east/dc1/datastore/a/pod/podded"},
	},
	Networks: []inventory.VirtualNetwork{
		{ID: "1", Name: "VM Network", Path: "/east/dc1/network/VM Network", Kind: inventory.StandardNetwork},
		{ID: "2", Name: "dvs1", Path: "/east/dc1/network/dvs1", Kind: inventory.SwitchNetwork},
		{ID: "3", Name: "bridge", Path: "/east/dc1/network/bridge", Kind: inventory.DistributedNetwork, Switch: "/east/dc1/network/dvs1"},
		{ID: "4", Name: "bridge-2", Path: "/east/dc1/network/deep/er/bridge-2", Kind: inventory.DistributedNetwork},
		{ID: "5", Name: "nsx", Path: "/east/dc1/network/deep/nsx", Kind: inventory.OpaqueNetwork},
		{ID: "6", Name: "twin", Path: "/east/dc1/network/deep/twin", Kind: inventory.StandardNetwork},
		{ID: "7", Name: "twin", Path: "/east/dc1/network/twin", Kind: inventory.StandardNetwork},
	},
}

var _ = DescribeTable("FindDatastores takes a name as vic-machine does", func(name string, want ...string) {
	ids := []string{}
	for _, d := range estate.FindDatastores(name) {
		ids = append(ids, d.ID)
	}
	Expect(ids).To(Equal(want))
},
	Entry("a name", "shared", "1"),
	Entry("a folder in the datastore", "shared/images/vch1", "1"),
	Entry("the scheme", "ds://shared", "1"),
	Entry("the scheme in capitals, and a folder", "DS://shared/images", "1"),
	Entry("in a datastore cluster", "podded", "4"),
	Entry("ambiguous", "twin", "2", "3"),
	Entry("a folder of the inventory is none", "a/twin"),
	Entry("upper case is another name", "Shared"),
	Entry("no part of a name", "share"),
	Entry("a glob", "sh*", "1"),
	Entry("one character", "t?in", "2", "3"),
	Entry("a class", "[ps]*", "1", "4"),
	Entry("a broken glob", "[s"),
	Entry("nothing means the only one", "", "1", "2", "3", "4"),
	Entry("the scheme alone", "ds://", "1", "2", "3", "4"),
	Entry("a path that net/url finds no host in", "/east/dc1/datastore/shared", "1", "2", "3", "4"),
)

var _ = DescribeTable("FindNetworks takes a name as vic-machine does", func(name string, want ...string) {
	ids := []string{}
	for _, n := range estate.FindNetworks(name) {
		ids = append(ids, n.ID)
	}
	Expect(ids).To(Equal(want))
},
	Entry("a name with a blank", "VM Network", "1"),
	Entry("in a folder", "nsx", "5"),
	Entry("deep in folders", "bridge-2", "4"),
	Entry("a switch", "dvs1", "2"),
	Entry("ambiguous", "twin", "6", "7"),
	Entry("a glob over all folders", "bridge*", "3", "4"),
	Entry("none", "bridge-3"),
	Entry("no name", ""),
	Entry("a folder is no network", "deep"),
	Entry("a relative path", "deep/twin", "6"),
	Entry("a relative path with more slashes", "./deep//twin", "6"),
	Entry("a path to the top", "./twin", "7"),
	Entry("a path is no tail of one", "er/bridge-2"),
	Entry("with the folder's own name", "network/twin", "7"),
	Entry("with the folder's own name, deeper", "deep/deep/twin", "6"),
	Entry("with another folder's name", "vm/twin"),
	Entry("an absolute path", "/east/dc1/network/deep/er/bridge-2", "4"),
	Entry("an absolute path elsewhere", "/east/dc2/network/twin"),
	Entry("a glob in each element", "/*/dc?/network/d*/t*", "6"),
	Entry("a glob does not cross a slash", "/east/dc1/network/*", "1", "2", "3", "7"),
	Entry("through the switch", "dvs1/bridge", "3"),
	Entry("through the switch, absolute", "/east/dc1/network/dvs1/bridge", "3"),
	Entry("through another switch", "dvs2/bridge"),
	Entry("through a network the search ends", "*/twin"),
	Entry("above the root", "../network/twin"),
	Entry("a broken glob", "deep/[t"),
)
