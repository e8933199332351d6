package privileges_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
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

Made by ` + "`make golden`" + ` of what the built program does under a simulated role from which one privilege at a time is taken
(` + "`e2e/privileges`" + `). A command is "the same" when its exit code, its report and the state that it leaves are those of an
administrator. Nothing passes here that does not pass for an administrator; each row is the whole of what is missed.

Which privilege a call takes is that of the vSphere API's reference. Not from there: esxcli over the API is in no reference,
and is assumed to take ` + "`Host.Config.Settings`" + `; ` + "`Global.Licenses`" + ` is what vCenters of 6.5 were seen to want for reading licences;
` + "`Cryptographer.ReadKeyServersInfo`" + ` is by its description; that a device takes ` + "`VirtualMachine.Config.AddRemoveDevice`" + ` also
where a machine is made is assumed. A real vCenter has the last word: what it refuses is named in the report.
`

// role is what the commands of a role take together, but for what every role has.
func role(found []*finding, name string) (privileges []string) {
	for _, f := range found {
		if f.job.role == name {
			privileges = append(privileges, f.set...)
		}
	}
	slices.Sort(privileges)
	return slices.DeleteFunc(slices.Compact(privileges), func(p string) bool { return slices.Contains(always, p) })
}

func page(found []*finding) string {
	var b strings.Builder
	b.WriteString(head)
	b.WriteString("\n## By command\n\n| command | privilege | on | without it |\n|---|---|---|---|\n")
	for _, f := range found {
		title := f.job.title
		for _, privilege := range f.set {
			t := f.without[privilege]
			fmt.Fprintf(&b, "| %s | `%s` | %s | exit %d instead of %d: %s |\n", title, privilege, placeOf(privilege), t.code, f.full.code, t.because(privilege))
			title = ""
		}
	}
	b.WriteString("\n## With the role Read-only\n\nThe built-in role has `System.View` and `System.Read`. What a command cannot do or know then:\n\n" +
		"| command | exit | instead of | what is said |\n|---|---|---|---|\n")
	for _, f := range found {
		fmt.Fprintf(&b, "| %s | %d | %d | %s |\n", f.job.title, f.readOnly.code, f.full.code, f.unknowing())
	}
	b.WriteString("\n## Roles\n\nWith `govc`, as an administrator. USER is the account. A role on the root folder reaches all below it; a narrower path serves " +
		"as well, but for what stands above with \"root folder\".\n")
	for _, r := range roles {
		fmt.Fprintf(&b, "\n%s:\n\n    govc role.create %s %s\n    govc permissions.set -principal USER -role %s /\n", r.what, r.name, strings.Join(role(found, r.name), " "), r.name)
	}
	return b.String()
}

// roles that the page makes, and what for.
var roles = []struct{ name, what string }{
	{roleCheck, "To check, to collect, and for `create` without changes"},
	{roleFix, "To change too, and to take back"},
	{roleProbe, "To probe through virtual machines"},
}

var lacks = regexp.MustCompile(`privileges? ([A-Z][\w.]*\.\w+)`)

// unknowing is what a run with the role Read-only says that it lacks.
func (f *finding) unknowing() string {
	if f.readOnly.same(f.full) {
		return "all is as for an administrator"
	}
	var said []string
	for _, privilege := range f.set {
		if text := f.readOnly.because(privilege); text != "" {
			said = append(said, text)
		}
	}
	return strings.Join(slices.Compact(said), "; ")
}
