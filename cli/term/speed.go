package term

import "time"

// A Speed is how fast something grows. The zero Speed is ready to use.
type Speed struct{ recent []measure }

// A measure is how much there was at a time.
type measure struct {
	at    time.Time
	total int64
}

// speedWindow is the time over which a speed is measured.
const speedWindow = 5 * time.Second

// At takes in how much there is now, and returns how much a second came in the last 5 s, or 0 in the first second.
func (s *Speed) At(now time.Time, total int64) float64 {
	for len(s.recent) > 1 && now.Sub(s.recent[1].at) >= speedWindow {
		s.recent = s.recent[1:]
	}
	if n := len(s.recent); n == 0 || now.Sub(s.recent[n-1].at) >= redraw {
		s.recent = append(s.recent, measure{now, total})
	}
	if took := now.Sub(s.recent[0].at); took >= time.Second {
		return float64(total-s.recent[0].total) / took.Seconds()
	}
	return 0
}
