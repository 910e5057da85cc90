package brief_test

import (
	"testing"

	"natster/internal/brief"
)

func TestTextThatLooksLikeNothingDoesNotShow(t *testing.T) {
	for s, want := range map[string]bool{
		"alice": true, "Zoë": true, "Zoe\u0308": true, "ศรี": true, "\u2764\ufe0f": true, "김": true,
		"a b": true, " a": true, "⠠⠵\u2800⠕": true,
		" ": false, "\u3164": false, "\u115f\u1160": false, "\uffa0": false, "\u034f": false,
		"\u2800": false, "\U0001d159": false, "\u0301": false, " \u0301": false, "\u20dd": false,
		"\ufe0f": false, "\u0903": false, "\u00a0": false, "\u200b": false, "\ufeff": false, "\u2003": false,
		"a\u3164": false, "a\u200b": false, "\u3164a": false, "a\u202eb": false, "a\nb": false,
		"\xff": false, "a\xff": false, "\u17b4": false, "\U000e0100": false,
	} {
		if brief.Shows(s) != want {
			t.Errorf("Shows(%+q) = %v", s, !want)
		}
	}
}
