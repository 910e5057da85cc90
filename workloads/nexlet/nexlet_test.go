package nexlet_test

import (
	"testing"

	"natster/internal/test/nexlettest"
	"natster/internal/test/nextest"
	"natster/workloads/nexlet/wire"
)

func TestAFunctionIsDeployedAnswersAndIsStopped(t *testing.T) {
	s := nexlettest.Start(t, echoing(echo))
	s.Node(nextest.Config{})
	c := s.Client("shares")
	alice := s.Account("alice")

	d := deploy(t, c, "prober")
	w := s.Running(c, d.ID, wire.Running)
	if w.Name != "prober" || w.Namespace != "shares" || w.Lifecycle != wire.Function ||
		w.Metadata["triggers"] != "subject probe" {
		t.Errorf("listed as %+v", w)
	}
	if got, err := call(t, alice, "hello"); err != nil || got != "hello" {
		t.Fatalf("answered %q, %v", got, err)
	}
	if _, err := call(t, alice, "fail"); err == nil {
		t.Error("it did not fail as told")
	}
	w = s.Running(c, d.ID, wire.Running)
	if w.Metadata["runs"] != "2" || w.Metadata["errors"] != "1" || w.Metadata["last_run"] == "" || w.Runtime == "0s" {
		t.Errorf("counted as %+v", w)
	}
	s.Stop(c, d.ID)
	if left, err := c.List(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
