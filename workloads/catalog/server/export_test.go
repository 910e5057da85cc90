package server

import "time"

// At makes a server believe that the time is what now returns, as far as its upload goes.
func (c *Config) At(now func() time.Time) { c.now = now }

// LeastCost is what a frame costs at least.
const LeastCost = leastCost
