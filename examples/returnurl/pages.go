package main

import (
	"bytes"
	"embed"
	"html/template"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

//go:embed pages
var files embed.FS

// pages renders the pages of the application. None of them contains a token.
type pages struct {
	templates *template.Template
	messages  map[string]message // by reason
	logger    *slog.Logger
}

func newPages(logger *slog.Logger) (*pages, error) {
	templates, err := template.ParseFS(files, "pages/*.html")
	return &pages{templates, newMessages(), logger}, err
}

func (p *pages) render(w http.ResponseWriter, status int, name string, data any) {
	var page bytes.Buffer
	if err := p.templates.ExecuteTemplate(&page, name+".html", data); err != nil {
		p.logger.Error("cannot render page", "page", name, "error", err)
		http.Error(w, "This page cannot be displayed.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // the browser may have disconnected
}

func (p *pages) renderMessage(w http.ResponseWriter, m message) { p.render(w, m.status, "message", m) }

// renderTooMany tells the customer to wait before following a link.
func (p *pages) renderTooMany(w http.ResponseWriter, wait time.Duration, next link) {
	seconds := max(1, int(math.Ceil(wait.Seconds())))
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	m := messageOf(http.StatusTooManyRequests)
	m.Next = next
	p.renderMessage(w, m)
}

func (p *pages) serveReason(w http.ResponseWriter, r *http.Request) {
	reason := r.PathValue("reason")
	if _, ok := p.messages[reason]; !ok {
		http.NotFound(w, r)
		return
	}
	p.renderReason(w, reason)
}

func (p *pages) renderReason(w http.ResponseWriter, reason string) {
	p.renderMessage(w, p.messages[reason])
}

func (p *pages) serveStyle(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, files, "pages/style.css")
}

// replaceErrors replaces the error responses of net/http, which are plain text, by pages.
func (p *pages) replaceErrors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&errorReplacer{ResponseWriter: w, pages: p}, r)
	})
}

type errorReplacer struct {
	http.ResponseWriter
	pages      *pages
	isReplaced bool
}

func (w *errorReplacer) WriteHeader(status int) {
	isText := strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain")
	if status < http.StatusBadRequest || !isText {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.isReplaced = true
	w.pages.renderMessage(w.ResponseWriter, messageOf(status))
}

func (w *errorReplacer) Write(p []byte) (int, error) {
	if w.isReplaced {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

func (w *errorReplacer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
