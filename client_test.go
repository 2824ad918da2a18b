package chargebee_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// newServer returns a client of a server on loopback that answers with handle,
// over the client's own transport.
func newServer(t *testing.T, handle http.HandlerFunc, opts ...chargebee.ClientOption) *chargebee.Client {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	opts = append([]chargebee.ClientOption{once, chargebee.WithBaseURL(server.URL + "/gateway/api/v2/")}, opts...)
	client, err := chargebee.NewClient("acme-test", "test_key", opts...)
	require.NoError(t, err)
	return client
}

func TestTheWireCarriesPathHeadersAndBody(t *testing.T) {
	t.Parallel()
	client := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, ok := r.BasicAuth()
		body, err := io.ReadAll(r.Body)
		switch {
		case r.RequestURI != "/gateway/api/v2/portal_sessions/a%2Fb%20c/activate", err != nil,
			!ok, user != "test_key", password != "",
			r.Header.Get("chargebee-request-origin-user-encoded") != "em/Dq0BleMOkbXBsZS5jb20=",
			string(body) != "token=tok%2B+secret", r.ContentLength != int64(len(body)):
			w.WriteHeader(http.StatusTeapot)
		}
		_, _ = io.WriteString(w, activated)
	})
	ctx := chargebee.ContextWithHeaders(t.Context(), chargebee.Headers{OriginUser: "zoë@exämple.com"})
	resp, err := client.PortalSessions.ActivatePortalSession(ctx, "a/b c", chargebee.ActivatePortalSessionParams{Token: "tok+ secret"})
	require.NoError(t, err)
	require.Equal(t, "cus_1", resp.PortalSession.CustomerID)
}

func TestTheResponseTellsHowTheCallWent(t *testing.T) {
	t.Parallel()
	m := newMockFunc(t, httpmock.NewStringResponder(200, activated).HeaderSet(http.Header{
		"Chargebee-Idempotency-Replayed": {"true"}, "X-Other": {"x"},
	}))
	resp, err := activate(t, m.client(t), chargebee.WithIdempotencyKey("login-1"))
	require.NoError(t, err)
	require.Equal(t, chargebee.Response{
		StatusCode:          200,
		Header:              http.Header{"Chargebee-Idempotency-Replayed": {"true"}, "X-Other": {"x"}},
		Body:                []byte(activated),
		Attempts:            1,
		IdempotencyKey:      "login-1",
		IdempotencyReplayed: true,
	}, resp.Response)
}

func TestEachPOSTHasAKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	m := newMock(t, http.StatusOK, activated)
	client := m.client(t)
	first, err := activate(t, client)
	require.NoError(t, err)
	second, err := activate(t, client)
	require.NoError(t, err)

	require.Equal(t, []string{first.IdempotencyKey}, m.sent[0].Header.Values("chargebee-idempotency-key"))
	require.Equal(t, []string{second.IdempotencyKey}, m.sent[1].Header.Values("chargebee-idempotency-key"))
	require.NotEqual(t, first.IdempotencyKey, second.IdempotencyKey)
	require.Regexp(t, `^[!-~]{20,100}$`, first.IdempotencyKey)
}

func TestAKeyMayHaveAHundredCharacters(t *testing.T) {
	t.Parallel()
	resp, err := activate(t, newMock(t, http.StatusOK, activated).client(t), chargebee.WithIdempotencyKey(strings.Repeat("~", 100)))
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("~", 100), resp.IdempotencyKey)
}

func TestAMockNeedNotFillInItsResponse(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]*http.Response{
		"no request, no headers": {StatusCode: 200, Body: io.NopCloser(strings.NewReader(activated))},
		"a wrong length":         {StatusCode: 200, Body: io.NopCloser(strings.NewReader(activated)), ContentLength: 7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMockFunc(t, httpmock.ResponderFromResponse(answer))
			resp, err := activate(t, m.client(t))
			require.NoError(t, err)
			require.Equal(t, "portal_1", resp.PortalSession.ID)
			require.Empty(t, resp.Header)
		})
	}
	for name, answer := range map[string]*http.Response{"no body": {StatusCode: 404}, "nothing at all": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := answeringClient(t, func(*http.Request) (*http.Response, error) { return answer, nil })
			_, err := activate(t, client)
			var apiErr *chargebee.APIError
			require.ErrorAs(t, err, &apiErr)
			require.Equal(t, answer.StatusCode, apiErr.StatusCode)
		})
	}
	t.Run("neither a response nor an error", func(t *testing.T) {
		t.Parallel()
		client := answeringClient(t, func(*http.Request) (*http.Response, error) { return nil, nil })
		_, err := activate(t, client)
		var transportErr *chargebee.TransportError
		require.ErrorAs(t, err, &transportErr)
	})
}

func answeringClient(t *testing.T, answer roundTripper) *chargebee.Client {
	t.Helper()
	return newClient(t, answer)
}

func TestDoDecodesIntoTheResultOrLeavesTheBody(t *testing.T) {
	t.Parallel()
	client := newMock(t, http.StatusCreated, `{"customer":{"id":"cus_1"}}`).client(t)
	req := chargebee.Request{Method: http.MethodPost, Path: "/customers"}

	var result struct{ Customer struct{ ID string } }
	resp, err := client.Do(t.Context(), req, &result)
	require.NoError(t, err)
	require.Equal(t, "cus_1", result.Customer.ID)
	require.Equal(t, 201, resp.StatusCode)

	resp, err = client.Do(t.Context(), req, nil)
	require.NoError(t, err)
	require.Equal(t, `{"customer":{"id":"cus_1"}}`, string(resp.Body))
}

func TestDoLeavesTheOptionsAlone(t *testing.T) {
	t.Parallel()
	opts := append(make([]chargebee.CallOption, 0, 2), chargebee.WithHeader("X-Team", "billing"))
	_, err := newMock(t, http.StatusOK, `{}`).client(t).Do(t.Context(), chargebee.Request{Method: http.MethodPost, Path: "/customers"}, struct{}{}, opts...)
	require.EqualError(t, err, "chargebee: result must be nil or a pointer")
	require.Nil(t, opts[:2][1])
}

func TestDoReturnsNoResponseBesideAnError(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 404} {
		resp, err := newMock(t, status, `<html>`).client(t).Do(t.Context(), chargebee.Request{Method: http.MethodPost, Path: "/customers"}, new(any))
		require.Error(t, err)
		require.Nil(t, resp)
	}
}

func TestOnlyA2xxIsASuccess(t *testing.T) {
	t.Parallel()
	for status, success := range map[int]bool{199: false, 200: true, 202: true, 299: true, 300: false} {
		_, err := activate(t, newMock(t, status, activated).client(t))
		require.Equal(t, success, err == nil, status)
	}
}

func TestReplayedIsWhatTheHeaderSays(t *testing.T) {
	t.Parallel()
	m := newMockFunc(t, httpmock.NewStringResponder(200, activated).HeaderSet(http.Header{"Chargebee-Idempotency-Replayed": {"false"}}))
	resp, err := activate(t, m.client(t))
	require.NoError(t, err)
	require.False(t, resp.IdempotencyReplayed)
}

func TestASuccessWithoutABodyMayBeReplayed(t *testing.T) {
	t.Parallel()
	client := answeringClient(t, func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 204, Header: http.Header{"Chargebee-Idempotency-Replayed": {"true"}}}, nil
	})
	resp, err := client.Do(t.Context(), chargebee.Request{Method: http.MethodPost, Path: "/customers"}, nil)
	require.NoError(t, err)
	require.True(t, resp.IdempotencyReplayed)
}

func TestAGETIsSentUnderTheCallersKeyOnly(t *testing.T) {
	t.Parallel()
	m := newMock(t, http.StatusOK, `{}`)
	resp, err := m.client(t).Do(t.Context(), chargebee.Request{Method: http.MethodGet, Path: "/features"}, nil, chargebee.WithIdempotencyKey("key-1"))
	require.NoError(t, err)
	require.Equal(t, "key-1", resp.IdempotencyKey)
	require.Equal(t, "key-1", m.only(t).Header.Get("chargebee-idempotency-key"))
	require.Equal(t, "https://acme-test.chargebee.com/api/v2/features", m.only(t).URL.String())
}

func TestASuccessMayHaveNoBodyIfNoneIsAskedFor(t *testing.T) {
	t.Parallel()
	client := newMock(t, http.StatusNoContent, ``).client(t)
	resp, err := client.Do(t.Context(), chargebee.Request{Method: http.MethodPost, Path: "/customers"}, nil)
	require.NoError(t, err)
	require.Equal(t, 204, resp.StatusCode)

	var result map[string]any
	_, err = client.Do(t.Context(), chargebee.Request{Method: http.MethodPost, Path: "/customers"}, &result)
	require.EqualError(t, err, "chargebee: POST /customers: 204, but the body is not what was expected: empty")
}

func TestRedirectsAreRefusedAndTheOtherHostHearsNothing(t *testing.T) {
	t.Parallel()
	var heard atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) }))
	t.Cleanup(other.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		for name, location := range map[string]string{"elsewhere": other.URL, "malformed": "http://[::1", "missing": ""} {
			t.Run(http.StatusText(status)+", "+name, func(t *testing.T) {
				t.Parallel()
				client := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Location", location)
					w.WriteHeader(status)
				})
				_, err := activate(t, client)
				var apiErr *chargebee.APIError
				require.ErrorAs(t, err, &apiErr)
				require.Equal(t, status, apiErr.StatusCode)
				require.Equal(t, location, apiErr.Header.Get("Location"))
				require.False(t, apiErr.Retryable())
			})
		}
	}
	t.Cleanup(func() { require.Zero(t, heard.Load()) })
}

// endless is a body that never ends, and knows how much of it was read.
type endless struct {
	read   atomic.Int64
	closed atomic.Bool
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.read.Add(int64(len(p)))
	return len(p), nil
}

func (e *endless) Close() error {
	e.closed.Store(true)
	return nil
}

func TestBodiesAreReadUnderACap(t *testing.T) {
	t.Parallel()
	t.Run("a success under 16 MiB", func(t *testing.T) {
		t.Parallel()
		body := new(endless)
		_, err := activate(t, answeringClient(t, func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: body}, nil
		}))
		var decodeErr *chargebee.DecodeError
		require.ErrorAs(t, err, &decodeErr)
		require.EqualError(t, decodeErr.Err, "longer than 16 MiB")
		require.Len(t, decodeErr.Response.Body, 16<<20)
		require.Less(t, body.read.Load(), int64(32<<20))
		require.True(t, body.closed.Load())
	})
	t.Run("an error under 64 KiB, and a little more for the sake of the connection", func(t *testing.T) {
		t.Parallel()
		body := new(endless)
		_, err := activate(t, answeringClient(t, func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 503, Body: body}, nil
		}))
		var apiErr *chargebee.APIError
		require.ErrorAs(t, err, &apiErr)
		require.Len(t, apiErr.Body, 64<<10)
		require.Less(t, body.read.Load(), int64(512<<10))
		require.True(t, body.closed.Load())
	})
	t.Run("an error that is too long is whole enough", func(t *testing.T) {
		t.Parallel()
		_, err := activate(t, newMock(t, 503, strings.Repeat(" ", 65<<10)).client(t))
		require.Error(t, err)
		require.NoError(t, errors.Unwrap(err))
	})
	t.Run("a success of 16 MiB is read", func(t *testing.T) {
		t.Parallel()
		padded := activated + strings.Repeat(" ", 16<<20-len(activated))
		_, err := activate(t, answeringClient(t, func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(padded))}, nil
		}))
		require.NoError(t, err)
	})
}

func TestAnAnswerThatIsCutShort(t *testing.T) {
	t.Parallel()
	cut := func(status int) *chargebee.Client {
		return newServer(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, activated)
		})
	}
	t.Run("is no answer if it was a success", func(t *testing.T) {
		t.Parallel()
		_, err := activate(t, cut(200), chargebee.WithIdempotencyKey("login-1"))
		var transportErr *chargebee.TransportError
		require.ErrorAs(t, err, &transportErr)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Equal(t, "login-1", transportErr.IdempotencyKey)
	})
	t.Run("is an API error if its status says so", func(t *testing.T) {
		t.Parallel()
		_, err := activate(t, cut(503))
		var apiErr *chargebee.APIError
		require.ErrorAs(t, err, &apiErr)
		require.Equal(t, 503, apiErr.StatusCode)
		require.Equal(t, activated, string(apiErr.Body))
	})
}

func TestAConnectionThatIsRefused(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, refused }}
	_, err := activate(t, newClient(t, transport))
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: no response: dial tcp: connection refused")
}

func TestAConnectionThatSwitchesProtocolsIsClosedUnread(t *testing.T) {
	t.Parallel()
	body := new(endless)
	_, err := activate(t, answeringClient(t, func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 101, Body: body}, nil }))
	require.Error(t, err)
	require.Zero(t, body.read.Load())
	require.True(t, body.closed.Load())
}

// newRawServer returns a client of a server that writes answer as it is, and
// then waits until the client hangs up.
func newRawServer(t *testing.T, answer string) *chargebee.Client {
	t.Helper()
	return newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, answer)
		_, _ = io.Copy(io.Discard, conn)
		_ = conn.Close()
	})
}

// stalling never answers, and ends as net/http does when the context is done.
func TestAnAttemptHasATimeout(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		httpTimeout time.Duration
		client      time.Duration
		call        []chargebee.CallOption
		want        time.Duration
	}{
		"of 30 seconds by default":         {want: 30 * time.Second},
		"of the client's":                  {client: 5 * time.Second, want: 5 * time.Second},
		"of the call's":                    {client: 5 * time.Second, call: []chargebee.CallOption{chargebee.WithAttemptTimeout(7 * time.Second)}, want: 7 * time.Second},
		"of the HTTP client's, if shorter": {httpTimeout: 3 * time.Second, want: 3 * time.Second},
		"of the attempt's, if shorter":     {httpTimeout: time.Minute, want: 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, err := chargebee.NewClient("acme-test", "test_key", once, chargebee.WithAttemptTimeout(test.client),
					chargebee.WithHTTPClient(&http.Client{Transport: roundTripper(stalling), Timeout: test.httpTimeout}))
				require.NoError(t, err)
				start := time.Now()
				_, err = activate(t, client, test.call...)
				require.Equal(t, test.want, time.Since(start))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: no response: context deadline exceeded: attempt timeout")
			})
		})
	}
}

func TestTheAttemptTimeoutCoversTheBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := answeringClient(t, func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: stalledBody{req.Context()}}, nil
		})
		start := time.Now()
		_, err := activate(t, client)
		require.Equal(t, 30*time.Second, time.Since(start))
		var transportErr *chargebee.TransportError
		require.ErrorAs(t, err, &transportErr)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestTheCallersContextEndsACallAtOnce(t *testing.T) {
	t.Parallel()
	reason := errors.New("the user went away")
	t.Run("while it waits for the answer", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(200*time.Millisecond, func() { cancel(reason) })
			start := time.Now()
			err := activateWith(ctx, answeringClient(t, stalling))
			require.Equal(t, 200*time.Millisecond, time.Since(start))
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, reason)
			var transportErr *chargebee.TransportError
			require.ErrorAs(t, err, &transportErr)
			require.Equal(t, 1, transportErr.Attempts)
		})
	})
	t.Run("by its deadline", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			start := time.Now()
			err := activateWith(ctx, answeringClient(t, stalling))
			require.Equal(t, 200*time.Millisecond, time.Since(start))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.NotContains(t, err.Error(), "attempt timeout")
		})
	})
	t.Run("before anything is sent", func(t *testing.T) {
		t.Parallel()
		m := newMock(t, http.StatusOK, activated)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(reason)
		err := activateWith(ctx, m.client(t))
		require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: not sent: the user went away: context canceled")
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, reason)
		var transportErr *chargebee.TransportError
		require.ErrorAs(t, err, &transportErr)
		require.Zero(t, transportErr.Attempts)
		require.Empty(t, m.sent)
	})
}

func TestTheCallersHTTPClientIsLeftAlone(t *testing.T) {
	t.Parallel()
	m := newMock(t, http.StatusOK, activated)
	own := &http.Client{Transport: m, Timeout: time.Minute}
	before := *own
	client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithHTTPClient(own))
	require.NoError(t, err)
	_, err = activate(t, client)
	require.NoError(t, err)
	require.Equal(t, before, *own)
}

func TestManyGoroutinesShareAClient(t *testing.T) {
	t.Parallel()
	client := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		token := r.FormValue("token")
		if r.Header.Get("Chargebee-Request-Origin-Device") != token || r.Header.Get("X-Own") != token || r.Header.Get("X-C") != "3" {
			w.WriteHeader(http.StatusTeapot)
		}
		_, _ = io.WriteString(w, activated)
	}, chargebee.WithHeader("X-A", "1"), chargebee.WithHeader("X-B", "2"), chargebee.WithHeader("X-C", "3"))
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			own := "device-" + string(rune('a'+i%26))
			for range 10 {
				_, err := client.PortalSessions.ActivatePortalSession(t.Context(), "portal_1",
					chargebee.ActivatePortalSessionParams{Token: own},
					chargebee.WithHeaders(chargebee.Headers{OriginDevice: own}), chargebee.WithHeader("X-Own", own))
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}
