package vib_test

import (
	"testing"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestVIB(t *testing.T) { testsuite.Run(t, "internal/vib") }
