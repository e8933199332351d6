package main

import (
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("a fix of profiles", func() {
	It("is the command that a check prints, and undo takes it back", func(ctx SpecContext) {
		vc := start("closed")
		before := dump(vc)
		wanted := []string{"--profile", "syslog", "--profile", "online-depot", "--peer", "syslog=ssl://10.0.0.9:6514", "--peer", "syslog=udp://10.0.0.9", "--peer", "online-depot=https://10.0.0.3"}
		out := invocation{args: append(flags(vc, "--hints"), wanted...)}.run(ctx)
		Expect(out.code).To(Equal(exitFailed))
		Expect(out.stdout).NotTo(ContainSubstring("vic-machine"))
		printed := regexp.MustCompile(`(?m)^ *vic-preflight (fix --allow .* --compute-resource edge)$`).FindStringSubmatch(out.stdout)
		Expect(printed).To(HaveLen(2), out.stdout)
		Expect(printed[1]).To(ContainSubstring("--profile=syslog --profile=online-depot --peer=syslog=ssl://10.0.0.9:6514"))

		fixed := invocation{args: append(append(strings.Fields(printed[1]), "--password", secret), journalIn()...)}.run(ctx)
		Expect(fixed.code).To(Equal(exitUnverified), "no ruleset of a host has 6514: %s", fixed.stderr)
		Expect(enabled(vc, "esx11.example", "syslog")).To(BeTrue())
		Expect(enabled(vc, "esx11.example", "httpClient")).To(BeTrue())
		Expect(enabled(vc, "esx01.example", "syslog")).To(BeFalse(), "it is in another cluster")
		Expect(fixed.stdout).To(ContainSubstring("syslog-ssl-6514: no-ruleset"))

		undo := regexp.MustCompile(`(?m)^ *vic-preflight (undo .*)$`).FindStringSubmatch(fixed.stdout)
		Expect(undo).To(HaveLen(2))
		back := invocation{args: append(append(strings.Fields(undo[1]), "--password", secret), journalIn()...)}.run(ctx)
		Expect(back.code).To(Equal(exitOK), back.stderr)
		Expect(dump(vc)).To(Equal(before))
	}, SpecTimeout(time.Minute))

	It("closes what a profile may have opened", func(ctx SpecContext) {
		vc := start("closed")
		wanted := []string{"--profile", "online-depot", "--host", "esx11.example", "--yes"}
		Expect(invocation{args: append(append(with(vc, fixAllow, wanted...), "--peer", "https://10.0.0.3"), journalIn()...)}.run(ctx).code).To(Equal(exitOK))
		Expect(enabled(vc, "esx11.example", "httpClient")).To(BeTrue())
		out := invocation{args: append(with(vc, []string{"fix", "--deny"}, wanted...), journalIn()...)}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		Expect(enabled(vc, "esx11.example", "httpClient")).To(BeFalse())
	}, SpecTimeout(time.Minute))

	It("of a port opens what is made for it, never vSPC", func(ctx SpecContext) {
		vc := start("closed")
		out := invocation{args: append(flags(vc, "--port", "1514", "--fix"), journalIn()...)}.run(ctx)
		Expect(out.code).To(Equal(exitOK), out.stderr)
		for _, name := range vc.HostNames() {
			Expect(enabled(vc, name, "syslog")).To(BeTrue())
			Expect(enabled(vc, name, "vSPC")).To(BeFalse())
		}
	}, SpecTimeout(time.Minute))
})

var _ = DescribeTable("bad input to a fix of profiles", verifyBad,
	Entry("a ruleset for several", badRow{invocation{args: []string{"fix", "-t", "sim://open", "--allow", "--profile", "ntp", "--profile", "kms", "--ruleset", "syslog"}}, exitUsage, "--ruleset takes one requirement", ""}),
	Entry("to close what hosts need", badRow{invocation{args: []string{"fix", "-t", "sim://open", "--deny", "--profile", "auto"}}, exitUsage, "--deny closes what is named", "--profile NAME"}),
	Entry("a list without a peer", badRow{invocation{args: []string{"fix", "-t", "sim://open", "--allow", "--profile", "ntp", "--peer", "10.0.0.1", "--allowed-ip", "10.0.0.2"}}, exitUsage, "leaves out the NTP server 10.0.0.1", "--allowed-ip 10.0.0.1"}),
)
