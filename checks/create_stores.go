package checks

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// The IDs of the checks of datastores.
const (
	ImageStoreCheck      = "image-store"
	VolumeStoreCheck     = "volume-store"
	DatastoreAccessCheck = "datastore-access"
	StorageQuotaCheck    = "storage-quota"
)

const (
	imageStoreOption  = "--image-store"
	volumeStoreOption = "--volume-store"
)

// storeName is the datastore of [ds://]DATASTORE[/folder].
func storeName(given string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(given, "ds://"), "/")
	return name
}

// store finds the one datastore that an option names, or says what keeps it from being
// found.
func (s *site) store(given, option string) (*inventory.Datastore, finding) {
	list := s.FindDatastores(given)
	name := storeName(given)
	switch {
	case s.DatastoresUnreadable != "":
		return nil, notKnown("the datastores could not be read: %s", s.DatastoresUnreadable)
	case s.Datastores == nil && !s.wasRead():
		return nil, notKnown("the datastores were not read")
	case len(list) == 0 && name == "":
		return nil, refuses(DatastoreMissing, "%s names none, and the datacenter has none", option)
	case len(list) == 0:
		return nil, refuses(DatastoreMissing, "%s: there is no datastore %q", option, name)
	case len(list) > 1 && name == "":
		return nil, refuses(DatastoreMissing, "%s names none, and the datacenter has %d", option, len(list))
	case len(list) > 1:
		return nil, refuses(DatastoreAmbiguous, "%s: %q is the name of %s", option, name, few(storePaths(list)))
	}
	return list[0], finding{}
}

func storePaths(list []*inventory.Datastore) []string {
	paths := make([]string, len(list))
	for i, d := range list {
		paths[i] = d.Path
	}
	return paths
}

// theImageStore is nil where it is not known which one it is: why says it then.
func (s *site) theImageStore() (store *inventory.Datastore, why string) {
	store, f := s.store(s.vch.ImageStore, imageStoreOption)
	if store == nil {
		return nil, f.Detail
	}
	return store, ""
}

// volume is one --volume-store: TARGET:LABEL.
type volume struct{ target, option string }

// nfs reports whether it is no datastore of the vCenter: create only parses those, and
// the virtual container host mounts them.
func (v volume) nfs() bool {
	u, err := url.Parse(v.target)
	return err == nil && strings.EqualFold(u.Scheme, "nfs")
}

func (v *VCH) volumes() []volume {
	list := make([]volume, len(v.VolumeStores))
	for i, given := range v.VolumeStores {
		// The label is what follows the last colon (cmd/vic-machine/common/volume_stores.go).
		target := given
		if at := strings.LastIndex(given, ":"); at >= 0 {
			target = given[:at]
		}
		list[i] = volume{target, volumeStoreOption + " " + given}
	}
	return list
}

// Datastores are those that the options name, as they name them.
func (v *VCH) Datastores() []string {
	list := []string{v.ImageStore}
	for _, volume := range v.volumes() {
		if !volume.nfs() {
			list = append(list, volume.target)
		}
	}
	return list
}

func imageStore() Check {
	return Check{
		ID:      ImageStoreCheck,
		Title:   "The image store is there, and the compute resource has it",
		Why:     "The virtual container host and the images of its containers are stored on it.",
		Reasons: storeReasons,
		Run: onSite(func(s *site) []Result {
			store, f := s.store(s.vch.ImageStore, imageStoreOption)
			if store == nil {
				return f.one(ImageStoreCheck, imageStoreOption)
			}
			return gravest(s.judgeStore(store)).one(ImageStoreCheck, store.Path)
		}),
	}
}

var storeReasons = []Reason{
	DatastoreMissing, DatastoreAmbiguous, DatastoreOutside, DatastoreInaccessible, DatastoreMaintenance, PlaceUnreadable,
}

func volumeStore() Check {
	return Check{
		ID:      VolumeStoreCheck,
		Title:   "The volume stores are there, and every host of the compute resource has them",
		Why:     "Volumes of containers are stored on them, and a container starts on any host.",
		Reasons: append(slices.Clone(storeReasons), PartlyMounted),
		Run: onSite(func(s *site) []Result {
			var results []Result
			for _, v := range s.vch.volumes() {
				if v.nfs() {
					f := leftOut(NotApplicable, "create only parses what is no datastore of the vCenter, and mounts nothing")
					results = append(results, f.result(VolumeStoreCheck, v.option))
					continue
				}
				store, f := s.store(v.target, volumeStoreOption)
				if store == nil {
					results = append(results, f.result(VolumeStoreCheck, v.option))
					continue
				}
				list := append(s.judgeStore(store), s.partlyMounted(store)...)
				results = append(results, gravest(list).result(VolumeStoreCheck, store.Path))
			}
			if len(results) == 0 {
				return leftOut(NotAskedFor, "none is asked for").one(VolumeStoreCheck, volumeStoreOption)
			}
			return onePerSubject(results)
		}),
	}
}

// onePerSubject leaves the first of results about the same object: two labels may be on
// one datastore.
func onePerSubject(results []Result) []Result {
	seen := map[string]bool{}
	return slices.DeleteFunc(results, func(r Result) bool {
		was := seen[r.Subject]
		seen[r.Subject] = true
		return was
	})
}

// judgeStore looks at a datastore that was found. It finds one thing at least.
func (s *site) judgeStore(store *inventory.Datastore) []finding {
	var list []finding
	if f, yes := s.unplaced(); yes {
		list = append(list, f)
	} else if s.Compute.Datastores == nil {
		list = append(list, s.unread("which datastores the compute resource has"))
	} else if !slices.Contains(s.Compute.Datastores, store.ID) {
		f := refuses(DatastoreOutside, "%s does not have the datastore %s", base(s.Compute.Path), store.Name)
		f.Store = s.lacked(store, s.hosts)
		list = append(list, f)
	}
	if store.Accessible == inventory.No {
		list = append(list, ours(DatastoreInaccessible, "vCenter says that %s is not accessible", store.Name))
	}
	if store.Maintenance != "" && store.Maintenance != "normal" {
		list = append(list, ours(DatastoreMaintenance, "%s is in maintenance mode (%s)", store.Name, store.Maintenance))
	}
	if len(list) == 0 {
		list = append(list, inOrder("%s has the datastore %s", base(s.Compute.Path), store.Name))
	}
	return list
}

// partlyMounted names the hosts of the compute resource that have not got a volume store.
// Of the image store attached-hosts says so of each host.
func (s *site) partlyMounted(store *inventory.Datastore) []finding {
	if !slices.Contains(s.Compute.Datastores, store.ID) {
		return nil
	}
	var without []string
	for _, h := range s.hosts {
		no, unsure := s.unmounted(store, h.ID)
		if unsure != "" {
			return []finding{notKnown("of %s: %s", h.Name, unsure)}
		}
		if no != "" {
			without = append(without, h.Name)
		}
	}
	if len(without) == 0 {
		return nil
	}
	f := ours(PartlyMounted, "%s cannot use %s", few(without), store.Name)
	f.Store = s.lacked(store, s.hosts)
	return []finding{f}
}

func datastoreAccess() Check {
	return Check{
		ID:      DatastoreAccessCheck,
		Title:   "Several hosts of the compute resource have all the datastores",
		Why:     "A container runs on a host that has the image store and its volumes. With one such host alone it cannot move.",
		Reasons: []Reason{NoCommonHost, OneCommonHost, PlaceUnreadable},
		Run:     onSite(func(s *site) []Result { return s.common().one(DatastoreAccessCheck, s.computeSubject()) }),
	}
}

// common looks for hosts that have all the datastores (lib/install/validate/validator.go,
// checkDatastoresAreWriteable).
func (s *site) common() finding {
	if f, yes := s.unplaced(); yes {
		return f
	}
	if s.Compute.Hosts == nil {
		return s.unread("which hosts the compute resource has")
	}
	stores, f := s.requested()
	if stores == nil {
		return f
	}
	var with, unsure []string
	for _, h := range s.hosts {
		switch has, known := s.hasAll(h, stores); {
		case !known:
			unsure = append(unsure, h.Name)
		case has:
			with = append(with, h.Name)
		}
	}
	f = s.commonAmong(with, unsure, stores)
	f.Store = s.lacked(s.rarest(stores), s.hosts)
	return f
}

// commonAmong judges how many hosts have all the datastores.
func (s *site) commonAmong(with, unsure []string, stores storeList) finding {
	switch total := len(s.Compute.Hosts); {
	case len(with) == 0 && len(unsure) > 0, len(with) == 1 && len(unsure) > 0 && s.onVCenter():
		return notKnown("whether %s can use all the datastores is not known", few(unsure))
	case len(with) == 0:
		return refuses(NoCommonHost, "none of the %s can read and write all of %s", count(total, "host"), enumerate(stores.names()))
	case len(with) == 1 && total > 1 && s.onVCenter():
		return warns(OneCommonHost, "only %s of %d hosts can read and write all of %s", with[0], total, enumerate(stores.names()))
	}
	return inOrder("%d of %s can read and write all of %s", len(with), count(len(s.Compute.Hosts), "host"), enumerate(stores.names()))
}

// hasAll reports whether a host counts among those that have all the datastores, as
// govmomi's AttachedHosts tells it.
func (s *site) hasAll(h *inventory.Host, stores storeList) (has, known bool) {
	known = true
	for _, store := range stores {
		no, unsure := s.detached(h, store, "")
		if no != "" {
			return false, true
		}
		known = known && unsure == ""
	}
	return known, known
}

// rarest is the datastore that the fewest hosts have, the first of several.
func (s *site) rarest(stores storeList) *inventory.Datastore {
	return slices.MinFunc(stores, func(a, b *inventory.Datastore) int { return s.having(a) - s.having(b) })
}

// lacked tells commands of a datastore that some of the hosts lack.
func (s *site) lacked(store *inventory.Datastore, hosts []*inventory.Host) LackedStore {
	return LackedStore{
		Path: store.Path, NFS: store.Type == "NFS", // NFS41 is mounted by other options
		ReadOnly: slices.ContainsFunc(hosts, func(h *inventory.Host) bool { return s.mountsOf(store)[h.ID].ReadWrite == inventory.No }),
	}
}

// having counts the hosts that are known to have a datastore.
func (s *site) having(store *inventory.Datastore) (n int) {
	for _, h := range s.hosts {
		if no, unsure := s.detached(h, store, ""); no == "" && unsure == "" {
			n++
		}
	}
	return n
}

type storeList []*inventory.Datastore

func (l storeList) names() []string {
	names := make([]string, len(l))
	for i, d := range l {
		names[i] = d.Name
	}
	return names
}

// requested are the datastores of the options; none where one of them is no good, which is
// a finding of its own.
func (s *site) requested() (storeList, finding) {
	given := []string{s.vch.ImageStore}
	for _, v := range s.vch.volumes() {
		if !v.nfs() {
			given = append(given, v.target)
		}
	}
	var stores storeList
	for _, name := range given {
		store, f := s.store(name, "")
		switch {
		case store == nil && f.Status == Unknown:
			return nil, f
		case store == nil:
			return nil, leftOut(NotJudged, "a datastore was not found")
		case s.Compute.Datastores != nil && !slices.Contains(s.Compute.Datastores, store.ID):
			return nil, leftOut(NotJudged, "the compute resource does not have %s", store.Name)
		case !slices.Contains(stores, store):
			stores = append(stores, store)
		}
	}
	return stores, finding{}
}

func storageQuota() Check {
	return Check{
		ID:      StorageQuotaCheck,
		Title:   "The image store has room for the storage quota",
		Why:     "create refuses a quota that the image store could not hold now.",
		Reasons: []Reason{QuotaExceedsSpace, PlaceUnreadable},
		Run: onSite(func(s *site) []Result {
			if s.vch.StorageQuota <= 0 {
				return leftOut(NotAskedFor, "none is asked for").one(StorageQuotaCheck, "--storage-quota")
			}
			store, f := s.store(s.vch.ImageStore, imageStoreOption)
			switch {
			case store == nil && f.Status == Fail:
				return leftOut(NotJudged, "the image store was not found").one(StorageQuotaCheck, "--storage-quota")
			case store == nil:
				return f.one(StorageQuotaCheck, "--storage-quota")
			}
			return s.quota(store).one(StorageQuotaCheck, store.Path)
		}),
	}
}

const gib = 1 << 30

func (s *site) quota(store *inventory.Datastore) finding {
	if store.Free == nil {
		return notKnown("the free space of %s is not known: %s", store.Name, cmp.Or(store.Unreadable, "it was not read"))
	}
	// Divided, as a quota times 2^30 may be more than an int64 holds.
	if s.vch.StorageQuota > *store.Free/gib {
		return refuses(QuotaExceedsSpace, "%s has %d GiB free, less than the quota of %d", store.Name, *store.Free/gib, s.vch.StorageQuota)
	}
	return inOrder("%s has %d GiB free, and the quota is %d", store.Name, *store.Free/gib, s.vch.StorageQuota)
}
