package clients_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// ruleset is what a client reads of one.
type ruleset struct {
	Enabled bool     `json:"enabled"`
	Allowed *allowed `json:"allowed"`
}

type allowed struct {
	All bool `json:"all"`
	// Addresses are sorted, networks with their length among them; none where all are.
	Addresses []string `json:"addresses"`
}

// state is that of every host's rulesets, by name and key.
type state map[string]map[string]ruleset

func newAllowed(all bool, addresses ...string) *allowed {
	if all {
		return &allowed{All: true, Addresses: []string{}}
	}
	return &allowed{Addresses: append([]string{}, slices.Sorted(slices.Values(addresses))...)}
}

// site is a simulated vCenter and its clients.
type site struct {
	vc *sim.VCenter
	// paths are the hosts', and clusters those that hosts are in.
	paths    map[string]string
	clusters []string
}

func environment(more ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + GinkgoT().TempDir()}, more...)
}

// output runs a program, which must do well, and returns what it prints.
func output(ctx context.Context, env []string, name string, args ...string) []byte {
	GinkgoHelper()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	Expect(err).NotTo(HaveOccurred(), "%s %s: %s%s", name, args, out, stderr.String())
	return out
}

// python is Debian's, which has Debian's libraries.
const python = "/usr/bin/python3"

// pyvmomi reads the API's firewallInfo.
func (s *site) pyvmomi(ctx context.Context) (read state) {
	GinkgoHelper()
	out := output(ctx, environment("CLIENT_USER=root", "CLIENT_PASSWORD=pw"), python, "-W", "ignore", "state.py", s.vc.URL.Host)
	Expect(json.Unmarshal(out, &read)).To(Succeed())
	return read
}

// ansible runs vmware_host_firewall_info for each cluster, which stands for a host of
// Ansible's inventory.
func (s *site) ansible(ctx context.Context) state {
	GinkgoHelper()
	arguments, err := json.Marshal(map[string]any{
		"hostname": s.vc.URL.Hostname(), "port": s.vc.URL.Port(), "username": "root", "password": "pw", "validate_certs": false,
		"cluster_name": "{{ inventory_hostname }}",
	})
	Expect(err).NotTo(HaveOccurred())
	out := output(ctx, environment("LC_ALL=C.UTF-8"), "/usr/bin/ansible", "all", "-i", strings.Join(s.clusters, ",")+",", "-c", "local", "-o",
		"-e", "ansible_python_interpreter="+python, "-m", "community.vmware.vmware_host_firewall_info", "-a", string(arguments))
	read := state{}
	for line := range strings.Lines(string(out)) {
		cluster, text, ok := strings.Cut(line, " | SUCCESS => ")
		Expect(ok).To(BeTrue(), line)
		Expect(s.clusters).To(ContainElement(cluster))
		var answer struct {
			Hosts map[string][]struct {
				Key     string
				Enabled bool
				Allowed struct {
					All       bool     `json:"all_ip"`
					Addresses []string `json:"ip_address"`
					Networks  []string `json:"ip_network"`
				} `json:"allowed_hosts"`
			} `json:"hosts_firewall_info"`
		}
		Expect(json.Unmarshal([]byte(text), &answer)).To(Succeed())
		for host, list := range answer.Hosts {
			read[host] = map[string]ruleset{}
			for _, rs := range list {
				read[host][rs.Key] = ruleset{rs.Enabled, newAllowed(rs.Allowed.All, slices.Concat(rs.Allowed.Addresses, rs.Allowed.Networks)...)}
			}
		}
	}
	return read
}

// govc asks every host by esxcli, which is the host's own word.
func (s *site) govc(ctx context.Context) state {
	GinkgoHelper()
	read := state{}
	for host, path := range s.paths {
		esxcli := func(command ...string) (values []map[string][]string) {
			GinkgoHelper()
			env := environment("GOVC_URL="+s.vc.URL.String(), "GOVC_USERNAME=root", "GOVC_PASSWORD=pw", "GOVC_INSECURE=true", "GOVC_PERSIST_SESSION=false")
			out := output(ctx, env, govc, append([]string{"host.esxcli", "-json", "-host", path, "network", "firewall", "ruleset"}, command...)...)
			var answer struct{ Values []map[string][]string }
			Expect(json.Unmarshal(out, &answer)).To(Succeed(), "%s", out)
			return answer.Values
		}
		read[host] = map[string]ruleset{}
		lists := map[string]*allowed{}
		for _, v := range esxcli("allowedip", "list") {
			addresses := v["AllowedIPAddresses"]
			lists[v["Ruleset"][0]] = newAllowed(slices.Equal(addresses, []string{"All"}), addresses...)
		}
		for _, v := range esxcli("list") {
			key := v["Name"][0]
			Expect(lists).To(HaveKey(key), host)
			read[host][key] = ruleset{v["Enabled"][0] == "true", lists[key]}
		}
	}
	return read
}

// differences name what one state has otherwise than another.
func differences(got, want state) (list []string) {
	for host := range want {
		if len(got[host]) != len(want[host]) {
			list = append(list, fmt.Sprintf("%s: %d rulesets instead of %d", host, len(got[host]), len(want[host])))
		}
		for key, w := range want[host] {
			g := got[host][key]
			if g.Enabled != w.Enabled || fmt.Sprint(g.Allowed) != fmt.Sprint(w.Allowed) {
				list = append(list, fmt.Sprintf("%s %s: enabled %t for %v instead of %t for %v", host, key, g.Enabled, g.Allowed, w.Enabled, w.Allowed))
			}
		}
	}
	slices.Sort(list)
	return list
}
