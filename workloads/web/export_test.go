package web

import "net/http"

// Handler is the whole site, for tests that ask it without a listener.
func (s *Site) Handler() http.Handler { return s.handler }
