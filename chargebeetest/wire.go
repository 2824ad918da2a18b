package chargebeetest

import (
	"net/http"
	"strings"
)

// wireHandler is the handler of the connections of the server. Other users of ServeHTTP
// read the response by canonical names.
type wireHandler struct{ server *Server }

func (h wireHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.server.ServeHTTP(wireWriter{w}, r)
}

// wireWriter sends the header that marks a replay in lower case, because the vendor's
// PHP client looks it up so.
type wireWriter struct{ http.ResponseWriter }

func (w wireWriter) WriteHeader(status int) {
	if values, isReplay := w.Header()[replayedHeader]; isReplay {
		delete(w.Header(), replayedHeader)
		w.Header()[strings.ToLower(replayedHeader)] = values
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets an http.ResponseController close the connection.
func (w wireWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
