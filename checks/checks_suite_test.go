package checks_test

import (
	"testing"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestChecks(t *testing.T) { testsuite.Run(t, "checks") }
