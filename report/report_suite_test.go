package report_test

import (
	"testing"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestReport(t *testing.T) { testsuite.Run(t, "report") }
