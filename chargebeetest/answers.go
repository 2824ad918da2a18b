package chargebeetest

import (
	"encoding/json"
	"net/http"
	"strconv"

	chargebee "github.com/typedbee/chargebee-go"
)

// answer is what a client gets. It has a header, which may be empty.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func newAnswer(status int, body any) *answer {
	text, _ := json.Marshal(body) // of types of this package, which cannot fail
	return &answer{status, http.Header{"Content-Type": {"application/json;charset=utf-8"}}, text}
}

func (a *answer) clone() *answer { return &answer{a.status, a.header.Clone(), a.body} }

// mayHaveBody is false for the statuses that HTTP gives no body.
func (a *answer) mayHaveBody() bool {
	return a.status != http.StatusNoContent && a.status != http.StatusNotModified
}

// halved is the answer with its body broken off. The length stays the whole
// one's, so that a client notices.
func (a *answer) halved() *answer {
	if !a.mayHaveBody() {
		return a
	}
	half := a.clone()
	half.header.Set("Content-Length", strconv.Itoa(max(1, len(a.body))))
	half.body = a.body[:len(a.body)/2]
	return half
}

// refusal is an error answer.
type refusal struct {
	status         int
	code           chargebee.ErrorCode
	param, message string
}

func refuse(status int, code chargebee.ErrorCode, param, message string) *refusal {
	return &refusal{status, code, param, message}
}

// wrong refuses the value of a parameter or header.
func wrong(param, reason string) *refusal {
	return refuse(http.StatusBadRequest, chargebee.ErrParamWrongValue, param, param+": "+reason)
}

// errorBody has the attributes of a Chargebee error, the legacy ones too that
// the vendor's clients read.
type errorBody struct {
	Message        string              `json:"message"`
	Type           chargebee.ErrorType `json:"type"`
	APIErrorCode   chargebee.ErrorCode `json:"api_error_code"`
	Param          string              `json:"param,omitempty"`
	ErrorCode      chargebee.ErrorCode `json:"error_code"`
	ErrorMsg       string              `json:"error_msg"`
	HTTPStatusCode int                 `json:"http_status_code"`
}

func (r *refusal) answer() *answer {
	errorType := chargebee.ErrTypeInvalidRequest
	switch r.status {
	case http.StatusUnauthorized:
		errorType = chargebee.ErrTypeUntyped
	case http.StatusTooManyRequests:
		errorType = chargebee.ErrTypeOperationFailed
	}
	return newAnswer(r.status, errorBody{
		Message: r.message, Type: errorType, APIErrorCode: r.code, Param: r.param,
		ErrorCode: r.code, ErrorMsg: r.message, HTTPStatusCode: r.status,
	})
}
