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
	mu   sync.Mutex
	byID map[[sha256.Size]byte]mintedUser
}

type mintedUser struct {
	key     string // public
	expires int64  // unix seconds
}

func (m *minted) add(key, jwt string, expires int64, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byID == nil {
		m.byID = make(map[[sha256.Size]byte]mintedUser)
	}
	var first [sha256.Size]byte
	soonest := int64(0)
	for id, u := range m.byID {
		switch {
		case u.expires <= now.Unix():
			delete(m.byID, id)
		case soonest == 0 || u.expires < soonest:
			first, soonest = id, u.expires
		}
	}
	if len(m.byID) >= maxMinted {
		delete(m.byID, first)
	}
	m.byID[sha256.Sum256([]byte(jwt))] = mintedUser{key, expires}
}

// find reports whether the user was minted for the session, and for which public key. Whether it is still good is for
// the NATS server to say.
func (m *minted) find(jwt string) (key string, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, ok := m.byID[sha256.Sum256([]byte(jwt))]
	return u.key, ok
}

// forget takes all users back: they cannot connect again.
func (m *minted) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.byID)
}
