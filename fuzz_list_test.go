package chargebee_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

type entitlementEntry struct {
	Entitlement chargebee.Entitlement `json:"entitlement"`
}

// longPadding makes a body so long that it is decoded entry by entry.
var longPadding = strings.Repeat(" ", 200<<10)

// FuzzListBody checks that a page has exactly the resources that its body has, and that any
// other body is a DecodeError.
func FuzzListBody(f *testing.F) {
	for _, body := range []string{
		``, `null`, `[]`, `{}`, `<html>`, "\xff", emptyListJSON, `{"list":null}`, `{"list":{}}`, `{"list":[null]}`, `{"list":[{}]}`, `{"list":[7]}`,
		`{"list":[{"entitlement":{"id":"ent_1","value":"20"}},{"entitlement":{"id":"ent_2"},"x":[[]]}],"next_offset":"[\"1\",\"2\"]"}`,
		`{"next_offset":"a","list":[{"entitlement":{"id":"ent_1"}}]}`, `{"next_offset":null,"list":[]}`, `{"next_offset":7,"list":[]}`,
		`{"list":[{"entitlement":{"id":"ent_1"}}],"next_offset":"b"}`, `{"list":[],"api_error_code":"x"}`, `{"api_error_code":null,"list":[]}`,
		`{"list":[{"entitlement":{"id":""}}]}`, `{"list":[{"entitlement":{"id":"a","id":"b"}}]}`, `{"list":[{"entitlement":{"ID":"a"}}]}`,
		`{"list":[]}{}`, `{"list":[]} x`, `{"list":[],}`, `{"list":[{"entitlement":{"id":"\ud800"}}]}`, `{"list":[{"entitlement":{"id":1e400}}]}`,
		"\t\n {\"a\":{\"list\":[]},\"list\":[] }\r\n", `{"list":[{"entitlement":{"id":"ent_1"}},`, `{"list":[{"entitlement":null}]}`,
	} {
		f.Add("a", body, false)
		f.Add("b", body, true)
	}
	f.Fuzz(func(t *testing.T, offset, body string, isLong bool) {
		if !utf8.ValidString(offset) {
			return
		}
		if isLong {
			body = strings.Replace(body, "{", "{"+longPadding, 1)
		}
		want, nextOffset, kind := readList(body)
		if kind == ambiguousList {
			return
		}
		page, err := newClient(t, newFakeTransport(respond(200, body))).Entitlements.ListEntitlements(t.Context(), chargebee.ListEntitlementsParams{Offset: offset})
		if kind == invalidList || nextOffset != "" && nextOffset == offset {
			require.ErrorAs(t, err, new(*chargebee.DecodeError))
			require.Nil(t, page)
			return
		}
		require.NoError(t, err)
		require.Equal(t, want, page.Entitlements)
		require.Equal(t, nextOffset, page.NextOffset)
		require.Equal(t, body, string(page.Body))
	})
}

type listKind int

const (
	validList listKind = iota
	invalidList
	ambiguousList // its meaning is undefined, because two names are the same or differ only by case
)

// readList reads the body of a list by itself, member by member.
func readList(body string) (resources []chargebee.Entitlement, nextOffset string, kind listKind) {
	var members map[string]json.RawMessage
	if !utf8.ValidString(body) || json.Unmarshal([]byte(body), &members) != nil {
		return nil, "", invalidList
	}
	if hasSimilarNames(body) || len(members) > 50 {
		return nil, "", ambiguousList
	}
	if code, ok := members["api_error_code"]; ok && string(code) != "null" {
		return nil, "", invalidList
	}
	if offset, ok := members["next_offset"]; ok && json.Unmarshal(offset, &nextOffset) != nil {
		return nil, "", invalidList
	}
	var entries []json.RawMessage
	if json.Unmarshal(members["list"], &entries) != nil || entries == nil {
		return nil, "", invalidList
	}
	resources = []chargebee.Entitlement{}
	for _, encoded := range entries {
		var entry entitlementEntry
		if json.Unmarshal(encoded, &entry) != nil || entry.Entitlement.ID == "" {
			return nil, "", invalidList
		}
		resources = append(resources, entry.Entitlement)
	}
	return resources, nextOffset, validList
}

// hasSimilarNames reports whether two members of a JSON object, or one of them and a member
// that a list has, differ by case at most.
func hasSimilarNames(object string) bool {
	decoder := json.NewDecoder(strings.NewReader(object))
	_, _ = decoder.Token() // the opening brace
	var names []string
	for decoder.More() {
		token, _ := decoder.Token()
		name, _ := token.(string)
		for _, known := range []string{"list", "next_offset", "api_error_code"} {
			if name != known && strings.EqualFold(name, known) {
				return true
			}
		}
		for _, earlier := range names {
			if strings.EqualFold(name, earlier) {
				return true
			}
		}
		names = append(names, name)
		var value json.RawMessage
		_ = decoder.Decode(&value)
	}
	return false
}

// FuzzAllPages checks that ranging over pages yields each resource once and in order, sends
// each offset as it was received, and ends with the last page or with one error.
func FuzzAllPages(f *testing.F) {
	f.Add("", "", []byte{}, false, false)
	f.Add("first", "[\"1771176208000\",\"1\"]\x00[\"1771176208000\",\"2\"]", []byte{1, 2, 3}, false, false)
	f.Add("", "a\x00b\x00a\x00b", []byte{1, 0, 1, 2}, false, true)
	f.Add("a", "b\x00b\x00c", []byte{1, 1, 1}, true, false)
	f.Add("\xff", "a", []byte{1}, false, false)
	f.Add("a&b=c", "é\n\x01 +%41;#?\x00\u2028\"\\", []byte{3, 3, 3}, true, true)
	f.Fuzz(func(t *testing.T, first, offsets string, counts []byte, isLong, fails bool) {
		counts = counts[:min(len(counts), 6)]
		wantIDs, wantOffsets, wantErr := []string{}, []string{first}, false
		var bodies []string
		nextOffsets := strings.Split(strings.ToValidUTF8(offsets, "?"), "\x00")
		hasEnded := false
		for i, count := range counts {
			nextOffset := "more"
			if i < len(nextOffsets) {
				nextOffset = nextOffsets[i]
			}
			body, ids := listPage(t, i, int(count%4), nextOffset, isLong)
			bodies = append(bodies, body)
			if hasEnded {
				continue
			}
			isRepeated := nextOffset != "" && nextOffset == wantOffsets[len(wantOffsets)-1]
			if !isRepeated {
				wantIDs = append(wantIDs, ids...)
			}
			if hasEnded = isRepeated || nextOffset == ""; !hasEnded {
				wantOffsets = append(wantOffsets, nextOffset)
			}
			wantErr = isRepeated
		}
		wantErr = wantErr || fails && !hasEnded
		newTransport := func() *fakeTransport {
			transport := newFakeTransport()
			for _, body := range bodies {
				transport.responders = append(transport.responders, respond(200, body))
			}
			last := respond(200, emptyListJSON)
			if fails {
				last = respond(403, `{"api_error_code":"api_authorization_failed"}`)
			}
			transport.responders = append(transport.responders, last)
			return transport
		}

		transport := newTransport()
		ids, errs := collect(newClient(t, transport).Entitlements.AllEntitlements(t.Context(), chargebee.ListEntitlementsParams{Offset: first}))
		if !utf8.ValidString(first) {
			require.Equal(t, []error{&chargebee.ParamError{Field: "offset", Reason: "must be valid UTF-8"}}, errs)
			require.Empty(t, transport.requests)
			return
		}
		requirePages(t, transport, wantIDs, wantOffsets, wantErr, ids, errs)
		if first != "" { // All begins at the first page
			return
		}
		transport, ids, errs = newTransport(), nil, nil
		for entry, err := range chargebee.All[entitlementEntry](t.Context(), newClient(t, transport), chargebee.Request{Method: http.MethodGet, Path: "/entitlements"}) {
			if err != nil {
				errs = append(errs, err)
				continue
			}
			require.Empty(t, errs, "an error is the last that is yielded")
			ids = append(ids, entry.Entitlement.ID)
		}
		requirePages(t, transport, wantIDs, wantOffsets, wantErr, ids, errs)
	})
}

// listPage returns the body of a page, and the ids of its resources.
func listPage(t *testing.T, number, count int, nextOffset string, isLong bool) (body string, ids []string) {
	t.Helper()
	entries := []entitlementEntry{}
	for i := range count {
		id := fmt.Sprintf("ent_%d_%d", number, i)
		ids = append(ids, id)
		entries = append(entries, entitlementEntry{chargebee.Entitlement{ID: id}})
	}
	encoded, err := json.Marshal(map[string]any{"list": entries, "next_offset": nextOffset})
	require.NoError(t, err)
	if isLong {
		return "{" + longPadding + string(encoded[1:]), ids
	}
	return string(encoded), ids
}

func requirePages(t *testing.T, transport *fakeTransport, wantIDs, wantOffsets []string, wantErr bool, ids []string, errs []error) {
	t.Helper()
	require.Equal(t, wantIDs, append([]string{}, ids...))
	if wantErr {
		require.Len(t, errs, 1)
	} else {
		require.Empty(t, errs)
	}
	var offsets []string
	for _, query := range transport.queries() {
		values, err := url.ParseQuery(query)
		require.NoError(t, err)
		require.LessOrEqual(t, len(values["offset"]), 1)
		offsets = append(offsets, values.Get("offset"))
	}
	require.Equal(t, wantOffsets, offsets)
}
