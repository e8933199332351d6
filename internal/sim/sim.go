// Package sim is a simulated vCenter, or a simulated bare ESXi host, on
// loopback: govmomi's simulator, made faithful where ESXi's firewall is
// concerned (own rulesets for each host, vCenter's copy apart from the host's,
// the esxcli commands of the firewall), and the settings that say whom a host
// talks to.
//
// It knows vSphere and the facts of ESXi, not what this tool makes of them.
package sim

import (
	"cmp"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/types"
)

// DefaultUser and DefaultPassword are the credentials of a simulator that is
// started without others. They guard nothing.
const (
	DefaultUser     = "administrator@vsphere.local"
	DefaultPassword = "simulated"
)

// Options say how a simulator is served. The zero value serves on a free port
// of 127.0.0.1 with the default credentials and a certificate of its own.
type Options struct {
	// Listen is a host:port.
	Listen         string
	User, Password string
	// TLS, when set, brings the certificate to serve.
	TLS *tls.Config

	// DialAfter is how long after power-on a host dials for a serial port. A
	// real one was seen to after 3 to 4 s (vmware/vic #1215); 0 is at once.
	DialAfter time.Duration

	// ReadOnly refuses every call that does more than read; see VCenter.Refused.
	ReadOnly bool

	// Network, when set, stands in for loopback: the hosts' firewalls and
	// connections are real ones then.
	Network Network
}

// Network carries the hosts' packets.
type Network interface {
	// Address is the host's management address; the zero Addr keeps the
	// simulator's own, on loopback.
	Address(host string) netip.Addr
	// SetFirewall is told of the host's own firewall at first and after every
	// change. It is called with the host locked and must not call back.
	SetFirewall(host string, state FirewallState) error
	// Dial opens a connection from the host, through its firewall.
	Dial(ctx context.Context, host, address string) (net.Conn, error)
}

// FirewallState is a host's own firewall, not vCenter's copy.
type FirewallState struct {
	Info *types.HostFirewallInfo
	// Off firewalls filter nothing; DefaultPass ones only what a ruleset
	// could not permit.
	Off, DefaultPass bool
}

// VCenter is a running simulator.
type VCenter struct {
	// URL is where the API is served, without credentials.
	URL *url.URL
	// Thumbprint is the SHA-256 of the certificate, in hex.
	Thumbprint string
	Scenario   Scenario

	model     *simulator.Model
	server    *simulator.Server
	hosts     map[string]*Host
	byRef     map[types.ManagedObjectReference]*Host
	adding    sync.RWMutex // guards the hosts, which clients may add to
	names     []string
	meter     *meter
	role      *role
	keeper    *keeper
	vmx       *vmxProcesses
	network   Network
	dialAfter time.Duration
	// store is the folder behind the datastores.
	store string
}

// starting is held while one is built: govmomi's simulator builds on variables of
// its package (the default license, the server's own context).
var starting sync.Mutex

// Start builds the scenario and serves it until Close. Several may be started
// side by side.
func Start(scenario Scenario, opts Options) (vc *VCenter, err error) {
	if opts.Listen == "" {
		opts.Listen = "127.0.0.1:0"
	}
	if opts.User == "" {
		opts.User, opts.Password = DefaultUser, DefaultPassword
	}
	if opts.TLS == nil {
		cert, err := selfSigned()
		if err != nil {
			return nil, fmt.Errorf("make a certificate: %w", err)
		}
		opts.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	}
	if err := canListen(opts.Listen); err != nil {
		return nil, err
	}

	starting.Lock()
	defer starting.Unlock()
	defer keepEvalLicense()()
	vc = &VCenter{
		Scenario: scenario, network: opts.Network, dialAfter: opts.DialAfter, hosts: map[string]*Host{}, byRef: map[types.ManagedObjectReference]*Host{},
		meter: &meter{user: opts.User, requests: map[string]int{}, faults: map[faultKey]*injected{}, readOnly: opts.ReadOnly},
	}
	vc.role = newRole()
	vc.keeper = &keeper{types.ManagedObjectReference{Type: "Keeper", Value: "keeper"}, vc}
	if err := vc.build(scenario); err != nil {
		return nil, fmt.Errorf("build scenario %s: %w", scenario.Name, err)
	}
	service := vc.model.Service
	service.TLS = opts.TLS.Clone()
	service.TLS.GetConfigForClient = vc.meter.connect
	service.RegisterEndpoints = true
	service.Listen = &url.URL{Host: opts.Listen, User: url.UserPassword(opts.User, opts.Password)}
	service.Context.Map.Handler = vc.call
	vc.server = service.NewServer()
	vc.meter.mu.Lock() // every handshake takes it, also that of another process
	vc.server.Config.Handler = vc.meter.files(versioned(vc.server.Config.Handler))
	vc.meter.mu.Unlock()

	u := *vc.server.URL
	u.User = nil
	vc.URL = &u
	sum := sha256.Sum256(vc.server.Certificate().Raw)
	vc.Thumbprint = hex.EncodeToString(sum[:])
	return vc, nil
}

// OnLoopback returns why an address is none of loopback, where a simulator is safe.
func OnLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is not host:port", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%s is not a loopback address: a simulator guards nothing", address)
	}
	return nil
}

// canListen finds out beforehand what the simulator's server would panic on. A
// free port is left to that to pick: one found here could be gone by then.
func canListen(address string) error {
	if _, port, err := net.SplitHostPort(address); err == nil && port == "0" {
		return nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return l.Close()
}

// closeTime bounds the waiting for calls that are under way.
const closeTime = 2 * time.Second

// Close stops the server and removes what the simulator keeps on disk.
func (vc *VCenter) Close() {
	vc.vmx.stopAll()
	closed := make(chan struct{})
	go func() {
		vc.server.Close() // which waits for calls that wait for something to happen
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(closeTime):
	}
	vc.model.Remove()
	if vc.store != "" {
		_ = os.RemoveAll(vc.store)
	}
}

// ThumbprintSHA1 is the SHA-1 of the certificate in the form that vic-machine takes.
func (vc *VCenter) ThumbprintSHA1() string {
	return strings.ToUpper(strings.ReplaceAll(fmt.Sprintf("% x", sha1.Sum(vc.server.Certificate().Raw)), " ", ":"))
}

// Model gives tests access to the simulator underneath.
func (vc *VCenter) Model() *simulator.Model { return vc.model }

// Host returns the simulated host of that name, nil when there is none.
func (vc *VCenter) Host(name string) *Host {
	vc.adding.RLock()
	defer vc.adding.RUnlock()
	return vc.hosts[name]
}

// hostOf is the host of a managed object, nil when there is none.
func (vc *VCenter) hostOf(ref types.ManagedObjectReference) *Host {
	vc.adding.RLock()
	defer vc.adding.RUnlock()
	return vc.byRef[ref]
}

// HostNames returns the names of all hosts, in the order of the scenario.
func (vc *VCenter) HostNames() []string {
	vc.adding.RLock()
	defer vc.adding.RUnlock()
	return slices.Clone(vc.names)
}

// ExpireSessions ends all sessions, as a vCenter does after half an hour idle.
func (vc *VCenter) ExpireSessions() error {
	keys := vc.sessions()
	if len(keys) == 0 {
		return nil
	}
	manager := vc.model.Map().SessionManager()
	body := manager.TerminateSession(vc.context(), &types.TerminateSession{This: manager.Self, SessionId: keys})
	if f := body.Fault(); f != nil {
		return fmt.Errorf("terminate sessions: %T", f.VimFault())
	}
	return nil
}

// sessions returns the keys of the open sessions.
func (vc *VCenter) sessions() []string {
	ctx := vc.context()
	view := ctx.Session.Get(vc.model.Map().SessionManager().Self).(*simulator.SessionManager)
	keys := make([]string, len(view.SessionList))
	for i, s := range view.SessionList {
		keys[i] = s.Key
	}
	return keys
}

func (vc *VCenter) content() *types.ServiceContent {
	return &vc.model.Map().Get(vim25.ServiceInstance).(*simulator.ServiceInstance).Content
}

func (vc *VCenter) root() *simulator.Folder {
	return vc.model.Map().Get(vc.content().RootFolder).(*simulator.Folder)
}

// context is a request context of the simulator for calls from Go.
func (vc *VCenter) context() *simulator.Context { return newContext(vc.model.Map()) }

func newContext(m *simulator.Registry) *simulator.Context {
	return &simulator.Context{
		Context: context.Background(),
		Map:     m,
		Session: &simulator.Session{
			UserSession: types.UserSession{Key: uuid.NewString()},
			Registry:    simulator.NewRegistry(),
			Map:         m,
		},
	}
}

func (vc *VCenter) build(scenario Scenario) error {
	build := vc.buildVCenter
	if scenario.bare {
		build = vc.buildESXi
	}
	if err := build(scenario); err != nil {
		return err
	}
	if err := vc.addDatastores(); err != nil {
		return err
	}
	if scenario.furnish != nil {
		return scenario.furnish(vc)
	}
	return nil
}

func (vc *VCenter) buildVCenter(scenario Scenario) error {
	m := simulator.VPX()
	m.Datacenter, m.Portgroup, m.Host, m.Cluster, m.ClusterHost, m.Machine, m.Datastore = 0, 0, 0, 0, 0, 0, 0
	if err := m.Create(); err != nil {
		return err
	}
	vc.model = m
	ctx := vc.context()
	vc.identify(scenario, "VMware vCenter Server", "8.0.3", "24022515")

	b := newBuilder(vc, ctx)
	for _, dc := range scenario.datacenters {
		if err := b.addDatacenter(vc.root(), dc); err != nil {
			return err
		}
	}
	vc.install()
	vc.nameLicenses()
	vc.connectNetworks()
	return nil
}

func (vc *VCenter) buildESXi(scenario Scenario) error {
	m := simulator.ESX()
	m.Machine, m.Datastore = 0, 0
	if err := m.Create(); err != nil {
		return err
	}
	vc.model = m
	spec := scenario.datacenters[0].clusters[0].hosts[0]
	vc.identify(scenario, "VMware ESXi", spec.version, "18538813")

	host := m.Map().Any("HostSystem").(*simulator.HostSystem)
	b := newBuilder(vc, vc.context())
	b.adopt(host, spec)
	host.Summary.ManagementServerIp = "" // the stock template has one; vic-machine refuses such a host
	vc.Host(spec.name).evaluate(60 * 24 * time.Hour)
	vc.install()
	return nil
}

// datastoreHosts is the most hosts that get datastores, so that serial probes work; the
// larger scenarios do without.
const datastoreHosts = 1200

// addDatastores gives each host a local datastore. (One that hosts share makes
// the stock simulator race with itself when machines are destroyed together.)
func (vc *VCenter) addDatastores() (err error) {
	if vc.store, err = os.MkdirTemp("", "vic-preflight-sim-"); err != nil {
		return err
	}
	if len(vc.names) > datastoreHosts {
		return nil
	}
	ctx := vc.context()
	for i, name := range vc.names {
		dir := filepath.Join(vc.store, fmt.Sprint(i+1)) // a host's name may be no file's
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		ref := *vc.hosts[name].object.ConfigManager.DatastoreSystem
		dss := vc.model.Map().Get(ref).(*simulator.HostDatastoreSystem)
		body := dss.CreateLocalDatastore(ctx, &types.CreateLocalDatastore{This: ref, Name: fmt.Sprintf("datastore1 (%d)", i+1), Path: dir})
		if f := body.Fault(); f != nil {
			return fmt.Errorf("create the datastore of %s: %T", name, f.VimFault())
		}
	}
	return nil
}

// simulated ends the name of every simulator.
const simulated = " (simulated)"

// identify gives the endpoint a name, and an instance UUID that is the same
// each time the scenario is started.
func (vc *VCenter) identify(scenario Scenario, product, version, build string) {
	si := vc.model.Map().Get(vim25.ServiceInstance).(*simulator.ServiceInstance)
	about := &si.Content.About
	about.Name, about.Version, about.Build = product, version, build
	about.FullName = fmt.Sprintf("%s %s build-%s", product, version, build)
	if scenario.fullName != "" {
		about.FullName = scenario.fullName
	}
	if !strings.HasSuffix(about.FullName, simulated) {
		about.FullName += simulated
	}
	about.ApiVersion = strings.Join(append(strings.SplitN(version, ".", 4), "0")[:4], ".")
	if !scenario.bare {
		vc.ownOptions()
		about.InstanceUuid = cmp.Or(scenario.instance, stableUUID("vcenter", scenario.Name))
	}
}

// install puts the wrappers of singletons in place.
func (vc *VCenter) install() {
	m, content := vc.model.Map(), vc.content()
	pc := &propertyCollector{}
	pc.Self = content.PropertyCollector
	m.Put(pc)
	m.Put(vc.role)
	m.Put(vc.keeper)
	vc.vmx = &vmxProcesses{vc: vc, running: map[types.ManagedObjectReference]context.CancelFunc{}}
	m.AddHandler(vc.vmx)
	if ref := content.AuthorizationManager; ref != nil {
		m.Put(&authorizationManager{m.Get(*ref).(*simulator.AuthorizationManager), vc.meter})
	}
}

func stableUUID(kind, name string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("vic-preflight/"+kind+"/"+name)).String()
}
