package inventory_test

import (
	"testing"

	"github.com/vic-preflight/vic-preflight/internal/testsuite"
)

func TestInventory(t *testing.T) { testsuite.Run(t, "inventory") }
