package probe_test

import (
	"testing"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestProbe(t *testing.T) { testsuite.Run(t, "probe") }
