package sim

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/types"
)

// readMethods are the calls that change nothing but the caller's own session. A refresh of
// a firewall brings vCenter's copy up to what the host has.
var readMethods = []string{
	"RetrieveServiceContent", "Login", "Logout", "CurrentTime", "SessionIsActive",
	"RetrieveProperties", "RetrievePropertiesEx", "ContinueRetrievePropertiesEx", "CancelRetrievePropertiesEx",
	"QueryAssignedLicenses", "QueryOptions", "ListKmipServers", "HasPrivilegeOnEntities", "HasUserPrivilegeOnEntities",
	"FindChild", "FindByInventoryPath", "RetrieveManagedMethodExecuter", "RetrieveDynamicTypeManager", "RefreshFirewall", "FetchSoftwarePackages",
}

// executeSoap carries esxcli.
const executeSoap = "ExecuteSoap"

// nameOf is a method's name as the reference spells it: some go over the wire in lower case.
func nameOf(c *simulator.Method) string { return capital(c.Name) }

// reads reports whether a call changes nothing. name is the API's, with the command where
// it is esxcli's.
func reads(c *simulator.Method) (name string, ok bool) {
	if c.Name != executeSoap {
		return c.Name, slices.Contains(readMethods, nameOf(c))
	}
	method, _ := decodeRequest(c.Body)
	ok = method == "vim.CLIInfo.FetchCLIInfo" || strings.HasSuffix(method, ".get") || strings.HasSuffix(method, ".list")
	return c.Name + " " + method, ok
}

// refuse is the fault of a call that is not permitted; nil where it is.
func (m *meter) refuse(ctx *simulator.Context, c *simulator.Method) types.BaseMethodFault {
	role := roleOf(ctx)
	for _, n := range needsOf(ctx, c) {
		m.ask(n.privilege)
		if !role.has(n.on, n.privilege) && c.Name != executeSoap { // which answers for itself, in the host's words
			return noPermission(n.on, n.privilege)
		}
	}
	if name, ok := reads(c); !ok && m.refused(name) {
		return &types.RestrictedByAdministrator{Details: name + ": this simulator may only be read"}
	}
	return nil
}

// refused reports whether a call that changes something is refused, and remembers it then.
func (m *meter) refused(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.readOnly {
		m.refusals = append(m.refusals, name)
	}
	return m.readOnly
}

// files refuses to have files written, which is no call of the API, where it must.
func (m *meter) files(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		read := r.Method == http.MethodGet || r.Method == http.MethodHead || strings.HasPrefix(r.URL.Path, vim25.Path)
		if !read && m.refused(r.Method+" "+r.URL.Path) {
			http.Error(w, "this simulator may only be read", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// SetReadOnly makes the simulator refuse every call that does more than read, or no longer,
// as Options.ReadOnly does from the start.
func (vc *VCenter) SetReadOnly(on bool) {
	vc.meter.mu.Lock()
	defer vc.meter.mu.Unlock()
	vc.meter.readOnly = on
}

// Refused names the calls, in their order, that were refused since they would have changed
// something: a method's name, and the command's after it where it was esxcli's.
func (vc *VCenter) Refused() []string {
	vc.meter.mu.Lock()
	defer vc.meter.mu.Unlock()
	return slices.Clone(vc.meter.refusals)
}

// Calls is how many calls of each method were made, refused ones too.
func (vc *VCenter) Calls() map[string]int {
	vc.meter.mu.Lock()
	defer vc.meter.mu.Unlock()
	return maps.Clone(vc.meter.requests)
}
