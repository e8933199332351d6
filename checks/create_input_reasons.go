package checks

// inputExplanations are those of the reasons of inputChecks. What create says is quoted
// from the sources that inputChecks names.
var inputExplanations = []Explanation{
	{
		Reason: NameTooLong, Class: CreateRefuses, Meaning: "The name of the virtual container host has more than 31 bytes; letters other than ASCII have several each.",
		Hint: "Give a shorter --name.", Create: "Display name … exceeds the permitted 31 characters limit",
	},
	{
		Reason: NameCharacters, Class: CreateRefuses, Meaning: "The name of the virtual container host has a character that vSphere does not take in names.",
		Hint: "Use letters, digits, blanks and - _ ( ) in --name.", Create: "--name contains unsupported characters",
	},
	{
		Reason: SizeUnreadable, Class: CreateRefuses, Meaning: "The size of the base image is no number with a unit.",
		Hint: "Give it such as 8GB or 8000MB.", Create: "Invalid default image size … provided",
	},
	{
		Reason: NameConventionNoToken, Class: CreateRefuses, Meaning: "The convention for containers' names leaves no place for what tells them apart.",
		Hint: "Put {id} or {name} into --container-name-convention.", Create: "Container name convention must include {id} or {name} token",
	},
	{
		Reason: NameConventionTooLong, Class: CreateRefuses, Meaning: "The convention for containers' names leaves no room for an ID within the 80 characters of a virtual machine's name.",
		Hint: "Shorten --container-name-convention.", Create: "Container name convetion exceeds maximum length",
	},
	{
		Reason: OpsPasswordWithoutUser, Class: CreateRefuses, Meaning: "A password for the operations user is given, and no name for that user.",
		Hint: "Give --ops-user, or leave --ops-password out.", Create: "Password for operations user specified without operations username",
	},

	{
		Reason: GatewayWithoutAddress, Class: CreateRefuses, Meaning: "A network has a gateway and no address of its own.",
		Hint: "Give the network's -ip, too, or leave the gateway out: DHCP brings one.", Create: "Gateway provided without static IP for … network",
	},
	{
		Reason: AddressUnreadable, Class: CreateRefuses, Meaning: "A static address is not one with the length of its network.",
		Hint: "Write it such as 10.0.0.2/24.", Create: "Failed to parse the provided … network IP address",
	},
	{
		Reason: GatewayUnreadable, Class: CreateRefuses, Meaning: "A gateway is not an IPv4 address, with or without destinations in front of it. It takes no length behind it.",
		Hint: "Write it such as 10.0.0.1, or 10.1.0.0/16,10.2.0.0/16:10.0.0.1.", Create: "Invalid … network gateway",
	},
	{
		Reason: GatewayNotInSubnet, Class: CreateRefuses, Meaning: "The gateway is not in the network of the static address, and could not be reached.",
		Hint: "Correct the gateway, or the address and its length.", Create: "… gateway with IP … is not reachable from …",
	},
	{
		Reason: AddressWithoutGateway, Class: CreateRefuses, Meaning: "The public network has a static address and no gateway. It has the default route.",
		Hint: "Give --public-network-gateway.", Create: "public network must have both static IP and gateway specified",
	},
	{
		Reason: GatewayWithDestinations, Class: CreateRefuses, Meaning: "The public network's gateway names destinations. It has the default route, and serves all.",
		Hint:   "Leave what stands in front of the : out of --public-network-gateway.",
		Create: "public network has the default route and must not have any routing destinations specified for gateway",
	},
	{
		Reason: GatewayWithoutDestination, Class: CreateRefuses, Meaning: "A gateway of the client or the management network names no destination. The default route is the public network's.",
		Hint: "Put the networks behind the gateway in front of it, such as 10.1.0.0/16:10.0.0.1.", Create: "… network gateway specified without at least one routing destination",
	},
	{
		Reason: AddressOnPublicPortGroup, Class: CreateRefuses, Meaning: "The client or the management network is on the port group of the public network, and has an address or a gateway of its own.",
		Hint:   "Give the address by --public-network-ip alone: networks on the same port group share it.",
		Create: "Static IP on network sharing port group with public network - Configuration ONLY allowed through public network options",
	},
	{
		Reason: TwoAddressesOnePortGroup, Class: CreateRefuses, Meaning: "Two networks are on one port group, and each has an address.",
		Hint: "Give the address to one of them: the other one shares it.", Create: "Incorrect static IP configuration for networks on port group …",
	},
	{
		Reason: SameSubnet, Class: CreateWarns, Meaning: "Two port groups have addresses of one IP network. Which way packets leave is not certain.",
		Hint: "Use one port group for both, or different IP networks.", Create: "Unsupported static IP configuration: Same subnet … is assigned to multiple port groups",
	},
	{
		Reason: DNSServerUnreadable, Class: CreateRefuses, Meaning: "A DNS server is not an address. Several in one option are none either.",
		Hint: "Give each by a --dns-server of its own, as an address.", Create: "Invalid DNS server specified",
	},
	{
		Reason: TooManyDNSServers, Class: CreateWarns, Meaning: "More than three DNS servers are given.",
		Hint: "Leave three.", Create: "Maximum of 3 DNS servers allowed. Additional servers specified will be ignored.",
	},
	{
		Reason: DefaultDNSServers, Meaning: "No DNS server is given, and none comes by DHCP. create puts in two public ones without a word; they know no name of yours.",
		Hint: "Give --dns-server where names of your own are resolved.",
	},
	{
		Reason: BridgeRangeUnreadable, Class: CreateRefuses, Meaning: "The range of the bridge networks is no network.",
		Hint: "Write it such as 172.16.0.0/12.", Create: "Error parsing bridge network ip range",
	},
	{
		Reason: BridgeWidthUnreadable, Class: CreateRefuses, Meaning: "The width of a bridge network is the length of its prefix, a whole number up to 30.",
		Hint: "Write it such as 16, without a /.", Create: "Width must be an integer less than 31.",
	},
	{
		Reason: BridgeWidthShorterThanPool, Class: CreateRefuses, Meaning: "A bridge network would be larger than the range that it comes from.",
		Hint: "Give a longer --bridge-network-width, such as 24, or a larger --bridge-network-range.", Create: "Width must be larger than prefix of bridge network ip range.",
	},

	{
		Reason: ContainerNetworkUnreadable, Class: CreateRefuses, Meaning: "An option of container networks is not NETWORK:VALUE. A name with a : in it cannot be given, nor an IPv6 address.",
		Hint: "Write it such as ext-pg:10.2.0.1/16.", Create: "Invalid value for parameter …",
	},
	{
		Reason: AliasMissing, Class: CreateRefuses, Meaning: "A network's name has blanks, and containers know it by an alias then.",
		Hint: "Write --container-network 'NAME WITH BLANKS:alias'.", Create: "A network alias must be supplied when network name … contains spaces.",
	},
	{
		Reason: AliasWithBlanks, Class: CreateRefuses, Meaning: "What follows the : has blanks.",
		Hint: "Leave them out.", Create: "The network alias supplied in … cannot contain spaces.",
	},
	{
		Reason: ContainerGatewayUnreadable, Class: CreateRefuses, Meaning: "The gateway of a container network is not an address with the length of its network.",
		Hint: "Write it such as ext-pg:10.2.0.1/16.", Create: "Error parsing container network parameter …",
	},
	{
		Reason: ContainerGatewayTwice, Class: CreateRefuses, Meaning: "A container network has two gateways.",
		Hint: "Leave one.", Create: "Duplicate gateway specified for container network …",
	},
	{
		Reason: ContainerGatewayUnroutable, Class: CreateRefuses, Meaning: "The gateway of a container network is the first or the last address of its network, which no machine has.",
		Hint: "Give the gateway's own address.", Create: "Gateway … is not a routable address",
	},
	{
		Reason: ContainerRangeUnreadable, Class: CreateRefuses, Meaning: "A range of addresses is neither a network nor FIRST-LAST.",
		Hint: "Write it such as ext-pg:10.2.0.10-10.2.0.20, or ext-pg:10.2.1.0/24.", Create: "Error parsing container network parameter …",
	},
	{
		Reason: RangeWithoutGateway, Class: CreateRefuses, Meaning: "A container network has a range of addresses and no gateway.",
		Hint: "Give --container-network-gateway for it.", Create: "IP range specified without gateway for container network …",
	},
	{
		Reason: RangeNotInSubnet, Class: CreateRefuses, Meaning: "A range of addresses is not within the network of the gateway.",
		Hint: "Correct the range, or the gateway and its length.", Create: "IP range … is not in subnet …",
	},
	{
		Reason: RangesOverlap, Class: CreateRefuses, Meaning: "Two ranges of addresses have some in common.",
		Hint: "Join them, or keep them apart.", Create: "Overlapping ip ranges: …",
		Differs: "create does not see that a network overlaps FIRST-LAST, since it compares addresses of different lengths: that is a warning here.",
	},
	{
		Reason: ContainerDNSUnreadable, Class: CreateRefuses, Meaning: "A container network's DNS server is not an address.",
		Hint: "Give each by an option of its own, such as ext-pg:10.2.0.2.", Create: "Error parsing container network parameter …",
	},
	{
		Reason: TrustLevelUnknown, Class: CreateRefuses, Meaning: "A container network's level of trust is none that there is.",
		Hint: "Give Closed, Outbound, Peers, Published or Open.", Create: "Unrecognized container trust level …",
	},
	{
		Reason: ContainerNetworkNotNamed, Class: CreateRefuses, Meaning: "An option is about a network that no --container-network names. It takes the network's name in vSphere, not its alias.",
		Hint: "Give --container-network for it, with the same spelling.", Create: "Inconsistent container network configuration.",
	},
	{
		Reason: ContainerNetworkTwice, Class: CreateSilent, Meaning: "A container network is named twice. Only the first alias gets what the other options say of it; under one alias for both it is lost.",
		Hint:    "Name it once.",
		Differs: "create takes what is said of a network when it first meets its name, and has nothing left for the second.",
	},

	{
		Reason: StoreCharacters, Class: CreateRefuses, Meaning: "A store has a character that vic-machine does not take. Names with such a character, and patterns, cannot be given.",
		Hint: "Rename the datastore, or use another.", Create: "… contains unsupported characters",
	},
	{
		Reason: ImageStoreUnreadable, Class: CreateRefuses, Meaning: "The image store is no URL: behind ds://, a datastore's name may have no blank.",
		Hint: "Write the datastore's name, and its folder, without ds:// in front.", Create: "error parsing datastore path: …",
	},
	{
		Reason: VolumeStoreUnreadable, Class: CreateRefuses, Meaning: "A volume store is not TARGET:LABEL.",
		Hint: "Write it such as shared/volumes:default, or nfs://nas.example/vol:nfs.", Create: "volume store input must be in format …",
	},
	{
		Reason: VolumeStoreScheme, Class: CreateRefuses, Meaning: "A volume store is a URL of a kind that vic-machine does not know.",
		Hint: "Use a datastore's name, ds:// or nfs://.", Create: "Please specify a datastore or nfs target.",
	},
	{
		Reason: NFSStoreIncomplete, Class: CreateRefuses, Meaning: "An NFS volume store lacks its host or its path.",
		Hint: "Write it such as nfs://nas.example/vol:nfs.", Create: "volume store target (…) is missing the … field",
		Differs: "create does not see one whose label is given to a later store.",
	},
	{
		Reason: VolumeLabelTwice, Class: CreateSilent, Meaning: "Two volume stores have one label. create keeps the last one, and says nothing.",
		Hint:    "Give each a label of its own.",
		Differs: "create keeps the stores by their labels, and does not see that one is left out.",
	},

	{
		Reason: NoTLS, Class: CreateWarns, Meaning: "The virtual container host's API has neither encryption nor authentication: who reaches it, owns it.",
		Hint: "Leave --no-tls out, and give --tls-cname.", Create: "Configuring without TLS - all communications will be insecure",
	},
	{
		Reason: TLSNotVerified, Class: CreateWarns, Meaning: "The virtual container host's API asks for no certificate: who reaches it, owns it.",
		Hint: "Leave --no-tlsverify out, and give --tls-cname.", Create: "Configuring without TLS verify - certificate-based authentication disabled",
	},
	{
		Reason: CertificateAndKeyApart, Class: CreateRefuses, Meaning: "One of certificate and key is given without the other.",
		Hint: "Give both --tls-server-cert and --tls-server-key.", Create: "key and cert should be specified at the same time",
	},
	{
		Reason: CertificateUnreadable, Class: CreateRefuses, Meaning: "A file of certificates, or a key, cannot be read on this machine. Paths start from the current folder, as those of vic-machine do.",
		Hint: "Correct the path, and run both programs in the same folder.", Create: "Unable to load certificates",
		Differs: "under --force create goes on without, and so this is a warning then.",
	},
	{
		Reason: CertificateAndKeyUnfit, Class: CreateRefuses, Meaning: "The certificate and the key do not belong together, or are not in PEM.",
		Hint: "Give the key that the certificate was made for, without a passphrase.", Create: "Unable to load certificates",
	},
	{
		Reason: CertificateNameDiffers, Class: CreateRefuses, Meaning: "The certificate's common name is not the one of --tls-cname, or of the static address that stands for it.",
		Hint: "Give the certificate's common name by --tls-cname, or use another certificate.", Create: "cname option doesn't match existing server certificate in certificate path …",
	},
	{
		Reason: CertificateWithoutName, Class: CreateRefuses, Meaning: "vic-machine would make the certificates, and does not know for which name: there is neither --tls-cname nor a static address of the client network.",
		Hint:   "Give --tls-cname, with the name or the address that clients dial.",
		Create: "provide Common Name for server certificate",
	},
	{
		Reason: CertificatePathNotEmpty, Class: CreateRefuses, Meaning: "vic-machine would make certificates, and the folder for them has files that it cannot use. Others of your files there count, too, and are not looked for here.",
		Hint: "Give another --tls-cert-path, or empty that folder.", Create: "Specified directory to store certificates is not empty.",
		Differs: "create counts any file in the folder; here only those that an earlier run has left are looked for.",
	},
	{
		Reason: CertificateAuthorityInvalid, Class: CreateRefuses, Meaning: "There is no certificate in PEM in the files of authorities for clients.",
		Hint: "Give the authority's certificate by --tls-ca.", Create: "Unable to load certificate authority data",
	},
	{
		Reason: FileNotRead, Meaning: "A file that the options name was not read, so nothing is known of it.",
		Hint:    "Run this where the files are, in the folder in which vic-machine will run.",
		Differs: "create reads the file.",
	},

	{
		Reason: RegistryCAUnreadable, Class: CreateRefuses, Meaning: "A file of registries' authorities cannot be read, or has no certificate in PEM.",
		Hint: "Correct the path of --registry-ca, or the file.", Create: "Unable to load CA certificates for registry logins",
	},
	{
		Reason: RegistryUnreadable, Class: CreateRefuses, Meaning: "A registry is neither an address nor a URL, or is a URL with an @ in it that cannot be taken apart.",
		Hint: "Write it such as registry.example:5000.", Create: "could not parse entry …",
	},
	{
		Reason: InsecureRegistryNetwork, Class: CreateRefuses, Meaning: "An insecure registry is a network. Only the list of those that are permitted takes networks.",
		Hint: "Name the registries one by one in --insecure-registry.", Create: "invalid insecure registry entry: …",
	},
	{
		Reason: RegistryUnreachable, Class: CreateWarns, Meaning: "A registry did not answer this machine. The virtual container host may have another way to it.",
		Hint: "Look at the name and the port, and at the ways from here.", Create: "Unable to confirm … registry … is a valid registry at this time.",
	},
	{
		Reason: RegistryNotTried, Meaning: "Whether a registry can be reached from here was not tried. create only warns where it cannot.",
		Differs: "create tries each of them for up to ten seconds; it passes, whatever comes of it.",
	},
	{
		Reason: SyslogUnreadable, Class: CreateRefuses, Meaning: "The syslog server's address is no URL.",
		Hint: "Write it such as udp://log.example:514.", Create: "syslog address does not have network specified",
	},
	{
		Reason: SyslogTransport, Class: CreateRefuses, Meaning: "The syslog server's address starts with neither udp:// nor tcp://.",
		Hint: "Write it such as udp://log.example:514.", Create: "syslog address transport should be udp or tcp",
	},
	{
		Reason: SyslogWithoutHost, Class: CreateRefuses, Meaning: "The syslog server's address has no host.",
		Hint: "Write it such as udp://log.example:514.", Create: "syslog address host not specified",
	},
	{
		Reason: ProxyUnreadable, Class: CreateRefuses, Meaning: "A proxy is not http:// or https:// with a host, or its user name or password has characters that end the host.",
		Hint:   "Write it such as http://proxy.example:3128, and special characters of a password percent-encoded.",
		Create: "Could not parse HTTP(S) proxy - expected format http(s)://fqnd_or_ip:port",
	},
	{
		Reason: NoProxyUnreadable, Class: CreateRefuses, Meaning: "vic-machine reads what follows the first comma of --no-proxy as URLs, and an address with a port is none.",
		Hint: "Leave the ports out.", Create: "Could not parse no-proxy",
	},
	{
		Reason:  ISOFilesNotJudged,
		Meaning: "vic-machine looks for appliance.iso and bootstrap.iso in the current folder and in its own, and compares their version with its own. Neither is known here.",
		Hint:    "Keep both files beside the program that they came with.",
		Create:  "Unable to locate … in the current or installer directory.",
		Differs: "its folder and its version are of another program than this one.",
	},
}
