package profile_test

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/profile"
)

var _ = DescribeTable("a value that is not understood hides none of the others, wherever it stands", func(values ...string) {
	got, after := demanded(profile.FromSettings(), set(inventory.SyslogLogHosts, values...))
	Expect(got).To(Equal([]string{"syslog-tcp: outbound TCP 514 [10.0.0.7/32 10.0.0.8/32] [] (S: tcp://10.0.0.7 (514 taken for its port), tcp://10.0.0.8 (514 taken for its port))"}))
	Expect(after[0].Unreadable).To(ContainSubstring("is not understood"))
},
	Entry("first", "a b", "tcp://10.0.0.7", "tcp://10.0.0.8"),
	Entry("between them", "tcp://10.0.0.7", "a b", "tcp://10.0.0.8"),
	Entry("last", "tcp://10.0.0.7", "tcp://10.0.0.8", "a b"),
)

var _ = It("a fallback has to be accepted: to be preferred does not do", func() {
	text := `profile: mine
title: Mine
peer: {kind: a server}
requirements:
  - {direction: outbound, protocol: tcp, ports: [80], prefer: [one], accept: [two], fallback: [%s], owner: user, breaks: it}
source: here
`
	_, err := profile.Parse("mine.yaml", fmt.Appendf(nil, text, "two"))
	Expect(err).NotTo(HaveOccurred())
	for _, key := range []string{"one", "three"} {
		_, err = profile.Parse("mine.yaml", fmt.Appendf(nil, text, key))
		Expect(err).To(MatchError(ContainSubstring("fallback takes keys that accept has")), key)
	}
})

var _ = It("neither the name of a built-in profile nor that of its requirements is taken by a site's own", func() {
	text := `profile: %s
title: Mine
peer: {kind: a server}
requirements:
  - {direction: outbound, protocol: tcp, ports: [80], owner: user, breaks: it}
source: here
`
	_, err := profile.Parse("mine.yaml", fmt.Appendf(nil, text, "mine"))
	Expect(err).NotTo(HaveOccurred())
	for _, p := range profile.All() {
		_, err := profile.Parse("mine.yaml", fmt.Appendf(nil, text, p.Name))
		Expect(err).To(MatchError(ContainSubstring(p.Name+" is the name of a built-in profile")), p.Name)
		for _, n := range p.Needs {
			_, err := profile.Parse("mine.yaml", fmt.Appendf(nil, text, n.Name))
			Expect(err).To(MatchError(ContainSubstring(n.Name+" is the name of")), n.Name)
		}
	}
})
