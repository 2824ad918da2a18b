package main

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
)

//go:embed pages
var files embed.FS

// Reasons for a failed login, as in the path of the page that explains it.
const (
	invalidState = "invalid-state"
	incomplete   = "incomplete"
	rejected     = "rejected"
	unavailable  = "unavailable"
	canceled     = "canceled"
)

// failure is the page for a reason.
type failure struct {
	status      int
	Title, Text string
}

// pages renders the pages of the application. None of them contains a token.
type pages struct {
	templates *template.Template
	failures  map[string]failure
}

func newPages() (*pages, error) {
	templates, err := template.ParseFS(files, "pages/*.html")
	return &pages{templates, map[string]failure{
		invalidState: {http.StatusForbidden, "This login is no longer valid", "It was already used, took longer than ten minutes, or was started in another browser."},
		incomplete:   {http.StatusBadRequest, "This link is incomplete", "A part of it is missing. Please log in again."},
		rejected:     {http.StatusForbidden, "We could not confirm your login", "Our billing provider rejected it. Please log in again."},
		unavailable:  {http.StatusServiceUnavailable, "We could not confirm your login", "There is a problem on our side. Please try again in a few minutes."},
		canceled:     {http.StatusOK, "You canceled the login", "You are not logged in."},
	}}, err
}

func (p *pages) serveFailure(w http.ResponseWriter, r *http.Request) {
	failure, ok := p.failures[r.PathValue("reason")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	p.render(w, failure.status, "not-logged-in", failure)
}

func (p *pages) render(w http.ResponseWriter, status int, name string, data any) {
	var page bytes.Buffer
	if err := p.templates.ExecuteTemplate(&page, name+".html", data); err != nil {
		http.Error(w, "This page cannot be displayed.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // the browser may have disconnected
}

func (p *pages) serveStyle(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, files, "pages/style.css")
}
