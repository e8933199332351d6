package vsphere_test

import (
	"testing"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestVsphere(t *testing.T) { testsuite.Run(t, "internal/vsphere") }
