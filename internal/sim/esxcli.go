package sim

import (
	"cmp"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"

	cliesx "github.com/vmware/govmomi/cli/esx"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"
)

// executer is the ManagedMethodExecuter of one host, which carries esxcli over
// SOAP. It answers the firewall's commands from the Host and leaves all others
// to the stock executer.
//
// The SOAP types of ExecuteSoap are internal to govmomi, hence the reflection
// and the look-alikes below.
type executer struct {
	*simulator.ManagedMethodExecuter
	host *Host
}

type soapFault struct {
	FaultMsg    string `xml:"faultMsg"`
	FaultDetail string `xml:"faultDetail,omitempty"`
}

type soapResult struct {
	Response string     `xml:"response,omitempty"`
	Fault    *soapFault `xml:"fault,omitempty"`
}

type executeSoapResponse struct {
	Returnval *soapResult `xml:"urn:vim25 returnval"`
}

type executeSoapBody struct {
	Res    *executeSoapResponse `xml:"urn:vim25 ExecuteSoapResponse,omitempty"`
	Fault_ *soap.Fault          `xml:"http://schemas.xmlsoap.org/soap/envelope/ Fault,omitempty"`
}

func (b *executeSoapBody) Fault() *soap.Fault { return b.Fault_ }

// args are the arguments of an esxcli command.
type args map[string]string

type command func(*executer, *simulator.Context, args) (*cliesx.Response, error)

// commands by their SOAP method. The names of arguments and results are those
// of esxcli's own metadata (govmomi simulator/esx/type_info.go).
var commands = map[string]command{
	"vim.EsxCLI.network.firewall.get":                      (*executer).firewallGet,
	"vim.EsxCLI.network.firewall.set":                      (*executer).firewallSet,
	"vim.EsxCLI.network.firewall.load":                     (*executer).firewallLoad,
	"vim.EsxCLI.network.firewall.unload":                   (*executer).firewallUnload,
	"vim.EsxCLI.network.firewall.refresh":                  (*executer).firewallRefresh,
	"vim.EsxCLI.network.firewall.ruleset.list":             (*executer).rulesetList,
	"vim.EsxCLI.network.firewall.ruleset.set":              (*executer).rulesetSet,
	"vim.EsxCLI.network.firewall.ruleset.rule.list":        (*executer).ruleList,
	"vim.EsxCLI.network.firewall.ruleset.allowedip.list":   (*executer).allowedIPList,
	"vim.EsxCLI.network.firewall.ruleset.allowedip.add":    (*executer).allowedIPAdd,
	"vim.EsxCLI.network.firewall.ruleset.allowedip.remove": (*executer).allowedIPRemove,
	"vim.EsxCLI.software.vib.list":                         (*executer).vibList,
	"vim.EsxCLI.software.vib.get":                          (*executer).vibGet,
}

// ExecuteSoap overrides the stock method.
func (e *executer) ExecuteSoap(ctx *simulator.Context, req any) soap.HasFault {
	if fault := e.host.away(); fault != nil {
		return &executeSoapBody{Fault_: fault}
	}
	if e.host.refusesEsxcli() || !e.host.role.has(e.host.Ref, hostSettings) {
		return &executeSoapBody{Fault_: simulator.Fault("Permission to perform this operation was denied.",
			&types.NoPermission{Object: &e.host.Ref, PrivilegeId: hostSettings})}
	}
	method, a := decodeRequest(req)
	if method == "vim.CLIInfo.FetchCLIInfo" {
		if info, ok := commandInfo[strings.TrimPrefix(a["typeName"], "vim.EsxCLI.")]; ok {
			return answer(info, nil)
		}
	}
	run, ok := commands[method]
	if !ok {
		stock := reflect.ValueOf(e.ManagedMethodExecuter).MethodByName("ExecuteSoap")
		out := stock.Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(req)})
		return out[0].Interface().(soap.HasFault)
	}
	res, err := run(e, ctx, a)
	if err != nil {
		return answer(nil, err)
	}
	if res.String == "" {
		// A data object's type carries the command's name.
		res.Kind = "VimEsxCLI" + strings.ReplaceAll(strings.TrimPrefix(method, "vim.EsxCLI."), ".", "") + res.Kind
	}
	return answer(res, nil)
}

// decodeRequest reads the fields of govmomi's internal.ExecuteSoapRequest. An
// argument's value is XML text: <name>value</name>.
func decodeRequest(req any) (method string, a args) {
	v := reflect.Indirect(reflect.ValueOf(req))
	a = args{}
	list := v.FieldByName("Argument")
	for i := range list.Len() {
		name := list.Index(i).FieldByName("Name").String()
		var value struct {
			Text string `xml:",chardata"`
		}
		if xml.Unmarshal([]byte(list.Index(i).FieldByName("Val").String()), &value) == nil {
			a[name] = value.Text
		}
	}
	return v.FieldByName("Method").String(), a
}

func answer(payload any, failure error) soap.HasFault {
	result := &soapResult{}
	if failure != nil {
		result.Fault = &soapFault{FaultMsg: failure.Error()}
	} else {
		text, err := xml.Marshal(payload)
		if err != nil {
			return &executeSoapBody{Fault_: simulator.Fault(err.Error(), &types.SystemErrorFault{Reason: err.Error()})}
		}
		result.Response = string(text)
	}
	return &executeSoapBody{Res: &executeSoapResponse{Returnval: result}}
}

func done() *cliesx.Response { return &cliesx.Response{Kind: "boolean", String: "true"} }

func (e *executer) firewallGet(_ *simulator.Context, _ args) (*cliesx.Response, error) {
	h := e.host
	h.mu.Lock()
	defer h.mu.Unlock()
	action := "DROP"
	if h.defaultPass {
		action = "PASS"
	}
	values := cliesx.Values{
		"DefaultAction": {action},
		"Enabled":       {strconv.FormatBool(!h.off)},
		"Loaded":        {strconv.FormatBool(!h.notLoaded)},
	}
	for name, left := range map[string]bool{"DefaultAction": h.untold.defaultAction, "Enabled": h.untold.enabled, "Loaded": h.untold.loaded} {
		if left {
			delete(values, name)
		}
	}
	return &cliesx.Response{Kind: "Firewall", Values: []cliesx.Values{values}}, nil
}

func (e *executer) firewallSet(ctx *simulator.Context, a args) (*cliesx.Response, error) {
	h := e.host
	h.mu.Lock()
	if v, ok := a["enabled"]; ok {
		h.off = v != "true"
	}
	pass, given := a["defaultaction"]
	if given {
		h.defaultPass = pass == "true"
	}
	err := h.tellNetwork()
	h.mu.Unlock()
	if !given || err != nil {
		return done(), err
	}
	return done(), e.change(ctx, func(info *types.HostFirewallInfo) error {
		info.DefaultPolicy.OutgoingBlocked = types.NewBool(pass != "true")
		return nil
	})
}

func (e *executer) firewallLoad(_ *simulator.Context, _ args) (*cliesx.Response, error) {
	e.host.mu.Lock()
	defer e.host.mu.Unlock()
	e.host.notLoaded = false
	return done(), e.host.tellNetwork()
}

func (e *executer) firewallUnload(_ *simulator.Context, _ args) (*cliesx.Response, error) {
	e.host.mu.Lock()
	defer e.host.mu.Unlock()
	e.host.notLoaded = true
	return done(), e.host.tellNetwork()
}

func (e *executer) firewallRefresh(ctx *simulator.Context, _ args) (*cliesx.Response, error) {
	if err := e.host.reload(); err != nil {
		return nil, err
	}
	return done(), e.change(ctx, func(*types.HostFirewallInfo) error { return nil })
}

// change changes the host's own firewall. On a bare host that is all there is;
// behind a vCenter its copy lags until the next refresh.
func (e *executer) change(ctx *simulator.Context, f func(*types.HostFirewallInfo) error) error {
	if err := e.host.Change(f); err != nil {
		return err
	}
	if e.host.direct {
		ctx.WithLock(e.host.system, func() { e.host.system.show(ctx, e.host.Firewall()) })
	}
	return nil
}

// rulesets returns those that a list command asks for.
func (e *executer) rulesets(a args) ([]types.HostFirewallRuleset, error) {
	all := e.host.Firewall().Ruleset
	id, given := a["rulesetid"]
	if !given {
		return all, nil
	}
	i := slices.IndexFunc(all, func(rs types.HostFirewallRuleset) bool { return rs.Key == id })
	if i < 0 {
		return nil, hostMessage(fmt.Sprintf("Invalid ruleset id: '%s'", id))
	}
	return all[i : i+1], nil
}

func (e *executer) rulesetList(_ *simulator.Context, a args) (*cliesx.Response, error) {
	list, err := e.rulesets(a)
	if err != nil {
		return nil, err
	}
	res := &cliesx.Response{Kind: "Ruleset"}
	for _, rs := range list {
		v := cliesx.Values{"Enabled": {strconv.FormatBool(rs.Enabled)}, "Name": {rs.Key}}
		if rs.UserControllable != nil { // the two columns since 8.0 U2
			v["EnableDisableconfigurable"] = []string{strconv.FormatBool(*rs.UserControllable)}
			v["AllowedIPconfigurable"] = []string{strconv.FormatBool(*rs.IpListUserConfigurable)}
		}
		res.Values = append(res.Values, v)
	}
	return res, nil
}

func (e *executer) rulesetSet(ctx *simulator.Context, a args) (*cliesx.Response, error) {
	if _, err := e.rulesets(a); err != nil {
		return nil, err
	}
	enable := e.host.setEnabled(a["rulesetid"], a["enabled"] == "true")
	return done(), e.change(ctx, func(info *types.HostFirewallInfo) error {
		if _, ok := a["enabled"]; ok {
			if err := enable(info); err != nil {
				return err
			}
		}
		if v, ok := a["allowedall"]; ok {
			list := types.HostFirewallRulesetIpList{}
			if old := find(info, a["rulesetid"]).AllowedHosts; old != nil {
				list = *old
			}
			list.AllIp = v == "true"
			return setAllowed(a["rulesetid"], &list)(info)
		}
		return nil
	})
}

func (e *executer) ruleList(_ *simulator.Context, a args) (*cliesx.Response, error) {
	list, err := e.rulesets(a)
	if err != nil {
		return nil, err
	}
	res := &cliesx.Response{Kind: "FirewallPortRule"}
	for _, rs := range list {
		for _, r := range rs.Rule {
			end := r.EndPort
			if end == 0 { // the CLI prints a single port twice
				end = r.Port
			}
			res.Values = append(res.Values, cliesx.Values{
				"Ruleset":   {rs.Key},
				"Direction": {capital(string(r.Direction))},
				"Protocol":  {strings.ToUpper(r.Protocol)},
				"PortType":  {capital(cmp.Or(string(r.PortType), "dst"))},
				"PortBegin": {strconv.Itoa(int(r.Port))},
				"PortEnd":   {strconv.Itoa(int(end))},
			})
		}
	}
	return res, nil
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func (e *executer) allowedIPList(_ *simulator.Context, a args) (*cliesx.Response, error) {
	list, err := e.rulesets(a)
	if err != nil {
		return nil, err
	}
	res := &cliesx.Response{Kind: "FirewallRulesetAllowedip"}
	for _, rs := range list {
		var ips []string
		switch hosts := rs.AllowedHosts; {
		case hosts == nil:
		case hosts.AllIp:
			ips = []string{"All"}
		default:
			ips = append(ips, hosts.IpAddress...)
			for _, n := range hosts.IpNetwork {
				ips = append(ips, fmt.Sprintf("%s/%d", n.Network, n.PrefixLength))
			}
		}
		v := cliesx.Values{"Ruleset": {rs.Key}}
		if len(ips) > 0 { // empty arrays are absent
			v["AllowedIPAddresses"] = ips
		}
		res.Values = append(res.Values, v)
	}
	return res, nil
}

func (e *executer) allowedIPAdd(ctx *simulator.Context, a args) (*cliesx.Response, error) {
	return e.editAllowed(ctx, a, func(list *types.HostFirewallRulesetIpList, p netip.Prefix) {
		if p.IsSingleIP() {
			list.IpAddress = append(list.IpAddress, p.Addr().String())
			return
		}
		list.IpNetwork = append(list.IpNetwork, types.HostFirewallRulesetIpNetwork{
			Network: p.Addr().String(), PrefixLength: int32(p.Bits()),
		})
	})
}

func (e *executer) allowedIPRemove(ctx *simulator.Context, a args) (*cliesx.Response, error) {
	return e.editAllowed(ctx, a, func(list *types.HostFirewallRulesetIpList, p netip.Prefix) {
		list.IpAddress = slices.DeleteFunc(list.IpAddress, func(s string) bool { return s == p.Addr().String() })
		list.IpNetwork = slices.DeleteFunc(list.IpNetwork, func(n types.HostFirewallRulesetIpNetwork) bool {
			return n.Network == p.Addr().String() && int(n.PrefixLength) == p.Bits()
		})
	})
}

func (e *executer) editAllowed(ctx *simulator.Context, a args, edit func(*types.HostFirewallRulesetIpList, netip.Prefix)) (*cliesx.Response, error) {
	if _, err := e.rulesets(a); err != nil {
		return nil, err
	}
	text := a["ipaddress"]
	p, err := netip.ParsePrefix(text)
	if err != nil {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return nil, hostMessage(fmt.Sprintf("Invalid IP address: %s", text))
		}
		p = netip.PrefixFrom(addr, addr.BitLen())
	}
	return done(), e.change(ctx, func(info *types.HostFirewallInfo) error {
		old := find(info, a["rulesetid"]).AllowedHosts
		if old == nil {
			old = &types.HostFirewallRulesetIpList{}
		}
		if old.AllIp {
			return hostMessage(fmt.Sprintf("Disable allowed all IP first for ruleset %s", a["rulesetid"]))
		}
		list := types.HostFirewallRulesetIpList{
			IpAddress: slices.Clone(old.IpAddress), IpNetwork: slices.Clone(old.IpNetwork),
		}
		edit(&list, p)
		return setAllowed(a["rulesetid"], &list)(info)
	})
}

// commandInfo is the metadata of the namespaces that the stock simulator lacks.
var commandInfo = map[string]cliesx.CommandInfo{
	"network.firewall.ruleset": {
		CommandInfoItem: item("network.firewall.ruleset", "List and update firewall ruleset configuration."),
		Method: []cliesx.CommandInfoMethod{
			{CommandInfoItem: item("list", "List the rulesets."), Param: params("rulesetid"), Hints: table("Ruleset:Name,Enabled")},
			{CommandInfoItem: item("set", "Set the allowedall and enabled state."), Param: params("allowedall", "enabled", "rulesetid")},
		},
	},
	"network.firewall.ruleset.rule": {
		CommandInfoItem: item("network.firewall.ruleset.rule", "Retrieve firewall rules."),
		Method: []cliesx.CommandInfoMethod{{
			CommandInfoItem: item("list", "List the rules of each ruleset."), Param: params("rulesetid"),
			Hints: table("FirewallPortRule:Ruleset,Direction,Protocol,Port Type,Port Begin,Port End"),
		}},
	},
	"network.firewall.ruleset.allowedip": {
		CommandInfoItem: item("network.firewall.ruleset.allowedip", "Manage allowed IP addresses."),
		Method: []cliesx.CommandInfoMethod{
			{
				CommandInfoItem: item("list", "List allowed IP addresses."), Param: params("rulesetid"),
				Hints: table("FirewallRulesetAllowedip:Ruleset,Allowed IP Addresses"),
			},
			{CommandInfoItem: item("add", "Add an allowed IP address."), Param: params("ipaddress", "rulesetid")},
			{CommandInfoItem: item("remove", "Remove an allowed IP address."), Param: params("ipaddress", "rulesetid")},
		},
	},
}

func item(name, help string) cliesx.CommandInfoItem {
	return cliesx.CommandInfoItem{Name: name, DisplayName: name, Help: help}
}

func params(names ...string) []cliesx.CommandInfoParam {
	aliases := map[string][]string{
		"rulesetid":  {"-r", "--ruleset-id"},
		"enabled":    {"-e", "--enabled"},
		"allowedall": {"-a", "--allowed-all"},
		"ipaddress":  {"-i", "--ip-address"},
	}
	var list []cliesx.CommandInfoParam
	for _, name := range names {
		list = append(list, cliesx.CommandInfoParam{CommandInfoItem: item(name, ""), Aliases: aliases[name]})
	}
	return list
}

func table(fields string) cliesx.CommandInfoHints {
	kind, columns, _ := strings.Cut(fields, ":")
	return cliesx.CommandInfoHints{{Key: "formatter", Value: "table"}, {Key: "fields:" + kind, Value: columns}}
}
