package chargebeetest

import (
	"encoding/json"
	"net/http"

	chargebee "github.com/typedbee/chargebee-go"
)

// refusal is an error answer.
type refusal struct {
	status         int
	code           chargebee.ErrorCode
	param, message string
}

func refuse(status int, code chargebee.ErrorCode, param, message string) *refusal {
	return &refusal{status, code, param, message}
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

func (r *refusal) body() errorBody {
	errorType := chargebee.ErrTypeInvalidRequest
	if r.status == http.StatusUnauthorized {
		errorType = chargebee.ErrTypeUntyped
	}
	return errorBody{
		Message: r.message, Type: errorType, APIErrorCode: r.code, Param: r.param,
		ErrorCode: r.code, ErrorMsg: r.message, HTTPStatusCode: r.status,
	}
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that has gone needs no answer
}
