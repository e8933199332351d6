package checks

// VCH is the virtual container host that is to be created: what the options of
// vic-machine create say, as they were given. It holds no secret: user names and
// passwords inside of URLs are left out, and UnreadableURL stands for a URL with an @ in it
// that cannot be taken apart.
type VCH struct {
	// Name is --name; its default is DefaultVCHName.
	Name            string
	ComputeResource string
	// ImageStore is [ds://]DATASTORE[/folder].
	ImageStore string
	// VolumeStores are TARGET:LABEL each.
	VolumeStores []string

	// Bridge is empty where --bridge-network was not given: create takes Name then.
	Bridge string
	// Public, Client and Management have their defaults put in: VM Network, that of Public,
	// that of Client.
	Public, Client, Management Role
	// ContainerNetworks are NETWORK[:ALIAS] each, and the lists after it NETWORK:VALUE.
	ContainerNetworks, ContainerGateways, ContainerRanges, ContainerDNS, ContainerFirewalls []string
	DNSServers                                                                              []string
	// BridgeRange is a CIDR and BridgeWidth a prefix length, both as text, empty when not given.
	BridgeRange, BridgeWidth string

	// StorageQuota is in GB (2^30 bytes); 0 means none.
	StorageQuota int64
	// AffinityVMGroup asks for a DRS group of the virtual container host's name.
	AffinityVMGroup bool
	// Limits are the options of CPU and memory that were given, by their long names: create
	// ignores them where DRS is off.
	Limits []string

	// OpsUser is empty where the target's own user is taken. OpsGrantPerms asks create to
	// grant it what it needs.
	OpsUser       string
	OpsGrantPerms bool
	// OpsPasswordGiven says that there was an --ops-password, empty or not.
	OpsPasswordGiven bool

	// The options of TLS. Files are paths.
	NoTLS, NoTLSVerify         bool
	ServerCert, ServerKey      string
	TLSName                    string
	ClientCAs                  []string
	Organization               []string
	CertPath, KeySize          string
	RegistryCAs                []string
	InsecureRegistries         []string
	WhitelistRegistries        []string
	HTTPProxy, HTTPSProxy      string
	NoProxy                    string
	Syslog                     string
	BaseImageSize              string
	ContainerNames             string // --container-name-convention
	ApplianceISO, BootstrapISO string
	Force                      bool
}

// Role is one of the networks that the virtual container host itself is on.
type Role struct {
	Network string
	// Given is false where Network is a default.
	Given bool
	// IP is a CIDR, Gateway [DESTINATION,DESTINATION:]IP; empty when not given.
	IP, Gateway string
}

// DefaultVCHName is what vic-machine create calls a virtual container host without --name.
const DefaultVCHName = "virtual-container-host"

// DefaultPublicNetwork is the network of vic-machine create without --public-network.
const DefaultPublicNetwork = "VM Network"

// UnreadableURL is no URL, whoever reads it.
const UnreadableURL = "%"
