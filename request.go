package chargebee

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/typedbee/chargebee-go/internal/decode"
	"github.com/typedbee/chargebee-go/internal/failure"
	"github.com/typedbee/chargebee-go/internal/form"
	"github.com/typedbee/chargebee-go/internal/redact"
	"github.com/typedbee/chargebee-go/internal/transport"
	"github.com/typedbee/chargebee-go/internal/validate"
)

// Request describes one call of [Client.Do].
type Request struct {
	Method     string   // http.MethodGet or http.MethodPost
	Path       string   // template: "/portal_sessions/{portal-session-id}/activate"; it appears in errors and logs, so keep ids out of it
	PathValues []string // one for each {…}, in order, unescaped; a slash, a backslash and a dot segment are rejected, even if escaped

	// Params are the body of a POST and the query of a GET: nil, url.Values, or a struct
	// with `url` tags or a pointer to one. github.com/google/go-querystring encodes the
	// struct, and its package documentation describes the tags. Some of its rules are
	// easy to miss: a nil pointer is sent as an empty value unless its tag has omitempty;
	// a large or small float has an exponent, such as 1e+06; and a time.Time needs the
	// tag option unix, which [Timestamp] does not.
	//
	// Lists are sent as Chargebee's own clients send them: a slice as name[index], and a
	// slice of structs as name[field][index]. A filter with the operator in, not_in or
	// between, such as status[in], is one JSON array, and must not be an empty slice that
	// is not nil. A slice whose tag has a separator is joined by it. A field of a type
	// that has no form encoding, such as a map, is rejected.
	//
	// The value of a parameter named token, if it has four characters or more, is
	// redacted from errors. The JSON of a Request omits Params.
	Params any `json:"-"`
}

// LogValue returns the method and route, without the parameters.
func (r Request) LogValue() slog.Value {
	return slog.GroupValue(slog.String("method", r.Method), slog.String("route", r.Path))
}

// Format implements fmt.Formatter; it omits the parameters.
func (r Request) Format(w fmt.State, verb rune) { redact.FormatValue(w, verb, r) }

// formEncoder is implemented by the params of operations that encode themselves,
// because go-querystring cannot or would cost too much.
type formEncoder interface{ encodeForm(f *form.Form) }

// encodeParams adds params, and what [WithParam] added to them, to the form.
func (c *call) encodeParams(params any) {
	v := reflect.ValueOf(params)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	// A struct of the caller's that embeds one of ours has its methods too, but they
	// would omit its other fields.
	ownPath := reflect.TypeFor[Request]().PkgPath()
	values, isValues := params.(url.Values)
	encoder, isEncoder := params.(formEncoder)
	switch {
	case params == nil:
	case !v.IsValid():
		c.form.Reject("Params", validate.ReasonNil)
	case isValues:
		c.form.AddValues(values)
	case isEncoder && v.Type().PkgPath() == ownPath:
		encoder.encodeForm(&c.form)
	case v.Kind() == reflect.Struct:
		c.form.AddStruct(v)
	default:
		c.form.Reject("Params", "must be nil, a struct or url.Values")
	}
	for _, p := range c.extraParams {
		if p.name == "" {
			c.invalid.add("WithParam", "must have the name of a parameter")
		}
		if c.form.Has(p.name) {
			c.invalid.add(p.name, "is set already")
		}
		c.form.Add(p.name, p.value)
	}
	for _, param := range c.form.Invalid {
		c.invalid.add(param.Name, param.Reason)
	}
}

// credentials are the Authorization header with an API key, and the forms of the key that
// errors must not show.
type credentials struct {
	authorization string
	secrets       redact.Secrets
}

func basicAuth(apiKey string) func() *credentials {
	encoded := base64.StdEncoding.EncodeToString([]byte(apiKey + ":"))
	c := &credentials{"Basic " + encoded, redact.New(apiKey, strings.TrimRight(encoded, "="))}
	return func() *credentials { return c }
}

// newHeader returns the headers of a call. They are the same for every attempt, but
// each attempt gets its own map, because transports are known to add to it.
func (c *config) newHeader(call *call) http.Header {
	values := [...]string{ // one allocation instead of five
		c.credentials().authorization, "application/json", c.userAgent, "application/x-www-form-urlencoded", call.idempotencyKey,
	}
	header := http.Header{
		"Authorization": values[0:1:1],
		"Accept":        values[1:2:2],
		"User-Agent":    values[2:3:3],
	}
	if call.method == http.MethodPost {
		header["Content-Type"] = values[3:4:4]
	}
	if call.idempotencyKey != "" {
		header[headerIdempotencyKey] = values[4:5:5]
	}
	call.headers.apply(header)
	for _, extra := range call.extraHeaders {
		header.Set(extra.name, extra.value)
	}
	return header
}

// How much of a body is read. A success is limited by what was requested.
const (
	maxResource = 1 << 20
	maxList     = 16 << 20
	maxError    = 64 << 10
	maxDrain    = 256 << 10
)

// errorBodyGrace is how long the body of an error response may take, because its status
// says most of what there is to know.
const errorBodyGrace = time.Second

var errBodyStalled = errors.New("the body did not arrive in time")

// Response describes the response to a call. Typed responses embed it.
type Response struct {
	StatusCode          int
	Header              http.Header `json:"-"`
	Body                []byte      `json:"-"` // the JSON as received; at most 1 MiB of a resource and 16 MiB of a list are read
	Attempts            int         // number of attempts
	IdempotencyKey      string      // the key of the request; empty if it had none
	IdempotencyReplayed bool        // Chargebee replayed the response to an earlier request with this key
}

// LogValue returns the metadata of the response, without the body.
func (r Response) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int("status", r.StatusCode),
		slog.Int("attempts", r.Attempts),
		slog.String("idempotency_key", r.IdempotencyKey),
		slog.Bool("idempotency_replayed", r.IdempotencyReplayed),
	)
}

// logValue returns the log value of a typed response, which embeds r.
func (r Response) logValue(name string, resource any) slog.Value {
	return slog.GroupValue(slog.Any(name, resource), slog.Any("response", r))
}

// Format implements fmt.Formatter; it omits the body.
func (r Response) Format(w fmt.State, verb rune) { redact.FormatValue(w, verb, r) }

// readError reads the body of an error response and truncates it. ctx is that of the
// attempt, which cancel ends if the body stalls.
func (r *Response) readError(ctx context.Context, cancel func(), httpResp *http.Response) error {
	if r.StatusCode == http.StatusSwitchingProtocols { // the body is the connection, which ignores the context
		return nil
	}
	grace := time.AfterFunc(errorBodyGrace, cancel)
	defer grace.Stop()
	content, isTooLong, err := transport.ReadBody(httpResp.Body, httpResp.ContentLength, maxError)
	r.Body = content
	switch {
	case isTooLong:
		_, _ = io.CopyN(io.Discard, httpResp.Body, maxDrain) // so that the connection can be reused
		return nil
	case err == nil:
		return nil
	case !grace.Stop():
		return errBodyStalled
	}
	return failure.WithContext(ctx, err)
}

// checkValues rejects a body with more values than limit. If they are short, decoding them
// would take much more memory than the body.
func (r *Response) checkValues(limit int) error {
	if bytes.Count(r.Body, []byte(",")) > limit {
		return errors.New("too many values")
	}
	return nil
}

// decodeJSON decodes the body. It rejects text that is not UTF-8, which would take three
// times its length.
func (r *Response) decodeJSON(result any) error {
	switch {
	case len(r.Body) == 0:
		return decode.ErrEmpty
	case !utf8.Valid(r.Body):
		return decode.ErrUTF8
	}
	return json.Unmarshal(r.Body, result)
}

// decodeInto decodes the body into the result of [Client.Do], which may be nil.
func (r *Response) decodeInto(result any) error {
	if result == nil && r.StatusCode == http.StatusNoContent && len(r.Body) == 0 {
		return nil
	}
	var object *struct {
		Code *json.RawMessage `json:"api_error_code"`
	}
	if err := r.decodeJSON(&object); err != nil {
		return err
	}
	switch {
	case object == nil:
		return decode.ErrNoObject
	case object.Code != nil:
		return decode.ErrIsError
	case result != nil:
		return json.Unmarshal(r.Body, result)
	case !decode.HasResource(r.Body):
		return errors.New("neither a resource nor a list")
	}
	return nil
}

// Timestamp is a time that is encoded as Unix seconds, in JSON and in forms. The zero
// Timestamp, for which IsZero is true, means that the time is absent. Decoded
// timestamps are in UTC. Use the embedded Time where a time.Time is needed:
// time.Until(t.Time).
type Timestamp struct{ time.Time }

// MarshalJSON returns the Unix seconds, or null for the zero Timestamp.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, t.Unix(), 10), nil
}

// UnmarshalJSON reads Unix seconds, which may be written as 1754000000.0 or 1.754e9.
// null is the zero Timestamp.
func (t *Timestamp) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*t = Timestamp{}
		return nil
	}
	seconds, err := strconv.ParseInt(string(data), 10, 64)
	if err != nil {
		const exact = 1 << 53 // up to which a float64 has every whole number
		float, err := strconv.ParseFloat(string(data), 64)
		if err != nil || float != math.Trunc(float) || math.Abs(float) > exact {
			return errors.New("a timestamp must be whole Unix seconds")
		}
		seconds = int64(float)
	}
	t.Time = time.Unix(seconds, 0).UTC()
	return nil
}

// EncodeValues adds the Unix seconds to a form, and nothing for the zero Timestamp.
func (t Timestamp) EncodeValues(key string, v *url.Values) error {
	if !t.IsZero() {
		v.Set(key, strconv.FormatInt(t.Unix(), 10))
	}
	return nil
}
