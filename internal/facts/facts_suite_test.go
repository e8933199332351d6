package facts_test

import (
	"testing"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestFacts(t *testing.T) { testsuite.Run(t, "facts") }
