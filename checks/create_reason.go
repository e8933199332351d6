package checks

// The reasons of the checks of Create. They are a contract, as all are.
const (
	// InOrder is the reason of all that pass, the next ones of all that are left out or
	// not known.
	InOrder         Reason = "in-order"
	NotApplicable   Reason = "not-applicable"
	NotAskedFor     Reason = "not-asked-for"
	NotJudged       Reason = "not-judged"
	NotTried        Reason = "not-tried"
	PlaceUnreadable Reason = "place-unreadable"

	DatacenterMissing      Reason = "datacenter-missing"
	ManagedByVCenter       Reason = "vcenter-managed"
	ComputeResourceMissing Reason = "compute-resource-missing"

	DatastoreMissing      Reason = "datastore-missing"
	DatastoreAmbiguous    Reason = "datastore-ambiguous"
	DatastoreOutside      Reason = "datastore-outside"
	DatastoreInaccessible Reason = "datastore-inaccessible"
	DatastoreMaintenance  Reason = "datastore-maintenance"
	PartlyMounted         Reason = "partly-mounted"
	NoCommonHost          Reason = "no-common-host"
	OneCommonHost         Reason = "one-common-host"
	QuotaExceedsSpace     Reason = "quota-exceeds-space"
	HostUnattached        Reason = "host-unattached"

	NetworkMissing       Reason = "network-missing"
	NetworkAmbiguous     Reason = "network-ambiguous"
	NetworkKindUnfit     Reason = "network-kind"
	BridgeShared         Reason = "bridge-shared"
	BridgeSharedByObject Reason = "bridge-same-network"
	UplinkPortGroup      Reason = "uplink-port-group"
	ReservedAlias        Reason = "reserved-alias"
	HostOutsideSwitch    Reason = "host-outside-switch"
	HostOutsideNetwork   Reason = "host-outside-network"

	SettingUnset   Reason = "setting-unset"
	SettingRefused Reason = "setting-refused"

	LicenseFeature  Reason = "license-feature"
	LicenseEnded    Reason = "license-ended"
	LicenseEndsSoon Reason = "license-ends-soon"

	DRSOff            Reason = "drs-off"
	VMGroupWithoutDRS Reason = "vm-group-without-drs"
	VMGroupExists     Reason = "vm-group-exists"

	ESXCLIRefused Reason = "esxcli-refused"

	NameTaken          Reason = "name-taken"
	NameTakenInFolder  Reason = "name-taken-in-folder"
	AdministrativeUser Reason = "administrative-user"
	OpsUserRefused     Reason = "ops-user-refused"
	GrantWithoutUser   Reason = "grant-without-user"

	NTPUnset    Reason = "ntp-unset"
	NTPStopped  Reason = "ntp-stopped"
	NTPDiffers  Reason = "ntp-differs"
	InboundShut Reason = "inbound-shut"
)

// createNeverWrong are those of neverWrong that the checks of Create give.
var createNeverWrong = []Reason{InOrder, NotApplicable, NotAskedFor, NotJudged, NotTried, PlaceUnreadable}
