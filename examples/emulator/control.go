package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"
)

const (
	maxRequests    = 1000 // that are stored
	maxControlBody = 8 << 20
)

// endpoint is a control path. It returns the JSON of the response, or an error about the body of the request.
type endpoint func(current *site, body []byte) (any, error)

// newControl returns the handler of the control paths.
func (e *emulator) newControl() http.Handler {
	mux := http.NewServeMux()
	for pattern, serve := range map[string]endpoint{
		"GET /emulator/state":            getState,
		"POST /emulator/reset":           e.postReset,
		"GET /emulator/requests":         getRequests,
		"DELETE /emulator/requests":      deleteRequests,
		"POST /emulator/faults":          postFaults,
		"DELETE /emulator/faults":        deleteFaults,
		"POST /emulator/portal_sessions": postPortalSessions,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { e.serveEndpoint(w, r, serve) })
	}
	mux.HandleFunc(controlPath, func(w http.ResponseWriter, r *http.Request) {
		writeMessage(w, http.StatusNotFound, "there is no "+r.Method+" "+r.URL.Path)
	})
	return mux
}

func (e *emulator) serveEndpoint(w http.ResponseWriter, r *http.Request, serve endpoint) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxControlBody))
	if err != nil {
		writeMessage(w, http.StatusBadRequest, err.Error())
		return
	}
	result, err := serve(e.site(), bytes.TrimSpace(body))
	if err != nil {
		writeMessage(w, http.StatusBadRequest, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, result)
}

func getState(current *site, _ []byte) (any, error) {
	return current.seed.withEntitlementsOf(current.server), nil
}

// postReset returns to the initial data, or to that of the body.
func (e *emulator) postReset(_ *site, body []byte) (any, error) {
	data := e.initial
	if len(body) > 0 {
		var err error
		if data, err = parseSeed(body); err != nil {
			return nil, err
		}
	}
	if err := e.reset(data); err != nil {
		return nil, err
	}
	return getState(e.site(), nil)
}

// loggedRequest is a request of a client, without its credentials.
type loggedRequest struct {
	Method string      `json:"method"`
	Path   string      `json:"path"`
	Query  url.Values  `json:"query"`
	Form   url.Values  `json:"form"`
	Header http.Header `json:"header"`
	Time   time.Time   `json:"time"`
}

func getRequests(current *site, _ []byte) (any, error) {
	received := current.server.Requests()
	logged := make([]loggedRequest, len(received))
	for i, r := range received {
		r.Header.Del("Authorization")
		logged[i] = loggedRequest{r.Method, r.Path, r.Query, r.Form, r.Header, r.At}
	}
	return map[string]any{"requests": logged}, nil
}

func deleteRequests(current *site, _ []byte) (any, error) {
	current.server.ClearRequests()
	return struct{}{}, nil
}

func postFaults(current *site, body []byte) (any, error) {
	faults, err := parseJSONFaults(body)
	if err != nil {
		return nil, err
	}
	current.server.Inject(faults...)
	return map[string]int{"queued": len(faults)}, nil
}

func deleteFaults(current *site, _ []byte) (any, error) {
	return map[string]int{"unused": len(current.server.ClearFaults())}, nil
}

// postPortalSessions logs a customer in, as the hosted login page does.
func postPortalSessions(current *site, body []byte) (any, error) {
	var params struct {
		CustomerID string `json:"customer_id"`
	}
	if err := decodeStrictly(body, &params); err != nil {
		return nil, err
	}
	if params.CustomerID == "" || utf8.RuneCountInString(params.CustomerID) > 50 {
		return nil, errors.New("customer_id must have 1 to 50 characters")
	}
	login := current.server.AddPortalSession(params.CustomerID)
	return map[string]string{"id": login.SessionID, "token": login.Token}, nil
}

func writeMessage(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{"message": message})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // fails only if the client has disconnected
}
