package targets_test

import (
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/config"
	"github.com/vic-preflight/vic-preflight/internal/targets"
	"github.com/vic-preflight/vic-preflight/internal/testsuite"
	"github.com/vic-preflight/vic-preflight/preflight"
)

func TestTargets(t *testing.T) { testsuite.Run(t, "internal/targets") }

// finder has a file with one server in two parts, and another server.
func finder(flags ...string) *targets.Finder {
	one := config.Target{Address: "vc.example", User: "root", Insecure: true}
	prod, edge, other := one, one, one
	prod.ComputeResource, edge.ComputeResource = "prod", "edge"
	other.Address, other.ComputeResource = "other.example", "lab"
	return &targets.Finder{
		Flags: targets.Flags{Targets: flags, Password: "x"}, Stdin: strings.NewReader(""),
		File: &config.Config{Path: "gate.yaml", Targets: []config.Target{prod, edge, other}, Shared: config.Target{User: "shared"}},
		Env:  func(string) (string, bool) { return "", false },
	}
}

var _ = Describe("what a configuration file says of a target", func() {
	DescribeTable("is found", func(ctx SpecContext, want []string, flags ...string) {
		list, err := finder(flags...).Options(ctx, preflight.Options{})
		Expect(err).NotTo(HaveOccurred())
		var got []string
		for _, o := range list {
			got = append(got, o.Target.Address+" "+o.ComputeResource)
		}
		Expect(got).To(Equal(want))
	},
		Entry("of each part of a server", []string{"vc.example prod", "vc.example edge", "other.example lab"}),
		Entry("of all parts of one that the command line names", []string{"vc.example prod", "vc.example edge"}, "vc.example"),
		Entry("with a user", []string{"other.example lab"}, "admin@other.example"),
		Entry("as a URL", []string{"Other.Example:443 lab"}, "https://Other.Example:443/sdk"),
		Entry("of all targets where it has this one not", []string{"other.example:8443 "}, "other.example:8443"),
		Entry("nor this datacenter", []string{"other.example "}, "other.example/dc"),
	)

	It("is one server for undo, and all of its hosts", func(ctx SpecContext) {
		base := preflight.Options{}
		base.Change.Do = preflight.Undo
		_, err := finder().Options(ctx, base)
		Expect(err).To(MatchError(ContainSubstring("undo takes one target: a journal is of one server, and gate.yaml names several")))
		list, err := finder("vc.example").Options(ctx, base)
		Expect(err).NotTo(HaveOccurred())
		Expect(list).To(HaveLen(1))
		Expect(list[0].ComputeResource).To(BeEmpty())
	})
})
