package chargebee_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// faultySite applies each key once, as Chargebee does, unless a fault prevents it. Somebody on the way may respond in
// place of it.
type faultySite struct {
	random  *rand.Rand
	doneAt  map[string]time.Time // by key, of what was or will be applied
	refused map[string]bool
}

// apply applies a request, or finds it applied, and responds.
func (s *faultySite) apply(req *http.Request) (*http.Response, error) {
	return s.applyAfter(0)(req)
}

// applyAfter goes on with the work even if the client leaves.
func (s *faultySite) applyAfter(work time.Duration) httpmock.Responder {
	return func(req *http.Request) (*http.Response, error) {
		key := req.Header.Get("Chargebee-Idempotency-Key")
		doneAt, seen := s.doneAt[key]
		switch {
		case s.refused[key]:
			return respond(404, `{"api_error_code":"resource_not_found"}`, "Chargebee-Idempotency-Replayed", "true")(req)
		case seen && time.Now().Before(doneAt):
			return respond(409, inProgressJSON)(req)
		case seen:
			return respond(200, emptyListJSON, "Chargebee-Idempotency-Replayed", "true")(req)
		}
		s.doneAt[key] = time.Now().Add(work)
		if err := sleepOf(req, work); err != nil {
			return nil, err
		}
		return respond(200, emptyListJSON)(req)
	}
}

// refuse refuses a request unless it was applied before.
func (s *faultySite) refuse(req *http.Request) (*http.Response, error) {
	key := req.Header.Get("Chargebee-Idempotency-Key")
	if _, seen := s.doneAt[key]; seen {
		return s.apply(req)
	}
	s.refused[key] = true
	return respond(404, `{"api_error_code":"resource_not_found"}`)(req)
}

// applyUnseen applies a request, but somebody on the way responds.
func (s *faultySite) applyUnseen(then httpmock.Responder) httpmock.Responder {
	return func(req *http.Request) (*http.Response, error) {
		_, _ = s.apply(req)
		return then(req)
	}
}

func sleepOf(req *http.Request, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-req.Context().Done():
		return req.Context().Err()
	}
}

// responder returns what happens to the next request: mostly a fault.
func (s *faultySite) responder() httpmock.Responder {
	faults := []httpmock.Responder{
		s.apply, s.apply, s.apply, s.refuse,
		s.applyAfter(time.Duration(s.random.IntN(12000)) * time.Millisecond),
		respond(503, `<html>`), respond(429, ``, "Retry-After", "1.5"), respond(503, maintenanceJSON), respond(403, `<html>`), respond(302, ``),
		failWith(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}), failWith(io.EOF), stall,
		respond(200, `<html>`), respond(202, ``), respond(200, `{"ok":true}`),
	}
	unseen := []httpmock.Responder{
		respond(502, `<html>`), respond(408, ``), respond(499, ``), respond(303, ``), respond(409, `<html>`), failWith(io.ErrUnexpectedEOF), stall, stallInBody(200),
		stallInBody(500), respond(200, emptyListJSON[:5]), func(req *http.Request) (*http.Response, error) { return respondCutOff(200, emptyListJSON[:5])(req) },
	}
	i := s.random.IntN(len(faults) + len(unseen))
	if i < len(faults) {
		return faults[i]
	}
	return s.applyUnseen(unseen[i-len(faults)])
}

// A call that returns no error was applied, and one whose outcome is known was not.
func TestOutcomesOfRandomCalls(t *testing.T) {
	t.Parallel()
	const calls = 9000
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(14, 2026))
		site := &faultySite{random: random, doneAt: make(map[string]time.Time), refused: make(map[string]bool)}
		errFull := errors.New("full")
		limiter := limiterFunc(func(context.Context) error {
			if random.IntN(30) == 0 {
				return errFull
			}
			return nil
		})
		key := ""
		client := newClient(t, roundTripperFunc(func(req *http.Request) (*http.Response, error) {
			key = req.Header.Get("Chargebee-Idempotency-Key")
			return site.responder()(req)
		}), chargebee.WithLimiter(limiter), chargebee.WithAttemptTimeout(3*time.Second))
		counts := make(map[string]int)
		for range calls {
			key = ""
			deadline := time.Duration(1+random.IntN(20000)) * time.Millisecond
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			start := time.Now()
			_, err := client.Features.UpsertOrRemoveItemEntitlements(ctx, "seats", chargebee.UpsertOrRemoveItemEntitlementsParams{Action: chargebee.ActionUpsert},
				chargebee.WithRetry(chargebee.Retry{MaxAttempts: 1 + random.IntN(5)}))
			require.LessOrEqual(t, time.Since(start), deadline)
			cancel()
			time.Sleep(time.Minute) // until all work is done
			_, applied := site.doneAt[key]
			gotKey, unknown := chargebee.OutcomeUnknown(err)
			switch {
			case err == nil:
				counts["applied"]++
				require.True(t, applied)
			case unknown:
				counts["unknown"]++
				require.Equal(t, key, gotKey)
				require.Contains(t, err.Error(), key)
			default:
				counts["not applied"]++
				require.False(t, applied, err)
			}
			if err != nil && strings.Contains(err.Error(), "not sent") {
				counts["not sent"]++
			}
		}
		t.Log(counts)
		require.Greater(t, min(counts["applied"], counts["unknown"], counts["not applied"], counts["not sent"]), calls/100)
	})
}
