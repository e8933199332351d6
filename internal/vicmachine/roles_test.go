package vicmachine_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/vicmachine"
)

var _ = DescribeTable("a network that is not given is that of the role before it", func(client, management string, options ...string) {
	c, err := vicmachine.Parse(append([]string{"--target", "vc1", "--name", "vch1"}, options...))
	Expect(err).NotTo(HaveOccurred())
	Expect(c.VCH.Client.Network).To(Equal(client))
	Expect(c.VCH.Management.Network).To(Equal(management))
},
	Entry("none", "VM Network", "VM Network"),
	Entry("the public one", "dmz", "dmz", "--public-network", "dmz"),
	Entry("the public and the client one", "users", "users", "--public-network", "dmz", "--client-network", "users"),
	Entry("all", "users", "admins", "--public-network", "dmz", "--client-network", "users", "--management-network", "admins"),
)
