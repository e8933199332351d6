package firewallxml_test

import (
	"testing"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestFirewallXML(t *testing.T) { testsuite.Run(t, "internal/firewallxml") }
