package vsphere

import (
	"context"
	"slices"
	"strings"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// The properties of a host that say whom it talks to. Paths end where the lists begin, which
// is as deep as the property collector goes without an index; an account that has System.Read
// on the host sees all of them.
const (
	optionManager = "configManager.advancedOption"
	netConfig     = "config.virtualNicManagerInfo.netConfig"
	mountInfo     = "config.fileSystemVolume.mountInfo"
	busAdapters   = "config.storageDevice.hostBusAdapter"
	dateTimeInfo  = "config.dateTimeInfo"
	managementIP  = "summary.managementServerIp"
)

// logHost is the advanced option of ESXi that names its log collectors. The whole list of
// options, config.option, is some thousand entries for each host.
const logHost = "Syslog.global.logHost"

// peerNames are the settings as admins know them.
var peerNames = map[inventory.PeerOrigin]string{
	inventory.SyslogLogHosts:    logHost,
	inventory.NTPServers:        "NTP servers",
	inventory.ManagingVCenter:   "vCenter Server that manages the host",
	inventory.NFSMounts:         "NFS 3 datastores",
	inventory.NFS41Mounts:       "NFS 4.1 datastores",
	inventory.ISCSITargets:      "software iSCSI targets",
	inventory.KMIPServers:       "KMIP servers of vCenter",
	inventory.VMotionHosts:      "vMotion addresses of the other hosts",
	inventory.VSANHosts:         "vSAN addresses of the other hosts",
	inventory.ProvisioningHosts: "addresses of the other hosts for cold migration",
}

// told is what a setting says, or why it is not known.
type told struct {
	values, unnamed []string
	unreadable      string
}

const notRead = "it was not read"

// peerHost is a host and what was read of its settings.
type peerHost struct {
	*inventory.Host
	node *node  // nil when nothing was read
	why  string // while node is nil
	logs told
}

// value is what was read of a property, or why it is not known. An optional one that is not
// set is no part of an answer; neither is one of a configuration that vCenter does not have.
func (h *peerHost) value(property string, optional bool) (v types.AnyType, why string) {
	if h.node == nil {
		return nil, h.why
	}
	v = h.node.prop(property)
	if f := h.node.missing(property); f != nil {
		return nil, describeFault(f, "")
	}
	if v == nil && !(optional && h.node.prop(netConfig) != nil) {
		return nil, errUntold.Error()
	}
	return v, ""
}

// nics are the adapters that are selected on the host.
func (h *peerHost) nics() (nicFacts, string) {
	v, why := h.value(netConfig, false)
	nics, _ := v.(nicFacts)
	return nics, why
}

// peerReading reads the hosts' settings.
type peerReading struct {
	*Session
	opts CollectOptions
	// hosts are those of the selection and, to know their addresses, the other hosts of the
	// selected ones' clusters.
	hosts map[string]*peerHost // by ID
	// clusters have the hosts by the cluster's path, ordered by name.
	clusters map[string][]*peerHost
	others   []*inventory.Host
}

// newPeerReading finds the hosts that are to be read for those of the selection.
func (s *Session) newPeerReading(t *tree, inv *inventory.Inventory, opts CollectOptions) *peerReading {
	r := &peerReading{Session: s, opts: opts, hosts: make(map[string]*peerHost, len(inv.Hosts)), clusters: map[string][]*peerHost{}}
	for i := range inv.Hosts {
		r.add(&inv.Hosts[i])
	}
	for _, n := range t.kind(kindHost, kindCluster) {
		switch path := t.path(n); {
		case n.Obj.Type == kindHost:
			h := t.host(n)
			if r.clusters[h.ClusterPath] != nil && r.hosts[h.ID] == nil {
				r.others = append(r.others, r.add(&h).Host)
			}
		case r.clusters[path] != nil:
			for _, ref := range n.refs("host") {
				if t.nodes[ref] == nil { // the account may not see it
					r.add(&inventory.Host{ID: ref.Value, Name: ref.Value, ClusterPath: path})
				}
			}
		}
	}
	for _, hosts := range r.clusters {
		slices.SortStableFunc(hosts, func(a, b *peerHost) int { return strings.Compare(a.Name, b.Name) })
	}
	return r
}

func (r *peerReading) add(h *inventory.Host) *peerHost {
	p := &peerHost{Host: h, why: notRead, logs: told{unreadable: notRead}}
	r.hosts[h.ID] = p
	if h.ClusterPath != "" {
		r.clusters[h.ClusterPath] = append(r.clusters[h.ClusterPath], p)
	}
	return p
}

// object is the host, as a batch reads it.
func (r *peerReading) object(h *inventory.Host) object {
	p := r.hosts[h.ID]
	return object{
		ref:  hostRef(h),
		take: func(content *types.ObjectContent) { p.node = &node{ObjectContent: content} },
		fail: func(err error) { p.why = Describe(err) },
	}
}

// groups are what batches read: of the selected hosts all, of the others the addresses.
func (r *peerReading) groups(ctx context.Context, selected []*inventory.Host) []group {
	all := firewalls(ctx, selected)
	all.properties = append(all.properties, types.PropertySpec{
		Type: kindHost, PathSet: []string{optionManager, netConfig, mountInfo, busAdapters, dateTimeInfo, managementIP},
	})
	all.objects = func(h *inventory.Host) []object { return append(firewallObjects(ctx, h), r.object(h)) }
	addresses := group{r.others, []types.PropertySpec{{Type: kindHost, PathSet: []string{netConfig}}}, func(h *inventory.Host) []object {
		return []object{r.object(h)}
	}}
	return []group{all, addresses}
}

// finish asks for what is in no property, and puts the settings into the inventory.
func (r *peerReading) finish(ctx context.Context, inv *inventory.Inventory) {
	ask := make([]*inventory.Host, 0, len(inv.Hosts))
	for i := range inv.Hosts {
		h := r.hosts[inv.Hosts[i].ID]
		_, why := h.value(optionManager, false)
		if !h.IsConnected() {
			why = "vCenter is not connected to the host" // which alone knows its options
		}
		if h.logs.unreadable = why; why == "" {
			h.logs.unreadable = notRead
			ask = append(ask, h.Host)
		}
	}
	if len(ask) > 0 {
		r.each(ctx, "settings", ask, r.opts, func(ctx context.Context, h *inventory.Host) {
			p := r.hosts[h.ID]
			if err := try(func() (err error) { p.logs, err = r.logHosts(ctx, p); return err }); err != nil {
				p.logs = told{unreadable: Describe(err)}
			}
		})
	}
	kmip := r.kmipServers(ctx, inv)
	for i := range inv.Hosts {
		h := r.hosts[inv.Hosts[i].ID]
		for _, origin := range inventory.PeerOrigins() {
			s := r.setting(h, origin, kmip)
			h.PeerSettings = append(h.PeerSettings, inventory.PeerSetting{
				Origin: origin, Name: peerNames[origin], Values: withoutSecrets(s.values), Unnamed: s.unnamed, Unreadable: s.unreadable,
			})
		}
	}
}

// withoutSecrets takes out what stands before an @: no setting has a user there, and who
// wrote one there may have written a password with it. What is left is no address.
func withoutSecrets(values []string) []string {
	values = slices.Clone(values)
	for i, v := range values {
		if at := strings.LastIndexByte(v, '@'); at >= 0 {
			values[i] = "…" + v[at:]
		}
	}
	return values
}

// logHosts asks a host for its log collectors. It takes the privilege System.Read.
func (r *peerReading) logHosts(ctx context.Context, h *peerHost) (t told, err error) {
	manager, ok := h.node.ref1(optionManager)
	if !ok {
		return t, errUntold
	}
	options, err := r.queryOptions(ctx, manager, logHost)
	for _, o := range options {
		if o.GetOptionValue().Key != logHost {
			continue
		}
		for _, value := range strings.Split(settingText(o.GetOptionValue().Value), ",") {
			t.values = appendNew(t.values, strings.TrimSpace(value))
		}
	}
	return t, err
}

// kmipServers asks the vCenter for its key servers, if a selected host has vSAN, which is what
// hosts reach them for themselves. It takes the privilege Cryptographer.ReadKeyServersInfo by
// that one's description; bindings of the API's reference name Cryptographer.ManageKeyServers.
// The role "Read-only" has neither. Who signs in there is not kept.
func (r *peerReading) kmipServers(ctx context.Context, inv *inventory.Inventory) (t told) {
	manager := r.client.ServiceContent.CryptoManager // a host has a CryptoManagerHost
	if manager == nil || manager.Type != "CryptoManagerKmip" || !slices.ContainsFunc(inv.Hosts, func(h inventory.Host) bool {
		nics, _ := r.hosts[h.ID].nics()
		return nics.has(types.HostVirtualNicManagerNicTypeVsan)
	}) {
		return t
	}
	err := try(func() error {
		res, err := methods.ListKmipServers(withCallBound(ctx, r.opts.HostTimeout), r, &types.ListKmipServers{This: *manager})
		if err != nil {
			return err
		}
		for _, cluster := range res.Returnval {
			for _, server := range cluster.Servers {
				t.values = appendNew(t.values, withPort(server.Address, server.Port))
			}
		}
		return nil
	})
	if err != nil {
		return told{unreadable: Describe(err)}
	}
	return t
}

// setting is what a setting of a host says.
func (r *peerReading) setting(h *peerHost, origin inventory.PeerOrigin, kmip told) (t told) {
	switch origin {
	case inventory.SyslogLogHosts:
		return h.logs
	case inventory.NTPServers:
		v, why := h.value(dateTimeInfo, false)
		for _, server := range ntpServers(v) {
			t.values = appendNew(t.values, server)
		}
		t.unreadable = why
	case inventory.ManagingVCenter:
		v, why := h.value(managementIP, true)
		server, _ := v.(string)
		t.values, t.unreadable = appendNew(t.values, server), why
	case inventory.NFSMounts, inventory.NFS41Mounts:
		v, why := h.value(mountInfo, true)
		servers, _ := v.(nfsServers)
		t.values, t.unreadable = servers[origin], why
	case inventory.ISCSITargets:
		v, why := h.value(busAdapters, true)
		targets, _ := v.(iscsiTargets)
		t.values, t.unreadable = targets, why
	case inventory.KMIPServers:
		switch nics, why := h.nics(); {
		case why != "":
			t.unreadable = "whether the host has vSAN is not known: " + why
		case nics.has(types.HostVirtualNicManagerNicTypeVsan):
			return kmip
		}
	case inventory.VMotionHosts:
		return r.peers(h, traffic{of: types.HostVirtualNicManagerNicTypeVmotion, word: "vMotion"})
	case inventory.VSANHosts:
		t = r.peers(h, traffic{of: types.HostVirtualNicManagerNicTypeVsan, word: "vSAN"})
		if nics, _ := h.nics(); nics.has(types.HostVirtualNicManagerNicTypeVsan) {
			// vSAN's own API knows it, and this one does not.
			t.unnamed = append(t.unnamed, "a witness host, if there is one")
		}
	case inventory.ProvisioningHosts:
		return r.peers(h, traffic{
			of: types.HostVirtualNicManagerNicTypeVmotion, word: "provisioning",
			by: []types.HostVirtualNicManagerNicType{types.HostVirtualNicManagerNicTypeVSphereProvisioning, types.HostVirtualNicManagerNicTypeManagement},
		})
	}
	return t
}

// traffic goes between those hosts of a cluster that have an adapter selected for it.
type traffic struct {
	of   types.HostVirtualNicManagerNicType
	word string
	// by are the adapters that it takes, the first that the host has; those of the traffic
	// where it is empty.
	by []types.HostVirtualNicManagerNicType
}

// addresses are a host's for the traffic. complete is false where there may be others.
func (t traffic) addresses(nics nicFacts) (list []string, complete bool) {
	for _, by := range t.by {
		if nics.has(by) {
			return nics.addresses(by)
		}
	}
	if len(t.by) > 0 {
		return nil, false
	}
	return nics.addresses(t.of)
}

// peers are the addresses of the other hosts of the host's cluster.
func (r *peerReading) peers(h *peerHost, by traffic) (t told) {
	own, why := h.nics()
	if why != "" {
		return told{unreadable: why}
	}
	if !own.has(by.of) {
		return t
	}
	if managed := h.node.text(managementIP); r.kind() == inventory.ESXi && managed != "" {
		t.unnamed = []string{"the hosts of its cluster, which its vCenter knows"}
	}
	for _, other := range r.clusters[h.ClusterPath] {
		if other == h {
			continue
		}
		nics, why := other.nics()
		if why == "" && !nics.has(by.of) {
			continue
		}
		addresses, complete := by.addresses(nics)
		for _, a := range addresses {
			t.values = appendNew(t.values, a)
		}
		if why != "" || !complete {
			t.unnamed = append(t.unnamed, "the "+by.word+" address of "+other.Name)
		}
	}
	return t
}

// queryOptions returns what an option manager has under a name; nothing where it is not set.
func (s *Session) queryOptions(ctx context.Context, manager types.ManagedObjectReference, name string) ([]types.BaseOptionValue, error) {
	res, err := methods.QueryOptions(ctx, s, &types.QueryOptions{This: manager, Name: name})
	if _, unset := deref(faultOf(err)).(types.InvalidName); unset { // so the API says that there is no such option
		return nil, nil
	}
	if err != nil {
		return nil, plain(err)
	}
	return res.Returnval, nil
}
