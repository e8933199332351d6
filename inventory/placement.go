package inventory

import "time"

// Placement is what is known of the place where a virtual container host is to be
// created, besides its hosts' firewalls: what vic-machine create reads before it
// changes anything, and what its documentation asks for.
//
// Each part that may be refused by itself has an Unreadable of its own: one sentence
// that says why nothing is known, with the privilege where one is missing. It is empty
// where the part was read, or does not exist on this kind of endpoint.
type Placement struct {
	// DatacenterProblem says why it is not clear which datacenter is meant; empty where it is.
	DatacenterProblem string
	// Datacenter is the path of the datacenter that all this is of, such as /dc1; empty
	// where it could not be found.
	Datacenter string
	Compute    ComputeResource
	// Datastores and Networks are those of the datacenter, in the order of their paths.
	// All have their names; what else is known of one is known of those alone that the
	// virtual container host's options name.
	Datastores           []Datastore
	DatastoresUnreadable string
	Networks             []VirtualNetwork
	NetworksUnreadable   string

	// Setting is the vCenter's config.vpxd.SerialPort.PersistNetworkBacking.
	Setting Setting
	// Licenses are the hosts' by their IDs; of a bare ESXi host it is the one license
	// that has all the features of those which are installed there.
	Licenses           map[string]License
	LicensesUnreadable string
	// Hosts are by their IDs.
	Hosts           map[string]PlacedHost
	HostsUnreadable string

	// Taken says what has the virtual container host's name already.
	Taken NameHolder
	// OpsUser is what came of the operations user's login; nil where none was tried.
	OpsUser *Login
	// Workstation is what was found out on this machine.
	Workstation Workstation
	// ReadAt is when all this was read, by this machine's clock.
	ReadAt time.Time
}

// SettingName is the advanced option of a vCenter without which the network serial
// ports of container VMs are lost when the vCenter restarts: vmware/vic issue 6473.
const SettingName = "config.vpxd.SerialPort.PersistNetworkBacking"

// SettingPrivilege is what changing it takes, on the vCenter's root folder (vSphere API
// reference, OptionManager.UpdateOptions).
const SettingPrivilege = "Global.Settings"

// ComputeResource is the cluster or the standalone host that was named, by itself or by
// one of its resource pools.
type ComputeResource struct {
	// ID is empty where none was found; Problem says then why, in one sentence, or
	// Unreadable. Problem also says why create would not take one that was found.
	ID, Name, Path string
	Problem        string
	// Cluster is false for a standalone host and for a bare one.
	Cluster bool
	// Pool is the path of the resource pool that was named; else empty.
	Pool string
	// Hosts and Datastores are the IDs of those that the compute resource lists.
	Hosts, Datastores []string
	// DRS is ClusterConfigInfoEx.drsConfig.enabled, Groups are the names of the cluster's
	// groups of virtual machines and hosts.
	DRS    Tristate
	Groups []string
	// Unreadable says why the lists, DRS or the groups are not known.
	Unreadable string
}

// Datastore is one of the datacenter's.
type Datastore struct {
	ID, Name, Path string
	// Mounts are nil unless the datastore was asked for and could be read.
	Mounts     []Mount
	Unreadable string
	// Type is summary.type, such as VMFS or NFS; empty where it is not known.
	Type string
	// Free is summary.freeSpace in bytes; nil where it is not known.
	Free *int64
	// Accessible is summary.accessible. Maintenance is summary.maintenanceMode: normal,
	// inMaintenance or enteringMaintenance; empty where it is not known.
	Accessible  Tristate
	Maintenance string
}

// Mount is how one host has a datastore: HostMountInfo.
type Mount struct {
	Host string // its ID
	// ReadWrite is accessMode == readWrite. Mounted is Yes where the API leaves it out, as
	// its reference says; Accessible is Unknown then.
	ReadWrite, Mounted, Accessible Tristate
}

// NetworkKind is what kind of network it is.
type NetworkKind string

// The kinds of networks that a name can mean.
const (
	StandardNetwork    NetworkKind = "standard"    // Network: a port group of standard switches
	DistributedNetwork NetworkKind = "distributed" // DistributedVirtualPortgroup
	OpaqueNetwork      NetworkKind = "opaque"      // OpaqueNetwork, as of NSX
	SwitchNetwork      NetworkKind = "switch"      // a distributed switch itself
)

// VirtualNetwork is one of the datacenter's networks.
type VirtualNetwork struct {
	ID, Name, Path string
	Kind           NetworkKind
	// Hosts are the IDs of the hosts that have it; nil unless it was asked for and could be
	// read.
	Hosts      []string
	Unreadable string
	// Uplink is Yes for the port group of a distributed switch's uplinks. Switch is the path
	// of the distributed switch that it belongs to; empty where there is none.
	Uplink Tristate
	Switch string
}

// Setting is one advanced option of a vCenter.
type Setting struct {
	// Asked is false on a bare ESXi host, which has none.
	Asked bool
	// Values are what the server answered for the name, as text; none where it is not set.
	// vic-machine takes the setting as set by exactly one that is "true".
	Values     []string
	Unreadable string
	// MayChange says whether the account has Global.Settings on the root folder.
	MayChange Tristate
}

// Set reports whether vic-machine create would take the setting as made.
func (s Setting) Set() bool { return len(s.Values) == 1 && s.Values[0] == "true" }

// License is what a host's license, or a bare host's licenses together, permit. The key
// is never kept.
type License struct {
	// Name is the edition, such as vSphere 8 Enterprise Plus.
	Name string
	// Features are the keys that are licensed, such as serialuri and dvs.
	Features []string
	// Expires is zero where the license does not say, or does not expire.
	Expires time.Time
	// Evaluation licenses are those of the trial.
	Evaluation bool
}

// PlacedHost is what is known of a host besides inventory.Host.
type PlacedHost struct {
	PoweredOn Tristate
	// ManagedBy is the address of the vCenter that manages the host: empty where none does.
	// ManagedByKnown tells that from not known.
	ManagedBy      string
	ManagedByKnown bool
	// NTPServers are those that are configured, nil where they are not known. NTPRunning is
	// the service ntpd.
	NTPServers []string
	NTPRunning Tristate
	Unreadable string
}

// NameHolder says what has a name already.
type NameHolder struct {
	// InPool is the path of the virtual machine in the pool of that name below the chosen
	// pool, or where DRS is off in the chosen pool itself. InFolder is that of the child of
	// a vCenter's folder of virtual machines. Both are empty where there is none.
	InPool, InFolder string
	Unreadable       string
}

// Login is what came of one.
type Login struct {
	User string
	// Refused means a wrong user name or password, Err anything else that kept it from
	// being tried; both are zero where it succeeded.
	Refused bool
	Err     string
}

// Workstation is what was found out on the machine that runs this tool.
type Workstation struct {
	// Files are those that the options name, by the path as given.
	Files map[string]LocalFile
	// Registries are by host[:port]: empty for one that answers, else why it does not.
	Registries map[string]string
}

// LocalFile is a file of this machine. Content is nil where Err says why.
type LocalFile struct {
	Content []byte
	Err     string
	// Missing means that Err is no more than that there is none of this name.
	Missing bool
	// Unread says why nothing is known of it, not even whether it can be read; else it is
	// empty.
	Unread string
}
