package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"natster/cli/term"
)

// rateUnits are what a rate may be given in, in bytes. Case tells bytes from bits, and so it counts.
var rateUnits = map[string]float64{
	"kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
	"kbit": 1e3 / 8, "Mbit": 1e6 / 8, "Gbit": 1e9 / 8,
}

// Bounds of a rate, in bytes a second: below, a receiver takes what it waits for to be lost.
const (
	leastRate = 16e3
	mostRate  = 1e12
)

// parseRate parses how much may be sent in a second, as 5MB/s, 5MB or 40Mbit/s, and returns it in bytes.
func parseRate(text string) (int64, error) {
	unit := strings.TrimLeft(text, "0123456789.")
	n, err := strconv.ParseFloat(text[:len(text)-len(unit)], 64)
	size, known := rateUnits[strings.TrimSpace(strings.TrimSuffix(unit, "/s"))]
	if err != nil || !known {
		return 0, fmt.Errorf("%s is no rate: 5MB/s is one (bytes), and 40Mbit/s (bits)", term.Quoted(text))
	}
	if n *= size; n < leastRate || n > mostRate {
		return 0, fmt.Errorf("%s: a rate is at least %s and at most %s", term.OneLine(text),
			term.Rate(leastRate, 1), term.Rate(mostRate, 1))
	}
	return int64(math.Round(n)), nil
}
