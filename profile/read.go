package profile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/strict"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// kind is what a file is called.
const kind = "profile"

// The values of direction that a file has besides those of requirements, and of flag.
const (
	both        = "both"
	defaultFlag = "--peer"
	vchFlag     = "--vch-ip"
)

var (
	kebab   = strict.Pattern(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	key     = strict.Pattern(`^[A-Za-z][A-Za-z0-9_.-]*$`)
	article = strict.Pattern(`^(an?|the) \S`)
	release = strict.Pattern(`^[0-9]+\.[0-9]+\.[0-9]+$`)
	owner   = strict.Pattern(`^(user|host|service:[a-z][A-Za-z0-9_.-]*)$`)
)

var (
	word = strict.One(strict.Matching(kebab, "takes small letters and digits, with hyphens between words, such as backup-proxy"))
	keys = strict.Many(strict.Matching(key, "takes the key of a ruleset, such as syslog"))
)

// The kinds of mappings.
var (
	top = strict.Section{Name: "a profile", Noun: "key of a profile", Example: "profile: syslog", Keys: strict.Vocabulary{
		"profile": word, "title": strict.One(strict.Prose), "peer": nil, "requirements": nil, "source": strict.Many(strict.Prose),
	}}
	ofPeer = strict.Section{Name: "peer", Noun: "key of a peer", Example: "kind: a log collector", Keys: strict.Vocabulary{
		"kind": strict.One(strict.Matching(article, "takes words with an article, such as a log collector")),
		"flag": strict.One(strict.OneOf(defaultFlag, vchFlag)), "from": strict.Many(strict.OneOf(origins()...)), "carries": strict.Many(strict.OneOf("scheme", "port")),
	}}
	ofNeed = strict.Section{Name: "a requirement", Noun: "key of a requirement", Example: "protocol: tcp", Keys: strict.Vocabulary{
		"name": word, "oneOf": word,
		"direction": strict.One(strict.OneOf(inventory.Outbound, inventory.Inbound, both)),
		"protocol":  strict.One(strict.OneOf(inventory.TCP, inventory.UDP)),
		"ports":     strict.Many(ports),
		"prefer":    keys, "accept": keys, "fallback": keys,
		"owner":              strict.One(strict.Matching(owner, "takes user, host or service:NAME, such as service:ntpd")),
		"switched":           strict.One(strict.Prose),
		"momentary":          strict.One(strict.Truth),
		"since":              strict.One(strict.Matching(release, "takes a version of ESXi, such as 8.0.2")),
		"from":               strict.Many(strict.OneOf(origins()...)),
		"neverNarrowWithout": strict.One(strict.Truth),
		"breaks":             strict.One(strict.Prose),
	}}
)

var portRange = strict.Pattern(`^[0-9]{1,5}-[0-9]{1,5}$`)

// ports reads a port, or a range of them such as 5900-6199.
func ports(d *strict.Document, n *yaml.Node) (text, complaint string) {
	if text, complaint = strict.Whole(1, 65535)(d, n); complaint == "" {
		return text, ""
	}
	first, last, ok := bounds(n.Value)
	if n.ShortTag() != "!!str" || !portRange().MatchString(n.Value) || !ok {
		return "", complaint + ", or a range such as 5900-6199"
	}
	return fmt.Sprintf("%d-%d", first, last), ""
}

// bounds are those of a port or a range, as ports returned it.
func bounds(text string) (first, last int, ok bool) {
	from, to, isRange := strings.Cut(text, "-")
	first, _ = strconv.Atoi(from) // the reader takes digits alone
	if last = first; isRange {
		last, _ = strconv.Atoi(to)
	}
	return first, last, 1 <= first && first <= last && last <= 65535
}

// mostPorts bounds those of a requirement: each is judged by itself on every host.
const mostPorts = 1024

// readPorts are all ports of a requirement, each once.
func readPorts(d *strict.Document, list strict.Entries) (all []int) {
	for _, text := range list.All("ports") {
		first, last, _ := bounds(text)
		for port := first; port <= last && len(all) <= mostPorts; port++ {
			if !slices.Contains(all, port) {
				all = append(all, port)
			}
		}
	}
	if len(all) > mostPorts {
		d.Wrong(list.Find("ports").Key, "ports takes up to %d ports, and these are more", mostPorts)
		return all[:mostPorts]
	}
	return all
}

func origins() (list []string) {
	for _, o := range inventory.PeerOrigins() {
		list = append(list, string(o))
	}
	return list
}

// Read reads a site's own profile. It returns everything that is wrong with the file at
// once, each with its place.
func Read(path string) (Profile, error) {
	data, err := strict.Load(path, kind)
	if err != nil {
		return Profile{}, err
	}
	p, err := Parse(path, data)
	p.File = path
	return p, err
}

// Parse reads the bytes of a site's own profile; path is where they are from.
func Parse(path string, data []byte) (Profile, error) { return parse(path, data, taken) }

// parse reads a profile. Each of more looks at what is in it besides.
func parse(path string, data []byte, more ...func(*strict.Document, *yaml.Node, Profile)) (Profile, error) {
	d := &strict.Document{Path: path, Kind: kind}
	var p Profile
	if root := d.Root(data); root != nil {
		p = read(d, root)
		for _, look := range more {
			look(d, root, p)
		}
	}
	if err := d.Err(); err != nil {
		return Profile{}, err
	}
	return p, nil
}

// taken refuses the names of what is built in: a report says which requirement it is about
// by the name alone.
func taken(d *strict.Document, root *yaml.Node, p Profile) {
	for _, b := range builtins() {
		if b.Name == p.Name {
			d.Wrong(root, "%s is the name of a built-in profile: give it another one", p.Name)
			return
		}
		for _, n := range b.Needs {
			if slices.ContainsFunc(p.Needs, func(own Need) bool { return own.Name == n.Name }) {
				d.Wrong(root, "%s is the name of a requirement of the built-in profile %s: give it another one", n.Name, b.Name)
			}
		}
	}
}

func read(d *strict.Document, root *yaml.Node) Profile {
	list := d.Entries(root, top)
	d.Missing(root, top, "profile", "title", "peer", "requirements", "source")
	p := Profile{Name: list.First("profile"), Title: list.First("title"), Sources: list.All("source")}
	if e := list.Find("peer"); e != nil && !strict.Empty(e.Node) {
		p.Peer = readPeer(d, e.Node)
	}
	e := list.Find("requirements")
	if e == nil || strict.Empty(e.Node) {
		return p
	}
	alone := len(e.Node.Content) == 1
	d.Each(*e, func(n *yaml.Node) { p.Needs = append(p.Needs, readNeed(d, n, p, alone)...) })
	p.whole(d, e.Node)
	return p
}

func readPeer(d *strict.Document, n *yaml.Node) PeerKind {
	list := d.Entries(n, ofPeer)
	d.Missing(n, ofPeer, "kind")
	p := PeerKind{
		Kind: list.First("kind"), Flag: list.First("flag"),
		CarriesScheme: slices.Contains(list.All("carries"), "scheme"), CarriesPort: slices.Contains(list.All("carries"), "port"),
	}
	if p.Flag == "" {
		p.Flag = defaultFlag
	}
	p.From = from(list)
	return p
}

func from(list strict.Entries) (origins []inventory.PeerOrigin) {
	for _, o := range list.All("from") {
		origins = append(origins, inventory.PeerOrigin(o))
	}
	return origins
}

// readNeed reads a requirement, which is two where it is of both directions.
func readNeed(d *strict.Document, n *yaml.Node, p Profile, alone bool) []Need {
	list := d.Entries(n, ofNeed)
	d.Missing(n, ofNeed, "direction", "protocol", "ports", "owner", "breaks")
	if !alone {
		d.Missing(n, ofNeed, "name")
	}
	by, service, _ := strings.Cut(list.First("owner"), ":")
	need := Need{
		Requirement: checks.Requirement{
			Name: p.Name, Direction: list.First("direction"), Protocol: list.First("protocol"), Ports: readPorts(d, list),
			Prefer: list.All("prefer"), Accept: list.All("accept"), Fallback: list.All("fallback"),
			Owner: checks.Owner(by), Daemon: service, Switched: list.First("switched"), Momentary: list.First("momentary") == "true",
			NeverNarrowWithout: list.First("neverNarrowWithout") == "true", Since: list.First("since"),
			AmongHosts: p.Peer.onHosts(),
			Words:      checks.Words{Peer: p.Peer.Kind, PeerOption: p.Peer.Flag, Breaks: list.First("breaks")},
		},
		Word: list.First("name"), OneOf: list.First("oneOf"), From: from(list),
	}
	if need.Word != "" {
		need.Name += "-" + need.Word
	}
	if need.Momentary && need.Switched == "" {
		d.Wrong(list.Find("momentary").Key, "momentary says that the rulesets are shut most of the time: it goes with switched, which says when they are not")
	}
	if need.Switched != "" && need.Owner != checks.ByHost {
		d.Wrong(list.Find("switched").Key, "switched says when ESXi itself switches the rulesets: it goes with owner: host")
	}
	for _, key := range need.Fallback {
		if !slices.Contains(need.Accept, key) {
			d.Wrong(list.Find("fallback").Key, "fallback takes keys that accept has")
		}
	}
	if need.Direction != both {
		return []Need{need}
	}
	if need.OneOf != "" {
		d.Wrong(list.Find("oneOf").Key, "oneOf does not go with direction: both, which is two requirements that both must hold")
	}
	out, in := need, need
	out.Name, out.Direction = need.Name+"-out", inventory.Outbound
	in.Name, in.Direction = need.Name+"-in", inventory.Inbound
	return []Need{out, in}
}

// whole notes what no requirement shows by itself.
func (p Profile) whole(d *strict.Document, n *yaml.Node) {
	seen, choices := map[string]bool{}, map[string]int{}
	onePort := true
	for _, need := range p.Needs {
		if seen[need.Name] {
			d.Wrong(n, "two requirements have the name %s", need.Name)
		}
		seen[need.Name] = true
		choices[need.OneOf]++
		onePort = onePort && len(need.Ports) == 1
	}
	for _, need := range p.Needs {
		if need.OneOf != "" && choices[need.OneOf] == 1 {
			d.Wrong(n, "oneOf %s has one requirement, and a choice has two at least", need.OneOf)
		}
	}
	if len(p.Needs) > choices[""] && !p.Peer.CarriesScheme && !p.Peer.CarriesPort {
		d.Wrong(n, "oneOf is a choice that nothing makes: let the peer carry a scheme or a port, which picks one of the requirements")
	}
	choice := len(choices) == 1 && choices[""] == 0
	switch {
	case p.Peer.CarriesScheme && !choice:
		d.Wrong(n, "the peer carries a scheme, which picks one of the requirements: give all the same oneOf")
	case p.Peer.CarriesPort && (!onePort || !choice && len(p.Needs) > 1):
		d.Wrong(n, "the peer carries a port: give one requirement, or several of the same oneOf, with one port each")
	}
}
