package chargebee

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"reflect"
	"strings"

	"github.com/typedbee/chargebee-go/internal/form"
	"github.com/typedbee/chargebee-go/internal/redact"
	"github.com/typedbee/chargebee-go/internal/validate"
)

// Request describes one call of [Client.Do].
type Request struct {
	Method     string   // http.MethodGet or http.MethodPost
	Path       string   // template: "/portal_sessions/{portal-session-id}/activate"; it appears in errors and logs, so keep ids out of it
	PathValues []string // one for each {…}, in order, unescaped

	// Params are the body of a POST and the query of a GET: nil, url.Values, or a
	// struct with `url` tags or a pointer to one. github.com/google/go-querystring encodes the struct, and
	// its package documentation describes the tags. Some of its rules are easy to
	// miss: a nil pointer is sent as an empty value unless its tag has omitempty; a
	// large or small float has an exponent, such as 1e+06; and a time.Time needs the
	// tag option unix, which [Timestamp] does not.
	//
	// A slice of structs is indexed, as Chargebee expects: items[field][index]. A field
	// of a type that has no form encoding, such as a map, is rejected.
	//
	// The value of a parameter named token, if it has four characters or more, is
	// redacted from errors.
	Params any
}

// LogValue returns the method and route, without the parameters.
func (r Request) LogValue() slog.Value {
	return slog.GroupValue(slog.String("method", r.Method), slog.String("route", r.Path))
}

// Format implements fmt.Formatter; it omits the parameters.
func (r Request) Format(w fmt.State, verb rune) { redact.FormatValue(w, verb, r) }

// expandPath returns the path with each {…} replaced by its escaped value.
func (r Request) expandPath(invalid *paramErrors) string {
	const reasonBraces = "must name and close each {…}"
	if !strings.HasPrefix(r.Path, "/") || path.Clean(r.Path) != r.Path || strings.ContainsAny(r.Path, `?#%\ `) || validate.Text(r.Path) != "" {
		invalid.add("Path", "must be an absolute, clean path, such as /features/{feature-id}")
		return ""
	}
	var expanded strings.Builder
	expanded.Grow(2 * len(r.Path))
	values := r.PathValues
	literal, rest, more := strings.Cut(r.Path, "{")
	for ; more; literal, rest, more = strings.Cut(rest, "{") {
		name, after, closed := strings.Cut(rest, "}")
		switch {
		case !closed || name == "" || strings.Contains(name, "{") || strings.Contains(literal, "}"):
			invalid.add("Path", reasonBraces)
			return ""
		case len(values) == 0:
			invalid.add(name, "must have a value in PathValues")
		default:
			if reason := validate.PathValue(values[0]); reason != "" {
				invalid.add(name, reason)
			}
			expanded.WriteString(literal)
			expanded.WriteString(url.PathEscape(values[0]))
			values = values[1:]
		}
		rest = after
	}
	expanded.WriteString(literal)
	if strings.Contains(literal, "}") {
		invalid.add("Path", reasonBraces)
	}
	if len(values) > 0 {
		invalid.add("PathValues", "must not be more than the {…} in Path")
	}
	return expanded.String()
}

// formEncoder is implemented by the params of operations that encode themselves,
// because go-querystring cannot or would cost too much.
type formEncoder interface{ encodeForm(f *form.Form) }

// encodeParams returns params, and what [WithParam] added to them, as a form.
func (c *call) encodeParams(params any) []byte {
	var encoded form.Form
	v := reflect.ValueOf(params)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	values, isValues := params.(url.Values)
	encoder, isEncoder := params.(formEncoder)
	switch {
	case params == nil:
	case !v.IsValid():
		encoded.Reject("Params", validate.ReasonNil)
	case isValues:
		encoded.AddValues(values)
	case isEncoder && isOwnType(v.Type()):
		encoder.encodeForm(&encoded)
	case v.Kind() == reflect.Struct:
		encoded.AddStruct(v)
	default:
		encoded.Reject("Params", "must be nil, a struct or url.Values")
	}
	for _, p := range c.extraParams {
		if p.name == "" {
			c.invalid.add("WithParam", "must have the name of a parameter")
		}
		if encoded.Has(p.name) {
			c.invalid.add(p.name, "is set already")
		}
		encoded.Add(p.name, p.value)
	}
	for _, param := range encoded.Invalid {
		c.invalid.add(param.Name, param.Reason)
	}
	c.tokens = encoded.Tokens
	return encoded.Encoded
}

// isOwnType reports whether t is declared in this package. A struct of the caller's
// that embeds one of ours has its methods too, but they would omit its other fields.
func isOwnType(t reflect.Type) bool { return t.PkgPath() == reflect.TypeFor[Request]().PkgPath() }

// credentials are an API key and the Authorization header with it.
type credentials struct{ apiKey, authorization string }

func basicAuth(apiKey string) func() credentials {
	c := credentials{apiKey, "Basic " + base64.StdEncoding.EncodeToString([]byte(apiKey+":"))}
	return func() credentials { return c }
}

// newHeader returns the headers of a call. They are the same for every attempt, but
// each attempt gets its own map, because transports are known to add to it.
func (c *config) newHeader(call *call) http.Header {
	header := http.Header{
		"Authorization": {c.credentials().authorization},
		"Accept":        {"application/json"},
		"User-Agent":    {c.userAgent},
	}
	if call.method == http.MethodPost {
		header["Content-Type"] = []string{"application/x-www-form-urlencoded"}
	}
	if call.idempotencyKey != "" {
		header[headerIdempotencyKey] = []string{call.idempotencyKey}
	}
	call.headers.apply(header)
	for _, extra := range call.extraHeaders {
		header.Set(extra.name, extra.value)
	}
	return header
}

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

// LogValue returns the metadata of the response, without the body.
func (r Response) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int("status", r.StatusCode),
		slog.Int("attempts", r.Attempts),
		slog.String("idempotency_key", r.IdempotencyKey),
		slog.Bool("idempotency_replayed", r.IdempotencyReplayed),
	)
}

// Format implements fmt.Formatter; it omits the body.
func (r Response) Format(w fmt.State, verb rune) { redact.FormatValue(w, verb, r) }

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

func (r *Response) decodeJSON(result any) error {
	if len(r.Body) == 0 {
		return errors.New("empty")
	}
	return json.Unmarshal(r.Body, result)
}
