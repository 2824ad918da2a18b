package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// printVariables prints the settings of server, and the first of its customers, features and items, as shell variables.
func printVariables(out io.Writer, server *chargebeetest.Server, data seed) error {
	var login chargebee.PortalReturn
	if customer := first(data.Customers); customer.ID != "" {
		login = server.AddPortalSession(customer.ID)
	}
	feature, item := first(data.Features), first(data.Items)
	var lines strings.Builder
	for _, variable := range []struct{ name, value string }{
		{"CHARGEBEE_BASE_URL", server.URL},
		{"CHARGEBEE_SITE", server.Site},
		{"CHARGEBEE_API_KEY", server.APIKey},
		{"LOGIN_URL", server.LoginURL},
		{"SESSION_ID", login.SessionID},
		{"SESSION_TOKEN", login.Token},
		{"FEATURE_ID", feature.ID},
		{"ITEM_ID", item.ID},
		{"VALUE", validValue(feature)},
	} {
		if strings.ContainsFunc(variable.value, unicode.IsControl) {
			return errors.New(variable.name + " must not contain control characters")
		}
		fmt.Fprintf(&lines, "%s='%s'\n", variable.name, strings.ReplaceAll(variable.value, "'", `'\''`))
	}
	_, err := io.WriteString(out, lines.String())
	return err
}

// first returns the first resource of list, or the zero value if list is empty.
func first[T any](list []resource[T]) (of T) {
	if len(list) > 0 {
		of = list[0].of
	}
	return of
}

// validValue returns a value that is valid for an entitlement to f.
func validValue(f chargebeetest.Feature) string {
	switch {
	case f.Type == chargebeetest.FeatureTypeSwitch:
		return chargebee.ValueAvailable
	case len(f.Levels) == 0:
		return "" // without levels, any value is valid
	case f.Levels[0].Unlimited:
		return chargebee.ValueUnlimited
	}
	return f.Levels[0].Value
}
