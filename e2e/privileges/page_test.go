package privileges_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	. "github.com/onsi/gomega"
)

var update = flag.Bool("update", false, "rewrite docs/privileges.md")

var file = filepath.Join("..", "..", "docs", "privileges.md")

func verifyPage(want string) {
	if *update {
		Expect(os.WriteFile(file, []byte(want), 0o644)).To(Succeed())
	}
	text, err := os.ReadFile(file)
	Expect(err).NotTo(HaveOccurred())
	Expect(string(text)).To(Equal(want))
}

// places are where a privilege is looked for, by its beginning.
var places = []struct{ prefix, place string }{
	{"System.", "all that is looked at"},
	{"Host.", "the hosts"},
	{"Global.", "the vCenter's root folder"},
	{"Cryptographer.", "the vCenter's root folder"},
	{"VirtualMachine.", "the datacenter's folder of virtual machines"},
	{"Resource.", "the hosts' resource pools"},
	{"Datastore.", "the hosts' datastores"},
}

func placeOf(privilege string) string {
	for _, p := range places {
		if strings.HasPrefix(privilege, p.prefix) {
			return p.place
		}
	}
	return ""
}

const head = `# Privileges: what an account needs

Made by ` + "`make golden`" + ` of what the built program does under a simulated role, from which one privilege at a time is taken
(` + "`e2e/privileges`" + `). A command works with a role when its exit code, its report and the state that it leaves are those of an
administrator's; in none of these runs does anything pass that does not pass for an administrator.

Which privilege a call takes is from the vSphere API's reference. Not from there: esxcli over the API stands in no reference,
and is assumed to take ` + "`Host.Config.Settings`" + `; ` + "`Global.Licenses`" + ` is what vCenters of 6.5 were seen to want for reading licences;
` + "`Cryptographer.ReadKeyServersInfo`" + ` is taken by its description; that a device takes ` + "`VirtualMachine.Config.AddRemoveDevice`" + ` also
where its machine is made is assumed. The list of VIBs is read with ` + "`Host.Config.Image`" + `, or as here by esxcli. A real vCenter has the last word: what it refuses stands in the report, by its name.

Every role has ` + "`System.View` and `System.Read`" + `, and every command takes them: without the first there is no login (exit 3), without
the second the hosts are unknown. The built-in role "Read-only" is these two. In each round ` + "`watch`" + ` takes what ` + "`check`" + ` does, and with
` + "`--fix` what `fix --allow`" + ` does.
`

// role is what the commands of a role take together, but for what every role has.
func role(found []*finding, name string) (privileges []string) {
	for _, f := range found {
		if f.job.role == name {
			privileges = append(privileges, f.set...)
		}
	}
	slices.Sort(privileges)
	return beyond(slices.Compact(privileges))
}

// beyond are those that not every role has.
func beyond(privileges []string) []string {
	return slices.DeleteFunc(slices.Clone(privileges), func(p string) bool { return slices.Contains(always, p) })
}

func page(found []*finding) string {
	var b strings.Builder
	b.WriteString(head)
	b.WriteString("\n## By command\n\n| command | privilege | on | without it |\n|---|---|---|---|\n")
	for _, f := range found {
		title := f.job.title
		for _, privilege := range beyond(f.set) {
			t := f.without[privilege]
			fmt.Fprintf(&b, "| %s | `%s` | %s | %s: %s |\n", title, privilege, placeOf(privilege), exits(t, f.full), t.because(privilege))
			title = ""
		}
		if title != "" {
			fmt.Fprintf(&b, "| %s | Read-only is enough | | |\n", title)
		}
	}
	b.WriteString("\n## With the role Read-only\n\nWhat a command cannot do or know then:\n\n" +
		"| command | exit | what is said |\n|---|---|---|\n")
	for _, f := range found {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", f.job.title, exits(f.readOnly, f.full), f.unknowing())
	}
	b.WriteString("\n## Roles\n\nWith `govc`, as an administrator. USER is the account. A role on the root folder reaches all below it. What is " +
		"needed there alone, `Global.` and `Cryptographer.`, does not reach it from a narrower path.\n")
	for _, r := range roles {
		fmt.Fprintf(&b, "\n%s:\n\n    govc role.create %s %s\n    govc permissions.set -principal USER -role %s /\n", r.what, r.name, strings.Join(role(found, r.name), " "), r.name)
	}
	return b.String()
}

func exits(t, full *trial) string {
	if t.code == full.code {
		return fmt.Sprintf("exit %d too", t.code)
	}
	return fmt.Sprintf("exit %d instead of %d", t.code, full.code)
}

// roles that the page makes, and what for.
var roles = []struct{ name, what string }{
	{roleCheck, "To check, to collect, and for `create` without changes"},
	{roleFix, "To change too, and to take back"},
	{roleProbe, "To probe through virtual machines"},
}

// unknowing is what a run with the role Read-only says that it lacks.
func (f *finding) unknowing() string {
	if f.readOnly.same(f.full) {
		return "all is as for an administrator"
	}
	var said []string
	for _, privilege := range beyond(f.set) {
		if text := f.readOnly.because(privilege); text != "" {
			said = append(said, text)
		}
	}
	return strings.Join(slices.Compact(said), "; ")
}
