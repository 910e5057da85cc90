package web

import (
	"crypto/sha256"
	"sync"
	"time"
)

// maxMinted bounds the users of one session that may connect; beyond it the one that expires first may no more. A page
// has its user minted anew when it was refused.
const maxMinted = 256

// minted are the users that were minted for one session and have not expired, by the hashes of their JWTs. The zero
// value has none.
type minted struct {
	mu      sync.Mutex
	expires map[[sha256.Size]byte]int64 // unix seconds
}

func (m *minted) add(jwt string, expires int64, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.expires == nil {
		m.expires = make(map[[sha256.Size]byte]int64)
	}
	var first [sha256.Size]byte
	soonest := int64(0)
	for id, at := range m.expires {
		switch {
		case at <= now.Unix():
			delete(m.expires, id)
		case soonest == 0 || at < soonest:
			first, soonest = id, at
		}
	}
	if len(m.expires) >= maxMinted {
		delete(m.expires, first)
	}
	m.expires[sha256.Sum256([]byte(jwt))] = expires
}

// has reports whether the user was minted for the session. Whether it is still good is for the NATS server to say.
func (m *minted) has(jwt string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.expires[sha256.Sum256([]byte(jwt))]
	return ok
}

// forget takes all users back: they cannot connect again.
func (m *minted) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.expires)
}
