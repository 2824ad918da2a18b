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
	idempotencyKeyHeader = "Chargebee-Idempotency-Key"
	replayedHeader       = "Chargebee-Idempotency-Replayed"
	idempotencyKeyTTL    = 30 * time.Minute
)

// idempotencyKeys holds the idempotency keys in use.
type idempotencyKeys struct {
	requestsByKey map[string]*keyRecord
	lastSweep     time.Time
}

// keyRecord holds the first request under a key, and the response to it.
type keyRecord struct {
	key         string
	fingerprint [sha256.Size]byte
	at          time.Time
	response    *response // nil while the request is in progress
}

func (r *keyRecord) isExpired(now time.Time) bool {
	return r.response != nil && now.Sub(r.at) >= idempotencyKeyTTL
}

// idempotencyKey returns the key of a POST. Requests with other methods have none.
func (r Request) idempotencyKey() string {
	if r.Method != http.MethodPost {
		return ""
	}
	return r.Header.Get(idempotencyKeyHeader)
}

// claim claims the idempotency key of a request. It returns a new record, or, if
// the key is taken, the response to the request. Without a key both are nil.
func (k *idempotencyKeys) claim(r Request, now time.Time) (*keyRecord, *response) {
	key := r.idempotencyKey()
	if key == "" {
		return nil, nil
	}
	k.sweep(now)
	fingerprint := r.fingerprint()
	first := k.requestsByKey[key]
	switch {
	case first == nil || first.isExpired(now):
		record := &keyRecord{key: key, fingerprint: fingerprint, at: now}
		k.requestsByKey[key] = record
		return record, nil
	case first.fingerprint != fingerprint:
		return nil, newAPIError(http.StatusUnprocessableEntity, chargebee.ErrUnableToProcessRequest, "",
			"The idempotency key was used with another path, body or chargebee-* header").response()
	case first.response == nil:
		return nil, newAPIError(http.StatusConflict, chargebee.ErrInvalidStateForRequest, "",
			"The previous request is still in progress. Please retry the request").response()
	}
	replay := first.response.clone()
	replay.header.Set(replayedHeader, "true")
	return nil, replay
}

// finish stores a successful response for the replay. After any other response, or
// none, the key can be used again. record is nil for a request without a key.
func (k *idempotencyKeys) finish(record *keyRecord, resp *response) {
	switch {
	case record == nil:
	case resp != nil && resp.status < 300:
		record.response = resp.clone()
	default:
		delete(k.requestsByKey, record.key)
	}
}

// sweep removes expired keys, at most once per idempotencyKeyTTL.
func (k *idempotencyKeys) sweep(now time.Time) {
	if now.Sub(k.lastSweep) < idempotencyKeyTTL {
		return
	}
	k.lastSweep = now
	maps.DeleteFunc(k.requestsByKey, func(_ string, first *keyRecord) bool { return first.isExpired(now) })
}

// fingerprint returns a hash of everything that must be equal in a repeated
// request: the path, the body and the chargebee-* headers.
func (r Request) fingerprint() [sha256.Size]byte {
	hash := sha256.New()
	add := func(part []byte) { fmt.Fprintf(hash, "%d:%s", len(part), part) }
	add([]byte(r.Path))
	add(r.Body)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if strings.HasPrefix(name, "Chargebee-") {
			add([]byte(name))
			add([]byte(strings.Join(r.Header[name], "\n")))
		}
	}
	return [sha256.Size]byte(hash.Sum(nil))
}
