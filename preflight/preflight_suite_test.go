package preflight_test

import (
	"testing"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestPreflight(t *testing.T) { testsuite.Run(t, "preflight") }
