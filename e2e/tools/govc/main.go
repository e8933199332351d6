// Command govc is the real govc, as far as the end-to-end tests need it. The
// module that builds it is not published on the module proxy; its commands are.
package main

import (
	"os"

	"github.com/vmware/govmomi/cli"
	_ "github.com/vmware/govmomi/cli/about"
	_ "github.com/vmware/govmomi/cli/host"
	_ "github.com/vmware/govmomi/cli/host/esxcli"
	_ "github.com/vmware/govmomi/cli/host/firewall"
	_ "github.com/vmware/govmomi/cli/object"
)

func main() { os.Exit(cli.Run(os.Args[1:])) }
