// Command vicmachine makes the calls of vic-machine's own firewall check, for
// the benchmarks: one host after another, RetrieveManagedMethodExecuter,
// RetrieveDynamicTypeManager, FetchCLIInfo and ExecuteSoap for whether the
// firewall is on, then the host's configManager and firewallInfo (vmware/vic
// lib/install/validate/config.go, written from its description). GOVC_URL says
// where to log in. It prints how many hosts have an enabled ruleset.
package main

import (
	"context"
	"fmt"
	"net/url"
	"os"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/cli/esx"
	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "vicmachine:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	u, err := url.Parse(os.Getenv("GOVC_URL"))
	if err != nil {
		return err
	}
	c, err := govmomi.NewClient(ctx, u, true)
	if err != nil {
		return err
	}
	defer func() { _ = c.Logout(ctx) }()
	clusters, err := find.NewFinder(c.Client).ClusterComputeResourceList(ctx, "/dc1/host/*")
	if err != nil {
		return err
	}
	checked, permitted := 0, 0
	for _, cluster := range clusters {
		hosts, err := cluster.Hosts(ctx)
		if err != nil {
			return err
		}
		for _, h := range hosts {
			ok, err := check(ctx, c, h)
			if err != nil {
				return fmt.Errorf("%s: %w", h.Name(), err)
			}
			checked++
			if ok {
				permitted++
			}
		}
	}
	fmt.Printf("%d of %d hosts\n", permitted, checked)
	return nil
}

func check(ctx context.Context, c *govmomi.Client, h *object.HostSystem) (bool, error) {
	x, err := esx.NewExecutor(ctx, c.Client, h)
	if err != nil {
		return false, err
	}
	if _, err := x.GetFirewallInfo(ctx); err != nil {
		return false, err
	}
	fw, err := h.ConfigManager().FirewallSystem(ctx)
	if err != nil {
		return false, err
	}
	info, err := fw.Info(ctx)
	if err != nil {
		return false, err
	}
	rule := types.HostFirewallRule{
		Port: 2377, PortType: types.HostFirewallRulePortTypeDst, Protocol: string(types.HostFirewallRuleProtocolTcp),
		Direction: types.HostFirewallRuleDirectionOutbound,
	}
	rules, err := object.HostFirewallRulesetList(info.Ruleset).EnabledByRule(rule, true)
	return err == nil && len(rules) > 0, nil
}
