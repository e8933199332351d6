package facts_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/vic-preflight/vic-preflight/internal/facts"
	"github.com/vic-preflight/vic-preflight/inventory"
)

var (
	text   = rapid.String()
	tri    = rapid.SampledFrom([]inventory.Tristate{inventory.Unknown, inventory.Yes, inventory.No})
	moment = rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "known") {
			return time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()
		}
		return time.Time{}
	})
	number = rapid.Custom(func(t *rapid.T) int { return int(rapid.Int32().Draw(t, "number")) })
)

// listOf makes lists, among them nil, which means that nobody told.
func listOf[T any](of *rapid.Generator[T]) *rapid.Generator[[]T] {
	return rapid.OneOf(rapid.Just[[]T](nil), rapid.SliceOfN(of, 0, 4))
}

var rulesets = rapid.Custom(func(t *rapid.T) *inventory.Ruleset {
	rs := &inventory.Ruleset{
		Key: text.Draw(t, "key"), Label: text.Draw(t, "label"), Enabled: rapid.Bool().Draw(t, "enabled"),
		Required: rapid.Bool().Draw(t, "required"), Service: text.Draw(t, "service"),
		UserControllable: tri.Draw(t, "controllable"), IPListConfigurable: tri.Draw(t, "configurable"),
		Rules: listOf(rapid.Custom(func(t *rapid.T) inventory.Rule {
			return inventory.Rule{
				Port: number.Draw(t, "port"), EndPort: number.Draw(t, "end"), Direction: text.Draw(t, "direction"),
				PortType: text.Draw(t, "portType"), Protocol: text.Draw(t, "protocol"),
			}
		})).Draw(t, "rules"),
	}
	if rapid.Bool().Draw(t, "told") {
		rs.Allowed = &inventory.AllowedHosts{
			All: rapid.Bool().Draw(t, "all"), Addrs: listOf(text).Draw(t, "addrs"),
			Networks: listOf(rapid.Custom(func(t *rapid.T) inventory.Network {
				return inventory.Network{Address: text.Draw(t, "address"), Bits: number.Draw(t, "bits")}
			})).Draw(t, "networks"),
		}
	}
	return rs
})

var vibs = rapid.Custom(func(t *rapid.T) inventory.VIB {
	return inventory.VIB{
		Name: text.Draw(t, "name"), Version: text.Draw(t, "version"), Vendor: text.Draw(t, "vendor"),
		AcceptanceLevel: text.Draw(t, "level"), Installed: moment.Draw(t, "installed"),
	}
})

var peerSettings = rapid.Custom(func(t *rapid.T) inventory.PeerSetting {
	return inventory.PeerSetting{
		Origin: inventory.PeerOrigin(text.Draw(t, "origin")), Name: text.Draw(t, "setting"),
		Values: listOf(text).Draw(t, "values"), Unnamed: listOf(text).Draw(t, "unnamed"), Unreadable: text.Draw(t, "unknown"),
	}
})

func drawHost(t *rapid.T, n int, lists [][]*inventory.Ruleset, software [][]inventory.VIB) inventory.Host {
	return inventory.Host{
		ID: fmt.Sprintf("host-%d", n), UUID: text.Draw(t, "uuid"), Name: "h" + text.Draw(t, "name"), Path: "/" + text.Draw(t, "path"),
		Cluster: text.Draw(t, "cluster"), ClusterPath: text.Draw(t, "clusterPath"),
		Connection: inventory.ConnectionState(text.Draw(t, "connection")), Maintenance: tri.Draw(t, "maintenance"),
		Quarantine: tri.Draw(t, "quarantine"), Standby: text.Draw(t, "standby"), BootTime: moment.Draw(t, "boot"),
		Stateless: tri.Draw(t, "stateless"), Version: text.Draw(t, "version"),
		Firewall: inventory.Firewall{
			ID: text.Draw(t, "firewall"), Unreadable: text.Draw(t, "unreadable"), Stale: text.Draw(t, "stale"),
			Switch: inventory.Switch{
				Enabled: tri.Draw(t, "on"), Loaded: tri.Draw(t, "loaded"), DefaultPass: tri.Draw(t, "pass"),
				Unreadable: text.Draw(t, "switch"), NotAsked: rapid.Bool().Draw(t, "notAsked"),
			},
			IncomingBlocked: tri.Draw(t, "in"), OutgoingBlocked: tri.Draw(t, "out"), Rulesets: rapid.SampledFrom(lists).Draw(t, "list"),
		},
		Software: inventory.Software{
			VIBs: rapid.SampledFrom(software).Draw(t, "software"), Unreadable: text.Draw(t, "why"), NotAsked: rapid.Bool().Draw(t, "nobody"),
		},
		PeerSettings: listOf(peerSettings).Draw(t, "settings"),
	}
}

func drawFile(t *rapid.T) *facts.File {
	f := &facts.File{Tool: text.Draw(t, "tool")}
	for range rapid.IntRange(1, 3).Draw(t, "targets") {
		lists := rapid.SliceOfN(listOf(rulesets), 1, 4).Draw(t, "lists")
		software := rapid.SliceOfN(listOf(vibs), 1, 3).Draw(t, "software lists")
		inv := &inventory.Inventory{
			Endpoint: inventory.Endpoint{
				Address: text.Draw(t, "address"), Kind: rapid.SampledFrom([]inventory.Kind{inventory.VCenter, inventory.ESXi}).Draw(t, "kind"),
				FullName: text.Draw(t, "fullName"), InstanceUUID: text.Draw(t, "instance"), Simulated: rapid.Bool().Draw(t, "simulated"),
			},
			Datacenter: text.Draw(t, "datacenter"), Hidden: listOf(text).Draw(t, "hidden"),
			Hosts: make([]inventory.Host, rapid.IntRange(0, 6).Draw(t, "hosts")),
		}
		for i := range inv.Hosts {
			inv.Hosts[i] = drawHost(t, i, lists, software)
		}
		f.Targets = append(f.Targets, facts.Target{
			Name: "t" + text.Draw(t, "target"), CollectedAt: time.Unix(rapid.Int64Range(1, 4e9).Draw(t, "at"), 0).UTC(),
			Refreshed: rapid.Bool().Draw(t, "refreshed"), Inventory: inv,
		})
	}
	return f
}

// TestRoundTrip: what is decoded is deeply equal to what was encoded, the text keeps to
// the published schema, and encoding it again makes the same bytes.
func TestRoundTrip(t *testing.T) {
	schema := published(t)
	rapid.Check(t, func(t *rapid.T) {
		want := drawFile(t)
		data, err := facts.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := facts.Decode(data)
		if err != nil {
			t.Fatalf("%v in %s", err, data)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("decoded %+v, encoded %+v, by %s", got, want, data)
		}
		if again, err := facts.Encode(got); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("encoded again: %s (%v), at first: %s", again, err, data)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Fatalf("%v in %s", err, data)
		}
	})
}

// published is the schema, closed: a key that it does not describe is an error.
func published(tb testing.TB) *jsonschema.Schema {
	tb.Helper()
	data, err := os.ReadFile("../../docs/facts.schema.json")
	if err != nil {
		tb.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(data, &doc); err != nil {
		tb.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("facts.json", closed(doc)); err != nil {
		tb.Fatal(err)
	}
	return c.MustCompile("facts.json")
}

func closed(part any) any {
	switch part := part.(type) {
	case []any:
		for i := range part {
			part[i] = closed(part[i])
		}
	case map[string]any:
		for key := range part {
			part[key] = closed(part[key])
		}
		if _, object := part["properties"].(map[string]any); object {
			part["additionalProperties"] = false
		}
	}
	return part
}
