package fix_test

import (
	"testing"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestFix(t *testing.T) { testsuite.Run(t, "fix") }
