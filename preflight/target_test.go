package preflight_test

import (
	"context"
	"errors"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/hostssh/sshtest"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/preflight"
)

var _ = DescribeTable("a probe's target is no option to the host's nc", func(target string) {
	for _, vantage := range []inventory.Vantage{inventory.VantageSSH, inventory.VantageSerial, inventory.VantageLocal} {
		o, _ := loopbackHosts(start("open"), true, func(*sshtest.Command) int { return 1 })
		o.Probe.Vantage, o.Probe.Target = vantage, target
		_, err := preflight.Run(context.Background(), o)
		var bad *preflight.UsageError
		Expect(errors.As(err, &bad)).To(BeTrue(), "%v", err)
		Expect(bad.Option).To(Equal("probe-target"))
	}
},
	Entry("a program to run", "-e/bin/sh"),
	Entry("in brackets", "[-l]"),
	Entry("another", "-lvp"),
)
