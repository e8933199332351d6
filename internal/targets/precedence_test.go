package targets_test

import (
	"context"
	"errors"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/config"
	"github.com/vic-preflight/vic-preflight/internal/targets"
	"github.com/vic-preflight/vic-preflight/internal/vicmachine"
	"github.com/vic-preflight/vic-preflight/preflight"
)

const (
	sha1Print  = "01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14"
	otherPrint = "21:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14"
)

// given is what a user may give besides the command line.
type given struct {
	flags targets.Flags
	env   map[string]string
	file  *config.Config
	stdin string
	asked string
}

func options(ctx context.Context, g given) ([]preflight.Options, error) {
	f := &targets.Finder{
		Flags: g.flags, File: g.file, Stdin: strings.NewReader(g.stdin),
		Env: func(key string) (string, bool) { value, set := g.env[key]; return value, set },
	}
	if g.asked != "" {
		f.Ask = func(context.Context, preflight.Target) (string, error) { return g.asked, nil }
	}
	return f.Options(ctx, preflight.Options{})
}

// login is user:password of each target.
func login(list []preflight.Options) (all []string) {
	for _, o := range list {
		all = append(all, o.Target.User+":"+o.Target.Password)
	}
	return all
}

var _ = DescribeTable("who logs in, and by which password", func(ctx SpecContext, g given, want ...string) {
	list, err := options(ctx, g)
	Expect(err).NotTo(HaveOccurred())
	Expect(login(list)).To(Equal(want))
},
	Entry("the flags before the target's own", given{flags: targets.Flags{Targets: []string{"own:secret@vc1"}, User: "flag", Password: "given"}}, "flag:given"),
	Entry("of several targets their own before the flags", given{flags: targets.Flags{Targets: []string{"own:secret@vc1", "vc2"}, User: "flag", Password: "given"}}, "own:secret", "flag:given"),
	Entry("the target's own before vic-machine's variables", given{
		flags: targets.Flags{Targets: []string{"own:secret@vc1"}}, env: map[string]string{"VIC_MACHINE_USER": "vm", "VIC_MACHINE_PASSWORD": "vmp"},
	}, "own:secret"),
	Entry("vic-machine's variables before govc's", given{
		flags: targets.Flags{Targets: []string{"vc1"}},
		env:   map[string]string{"VIC_MACHINE_USER": "vm", "VIC_MACHINE_PASSWORD": "vmp", "GOVC_USERNAME": "govc", "GOVC_PASSWORD": "gp"},
	}, "vm:vmp"),
	Entry("govc's variables before those in its URL", given{
		env: map[string]string{"GOVC_URL": "https://url:urlp@vc1/sdk", "GOVC_USERNAME": "govc", "GOVC_PASSWORD": "gp"},
	}, "govc:gp"),
	Entry("what stands in govc's URL where there is nothing else", given{env: map[string]string{"GOVC_URL": "https://url:urlp@vc1/sdk"}}, "url:urlp"),
	Entry("one line of standard input for all targets", given{flags: targets.Flags{Targets: []string{"a@vc1", "b@vc2"}, Password: "-"}, stdin: "typed\nsecond\n"}, "a:typed", "b:typed"),
	Entry("a person, where nothing else tells", given{flags: targets.Flags{Targets: []string{"own@vc1"}}, asked: "typed"}, "own:typed"),
	Entry("nobody for a simulator", given{flags: targets.Flags{Targets: []string{"sim://mixed"}}, asked: "typed"}, ":"),
)

var _ = DescribeTable("what is refused", func(ctx SpecContext, g given, says string) {
	_, err := options(ctx, g)
	var usage *preflight.UsageError
	Expect(errors.As(err, &usage)).To(BeTrue(), "%v", err)
	Expect(err).To(MatchError(ContainSubstring(says)))
},
	Entry("vic-machine's target, set and empty", given{env: map[string]string{"VIC_MACHINE_TARGET": "", "GOVC_URL": "https://a:b@vc1/sdk"}}, "VIC_MACHINE_TARGET is set and empty"),
	Entry("vic-machine's user, set and empty", given{
		flags: targets.Flags{Targets: []string{"vc1"}}, env: map[string]string{"VIC_MACHINE_USER": "", "GOVC_USERNAME": "govc", "GOVC_PASSWORD": "gp"},
	}, "VIC_MACHINE_USER is set and empty"),
	Entry("vic-machine's password, set and empty", given{
		flags: targets.Flags{Targets: []string{"own@vc1"}}, env: map[string]string{"VIC_MACHINE_PASSWORD": "", "GOVC_PASSWORD": "gp"},
	}, "VIC_MACHINE_PASSWORD is set and empty"),
	Entry("a second thumbprint that is none", given{flags: targets.Flags{Targets: []string{"a:b@vc1"}, Thumbprints: []string{sha1Print, "nonsense"}}}, "--thumbprint"),
)

var _ = DescribeTable("whose thumbprint counts", func(ctx SpecContext, g given, want string) {
	g.flags.Targets = []string{"a:b@vc1"}
	g.file = &config.Config{Path: "gate.yaml", Targets: []config.Target{{Address: "vc1", Thumbprints: []string{otherPrint}}}}
	list, err := options(ctx, g)
	Expect(err).NotTo(HaveOccurred())
	Expect(list[0].Target.Thumbprints).To(Equal([]string{want}))
},
	Entry("the flag's before the environment's", given{flags: targets.Flags{Thumbprints: []string{sha1Print}}, env: map[string]string{"VIC_MACHINE_THUMBPRINT": otherPrint}}, sha1Print),
	Entry("the environment's before the file's", given{env: map[string]string{"VIC_MACHINE_THUMBPRINT": sha1Print}}, sha1Print),
	Entry("the file's where there is no other", given{}, otherPrint),
)

var _ = DescribeTable("the credentials of vic-machine's line go to its own server alone", func(target string, passed bool, user string) {
	line, err := vicmachine.Parse([]string{"--target", "vc1.example/dc1", "--user", "root", "--password", "secret", "--name", "vch1"})
	Expect(err).NotTo(HaveOccurred())
	f := targets.Flags{Targets: []string{target}}
	Expect(f.Take(line, false)).To(Equal(passed), "the line's target is passed over")
	Expect(f.User).To(Equal(user))
	Expect(f.Password != "").To(Equal(!passed))
},
	Entry("the same server", "vc1.example", false, "root"),
	Entry("the same server, another datacenter", "vc1.example/dc2", false, "root"),
	Entry("the same server by its port", "VC1.example:443", false, "root"),
	Entry("another server", "vc2.example", true, ""),
)
