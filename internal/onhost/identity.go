package onhost

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// hardwareUUID is what "esxcli hardware platform get" prints: sixteen bytes, such as
// 0x4c 0x4c 0x45 0x44 0x0 …, without a zero in front.
var hardwareUUID = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^\s*UUID:((?:\s+0x[0-9a-fA-F]{1,2}){16})\s*$`)
})

// isHost sees that the machine is the one that vCenter means: an address, and with it a
// login as root, may be another's. It asks nothing where vCenter does not tell the
// hardware's UUID.
func (s *shell) isHost(h *inventory.Host) error {
	if h.UUID == "" {
		return nil
	}
	said, err := s.say("esxcli hardware platform get")
	if err != nil {
		return fmt.Errorf("nothing was changed: whether this is %s could not be asked: %w", h.Name, err)
	}
	found := hardwareUUID().FindStringSubmatch(said)
	if found == nil {
		return fmt.Errorf("nothing was changed: esxcli hardware platform get does not tell the hardware's UUID, by which %s is known", h.Name)
	}
	var told uuid.UUID
	for i, digits := range strings.Fields(found[1]) {
		one, err := hex.DecodeString(fmt.Sprintf("%02s", strings.TrimPrefix(digits, "0x")))
		if err != nil {
			return err
		}
		told[i] = one[0]
	}
	if wanted, err := uuid.Parse(h.UUID); err != nil || wanted != told && wanted != mixed(told) {
		return fmt.Errorf("nothing was changed: this is not %s: its hardware's UUID is %s, and by the vSphere API it should be %s", h.Name, told, h.UUID)
	}
	return nil
}

// mixed is a UUID with its first three parts the other way round: SMBIOS before 2.6 did
// not say in which order they stand, and programs differ (DMTF DSP0134, 7.2.1).
func mixed(u uuid.UUID) uuid.UUID {
	u[0], u[1], u[2], u[3] = u[3], u[2], u[1], u[0]
	u[4], u[5] = u[5], u[4]
	u[6], u[7] = u[7], u[6]
	return u
}
