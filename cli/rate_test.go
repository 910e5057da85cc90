package cli

import (
	"strings"
	"testing"
)

func TestARateIsInBytesOrBits(t *testing.T) {
	for text, want := range map[string]int64{
		"5MB/s": 5e6, "5MB": 5e6, "40Mbit/s": 5e6, "40Mbit": 5e6, "1.5MiB/s": 3 << 19, "5 MB/s": 5e6, "200kB": 200e3,
		"128kbit/s": 16e3, "1Gbit/s": 125e6, "1000GB": 1e12,
	} {
		if n, err := parseRate(text); err != nil || n != want {
			t.Errorf("%s is %d, %v", text, n, err)
		}
	}
	for _, text := range []string{
		"", "5", "MB/s", "5MB/h", "5mb", "5Mb", "-5MB", "5MB/s/s", "1e3MB", "InfMB", "NaNMB", "0MB", "1kB", "1.2.3MB",
		"1001GB", "٥MB", strings.Repeat("9", 400) + "MB",
	} {
		if n, err := parseRate(text); err == nil {
			t.Errorf("%q is %d", text, n)
		}
	}
}

func FuzzRate(f *testing.F) {
	f.Add("5MB/s")
	f.Add("40Mbit")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := parseRate(text)
		switch {
		case err == nil && (n < leastRate || n > mostRate):
			t.Errorf("%q is %d", text, n)
		case err != nil && strings.ContainsAny(err.Error(), "\n\r\x1b"):
			t.Errorf("%q is more than a line: %q", text, err)
		}
	})
}
