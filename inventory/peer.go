package inventory

// PeerOrigin is a setting that says whom a host talks to.
type PeerOrigin string

// The origins. Each is of a host, but for KMIPServers, which are the vCenter's.
const (
	SyslogLogHosts  PeerOrigin = "syslog-log-hosts"
	NTPServers      PeerOrigin = "ntp-servers"
	ManagingVCenter PeerOrigin = "managing-vcenter"
	NFSMounts       PeerOrigin = "nfs-mounts"
	NFS41Mounts     PeerOrigin = "nfs41-mounts"
	ISCSITargets    PeerOrigin = "iscsi-targets"
	KMIPServers     PeerOrigin = "kmip-servers"
	// VMotionHosts, VSANHosts and ProvisioningHosts are the other hosts of the cluster, by
	// their addresses for that traffic.
	VMotionHosts      PeerOrigin = "vmotion-hosts"
	VSANHosts         PeerOrigin = "vsan-hosts"
	ProvisioningHosts PeerOrigin = "provisioning-hosts"
)

// PeerOrigins are all of them.
func PeerOrigins() []PeerOrigin {
	return []PeerOrigin{SyslogLogHosts, NTPServers, ManagingVCenter, NFSMounts, NFS41Mounts, ISCSITargets, KMIPServers, VMotionHosts, VSANHosts, ProvisioningHosts}
}

// PeerSetting is what one setting says of whom a host talks to.
type PeerSetting struct {
	Origin PeerOrigin
	// Name is the setting as admins know it, such as Syslog.global.logHost.
	Name string
	// Values are the peers as the setting has them, such as udp://logs.example:5514. There
	// is none where nothing is set.
	Values []string
	// Unnamed are peers that the setting stands for and whose address was not read, in
	// words: the vMotion address of esx3.
	Unnamed []string
	// Unreadable says why the setting is not known; empty when it is.
	Unreadable string
}
