package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
)

// useForwardedAddress sets the address of the client if requests pass a number of your own proxies, each of which
// appends the address of its peer to X-Forwarded-For. The client itself can also send this header, so only the entries
// of the proxies count.
func useForwardedAddress(proxies int, next http.Handler) http.Handler {
	if proxies == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		if len(forwarded) >= proxies {
			copied := *r
			copied.RemoteAddr = strings.TrimSpace(forwarded[len(forwarded)-proxies])
			if clientOf(&copied).IsValid() {
				r = &copied
			}
		}
		next.ServeHTTP(w, r)
	})
}

// setOrigin adds the origin of a request to the calls to Chargebee that it causes.
func setOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(chargebee.ContextWithHeaders(r.Context(), chargebee.OriginFromRequest(r))))
	})
}

// setSecurityHeaders tells browsers to send no Referer, to cache nothing, to run no scripts and to allow no framing.
func setSecurityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-store")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Content-Security-Policy",
			"default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		next.ServeHTTP(w, r)
	})
}

// logRequests logs the route of each request, not its URL, which may contain a token.
func logRequests(logger *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(recorder, r)
		logger.InfoContext(r.Context(), "request", "route", r.Pattern, "status", recorder.status, "duration", time.Since(start))
	})
}

// statusRecorder records the status code of a response.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (w *statusRecorder) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// recoverPanics responds to requests whose handler panics. It logs the type of the value that the handler passed to
// panic, not the value, which may contain a token.
func recoverPanics(logger *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			value := recover()
			if value == nil {
				return
			}
			if value == http.ErrAbortHandler { //nolint:errorlint // net/http compares it too
				panic(value)
			}
			logger.ErrorContext(r.Context(), "panic", "route", r.Pattern, "type", fmt.Sprintf("%T", value), "stack", string(debug.Stack()))
			http.Error(w, "This page cannot be displayed.", http.StatusInternalServerError)
		}()
		next.ServeHTTP(w, r)
	})
}
