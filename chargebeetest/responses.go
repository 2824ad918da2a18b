package chargebeetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	chargebee "github.com/typedbee/chargebee-go"
)

// response is an HTTP response. Its header is never nil.
type response struct {
	status int
	header http.Header
	body   []byte
}

func newJSONResponse(status int, body any) *response {
	encoded, _ := json.Marshal(body) // encoding the types of this package cannot fail
	return &response{status, http.Header{"Content-Type": {"application/json;charset=utf-8"}}, encoded}
}

// newMessage returns a response that only this package gives. It has no code of
// Chargebee's.
func newMessage(status int, message string) *response {
	return newJSONResponse(status, map[string]string{"message": message})
}

// isFinalStatus reports whether net/http accepts a status for the last response to a request.
func isFinalStatus(status int) bool { return status >= 200 && status <= 999 }

// invalidStatus returns the response in place of one with a status that net/http does not accept.
func invalidStatus(sender string, status int) *response {
	return newMessage(http.StatusInternalServerError, fmt.Sprint("chargebeetest: ", sender, " cannot have the status ", status))
}

// deleteFraming deletes the header fields that net/http sets itself.
func deleteFraming(header http.Header) {
	for _, name := range []string{"Content-Length", "Transfer-Encoding", "Trailer"} {
		header.Del(name)
	}
}

func (r *response) clone() *response { return &response{r.status, r.header.Clone(), r.body} }

// allowsBody reports whether HTTP allows a body for the status code.
func (r *response) allowsBody() bool {
	return r.status != http.StatusNoContent && r.status != http.StatusNotModified
}

// truncated returns the response with half of its body. Content-Length is still
// that of the whole body, so that a client detects the truncation.
func (r *response) truncated() *response {
	if !r.allowsBody() {
		return r
	}
	half := r.clone()
	half.header.Set("Content-Length", strconv.Itoa(max(1, len(r.body))))
	half.body = r.body[:len(r.body)/2]
	return half
}

// apiError is an error of the API.
type apiError struct {
	status         int
	code           chargebee.ErrorCode
	param, message string
}

func newAPIError(status int, code chargebee.ErrorCode, param, message string) *apiError {
	return &apiError{status, code, param, message}
}

// invalidParam returns the error for an invalid value of a parameter or header.
func invalidParam(param, reason string) *apiError {
	return newAPIError(http.StatusBadRequest, chargebee.ErrParamWrongValue, param, param+": "+reason)
}

// errorBody holds the attributes of a Chargebee error, including the legacy ones
// that the vendor's clients read.
type errorBody struct {
	Message        string              `json:"message"`
	Type           chargebee.ErrorType `json:"type"`
	APIErrorCode   chargebee.ErrorCode `json:"api_error_code"`
	Param          string              `json:"param,omitempty"`
	ErrorCode      chargebee.ErrorCode `json:"error_code"`
	ErrorMsg       string              `json:"error_msg"`
	HTTPStatusCode int                 `json:"http_status_code"`
}

func (e *apiError) response() *response {
	errorType := chargebee.ErrTypeInvalidRequest
	switch e.status {
	case http.StatusUnauthorized:
		errorType = chargebee.ErrTypeUntyped
	case http.StatusTooManyRequests:
		errorType = chargebee.ErrTypeOperationFailed
	}
	return newJSONResponse(e.status, errorBody{
		Message: e.message, Type: errorType, APIErrorCode: e.code, Param: e.param,
		ErrorCode: e.code, ErrorMsg: e.message, HTTPStatusCode: e.status,
	})
}
