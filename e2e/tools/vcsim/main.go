// Command vcsim is govmomi's own simulator, untouched, with two clusters of two
// hosts, for the end-to-end tests. It prints its URL and serves until killed.
package main

import (
	"crypto/tls"
	"fmt"
	"os"

	"github.com/vmware/govmomi/simulator"
)

func main() {
	m := simulator.VPX()
	m.Host, m.Cluster, m.ClusterHost = 0, 2, 2
	if err := m.Create(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	m.Service.TLS = new(tls.Config)
	fmt.Println(m.Service.NewServer().URL)
	select {}
}
