package chargebeetest

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
)

const (
	idempotencyKey    = "Chargebee-Idempotency-Key"
	idempotencyWindow = 30 * time.Minute
)

// memory is what the server knows of idempotency keys.
type memory struct {
	firsts map[string]*remembered
	swept  time.Time
}

// remembered is the first request under a key, and what it was answered.
type remembered struct {
	fingerprint [sha256.Size]byte
	at          time.Time
	answer      *answer // nil while the request is in progress
}

func (r *remembered) isOver(now time.Time) bool {
	return r.answer != nil && now.Sub(r.at) >= idempotencyWindow
}

// claim gives a key to a request, or returns what the request gets because
// the key is taken. Both are nil for a request without a key.
func (m *memory) claim(r Request, now time.Time) (claimed *remembered, taken *answer) {
	key := r.Header.Get(idempotencyKey)
	if key == "" {
		return nil, nil
	}
	m.sweep(now)
	fingerprint := r.fingerprint()
	first := m.firsts[key]
	switch {
	case first == nil || first.isOver(now):
		claimed = &remembered{fingerprint: fingerprint, at: now}
		m.firsts[key] = claimed
		return claimed, nil
	case first.fingerprint != fingerprint:
		taken = refuse(http.StatusUnprocessableEntity, chargebee.ErrUnableToProcessRequest, "",
			"The idempotency key was used with another path, body or chargebee-* header").answer()
	case first.answer == nil:
		taken = refuse(http.StatusConflict, chargebee.ErrInvalidStateForRequest, "",
			"The previous request is still in progress. Please retry the request").answer()
	default:
		taken = first.answer.clone()
		taken.header.Set("chargebee-idempotency-replayed", "true")
	}
	return nil, taken
}

// release frees the key of a request that came to nothing.
func (m *memory) release(r Request, claimed *remembered) {
	if claimed != nil {
		delete(m.firsts, r.Header.Get(idempotencyKey))
	}
}

// sweep drops what is over, once in a window.
func (m *memory) sweep(now time.Time) {
	if now.Sub(m.swept) < idempotencyWindow {
		return
	}
	m.swept = now
	maps.DeleteFunc(m.firsts, func(_ string, first *remembered) bool { return first.isOver(now) })
}

// fingerprint is what must be the same in a repeat: the path, the body and the
// chargebee-* headers.
func (r Request) fingerprint() [sha256.Size]byte {
	hash := sha256.New()
	part := func(text []byte) { fmt.Fprintf(hash, "%d:%s", len(text), text) }
	part([]byte(r.Path))
	part(r.Body)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if strings.HasPrefix(name, "Chargebee-") {
			part([]byte(name))
			part([]byte(strings.Join(r.Header[name], "\n")))
		}
	}
	return [sha256.Size]byte(hash.Sum(nil))
}
