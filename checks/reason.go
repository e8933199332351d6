package checks

import (
	"slices"
	"sync"
)

// Reason is a stable kebab-case code that says why a result has its status.
type Reason string

// The reasons. They are a contract: scripts compare them.
const (
	Permitted               Reason = "permitted"
	AllowedHostsUnverified  Reason = "allowed-hosts-unverified"
	BorrowedRuleset         Reason = "borrowed-ruleset"
	ListsOverlap            Reason = "lists-overlap"
	FirewallOff             Reason = "firewall-off"
	DefaultPass             Reason = "default-pass"
	AllowedHostsExcludePeer Reason = "allowed-hosts-exclude-peer"
	RulesetDisabled         Reason = "ruleset-disabled"
	NoRuleset               Reason = "no-ruleset"
	SwitchedByService       Reason = "switched-by-service"
	SwitchedByHost          Reason = "switched-by-host"
	SwitchedWhenNeeded      Reason = "switched-when-needed"
	FactsUnavailable        Reason = "facts-unavailable"

	Filtering        Reason = "filtering"
	SwitchUnreadable Reason = "switch-unreadable"
	SwitchNotAsked   Reason = "switch-not-asked"
	FactsStale       Reason = "facts-stale"

	HostConnected     Reason = "connected"
	HostDisconnected  Reason = "disconnected"
	HostNotResponding Reason = "not-responding"
	HostMaintenance   Reason = "maintenance"
	HostStandby       Reason = "standby"
	HostQuarantine    Reason = "quarantine"

	SurvivesReboot   Reason = "survives-reboot"
	LostAtReboot     Reason = "lost-at-reboot"
	LostByReboot     Reason = "lost-by-reboot"
	OriginUnknown    Reason = "origin-unknown"
	NothingToPersist Reason = "nothing-to-persist"

	NotProbed           Reason = "not-probed"
	Reachable           Reason = "reachable"
	ReachableUnverified Reason = "reachable-unverified"
	OpenUnexpected      Reason = "open-unexpected"
	NobodyListens       Reason = "nobody-listens"
	PathBlocked         Reason = "path-blocked"
	HostBlocked         Reason = "host-blocked"
	Blocked             Reason = "blocked"
	NameUnresolved      Reason = "name-unresolved"
	PathIntercepted     Reason = "path-intercepted"
	ProbeFailed         Reason = "probe-failed"
	Accepted            Reason = "accepted"
	NotThePeer          Reason = "not-the-peer"
	NotProvable         Reason = "not-provable"

	SettingsKnown Reason = "settings-known"

	Uniform     Reason = "uniform"
	Drift       Reason = "drift"
	TooFewHosts Reason = "too-few-hosts"
)

// Explanation is what a user needs to know about a reason. Its texts are for
// Requirement.Say, but for Create and Differs.
type Explanation struct {
	Reason  Reason
	Meaning string
	// Create is a short quotation of what vic-machine create says where it finds the same;
	// empty where it is silent, or the reason is none of a run about it. Differs tells, where
	// our verdict or our way to it is another, why.
	Create, Differs string
	// Class is what create does about it on what it looks at; empty where the reason is no
	// finding of the checks of Create.
	Class Class
	// Hint says how to mend it in a sentence or two; empty where nothing is wrong.
	Hint string
	// Commands mend it. A line that needs a value which nobody has is left out. Words in
	// capitals the user fills, and the hint says with what. Place holders stand for
	//   - the affected: {target}, {host} (by path), {name}, {cluster}, {ruleset}; {subject} is
	//     a result's, by path;
	//   - the virtual container host: {vch} is its name, {compute} the path of its compute
	//     resource and {drs cluster} too, where that is a cluster, {networks} the path of its
	//     datacenter's networks;
	//   - Verdict.Switch: {switch}, {switch name}, and {switch or} with a word for want of one;
	//   - Verdict.Store, or a datastore that is the subject: {store} is its path, {datastore}
	//     its name, {nfs} that too where it is NFS, {read only nfs} the path of one that is
	//     mounted for reading alone;
	//   - Verdict.Servers: {server} and {servers}.
	Commands []string
}

// Explain returns the explanation of a reason; ok is false for an unknown one.
func Explain(reason Reason) (e Explanation, ok bool) {
	for _, e := range Explanations() {
		if e.Reason == reason {
			return e, true
		}
	}
	return Explanation{}, false
}

// Explanations returns all explanations, in the order of the checks.
// They are not to be written to.
func Explanations() []Explanation { return allExplanations() }

var allExplanations = sync.OnceValue(func() []Explanation { return slices.Concat(explanations, createExplanations, inputExplanations) })

// createOnPort is what vic-machine create says of a host whose port is shut
// (lib/install/validate/config.go).
const createOnPort = "Firewall configuration incorrect on hosts: …; Firewall must permit dst 2377/tcp outbound to the VCH management interface"

const (
	preflightFix    = "vic-preflight fix --allow --target {target} --compute-resource {cluster}"
	vicMachineAllow = "vic-machine-linux update firewall --target {target} --user USER --thumbprint THUMBPRINT --compute-resource {cluster} --allow"
	govcEnable      = "govc host.esxcli -host {host} network firewall ruleset set --ruleset-id={ruleset} --enabled=true"
	esxcliEnable    = "esxcli network firewall ruleset set --ruleset-id={ruleset} --enabled=true   # on the host"
	esxcliAllowedIP = "esxcli network firewall ruleset allowedip add --ruleset-id={ruleset} --ip-address={peer}   # on the host"
	govcAllowedIP   = "govc host.esxcli -host {host} network firewall ruleset allowedip add --ruleset-id={ruleset} --ip-address={peer}"
	govcSwitchOn    = "govc host.esxcli -host {host} network firewall set --enabled=true"
	govcDefaultDrop = "govc host.esxcli -host {host} network firewall set --default-action=false"
	govcHostInfo    = "govc host.info -host {host}"
	fixHost         = "vic-preflight fix --allow --target {target} --host {name}"
	vibBuild        = "vic-preflight vib build --output {vib}.vib   # --esxi 6-7 for ESXi 6.x and 7.x"
	vibInstall      = "vic-preflight fix --allow --method vib --vib {vib}.vib --lower-acceptance-level --target {target} --host {name}"
)

var explanations = []Explanation{
	{
		Reason:  Permitted,
		Meaning: "An enabled ruleset lets the port {way}, and its allowed hosts cover {the peer}.",
	},
	{
		Reason: AllowedHostsUnverified,
		Meaning: "An enabled ruleset lets the port {way}, but only to a list of addresses, and no address of " +
			"{the peer} was given to compare it with.",
		Hint: "Run the check again with {option} ADDRESS (or {its network}).",
	},
	{
		Reason: BorrowedRuleset,
		Meaning: "The port passes only through a ruleset of another service, such as nfsClient. That service " +
			"switches it off, or changes whom it lets through, without regard to others.",
		Hint:     "Enable a ruleset that is meant for it.",
		Commands: []string{preflightFix, vicMachineAllow, "govc host.esxcli -host {host} network firewall ruleset list"},
	},
	{
		Reason: ListsOverlap,
		Meaning: "A ruleset lets the port {way}, and another one that is enabled covers it too, within a wide range and for " +
			"a list of addresses that leaves {the peer} out. Whether that list shuts what the first one opens is not " +
			"documented.",
		Hint:     "Let a real connection to {the peer} settle it, or add {the peer}'s address to the other ruleset's list.",
		Commands: []string{"vic-preflight check --probe serial --target {target} --host {name} {option} {peer}"},
	},
	{
		Reason:  FirewallOff,
		Differs: "create only warns where the firewall is switched off. Where its module is not loaded it does not look, and goes by the rulesets: then it refuses.",
		Meaning: "The host's firewall is off or its module is not loaded, so everything passes. When somebody " +
			"turns it on, a port that no ruleset permits is shut.",
		Hint:     "Permit the port by a ruleset first, then turn the firewall on.",
		Commands: []string{preflightFix, vicMachineAllow, govcSwitchOn},
	},
	{
		Reason:  DefaultPass,
		Create:  createOnPort,
		Differs: "It works now, and create refuses it all the same: it looks at the rulesets alone.",
		Meaning: "The firewall's default action lets {traffic} pass that no ruleset names. When somebody " +
			"sets it back to DROP, a port that no ruleset permits is shut. vic-machine create looks at the rulesets alone, " +
			"and refuses such a host.",
		Hint:     "Permit the port by a ruleset first, then set the default action to DROP.",
		Commands: []string{preflightFix, vicMachineAllow, govcDefaultDrop},
	},
	{
		Reason:  AllowedHostsExcludePeer,
		Create:  "Firewall configuration incorrect due to allowed IP restrictions on hosts: …",
		Differs: "create compares the list with a static address of the management network alone. Here it is compared with all that --vch-ip names.",
		Meaning: "A ruleset for the port is enabled, but its allowed hosts leave out {the peer}, " +
			"or are an empty list.",
		Hint:     "Add {the peer}'s address to the ruleset's allowed hosts{or prefer}.",
		Commands: []string{preflightFix + " {option} {peer} --allowed-ip vch", govcAllowedIP, esxcliAllowedIP},
	},
	{
		Reason:   RulesetDisabled,
		Create:   createOnPort,
		Meaning:  "The host has a ruleset that would let the port {way}, and it is disabled. This is how ESXi is installed.",
		Hint:     "Enable the ruleset. That survives reboots.",
		Commands: []string{preflightFix, vicMachineAllow, govcEnable, esxcliEnable},
	},
	{
		Reason: NoRuleset,
		Create: createOnPort,
		Meaning: "The host has no ruleset that could let the port {way}. The vSphere API cannot create one, it can " +
			"only enable those that are there.",
		Hint: "Install a VIB that brings such a ruleset (not on a host with UEFI Secure Boot); a service written into " +
			"/etc/vmware/firewall/service.xml works too (--method service-xml), but is lost at the next reboot.",
		Commands: []string{vibBuild, vibInstall},
	},
	{
		Reason: SwitchedByService,
		Meaning: "The ruleset that lets the port {way} is disabled, and a service of the host enables it when it starts. " +
			"ESXi refuses to enable it while the service is stopped, or the service takes it back.",
		Hint:     "Start the service, and let it start with the host.",
		Commands: []string{"govc host.service -host {host} start {daemon}", "govc host.service -host {host} enable {daemon}"},
	},
	{
		Reason: SwitchedByHost,
		Meaning: "The ruleset that lets the port {way} is disabled, and ESXi itself enables it with what it belongs to, such as " +
			"the software iSCSI adapter, vSAN, or vMotion on a VMkernel adapter.",
		Hint:     "Look at whether what the host is set up for is enabled on it. Users cannot switch the ruleset for it.",
		Commands: []string{govcHostInfo},
	},
	{
		Reason: SwitchedWhenNeeded,
		Meaning: "The ruleset that lets the port {way} is shut now, and ESXi itself opens it when it is needed: for a mount, or " +
			"for the time of an exchange.",
	},
	{
		Reason: FactsUnavailable,
		Meaning: "What is needed for a verdict could not be read: the host is not connected, the account may not " +
			"read it, or vCenter has no firewall information of it.",
		Hint:     "Reconnect the host or use an account that may read it; --refresh asks the host for fresh facts.",
		Commands: []string{govcHostInfo},
	},

	{Reason: Filtering, Meaning: "The firewall is on, its module is loaded, and it drops what no ruleset permits."},
	{
		Reason: SwitchUnreadable,
		Meaning: "Whether the firewall is on is not in the vSphere API; \"esxcli network firewall get\" says it, " +
			"and that was not permitted or failed. The verdict on the port assumes that the firewall is on.",
		Hint: "Use an account with more than a read-only role on the host, or look on the host itself.",
		Commands: []string{
			"govc host.esxcli -host {host} network firewall get",
			"esxcli network firewall get   # on the host",
		},
	},
	{
		Reason: SwitchNotAsked,
		Meaning: "Whether the firewall is on takes two calls for each host, and decides nothing where the rulesets " +
			"permit the port already. --firewall-state asks every host.",
	},
	{
		Reason: FactsStale,
		Meaning: "vCenter keeps a copy of each host's firewall that can lag by minutes. A refresh was asked for, " +
			"and the host did not make it.",
		Hint: "Refreshing needs the privilege Host.Config.NetService (Host > Configuration > Security profile and firewall).",
	},

	{Reason: HostConnected, Meaning: "The host is connected."},
	{
		Reason: HostDisconnected, Meaning: "An administrator disconnected the host from vCenter. Its facts are unknown.",
		Hint:     "Reconnect it, or leave it out with --host.",
		Commands: []string{"govc host.reconnect {host}"},
	},
	{
		Reason: HostNotResponding, Meaning: "vCenter gets no answer from the host. Its facts are unknown.",
		Hint: "Look at the host's power, network and management agents.", Commands: []string{govcHostInfo},
	},
	{Reason: HostMaintenance, Meaning: "The host is in maintenance mode. Its firewall counts when it comes back."},
	{Reason: HostStandby, Meaning: "The host is in standby, or on its way in or out. Its firewall counts when it comes back."},
	{
		Reason:  HostQuarantine,
		Meaning: "The host is in quarantine mode: vSphere avoids it while its hardware is degraded, but may still use it.",
	},

	{Reason: SurvivesReboot, Meaning: "The ruleset is built in or came with a VIB. ESXi keeps its state over reboots."},
	{
		Reason: LostAtReboot,
		Meaning: "The ruleset was written into /etc/vmware/firewall by hand: neither ESXi nor an installed VIB brings " +
			"it. ESXi restores that directory at boot, and the ruleset is gone unless a script writes it again.",
		Hint:     "Enable a built-in ruleset as well, or install a VIB that brings one.",
		Commands: []string{fixHost, vibBuild, vibInstall},
	},
	{
		Reason: LostByReboot,
		Meaning: "An earlier report (--baseline) says that a ruleset permitted the port, and not that it lasts. The " +
			"host was started since, and has the ruleset no more.",
		Hint:     "Enable a built-in ruleset, or install a VIB that brings one: what is written by hand again is lost again.",
		Commands: []string{preflightFix, vibBuild, vibInstall},
	},
	{
		Reason: OriginUnknown,
		Meaning: "The ruleset is none that ESXi is known to bring. If a VIB brought it, it survives a reboot; if it " +
			"was written by hand, it does not. A VIB of another name may hold it: no list tells what is in a VIB.",
		Hint: "Look whether an installed VIB owns it. With the privilege Host.Config.Image vic-preflight reads what is installed.",
		Commands: []string{
			"govc host.esxcli -host {host} software vib list",
			"ls -l /etc/vmware/firewall   # on the host",
		},
	},
	{Reason: NothingToPersist, Meaning: "No ruleset of its own permits the port, so there is nothing that could be lost."},

	{
		Reason: NotProbed,
		Meaning: "No connection was tried. --probe serial, or ssh, tries one from the host. What others open to the host, " +
			"--probe local tries from this machine, and --probe ssh from the other hosts where those are the peers.",
	},
	{Reason: Reachable, Meaning: "The host itself opened a connection, and the listener proved that it ended there."},
	{
		Reason: ReachableUnverified,
		Meaning: "Something accepted the host's connection, and nothing proved that it was {the peer} " +
			"or this tool's listener.",
		Hint: "Let vic-preflight listen stand at the target while you probe.",
	},
	{
		Reason: Accepted,
		Meaning: "Something accepted the connection, which is what {a peer} does. It was not proved that this is who " +
			"accepted: a proxy on the way would do the same.",
	},
	{
		Reason: NotThePeer,
		Meaning: "The connection was this machine's, and this machine is none of the peers that were given: what became " +
			"of it proves nothing of {the peer}.",
		Hint: "Run vic-preflight on {the peer}, or give this machine's address with {option} if it is one.",
	},
	{Reason: NotProvable, Meaning: "UDP does not answer, so that no connection proves anything. The verdict on the port stands alone."},
	{
		Reason: OpenUnexpected,
		Meaning: "The host got through although its rulesets, as they were read, do not permit it: vCenter's copy is " +
			"old, or the host has another way out.",
		Hint: "Check again with --refresh.",
	},
	{
		Reason: NobodyListens,
		Meaning: "The target answered that nobody listens there. For the host's firewall that is a pass; {the peer} is not up yet, or listens on another port. " +
			"Where the host itself is to listen it is a warning: its service does not run, or a filter rejects.",
		Hint: "Look at whether the service runs that is to listen there.",
	},
	{
		Reason: PathBlocked,
		Meaning: "The host's rulesets permit the port, and the connection does not get there: another firewall, a " +
			"missing route, or a target that is not there.",
		Hint: "Look beyond the host: firewalls and routes between its management network and the target, and whether the target is up.",
	},
	{
		Reason: HostBlocked, Meaning: "Nothing got through, and the host's own firewall does not permit it.",
		Hint: "Open the port on the host first.", Commands: []string{preflightFix},
	},
	{
		Reason: Blocked, Meaning: "Nothing got through. Whether the host's own firewall permits it could not be told, so either may be at fault.",
		Hint: "Give {option}, use an account that may read the host's firewall, or look at both the host and the path.",
	},
	{
		Reason: NameUnresolved, Meaning: "The name of the target does not resolve.",
		Hint: "Give an address with --probe-target.",
	},
	{
		Reason: PathIntercepted,
		Meaning: "The host's connection was accepted by something that is not the listener: an address translation, " +
			"a proxy, or another machine with the target's address.",
		Hint: "Find out who has the target's address, and what translates it on the way.",
	},
	{
		Reason: ProbeFailed, Meaning: "The connection could not be tried, so nothing is known of it.",
		Hint: "The detail names the step; a serial probe needs to make a virtual machine for a moment.",
	},

	{Reason: SettingsKnown, Meaning: "Whom the host talks to by its own settings could be read, and every one of them was judged."},

	{Reason: Uniform, Meaning: "All hosts of the cluster that could be read treat the port alike."},
	{
		Reason: Drift,
		Meaning: "Some hosts of the cluster treat the port unlike the others, so whether a connection works " +
			"depends on the host that it starts from.",
		Hint:     "Mend the hosts that fail or warn; the others show how it should be.",
		Commands: []string{preflightFix},
	},
	{Reason: TooFewHosts, Meaning: "Fewer than two hosts of the cluster could be read, so there is nothing to compare."},
}
