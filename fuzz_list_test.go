package chargebee_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jarcoal/httpmock"
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
	f.Add("", "a\x00", []byte{1, 2, 3}, false, true)
	f.Add("a", "b\x00b\x00c", []byte{1, 1, 1}, true, false)
	f.Add("\xff", "a", []byte{1}, false, false)
	f.Add("a&b=c", "é\n\x01 +%41;#?\x00\u2028\"\\", []byte{3, 3, 3}, true, true)
	f.Fuzz(func(t *testing.T, first, offsets string, counts []byte, isLong, fails bool) {
		nextOffsets := strings.Split(strings.ToValidUTF8(offsets, "?"), "\x00")
		var pages []fuzzedPage
		for i, count := range counts[:min(len(counts), len(nextOffsets), 6)] {
			pages = append(pages, newFuzzedPage(t, i, int(count%4), nextOffsets[i], isLong))
		}
		last := respond(200, emptyListJSON)
		if fails {
			last = respond(403, `{"api_error_code":"api_authorization_failed"}`)
		}
		want := rangeOver(first, pages, fails)

		transport := newPagesTransport(pages, last)
		ids, errs := collect(newClient(t, transport).Entitlements.AllEntitlements(t.Context(), chargebee.ListEntitlementsParams{Offset: first}))
		if !utf8.ValidString(first) {
			require.Equal(t, []error{&chargebee.ParamError{Field: "offset", Reason: "must be valid UTF-8"}}, errs)
			require.Empty(t, transport.requests)
			return
		}
		want.check(t, transport, ids, errs)
		if first != "" { // All begins at the first page
			return
		}
		transport, ids, errs = newPagesTransport(pages, last), nil, nil
		for entry, err := range chargebee.All[entitlementEntry](t.Context(), newClient(t, transport), chargebee.Request{Method: http.MethodGet, Path: "/entitlements"}) {
			if err != nil {
				errs = append(errs, err)
				continue
			}
			ids = append(ids, entry.Entitlement.ID)
		}
		want.check(t, transport, ids, errs)
	})
}

// fuzzedPage is a page of a list, which is followed by the one at nextOffset.
type fuzzedPage struct {
	ids              []string
	nextOffset, body string
}

func newFuzzedPage(t *testing.T, number, count int, nextOffset string, isLong bool) fuzzedPage {
	t.Helper()
	page := fuzzedPage{nextOffset: nextOffset}
	entries := []entitlementEntry{}
	for i := range count {
		id := fmt.Sprintf("ent_%d_%d", number, i)
		page.ids = append(page.ids, id)
		entries = append(entries, entitlementEntry{chargebee.Entitlement{ID: id}})
	}
	encoded, err := json.Marshal(map[string]any{"list": entries, "next_offset": nextOffset})
	require.NoError(t, err)
	page.body = string(encoded)
	if isLong {
		page.body = "{" + longPadding + page.body[1:]
	}
	return page
}

// newPagesTransport returns a transport that responds with one page after the other, whatever
// the offset, and then with last.
func newPagesTransport(pages []fuzzedPage, last httpmock.Responder) *fakeTransport {
	transport := newFakeTransport()
	for _, page := range pages {
		transport.responders = append(transport.responders, respond(200, page.body))
	}
	transport.responders = append(transport.responders, last)
	return transport
}

// rangedPages is what ranging over pages does.
type rangedPages struct {
	ids, offsets []string // of the resources, and of the requests
	isError      bool     // at the end
}

// rangeOver returns what ranging over pages must do, from first on. The last response is an
// error, or a page without resources.
func rangeOver(first string, pages []fuzzedPage, lastIsError bool) rangedPages {
	want := rangedPages{ids: []string{}, offsets: []string{first}}
	offset := first
	for _, page := range pages {
		if page.nextOffset == offset && offset != "" {
			want.isError = true
			return want
		}
		want.ids = append(want.ids, page.ids...)
		if page.nextOffset == "" {
			return want
		}
		offset = page.nextOffset
		want.offsets = append(want.offsets, offset)
	}
	want.isError = lastIsError
	return want
}

func (want rangedPages) check(t *testing.T, transport *fakeTransport, ids []string, errs []error) {
	t.Helper()
	got := rangedPages{ids: append([]string{}, ids...), isError: len(errs) == 1}
	require.LessOrEqual(t, len(errs), 1)
	for _, query := range transport.queries() {
		values, err := url.ParseQuery(query)
		require.NoError(t, err)
		require.LessOrEqual(t, len(values["offset"]), 1)
		got.offsets = append(got.offsets, values.Get("offset"))
	}
	require.Equal(t, want, got)
}
