package main

import "net/http"

// message is what a page says about a problem. Every such page has a link to log in.
type message struct {
	status      int
	Title, Text string
	Next        link // what to do instead of logging in, if there is anything
}

type link struct{ Path, Text string }

func backToAccount() link { return link{"/account", "Back to your account"} }

// Reasons for a message. They occur in paths.
const (
	invalidState  = "invalid-state"
	incomplete    = "incomplete"
	rejected      = "rejected"
	unavailable   = "unavailable"
	canceled      = "canceled"
	ended         = "ended"
	unconfirmed   = "unconfirmed"
	loggedOutHere = "logged-out-here"
	noPortal      = "no-portal"
)

func newMessages() map[string]message {
	const onOurSide = "There is a problem on our side. Please try again in a few minutes."
	return map[string]message{
		invalidState: {http.StatusForbidden, "This login is no longer valid",
			"It was already used, took longer than ten minutes, or was started in another browser.", link{}},
		incomplete:  {http.StatusBadRequest, "This link is incomplete", "A part of it is missing. Please log in again.", link{}},
		rejected:    {http.StatusForbidden, "We could not confirm your login", "Our billing provider rejected it. Please log in again.", link{}},
		unavailable: {http.StatusServiceUnavailable, "We could not confirm your login", onOurSide, link{}},
		canceled:    {http.StatusOK, "You canceled the login", "You are not logged in.", link{}},
		ended:       {http.StatusForbidden, "Your session has ended", "Please log in again.", link{}},
		unconfirmed: {http.StatusServiceUnavailable, "We cannot confirm your login now", onOurSide, link{"/account", "Try again"}},
		loggedOutHere: {http.StatusOK, "You are logged out here",
			"We could not end your session at our billing provider. If its portal is open, please log out there too.", link{}},
		noPortal: {http.StatusServiceUnavailable, "We cannot open the billing portal now", onOurSide, backToAccount()},
	}
}

// messageOf returns the message for a status code.
func messageOf(status int) message {
	switch status {
	case http.StatusNotFound:
		return message{status, "This page does not exist", "The address may be wrong or out of date.", link{}}
	case http.StatusMethodNotAllowed:
		return message{status, "This page cannot be opened directly", "Please start at the home page.", link{}}
	case http.StatusForbidden:
		return message{status, "This request came from another website", "Nothing was changed. Please start at the home page.", link{}}
	case http.StatusTooManyRequests:
		return message{status, "Please try again in a moment", "There are too many requests now.", link{}}
	}
	if status < http.StatusInternalServerError {
		return message{status, "This request is invalid", "Please start at the home page.", link{}}
	}
	return message{status, "Something went wrong", "There is a problem on our side. Please try again in a few minutes.", link{}}
}
