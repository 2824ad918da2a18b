package decode

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Error is the body of an error response.
type Error struct {
	Type    string `json:"type"`
	Code    string `json:"api_error_code"`
	Param   string `json:"param"`
	Message string `json:"message"`
	CauseID string `json:"error_cause_id"`
}

// ErrorBody decodes the body of an error response, of which at most limit is decompressed.
// An attribute that is a list of strings is joined, and one of another JSON type is empty.
func ErrorBody(body []byte, limit int64) (e Error, err error) {
	body = plain(body, limit)
	if json.Unmarshal(body, &e) != nil { // perhaps an attribute is not a string
		return lenientError(body)
	}
	return e, nil
}

// lenientError decodes the body of an error response with an attribute that is a list.
func lenientError(body []byte) (Error, error) {
	var e struct {
		Type    stringOrList `json:"type"`
		Code    stringOrList `json:"api_error_code"`
		Param   stringOrList `json:"param"`
		Message stringOrList `json:"message"`
		CauseID stringOrList `json:"error_cause_id"`
	}
	err := json.Unmarshal(body, &e)
	return Error{string(e.Type), string(e.Code), string(e.Param), string(e.Message), string(e.CauseID)}, err
}

// stringOrList is a JSON string, or a list of them joined. Any other JSON leaves it
// empty.
type stringOrList string

// UnmarshalJSON implements json.Unmarshaler.
func (s *stringOrList) UnmarshalJSON(data []byte) error {
	var text string
	var list []string
	switch {
	case json.Unmarshal(data, &text) == nil:
		*s = stringOrList(text)
	case json.Unmarshal(data, &list) == nil:
		*s = stringOrList(strings.Join(list, ", "))
	}
	return nil
}

// plain returns the body of an error response without what a proxy may have added: a
// compression that was not requested, or a byte order mark. It is at most limit long.
func plain(body []byte, limit int64) []byte {
	if bytes.HasPrefix(body, []byte("\x1f\x8b")) { // gzip
		if unzipped, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
			plain := make([]byte, limit)
			n, _ := io.ReadFull(unzipped, plain)
			body = plain[:n]
		}
	}
	return bytes.TrimPrefix(body, []byte("\ufeff"))
}

// RetryAfter returns the wait that the Retry-After header requests, in seconds, or
// as an HTTP date, relative to the Date of the response. It is 0 if the header is
// absent, malformed, or in the past, and at most 292 years, the longest Duration.
func RetryAfter(header http.Header) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if date, err := http.ParseTime(value); err == nil {
		now, err := http.ParseTime(header.Get("Date"))
		if err != nil {
			now = time.Now()
		}
		return max(0, date.Sub(now))
	}
	if strings.Trim(value, "0123456789.") != "" {
		return 0
	}
	seconds, _ := strconv.ParseFloat(value, 64) // 0 if malformed, +Inf if out of range
	if seconds >= math.MaxInt64/float64(time.Second) {
		return math.MaxInt64
	}
	return time.Duration(seconds * float64(time.Second))
}
