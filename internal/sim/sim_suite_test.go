package sim_test

import (
	"testing"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestSim(t *testing.T) { testsuite.Run(t, "internal/sim") }
