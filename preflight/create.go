package preflight

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/infile"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/probe"
)

// CreateOptions say which virtual container host is to be created.
type CreateOptions struct {
	VCH checks.VCH
	// OpsLogin signs in as VCH.OpsUser with OpsPassword, and out again. It is the one thing
	// that a server may remember of a check: a login that it refused.
	OpsLogin    bool
	OpsPassword string
}

// set is the set of checks of the run.
func (o *Options) set() []checks.Check {
	if o.Create != nil {
		return slices.Concat(checks.Default(), checks.Create())
	}
	return checks.Default()
}

func (o *Options) validateCreate() error {
	c := o.Create
	switch {
	case c == nil:
		return nil
	case o.Facts != "":
		return usage("facts", "has what check reads, and not what create is judged by")
	case len(o.Hosts) > 0:
		return &UsageError{
			Option: "host", Err: errors.New("narrows the hosts, and create looks at all of the compute resource"),
			Hints: []string{"leave it out, and hosts out of the configuration file: --compute-resource says which hosts are meant"},
		}
	case c.OpsLogin && (c.VCH.OpsUser == "" || !c.VCH.OpsPasswordGiven):
		return usage("ops-login", "signs in as the operations user: it takes --ops-user and --ops-password")
	}
	return nil
}

// place reads what the virtual container host is judged by besides its hosts: of the
// server, of its registries and of this machine. missing is why its datacenter or its
// compute resource was not found; else it is nil.
func place(ctx context.Context, s *session, inv *inventory.Inventory, o Options, missing *vsphere.SelectionError) {
	v := &o.Create.VCH
	var g errgroup.Group
	var here inventory.Workstation
	var ops *inventory.Login
	g.Go(func() error {
		inv.Placement = s.ReadPlacement(ctx, inv, vsphere.PlacementWanted{
			Datacenter: s.datacenter, ComputeResource: o.ComputeResource, Name: v.Name, Datastores: v.Datastores(), Networks: v.Networks(),
		})
		return nil
	})
	g.Go(func() error {
		here = lookHere(ctx, v)
		return nil
	})
	g.Go(func() error {
		ops = tryOps(ctx, s, o)
		return nil
	})
	_ = g.Wait() // each part says itself why it is not known
	p := inv.Placement
	p.Workstation, p.OpsUser = here, ops
	switch {
	case missing == nil:
	case missing.Datacenter == "":
		p.DatacenterProblem = missing.Error()
	default:
		p.Compute.Problem = missing.Error()
	}
}

// unplaced is the inventory of a run whose datacenter or compute resource was not found,
// which is a finding where a virtual container host is to be created; else both are nil.
func unplaced(s *session, o Options, err error) (*inventory.Inventory, *vsphere.SelectionError) {
	var missing *vsphere.SelectionError
	if o.Create == nil || !errors.As(err, &missing) {
		return nil, nil
	}
	return &inventory.Inventory{Endpoint: s.Endpoint(), Datacenter: missing.Datacenter}, missing
}

// tryOps signs in as the operations user where that is asked for.
func tryOps(ctx context.Context, s *session, o Options) *inventory.Login {
	c := o.Create
	if !c.OpsLogin {
		return nil
	}
	login := s.TryLogin(ctx, c.VCH.OpsUser, c.OpsPassword)
	return &login
}

// registriesAtATime bounds the connections to registries.
const registriesAtATime = 8

// lookHere reads the files that the options name, and tries their registries.
func lookHere(ctx context.Context, v *checks.VCH) inventory.Workstation {
	found := inventory.Workstation{Files: map[string]inventory.LocalFile{}, Registries: map[string]string{}}
	bounded, cancel := context.WithTimeout(ctx, filesTime)
	defer cancel()
	for _, path := range v.Files() {
		found.Files[path] = readLocal(bounded, path)
	}
	roots := x509.NewCertPool() // create trusts no others: pkg/fetcher of vmware/vic
	for _, path := range v.RegistryCAs {
		roots.AppendCertsFromPEM(found.Files[path].Content)
	}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(registriesAtATime)
	for _, address := range v.Registries() {
		g.Go(func() error {
			why := ""
			if err := probe.Registry(ctx, address, probe.RegistryOptions{Insecure: slices.Contains(v.InsecureRegistries, address), Roots: roots}); err != nil {
				why = err.Error()
			}
			mu.Lock()
			defer mu.Unlock()
			found.Registries[address] = why
			return nil
		})
	}
	_ = g.Wait() // each registry holds its own error
	return found
}

// filesTime bounds the reading of all files together, and largestFile that of each: a pipe
// that nobody writes to, or a file server that is gone, must not hold up a run.
const (
	filesTime   = 10 * time.Second
	largestFile = 4 << 20
)

// readLocal reads a file, which may be a pipe: a shell makes one of <(command).
func readLocal(ctx context.Context, path string) inventory.LocalFile {
	content, err := infile.Until(ctx, "read", func() ([]byte, error) { return infile.Read(path, largestFile) })
	switch {
	case ctx.Err() != nil && errors.Is(err, ctx.Err()), errors.Is(err, infile.ErrSilent):
		return inventory.LocalFile{Unread: "it could not be read in time"}
	case errors.Is(err, infile.ErrLarge):
		return inventory.LocalFile{Unread: fmt.Sprintf("it is larger than %d MiB, and was not read", largestFile>>20)}
	case err != nil:
		return inventory.LocalFile{Err: err.Error(), Missing: errors.Is(err, fs.ErrNotExist)}
	}
	return inventory.LocalFile{Content: content}
}
