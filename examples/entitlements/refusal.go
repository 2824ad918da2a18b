package main

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"

	chargebee "github.com/typedbee/chargebee-go"
)

// split parts the changes that a refusal names, in the way of
// item_entitlements[item_id][3], from the rest of the call. A refusal that names
// none is about all of them.
func (b batch) split(refusal error) (named changes, rest batch) {
	entries := namedEntries(refusal)
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

func namedEntries(refusal error) map[string]bool {
	var answer *chargebee.APIError
	if !errors.As(refusal, &answer) {
		return nil
	}
	entries := make(map[string]bool)
	for _, match := range regexp.MustCompile(`item_entitlements\[\w+\]\[(\d+)\]`).FindAllStringSubmatch(answer.Param, -1) {
		entries[match[1]] = true
	}
	return entries
}

// isTurnedAway reports whether an answer is not about what was asked.
func isTurnedAway(err error) bool {
	var answer *chargebee.APIError
	return isForAll(err) || errors.As(err, &answer) && answer.StatusCode == http.StatusTooManyRequests
}

// isForAll reports whether no other call would fare better: the API key is
// wrong or lacks a permission, or the site is not there or in maintenance.
func isForAll(err error) bool {
	var answer *chargebee.APIError
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.Code {
	case chargebee.ErrSiteNotFound, chargebee.ErrSiteNotReady, chargebee.ErrSiteReadOnlyMode:
		return true
	}
	return answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden
}
