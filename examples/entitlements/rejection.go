package main

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"

	chargebee "github.com/typedbee/chargebee-go"
)

// split separates the changes that a rejection names, such as
// item_entitlements[item_id][3], from the rest of the call. If it names none, it
// concerns all of them.
func (b batch) split(rejection error) (named changes, rest batch) {
	entries := namedEntries(rejection)
	rest = batch{feature: b.feature, action: b.action}
	for i, c := range b.changes {
		if entries[strconv.Itoa(i)] {
			named = append(named, c)
		} else {
			rest.changes = append(rest.changes, c)
		}
	}
	if len(named) == 0 {
		return b.changes, batch{}
	}
	return named, rest
}

// namedEntries returns the indexes of the entries that a rejection names.
func namedEntries(rejection error) map[string]bool {
	var apiErr *chargebee.APIError
	if !errors.As(rejection, &apiErr) {
		return nil
	}
	entries := make(map[string]bool)
	for _, match := range regexp.MustCompile(`item_entitlements\[\w+\]\[(\d+)\]`).FindAllStringSubmatch(apiErr.Param, -1) {
		entries[match[1]] = true
	}
	return entries
}

// isNotProcessed reports whether the server rejected the request before it looked at
// the changes.
func isNotProcessed(err error) bool {
	var apiErr *chargebee.APIError
	return affectsAllCalls(err) || errors.As(err, &apiErr) && apiErr.StatusCode == http.StatusTooManyRequests
}

// affectsAllCalls reports whether every other call would fail as well: the API key is
// wrong or lacks a permission, or the site does not exist or is in maintenance.
func affectsAllCalls(err error) bool {
	var apiErr *chargebee.APIError
	if !errors.As(err, &apiErr) {
		return false
	}
	switch apiErr.Code {
	case chargebee.ErrSiteNotFound, chargebee.ErrSiteNotReady, chargebee.ErrSiteReadOnlyMode:
		return true
	}
	return apiErr.StatusCode == http.StatusUnauthorized || apiErr.StatusCode == http.StatusForbidden
}
