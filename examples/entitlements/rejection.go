package main

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"

	chargebee "github.com/typedbee/chargebee-go"
)

// split separates the changes that a rejection names, as in entitlements[value][3], from
// the rest of the call. If it names none, split returns all changes as named, and the
// reason says how to find the rejected one.
func (b batch) split(rejection error) (named []*change, rest batch, reason error) {
	entries := namedEntries(rejection)
	rest.action = b.action
	for i, c := range b.changes {
		if entries[strconv.Itoa(i)] {
			named = append(named, c)
		} else {
			rest.changes = append(rest.changes, c)
		}
	}
	switch {
	case len(named) > 0:
		return named, rest, rejection
	case len(b.changes) > 1:
		reason = fmt.Errorf("in a call of %d entries (-batch 1 shows which is rejected): %w", len(b.changes), rejection)
		return b.changes, batch{}, reason
	}
	return b.changes, batch{}, rejection
}

// namedEntries returns the indexes of the entries that a rejection names.
func namedEntries(rejection error) map[string]bool {
	var apiErr *chargebee.APIError
	if !errors.As(rejection, &apiErr) {
		return nil
	}
	entries := make(map[string]bool)
	for _, match := range regexp.MustCompile(`entitlements\[\w+\]\[(\d+)\]`).FindAllStringSubmatch(apiErr.Param, -1) {
		entries[match[1]] = true
	}
	return entries
}

// affectsAllCalls reports whether every other call would fail as well: the API key is
// wrong or lacks a permission, the site does not exist or is in maintenance, or
// Retry-After is longer than calls wait.
func affectsAllCalls(err error) bool {
	var apiErr *chargebee.APIError
	if !errors.As(err, &apiErr) {
		return false
	}
	switch apiErr.Code {
	case chargebee.ErrSiteNotFound, chargebee.ErrSiteNotReady, chargebee.ErrSiteReadOnlyMode:
		return true
	}
	return apiErr.RetryAfter > maxRetryAfter || apiErr.StatusCode == http.StatusUnauthorized || apiErr.StatusCode == http.StatusForbidden
}
