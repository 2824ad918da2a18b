package chargebee_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
)

const (
	inProgress = `{"message":"The previous request is still in progress. Please retry the request","type":"invalid_request","api_error_code":"invalid_state_for_request"}`
	conflict   = `{"message":"The session is activated","type":"invalid_request","api_error_code":"invalid_state_for_request"}`
	temporary  = `{"message":"try again","type":"operation_failed","api_error_code":"internal_temporary_error"}`
)

// script is a transport that plays one step for each attempt, the last one
// again and again, and keeps what was sent and when.
type script struct {
	steps []step
	sent  []sent
	at    []time.Time
}

type step func(*http.Request) (*http.Response, error)

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	play := s.steps[min(len(s.sent), len(s.steps)-1)]
	s.sent = append(s.sent, sent{req, string(body)})
	s.at = append(s.at, time.Now())
	return play(req)
}

func newScript(steps ...step) *script { return &script{steps: steps} }

// client has the default Retry.
func (s *script) client(t *testing.T, opts ...chargebee.ClientOption) *chargebee.Client {
	t.Helper()
	return newClient(t, s, append([]chargebee.ClientOption{chargebee.WithRetry(chargebee.Retry{})}, opts...)...)
}

// waits are the times between the attempts.
func (s *script) waits() []time.Duration {
	var waits []time.Duration
	for i := 1; i < len(s.at); i++ {
		waits = append(waits, s.at[i].Sub(s.at[i-1]))
	}
	return waits
}

// answers is a step; header is a list of names and values.
func answers(status int, body string, header ...string) step {
	return func(*http.Request) (*http.Response, error) {
		resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
		for i := 0; i < len(header); i += 2 {
			resp.Header.Set(header[i], header[i+1])
		}
		return resp, nil
	}
}

func succeeds(req *http.Request) (*http.Response, error) { return answers(200, activated)(req) }

// cuts answers with half a body.
func cuts(status int, half string) step {
	return func(*http.Request) (*http.Response, error) {
		body := io.MultiReader(strings.NewReader(half), brokenReader{io.ErrUnexpectedEOF})
		return &http.Response{StatusCode: status, Body: io.NopCloser(body)}, nil
	}
}

type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }

func fails(err error) step {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// stallsInBody answers at once, except for its body.
func stallsInBody(status int) step {
	return func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Body: stalledBody{req.Context()}}, nil
	}
}

// stalling does not answer before the attempt is over.
func stalling(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, context.Cause(req.Context())
}

type stalledBody struct{ ctx context.Context }

func (b stalledBody) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, errors.New("the connection was closed")
}

func (b stalledBody) Close() error { return nil }
