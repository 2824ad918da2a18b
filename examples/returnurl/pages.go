package main

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
)

//go:embed pages
var files embed.FS

// Why somebody is not logged in.
const (
	notBegun    = "not-begun"
	incomplete  = "incomplete"
	refused     = "refused"
	unavailable = "unavailable"
	cancelled   = "cancelled"
)

// words are what the page for a reason says.
type words struct {
	status      int
	Title, Text string
}

// pages are what the application shows. No page has a token in it.
type pages struct {
	templates *template.Template
	reasons   map[string]words
}

func newPages() (*pages, error) {
	templates, err := template.ParseFS(files, "pages/*.html")
	return &pages{templates, map[string]words{
		notBegun:    {http.StatusForbidden, "This login is over", "It was used before, took longer than ten minutes, or was begun in another browser."},
		incomplete:  {http.StatusBadRequest, "This link is not complete", "Something that belongs to it got lost on the way."},
		refused:     {http.StatusForbidden, "We could not confirm your login", "The login page did not vouch for you."},
		unavailable: {http.StatusServiceUnavailable, "We could not confirm your login", "The service that we ask does not answer. It is not your fault; please try again in a few minutes."},
		cancelled:   {http.StatusOK, "You cancelled the login", "Nothing has happened."},
	}}, err
}

func (p *pages) showReason(w http.ResponseWriter, r *http.Request) {
	reason, ok := p.reasons[r.PathValue("reason")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	p.show(w, reason.status, "not-logged-in", reason)
}

func (p *pages) show(w http.ResponseWriter, status int, name string, data any) {
	var page bytes.Buffer
	if err := p.templates.ExecuteTemplate(&page, name+".html", data); err != nil {
		http.Error(w, "This page cannot be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // a browser that has gone needs no page
}

func (p *pages) style(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, files, "pages/style.css")
}
