package chargebee

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

const (
	maxBody      = 16 << 20
	maxErrorBody = 64 << 10
	maxDrain     = 256 << 10
)

var errBodyTooLong = fmt.Errorf("longer than %d MiB", maxBody>>20)

// Response is what came back, besides the typed result.
type Response struct {
	StatusCode          int
	Header              http.Header `json:"-"`
	Body                []byte      `json:"-"` // the JSON as received; at most 16 MiB are read
	Attempts            int         // how often it was tried
	IdempotencyKey      string      // the key it was sent under, if any
	IdempotencyReplayed bool        // Chargebee answered from its memory of this key
}

func (r *Response) isSuccess() bool { return r.StatusCode >= 200 && r.StatusCode <= 299 }

// read takes over an answer, its body under the cap that its status gets, and
// closes it. What was read stays, also beside an error.
func (r *Response) read(httpResp *http.Response) error {
	r.StatusCode = httpResp.StatusCode
	r.Header = httpResp.Header
	r.IdempotencyReplayed = httpResp.Header.Get(headerIdempotencyReplayed) == "true"
	if httpResp.Body == nil {
		return nil
	}
	defer httpResp.Body.Close()
	if r.StatusCode == http.StatusSwitchingProtocols { // the body is the connection, and heeds no context
		return nil
	}
	limit := maxErrorBody
	if r.isSuccess() {
		limit = maxBody
	}
	body, err := io.ReadAll(io.LimitReader(httpResp.Body, int64(limit)+1))
	r.Body = body[:min(len(body), limit)]
	switch {
	case len(body) <= limit:
		return err
	case r.isSuccess():
		return errBodyTooLong
	}
	_, _ = io.CopyN(io.Discard, httpResp.Body, maxDrain) // so that the connection can be used again
	return nil
}

func (r *Response) decodeInto(result any) error {
	if len(r.Body) == 0 {
		return errors.New("empty")
	}
	return json.Unmarshal(r.Body, result)
}
