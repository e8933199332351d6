package profile

import (
	"fmt"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// settings says what an origin is.
var settings = map[inventory.PeerOrigin]string{
	inventory.SyslogLogHosts:    "the option Syslog.global.logHost",
	inventory.NTPServers:        "the list of NTP servers",
	inventory.ManagingVCenter:   "the address of the vCenter Server that manages the host",
	inventory.NFSMounts:         "the servers of mounted NFS 3 datastores",
	inventory.NFS41Mounts:       "the servers of mounted NFS 4.1 datastores",
	inventory.ISCSITargets:      "the targets of the software iSCSI adapter",
	inventory.KMIPServers:       "the KMIP servers of vCenter Server",
	inventory.VMotionHosts:      "the vMotion addresses of the other hosts",
	inventory.VSANHosts:         "the vSAN addresses of the other hosts (a witness is not read)",
	inventory.ProvisioningHosts: "the provisioning addresses of the other hosts",
}

// Settings are origins in words, empty where there is none.
func Settings(list []inventory.PeerOrigin) string {
	var words []string
	for _, o := range list {
		words = append(words, settings[o])
	}
	return strings.Join(words, ", ")
}

// Form says what may come with the address of a peer, empty where nothing may.
func (p PeerKind) Form() string {
	switch {
	case p.CarriesScheme && p.CarriesPort:
		return "SCHEME://ADDRESS:PORT, where the scheme says which of these applies"
	case p.CarriesScheme:
		return "SCHEME://ADDRESS, where the scheme says which of these applies"
	case p.CarriesPort:
		return "ADDRESS:PORT, where the port takes the place of the profile's"
	}
	return ""
}

// Forms are what a peer of the profile looks like, one for each that may be meant.
func (p Profile) Forms() (list []string) {
	for _, n := range p.Needs {
		if form := "ADDRESS"; p.Peer.CarriesScheme {
			list = append(list, n.Word+"://"+form)
		} else if p.Peer.CarriesPort {
			list = append(list, fmt.Sprintf("%s:%d", form, n.Ports[0]))
		}
	}
	return list
}

// Switcher says who switches the rulesets of a requirement.
func (n Need) Switcher() string {
	switch {
	case n.Owner == checks.ByService:
		return "the service " + n.Daemon
	case n.Switched != "":
		return "the host, " + n.Switched
	case n.Owner == checks.ByHost:
		return "the host itself"
	}
	return "users"
}

// Alternatives are the names of the requirements of a choice.
func (p Profile) Alternatives(oneOf string) (list []string) {
	for _, n := range p.Needs {
		if n.OneOf == oneOf {
			list = append(list, n.Name)
		}
	}
	return list
}
