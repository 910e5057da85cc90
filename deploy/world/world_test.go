package world_test

import (
	"testing"

	"natster/deploy/world/worldtest"
)

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		worldtest.Start(b)
	}
}

func TestAnAccountCallsAnotherAndIsKnownByItsKey(t *testing.T) {
	w := worldtest.Start(t)
	_ = w.Account("alice").Conn(t)
}
