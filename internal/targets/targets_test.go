package targets_test

import (
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/config"
	"github.com/vic-preflight/vic-preflight/internal/targets"
	"github.com/vic-preflight/vic-preflight/internal/testsuite"
	"github.com/vic-preflight/vic-preflight/internal/vicmachine"
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

var _ = Describe("a password on the command line", func() {
	only := func(name, value string) func(string) (string, bool) {
		return func(key string) (string, bool) {
			if key != name {
				return "", false
			}
			return value, true
		}
	}
	shown := func(ctx SpecContext, set func(*targets.Finder)) bool {
		GinkgoHelper()
		f := finder("root@vc1.example")
		f.Flags.Password = ""
		f.Env = only("VIC_MACHINE_PASSWORD", "x")
		set(f)
		list, err := f.Options(ctx, preflight.Options{})
		Expect(err).NotTo(HaveOccurred())
		return list[0].Target.PasswordShown
	}
	create := func(f *targets.Finder, filed bool, options ...string) {
		f.Flags.Targets = nil
		line, err := vicmachine.Parse(append([]string{"--target", "vc1.example", "--user", "root", "--name", "vch1"}, options...))
		Expect(err).NotTo(HaveOccurred())
		f.Flags.Take(line, filed)
	}
	DescribeTable("is known as such", func(ctx SpecContext, want bool, set func(*targets.Finder)) {
		Expect(shown(ctx, set)).To(Equal(want))
	},
		Entry("by --password", true, func(f *targets.Finder) { f.Flags.Password = "x" }),
		Entry("in a target", true, func(f *targets.Finder) { f.Flags.Targets = []string{"root:x@vc1.example"} }),
		Entry("in vic-machine's options", true, func(f *targets.Finder) { create(f, false, "--password", "x") }),
		Entry("of the operations user", true, func(f *targets.Finder) { create(f, false, "--ops-user", "ops", "--ops-password", "x") }),
		Entry("not in the environment", false, func(*targets.Finder) {}),
		Entry("not in a target of the environment", false, func(f *targets.Finder) {
			f.Flags.Targets = nil
			f.Env = only("VIC_MACHINE_TARGET", "root:x@vc1.example")
		}),
		Entry("not on standard input", false, func(f *targets.Finder) { f.Flags.Password, f.Stdin = "-", strings.NewReader("x\n") }),
		Entry("not in a file with vic-machine's options", false, func(f *targets.Finder) { create(f, true, "--password", "x") }),
		Entry("not in a target of such a file", false, func(f *targets.Finder) { create(f, true, "--target", "root:x@vc1.example") }),
	)
})
