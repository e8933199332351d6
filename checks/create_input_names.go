package checks

import (
	"strings"

	"github.com/docker/go-units"
)

// The reasons of name-and-sizes and of ops-user-options.
const (
	NameTooLong             Reason = "name-too-long"
	NameCharacters          Reason = "name-characters"
	SizeUnreadable          Reason = "size-unreadable"
	NameConventionNoToken   Reason = "name-convention-without-token"
	NameConventionTooLong   Reason = "name-convention-too-long"
	OpsPasswordWithoutUser  Reason = "ops-password-without-user"
	longestVCHName                 = 31
	longestNameConvention          = 80 - 12 // MaxVMNameLength - ShortIDLen, lib/constants
	unsupportedInNames             = `%&*$#@!\/:?"<>;'|`
	unsupportedInDatastores        = `%&*$#@!\?"<>;'|` // cmd/vic-machine/common/utils.go
)

func nameAndSizes() Check {
	return optionCheck(Check{
		ID:      "name-and-sizes",
		Title:   "The name and the sizes are such as vic-machine create takes",
		Why:     "They become names of virtual machines and of files, and the size of a disk.",
		Reasons: []Reason{NameTooLong, NameCharacters, SizeUnreadable, NameConventionNoToken, NameConventionTooLong},
	}, "--name", always, func(o *optionJudge) {
		v := o.vch
		if at := strings.IndexAny(v.Name, unsupportedInNames); at >= 0 {
			o.refuse("--name", NameCharacters, "--name has the character %s in it", v.Name[at:at+1])
		}
		if len(v.Name) > longestVCHName {
			o.refuse("--name", NameTooLong, "--name has %d bytes, and %d are the most", len(v.Name), longestVCHName)
		}
		if v.BaseImageSize != "" {
			if _, err := units.FromHumanSize(v.BaseImageSize); err != nil {
				o.refuse("--base-image-size", SizeUnreadable, "%q is no size such as 8GB", v.BaseImageSize)
			}
		}
		o.nameConvention(v.ContainerNames)
	})
}

// nameConvention is basics of lib/install/validate/validator.go.
func (o *optionJudge) nameConvention(text string) {
	const option = "--container-name-convention"
	if text == "" {
		return
	}
	if !strings.Contains(text, "{id}") && !strings.Contains(text, "{name}") {
		o.refuse(option, NameConventionNoToken, "%q has neither {id} nor {name} in it, so that all containers would have one name", text)
	}
	if len(text)-len("{id}") >= longestNameConvention {
		o.refuse(option, NameConventionTooLong, "it has %d bytes besides {id}, and %d are the most", len(text)-len("{id}"), longestNameConvention-1)
	}
}

func opsUserOptions() Check {
	return optionCheck(Check{
		ID:      "ops-user-options",
		Title:   "A password for the operations user comes with its name",
		Why:     "Without one the virtual container host works as the user of the target.",
		Reasons: []Reason{OpsPasswordWithoutUser},
	}, "--ops-password", func(v *VCH) bool { return v.OpsPasswordGiven }, func(o *optionJudge) {
		if o.vch.OpsUser == "" {
			o.refuse("--ops-password", OpsPasswordWithoutUser, "--ops-password is given without --ops-user")
		}
	})
}
