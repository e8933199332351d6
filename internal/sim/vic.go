package sim

import (
	"fmt"

	"github.com/vmware/govmomi/vim25/types"
)

// persistNetworkBacking is the option that vic-machine create sets where it is not true
// (vmware/vic at 9489f63e3, lib/install/validate/validator.go).
const persistNetworkBacking = "config.vpxd.SerialPort.PersistNetworkBacking"

// vic is a cluster of so many hosts that let the port out, and another one beside it.
func vic(hosts int) []clusterSpec {
	open := allow("vic-engine", everyone())
	versions := []string{"8.0.2", "7.0.3", "6.7.0"}
	prod := clusterSpec{name: "prod"}
	for i := range hosts {
		prod.hosts = append(prod.hosts, hostSpec{name: fmt.Sprintf("esx%02d.example", i+1), version: versions[i%len(versions)], enable: open})
	}
	return []clusterSpec{prod, {name: "edge", hosts: []hostSpec{
		{name: "edge01.example", version: "7.0.3", enable: open},
		{name: "edge02.example", version: "7.0.3", enable: open},
	}}}
}

// furnish makes a vCenter with the clusters of vic one where vic-machine create passes with
// --compute-resource prod --image-store shared --bridge-network vic-bridge.
func furnish(vc *VCenter) error {
	all := vc.HostNames()
	prod, edge := all[:len(all)-2], all[len(all)-2:]
	vc.AddSwitch("dvs1", prod...)
	vc.AddPortgroup("dvs1", "vic-bridge", prod...)
	vc.AddDatastore("shared", prod...)
	vc.AddDatastore("vol-one", prod[0])
	vc.AddDatastore("shared-edge", edge...)
	vc.SetOption(persistNetworkBacking, "true")
	vc.licenseHosts(enterprisePlusLicense())
	for _, name := range all {
		vc.Host(name).SetNTP(true, "ntp1.example", "ntp2.example")
	}
	return nil
}

// furnishBroken is the same with each thing bent once that create would refuse or should
// warn of, for a virtual container host of the name vch1.
func furnishBroken(vc *VCenter) error {
	if err := furnish(vc); err != nil {
		return err
	}
	vc.SetOption(persistNetworkBacking)
	vc.SetDRS("prod", types.NewBool(false))
	vc.RenameNetwork("VM Network", "VM Network (old)")
	vc.SetUplink("vic-bridge", types.NewBool(true))
	vc.AddVMFolder("vch1")
	for _, name := range []string{"esx01.example", "esx02.example", "esx03.example"} {
		vc.ChangeMount("shared", name, func(m *types.HostMountInfo) { m.AccessMode = string(types.HostMountModeReadOnly) })
	}
	first, second, third := vc.Host("esx01.example"), vc.Host("esx02.example"), vc.Host("esx03.example")
	first.DropFeatures("serialuri")
	first.SetRuleset("vSphereClient", false) // which lets 443 in
	second.SetRuleset("vic-engine", false)
	vc.LeaveNetwork("vic-bridge", second.Name) // and dvs1
	third.RefuseEsxcli()
	third.SetNTP(false, "ntp1.example", "ntp2.example")
	return nil
}
