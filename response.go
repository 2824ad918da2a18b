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

// Response describes the response to a call. Typed responses embed it.
type Response struct {
	StatusCode          int
	Header              http.Header `json:"-"`
	Body                []byte      `json:"-"` // the JSON as received; at most 16 MiB are read
	Attempts            int         // number of attempts
	IdempotencyKey      string      // the key of the request; empty if it had none
	IdempotencyReplayed bool        // Chargebee replayed the response to an earlier request with this key
}

func (r *Response) isSuccess() bool { return r.StatusCode >= 200 && r.StatusCode <= 299 }

// read reads the body, up to the limit for its status, and closes it. If it returns
// an error, the part that was read is kept.
func (r *Response) read(httpResp *http.Response) error {
	r.StatusCode = httpResp.StatusCode
	r.Header = httpResp.Header
	r.IdempotencyReplayed = httpResp.Header.Get(headerIdempotencyReplayed) == "true"
	if httpResp.Body == nil {
		return nil
	}
	defer httpResp.Body.Close()
	if r.StatusCode == http.StatusSwitchingProtocols { // the body is the connection, which ignores the context
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
	_, _ = io.CopyN(io.Discard, httpResp.Body, maxDrain) // so that the connection can be reused
	return nil
}

func (r *Response) decodeInto(result any) error {
	if len(r.Body) == 0 {
		return errors.New("empty")
	}
	return json.Unmarshal(r.Body, result)
}
