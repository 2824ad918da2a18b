package main

import (
	"cmp"
	"errors"
	"log/slog"
	"net/url"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
	"github.com/typedbee/chargebee-go/examples/internal/program"
)

// site is the Chargebee site of the application: a real one or the emulator.
type site struct {
	name     string
	client   *chargebee.Client
	loginURL func(returnURL, cancelURL string) (string, error) // of the hosted login page
	close    func()
}

// openSite returns the site that the environment names. Its client makes at most callsPerMinute attempts in any minute.
func openSite(getenv func(string) string, portalHost string, callsPerMinute int, logger *slog.Logger) (site, error) {
	opened, err := program.OpenSite(getenv, chargebeetest.WithoutRequests())
	if err != nil {
		return site{}, err
	}
	loginURL := hostedLogin(cmp.Or(portalHost, opened.Name+".chargebeeportal.com"))
	var setupErr error
	if emulator := opened.Emulator; emulator != nil {
		loginURL = emulatedLogin(emulator.LoginURL)
		setupErr = errors.Join(emulator.AddCustomer("zoe"), emulator.AddCustomer("max"))
		if portalHost != "" {
			setupErr = &program.UsageError{Reason: "-portal-host is for a real site: set CHARGEBEE_SITE and CHARGEBEE_API_KEY"}
		}
	}
	client, err := opened.NewClient(chargebee.WithLogger(logger), chargebee.WithLimiter(newLimiter(callsPerMinute)))
	if err := errors.Join(err, setupErr); err != nil {
		opened.Close()
		return site{}, err
	}
	return site{opened.String(), client, loginURL, opened.Close}, nil
}

func hostedLogin(portalHost string) func(returnURL, cancelURL string) (string, error) {
	return func(returnURL, cancelURL string) (string, error) {
		return chargebee.HostedLoginURL(portalHost, returnURL, cancelURL)
	}
}

// emulatedLogin is hostedLogin for the login page of the emulator, which has no TLS.
func emulatedLogin(loginPage string) func(returnURL, cancelURL string) (string, error) {
	return func(returnURL, cancelURL string) (string, error) {
		query := url.Values{"return_url": {returnURL}, "cancel_url": {cancelURL}}
		return loginPage + "?" + query.Encode(), nil
	}
}
