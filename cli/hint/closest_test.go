package hint

import "testing"

func TestClosest(t *testing.T) {
	names := []string{"films", "music", "photos2024", "bob", "Alice"}
	for word, want := range map[string]string{
		"flims": "films", "film": "films", "fims": "films", "msuic": "music", "photos": "photos2024", "bbo": "bob",
		"alice": "Alice", "x": "", "carol": "", "filsmx": "films", "": "",
	} {
		if got := Closest(word, names); got != want {
			t.Errorf("closest to %q is %q, want %q", word, got, want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"grün", "grun", 1}} {
		if got := distance(c.a, c.b); got != c.want || distance(c.b, c.a) != c.want {
			t.Errorf("distance of %q and %q is %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
