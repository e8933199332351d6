package checks

const (
	govcNetworks   = "govc find / -type n"
	govcDatastores = "govc find / -type s"
	govcPortgroup  = "govc dvs.portgroup.add -dvs {switch or} -type earlyBinding -nports 128 {vch}-bridge"
	govcJoin       = "govc dvs.add -dvs {switch} -pnic vmnic1 {host}"
	govcSetting    = "govc option.set config.vpxd.SerialPort.PersistNetworkBacking true"
	govcDRS        = "govc cluster.change -drs-enabled {drs cluster}"
	govcRename     = "govc object.rename {subject} NEW-NAME"

	// govc mounts for reading alone where no -mode is given.
	govcMount    = "govc datastore.create -type nfs -name {nfs} -mode readWrite -remote-host SERVER -remote-path EXPORT "
	govcUnmount  = "govc datastore.remove -ds {read only nfs} "
	govcRemote   = "govc datastore.info {store}"
	govcMounts   = "govc object.collect -s {store} host"
	govcHosts    = "govc find {subject} -type h"
	remoteIsSaid = " Of NFS, SERVER and EXPORT are what govc datastore.info calls Remote; a host that has it for reading alone gives it up first."

	govcLicenses = "govc license.ls -feature serialuri"
	govcAssign   = "govc license.assign -host {host} LICENSE-KEY"

	govcNTP      = "govc host.date.change -host {host} -server {server}"
	govcNTPStart = "govc host.service -host {host} start ntpd"
	govcNTPKeep  = "govc host.service -host {host} enable ntpd"
	powerCLINTP  = "Get-VMHost {name} | Add-VMHostNtpServer -NtpServer {servers}   # PowerCLI"
)

// createExplanations are the reasons of the checks of Create. What create says is from
// vmware/vic at commit 9489f63e3.
var createExplanations = []Explanation{
	{Reason: InOrder, Meaning: "What vic-machine create, or its manual, asks for is there."},
	{Reason: NotApplicable, Meaning: "This does not apply to the kind of target or compute resource, and create does not look either."},
	{Reason: NotAskedFor, Meaning: "The options ask for nothing of the kind, so there is nothing to judge."},
	{Reason: NotJudged, Meaning: "What this is judged for was not found: mend that first, which is a finding of its own."},
	{Reason: NotTried, Meaning: "The operations user's login was not tried: that takes its password, and it is a login."},
	{
		Reason: PlaceUnreadable,
		Meaning: "What is needed for a verdict could not be read, or the server did not say it. Where it is the account that may " +
			"not read it, create may be refused for the same reason.",
		Hint: "Give the account the privilege that the detail names, or use another account.",
		Differs: "create takes a read that is refused for a reason to refuse, or for a setting that is not made. It may be run by " +
			"another account: here it is not known, which is no pass (exit code 3).",
	},
	{
		Reason: DatacenterMissing, Class: CreateRefuses, Meaning: "The target has several datacenters and names none, or the one that it names is not there.",
		Hint: "Name the datacenter behind the target: --target HOST/DATACENTER.", Commands: []string{"govc find / -type d"},
		Create:  "Datacenter must be specified in --target (e.g. --target addr/datacenter)",
		Differs: "create ends with it. So does this: nothing else can be looked for.",
	},
	{
		Reason: ManagedByVCenter, Class: CreateRefuses, Meaning: "The target is an ESXi host that a vCenter manages.",
		Hint: "Give the vCenter as --target, and the host's cluster as --compute-resource.", Commands: []string{"govc object.collect -s {host} summary.managementServerIp"},
		Create: "Target is managed by vCenter server \"…\", please change --target to vCenter server address or select a standalone ESXi",
	},
	{
		Reason: ComputeResourceMissing, Class: CreateRefuses, Meaning: "The compute resource was not found, or several have its name.",
		Hint: "Give the cluster, the host or the resource pool by its path.", Commands: []string{"govc find / -type c -type r", "govc find / -type p"},
		Create: "No unambiguous default compute resource available: --compute-resource must be specified",
		Differs: "create goes on, and adds an issue of its own for each check that it has to skip. Here these are left out " +
			"(not-judged): there is one thing to mend.",
	},
	{
		Reason: DatastoreMissing, Class: CreateRefuses, Meaning: "The datacenter has no datastore of the name.",
		Hint: "Give one of those that the command lists.", Commands: []string{govcDatastores}, Create: "datastore '…' not found",
	},
	{
		Reason: DatastoreAmbiguous, Class: CreateRefuses, Meaning: "Several datastores of the datacenter have the name.",
		Hint: "Rename one of them: create takes no path here.", Commands: []string{govcDatastores}, Create: "ambiguous datastore …",
	},
	{
		Reason: DatastoreOutside, Class: CreateRefuses, Meaning: "No host of the compute resource has the datastore.",
		Hint: "Take another datastore, or give it to the hosts." + remoteIsSaid, Commands: []string{govcRemote, govcMount + "{compute}"},
		Create:  "Datastore \"…\" is not accessible by the compute resource",
		Differs: "create then says too that no single host can access all datastores. Here that is left out: it follows.",
	},
	{
		Reason: DatastoreInaccessible, Class: CreateSilent, Meaning: "vCenter says of the datastore as a whole that it is not accessible.",
		Hint: "Look at the storage behind it, and at the hosts' ways to it.", Commands: []string{"govc object.collect -s {subject} summary.accessible"},
		Differs: "create looks at the hosts' mounts alone. What is written there may fail all the same.",
	},
	{
		Reason: DatastoreMaintenance, Class: CreateSilent, Meaning: "The datastore is in maintenance mode, or on its way there: nothing new is to be put on it.",
		Hint: "End the maintenance, or take another datastore.", Commands: []string{"govc datastore.maintenance.exit -ds {store}"},
		Differs: "create does not look, and may fail when it uploads its files.",
	},
	{
		Reason: PartlyMounted, Class: CreateSilent, Meaning: "Some hosts of the compute resource cannot use the volume store: containers with a volume on it cannot run there.",
		Hint: "Give the datastore to these hosts, each a HOST, for reading and writing." + remoteIsSaid, Commands: []string{govcRemote, govcMounts, govcUnmount + "HOST", govcMount + "HOST"},
		Differs: "create is content with one host that has all datastores.",
	},
	{
		Reason: NoCommonHost, Class: CreateRefuses, Meaning: "There is no host that is connected, powered on, and has all the datastores for reading and writing.",
		Hint:     "Give the datastores to the hosts, each a HOST, or take others." + remoteIsSaid,
		Commands: []string{govcHosts, govcDatastores, govcRemote, govcUnmount + "HOST", govcMount + "HOST"},
		Create:   "No single host can access all of the requested datastores. Installation cannot continue.",
		Differs: "create then judges no firewall and no license at all. Here the hosts that are connected are judged as if they had the " +
			"datastores, so that all is known at once.",
	},
	{
		Reason: OneCommonHost, Class: CreateWarns, Meaning: "One host alone has all the datastores: all containers with volumes run there.",
		Hint: "Give the datastores to more hosts, each a HOST." + remoteIsSaid, Commands: []string{govcHosts, govcRemote, govcUnmount + "HOST", govcMount + "HOST"},
		Create: "Only one host can access all of the image/volume datastores. This may be a point of contention/performance degradation " +
			"and HA/DRS may not work as intended.",
	},
	{
		Reason: QuotaExceedsSpace, Class: CreateRefuses, Meaning: "The storage quota is more than the image store has free.",
		Hint: "Ask for less, or take another image store.", Commands: []string{"govc object.collect -s {subject} summary.freeSpace"},
		Create: "Storage quota exceeds datastore free space",
	},
	{
		Reason: HostUnattached, Class: CreateSilent,
		Meaning: "create does not see the host: it is not connected, is powered off, or does not have the image store for reading and writing. " +
			"What is wrong with it is found when it takes part again, and a container is started there.",
		Hint:     "Give the host the image store, connect it or power it on, and check again." + remoteIsSaid,
		Commands: []string{govcRemote, govcUnmount + "{host}", govcMount + "{host}"},
		Differs:  "create passes over such a host in silence. Here it is named, and what create would refuse on it is a warning.",
	},
	{
		Reason: NetworkMissing, Class: CreateRefuses, Meaning: "The datacenter has no network of the name.",
		Hint: "Give one of those that the command lists; without --public-network it is VM Network, without --bridge-network that of the virtual container host's own name. " +
			"Or make it, on a distributed switch that all hosts belong to.",
		Commands: []string{govcNetworks, "govc dvs.portgroup.add -dvs {networks}/DVS -type earlyBinding -nports 128 NETWORK"}, Create: "Error checking network for --public-network: network '…' not found",
		Differs: "create says it once for each role: one bad public network is three issues where the client and the management network " +
			"take it over. Here it is one finding that names the roles.",
	},
	{
		Reason: NetworkAmbiguous, Class: CreateRefuses, Meaning: "Several networks of the datacenter have the name, or fit it: create takes globs.",
		Hint: "Give the network by its path.", Commands: []string{govcNetworks}, Create: "ambiguous network …",
	},
	{
		Reason: NetworkKindUnfit, Class: CreateRefuses, Meaning: "On a vCenter the bridge network and the container networks must span hosts: a distributed port group, or an opaque network of NSX.",
		Hint:     "Make a distributed port group, on a switch that there is or a new one, and take that. The next run names the hosts that are to join it.",
		Create:   "An existing distributed port group or opaque network must be specified for bridge network on vCenter: …",
		Commands: []string{"govc dvs.create -folder {networks} DVS", govcPortgroup},
	},
	{
		Reason: BridgeShared, Class: CreateRefuses, Meaning: "The bridge network is also that of another role.",
		Hint: "Make a port group for the bridge alone, and give that as --bridge-network.", Commands: []string{govcPortgroup},
		Create: "the bridge network must not be shared with another network role - …",
	},
	{
		Reason: BridgeSharedByObject, Class: CreateSilent, Meaning: "The bridge network is also that of another role, spelled in another way.",
		Hint: "Make a port group for the bridge alone, and give that as --bridge-network.", Commands: []string{govcPortgroup},
		Differs: "create compares the names as they are given, and bridge-pg and /dc1/network/bridge-pg are two of them. Here the networks are compared.",
	},
	{
		Reason: UplinkPortGroup, Class: CreateSilent, Meaning: "The port group is that of the switch's uplinks: no virtual machine belongs there.",
		Hint: "Make a port group for the bridge alone, and give that as --bridge-network.", Commands: []string{govcPortgroup},
		Differs: "create takes any distributed port group.",
	},
	{
		Reason: ReservedAlias, Class: CreateRefuses, Meaning: "A container network has the alias bridge, which is the bridge network's.",
		Hint: "Give it another: --container-network NETWORK:ALIAS.", Create: "Cannot use reserved name \"bridge\" for container network",
	},
	{
		Reason: HostOutsideSwitch, Class: CreateRefuses, Meaning: "The host does not have the bridge network, or a container network: it is no member of the distributed switch.",
		Hint: "Add the host to the switch, with a network card that is free: vmnic1 stands for it.",
		Commands: []string{
			govcJoin, "Get-VDSwitch {switch name} | Add-VDSwitchVMHost -VMHost {name}   # PowerCLI",
		},
		Create: "All cluster hosts must be in the vDS or Opaque Network. \"…\" is missing hosts: …",
	},
	{
		Reason: HostOutsideNetwork, Class: CreateSilent, Meaning: "The host does not have the public, client or management network: the virtual container host cannot run there.",
		Hint: "Give the host the network, or take one that all hosts have.", Commands: []string{"govc host.portgroup.info -host {host}", govcJoin},
		Differs: "create asks the bridge network and the container networks alone. The product's manual asks for all networks on all hosts.",
	},
	{
		Reason: SettingUnset, Class: CreateSilent, Meaning: "The vCenter does not keep network serial ports over a restart, and container VMs lose theirs for good.",
		Hint: "Set it before, by hand or with --fix-setting, if create is to change nothing in the vCenter.", Commands: []string{govcSetting},
		Differs: "create sets it while it validates, also where it refuses the rest, and says \"Set vCenter settings OK\".",
	},
	{
		Reason: SettingRefused, Class: CreateRefuses, Meaning: "The vCenter does not keep network serial ports over a restart, and create cannot make it so: the account may not set that, or the vCenter answers several options for the name.",
		Hint: "Let somebody set it who has the privilege Global.Settings on the vCenter.", Commands: []string{govcSetting},
		Create: "vCenter advanced option config.vpxd.SerialPort.PersistNetworkBacking=true must be set",
	},
	{
		Reason: LicenseFeature, Class: CreateRefuses, Meaning: "The host's license lacks a feature that container VMs need. Enterprise Plus and the evaluation have both; standard editions do not.",
		Hint:     "Assign a license that has both: LICENSE-KEY is one that both lists have.",
		Commands: []string{govcLicenses, "govc license.ls -feature dvs", govcAssign, "Get-VMHost {name} | Set-VMHost -LicenseKey LICENSE-KEY   # PowerCLI"},
		Create:   "\"…\" - license missing feature \"serialuri\"; License does not meet minimum requirements to use VIC",
	},
	{
		Reason: LicenseEnded, Class: CreateSilent, Meaning: "The host's license has ended: it will lose its connection to vCenter, or has lost it.",
		Hint: "Assign a license that lasts.", Commands: []string{govcLicenses, govcAssign},
		Differs: "create looks at the features alone, which a license keeps when it has ended.",
	},
	{
		Reason: LicenseEndsSoon, Class: CreateSilent, Meaning: "The host's license ends within 30 days.",
		Hint: "Assign a license that lasts.", Commands: []string{govcLicenses, govcAssign},
		Differs: "create looks at the features alone.",
	},
	{
		Reason: DRSOff, Class: CreateWarns, Meaning: "The cluster has no resource pools without DRS, and nothing moves a container off a host that is full.",
		Hint: "Switch DRS on.", Commands: []string{govcDRS, "Set-Cluster {name} -DrsEnabled $true   # PowerCLI"},
		Create: "DRS is recommended, but is disabled:",
	},
	{
		Reason: VMGroupWithoutDRS, Class: CreateRefuses, Meaning: "--affinity-vm-group takes a cluster of a vCenter with DRS on.",
		Hint: "Switch DRS on, or leave the option away.", Commands: []string{govcDRS},
		Create: "DRS VM Groups may not be used without DRS",
	},
	{
		Reason: VMGroupExists, Class: CreateRefuses, Meaning: "The cluster has a group of the virtual container host's name, of virtual machines or of hosts.",
		Hint: "Take another --name, or remove the group if nobody needs it.", Commands: []string{"govc cluster.group.remove -cluster {subject} -name {vch}"},
		Create: "DRS VM Group named \"…\" already exists",
	},
	{
		Reason: ESXCLIRefused, Class: CreateRefuses, Meaning: "The host does not tell this account by esxcli whether its firewall is on.",
		Hint:     "Use an account with more than a read-only role on the host, for create too.",
		Commands: []string{"govc host.esxcli -host {host} network firewall get"},
		Create:   "ServerFaultCode: Permission to perform this operation was denied.",
		Differs:  "create ends at the first such host, and says nothing of those after it. Here every host is asked and named.",
	},
	{
		Reason: NameTaken, Class: CreateRefuses, Meaning: "The resource pool has a virtual machine of the name already, perhaps another virtual container host.",
		Hint:     "Take another --name. If the virtual machine is no virtual container host, give it another: it is a MACHINE that the command lists.",
		Commands: []string{"govc find / -type m -name {vch}", "govc object.rename MACHINE NEW-NAME"}, Create: "A VCH with the name \"…\" already exists. Please choose a different name …",
	},
	{
		Reason: NameTakenInFolder, Class: CreateRefuses, Meaning: "The datacenter's folder of virtual machines has something of the name: a folder, or a virtual machine.",
		Hint: "Take another --name, or give what is there one.", Commands: []string{"govc find -l {subject}", govcRename}, Create: "The specified VCH name (…) is already in use",
		Differs: "create does not find it while it validates, but after it has made a resource pool, which it removes again.",
	},
	{
		Reason: AdministrativeUser, Class: CreateWarns, Meaning: "Without --ops-user the virtual container host works as the user who creates it, and keeps that password.",
		Hint:   "Make a user for it: --ops-user, and --ops-grant-perms to give it what it needs.",
		Create: "Using administrative user for VCH operation - use --ops-user to improve security (see -x for advanced help)",
	},
	{
		Reason: OpsUserRefused, Class: CreateRefuses, Meaning: "The operations user cannot sign in.",
		Hint: "Look at its name and its password.", Create: "Failed to validate operations credentials: …",
		Differs: "With --ops-grant-perms create gives the user a role on the datacenter before it tries, and leaves it there when the login fails.",
	},
	{
		Reason: GrantWithoutUser, Class: CreateRefuses, Meaning: "--ops-grant-perms is about the user of --ops-user, and there is none.",
		Hint: "Give --ops-user, or leave --ops-grant-perms away.", Create: "Invalid use of flag: --ops-grant-perms. Cannot setup Roles and Permissions for administrative user.",
	},
	{
		Reason: NTPUnset, Class: CreateSilent, Meaning: "The host has no NTP server, so its clock drifts.",
		Hint: "Give all hosts the same NTP servers, and start the service.", Commands: []string{govcNTP, govcNTPStart, govcNTPKeep, powerCLINTP},
		Differs: "create does not look at the hosts' clocks. The product's manual asks for NTP on the vCenter and all hosts.",
	},
	{
		Reason: NTPStopped, Class: CreateSilent, Meaning: "The host has NTP servers, and does not ask them: the service ntpd is not running.",
		Hint: "Start it, and let it start with the host.", Commands: []string{govcNTPStart, govcNTPKeep},
		Differs: "create does not look at the hosts' clocks.",
	},
	{
		Reason: NTPDiffers, Class: CreateSilent, Meaning: "The host asks other NTP servers than most, and its clock may differ from theirs.",
		Hint: "Give all hosts the same NTP servers.", Commands: []string{"govc host.date.info -host {host}", govcNTP},
		Differs: "create does not look at the hosts' clocks.",
	},
	{
		Reason: InboundShut, Class: CreateSilent, Meaning: "The host's firewall does not let TCP 443 in for everybody who uploads to its datastores.",
		Hint: "Enable the ruleset vSphereClient, or let its list take the addresses in.", Commands: []string{
			"govc host.esxcli -host {host} network firewall ruleset set --ruleset-id=vSphereClient --enabled=true",
		},
		Differs: "create does not look, and fails when it uploads its files. The product's manual asks for it.",
	},
}
