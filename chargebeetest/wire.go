package chargebeetest

import (
	"net/http"
	"strings"
)

// isOnConnection reports whether a request arrived on a connection of an http.Server.
func isOnConnection(r *http.Request) bool {
	return r.Context().Value(http.ServerContextKey) != nil
}

// lowerCaseReplayedHeader makes net/http send the header that marks a replay in lower
// case, because the vendor's PHP client looks it up so.
func lowerCaseReplayedHeader(header http.Header) {
	if values, isReplay := header[replayedHeader]; isReplay {
		delete(header, replayedHeader)
		header[strings.ToLower(replayedHeader)] = values
	}
}
