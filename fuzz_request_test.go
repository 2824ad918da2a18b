package chargebee_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// FuzzEntitlementsForm checks that the form of any entries, of either operation that changes
// entitlements, parses to the same entries.
func FuzzEntitlementsForm(f *testing.F) {
	f.Add("team", "plan", "20", "seats", "", "unlimited", uint8(2))
	f.Add("team", "plan", "20", "seats", "", "unlimited", uint8(15))
	f.Add("a&b=c", "[0]", "%5D", "é\x00\n+ ;", "]", "\u2028", uint8(12))
	f.Fuzz(func(t *testing.T, id, entityType, value, featureID, otherType, otherValue string, count uint8) {
		count %= 16
		managed := chargebee.ManageEntitlementsParams{Action: chargebee.ActionRemove, ChangeReason: otherType}
		item := chargebee.UpsertOrRemoveItemEntitlementsParams{Action: chargebee.ActionUpsert}
		wantManaged, wantItem := url.Values{}, url.Values{}
		add(wantManaged, "action", "remove")
		add(wantManaged, "change_reason", otherType)
		add(wantItem, "action", "upsert")
		for i := range int(count) {
			isOther := i%2 == 1
			if isOther {
				entityType, otherType, value, otherValue = otherType, entityType, otherValue, value
			}
			managed.Entitlements = append(managed.Entitlements, chargebee.EntitlementParams{
				EntityID: id, EntityType: chargebee.EntityType(entityType), FeatureID: featureID, Value: value, ApplyGrandfathering: isOther,
			})
			item.ItemEntitlements = append(item.ItemEntitlements, chargebee.ItemEntitlementParams{
				ItemID: id, ItemType: chargebee.ItemType(entityType), Value: value,
			})
			param := func(group, field string) string { return group + "[" + field + "][" + strconv.Itoa(i) + "]" }
			add(wantManaged, param("entitlements", "entity_id"), id)
			add(wantManaged, param("entitlements", "entity_type"), entityType)
			add(wantManaged, param("entitlements", "feature_id"), featureID)
			add(wantManaged, param("entitlements", "value"), value)
			if isOther {
				add(wantManaged, param("entitlements", "apply_grandfathering"), "true")
			}
			add(wantItem, param("item_entitlements", "item_id"), id)
			add(wantItem, param("item_entitlements", "item_type"), entityType)
			add(wantItem, param("item_entitlements", "value"), value)
		}
		transport := newFakeTransport(respond(200, emptyListJSON))
		client := newClient(t, transport)
		_, err := client.Entitlements.ManageEntitlements(t.Context(), managed)
		requireSentForm(t, transport, wantManaged, count > 0 && (id == "" || featureID == ""), err)
		_, err = client.Features.UpsertOrRemoveItemEntitlements(t.Context(), "seats", item)
		requireSentForm(t, transport, wantItem, count > 0 && id == "", err)
	})
}

// add adds an optional parameter.
func add(form url.Values, name, value string) {
	if value != "" {
		form.Add(name, value)
	}
}

// requireSentForm checks that the form of the last request parses to want, or that the error
// is a ParamError if a parameter is missing or not valid UTF-8.
func requireSentForm(t *testing.T, transport *fakeTransport, want url.Values, isMissing bool, err error) {
	t.Helper()
	isInvalid := isMissing
	for name, values := range want {
		isInvalid = isInvalid || !utf8.ValidString(name) || slices.ContainsFunc(values, func(value string) bool { return !utf8.ValidString(value) })
	}
	if isInvalid {
		requireParamErrors(t, err)
		return
	}
	require.NoError(t, err)
	sent := transport.requests[len(transport.requests)-1]
	encoded := sent.body
	if sent.Method == http.MethodGet {
		encoded = sent.URL.RawQuery
	}
	got, err := url.ParseQuery(encoded)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// requireParamErrors checks that err is a ParamError, or that it joins only such errors.
func requireParamErrors(t *testing.T, err error) {
	t.Helper()
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	for _, err := range all {
		require.ErrorAs(t, err, new(*chargebee.ParamError))
	}
}

// FuzzFilters checks that each field of a filter arrives as one parameter, and a list as a
// JSON array in one parameter.
func FuzzFilters(f *testing.F) {
	f.Add("seats", "", "se", "seats", "sso", uint8(2), uint8(0))
	f.Add("", "a&b[is]=c", "é+ %41;", `a","b`, "\\\u2028<>&\x00", uint8(3), uint8(1))
	f.Add("", "", "", "", "]", uint8(1), uint8(2))
	f.Add("\xff", "", "", "", "", uint8(0), uint8(0))
	f.Add("", "", "", "a", "\xff", uint8(0), uint8(2))
	f.Fuzz(func(t *testing.T, is, isNot, startsWith, in, notIn string, inCount, notInCount uint8) {
		inCount, notInCount = inCount%8, notInCount%8
		inList, notInList := slices.Repeat([]string{in, notIn}, 4)[:inCount], slices.Repeat([]string{notIn, in}, 4)[:notInCount]
		if inCount == 0 {
			inList = nil
		}
		params := chargebee.ListFeaturesParams{
			ID:     chargebee.StringFilter{Is: is, IsNot: isNot, StartsWith: startsWith, In: inList, NotIn: notInList},
			Status: chargebee.FeatureStatusFilter{Is: chargebee.FeatureStatus(isNot), In: convert[chargebee.FeatureStatus](inList)},
			Type:   chargebee.FeatureTypeFilter{IsNot: chargebee.FeatureType(is), NotIn: convert[chargebee.FeatureType](inList)},
		}
		want := url.Values{}
		add(want, "id[is]", is)
		add(want, "id[is_not]", isNot)
		add(want, "id[starts_with]", startsWith)
		add(want, "status[is]", isNot)
		add(want, "type[is_not]", is)
		wantLists := make(map[string][]string)
		if inCount > 0 {
			wantLists["id[in]"], wantLists["status[in]"], wantLists["type[not_in]"] = inList, inList, inList
		}
		if notInCount > 0 {
			wantLists["id[not_in]"] = notInList
		}
		transport := newFakeTransport(respond(200, emptyListJSON))
		_, err := newClient(t, transport).Features.ListFeatures(t.Context(), params)
		isValid := notInCount > 0 // an empty list is rejected
		for _, text := range slices.Concat([]string{is, isNot, startsWith}, inList, notInList) {
			isValid = isValid && utf8.ValidString(text)
		}
		if !isValid {
			requireParamErrors(t, err)
			require.Empty(t, transport.requests)
			return
		}
		require.NoError(t, err)
		got, err := url.ParseQuery(transport.onlyRequest(t).URL.RawQuery)
		require.NoError(t, err)
		for name, wantList := range wantLists {
			require.Len(t, got[name], 1, name)
			var list []string
			require.NoError(t, json.Unmarshal([]byte(got.Get(name)), &list))
			require.Equal(t, wantList, list, name)
			delete(got, name)
		}
		require.Equal(t, want, got)
	})
}

func convert[T ~string](list []string) []T {
	var converted []T
	for _, text := range list {
		converted = append(converted, T(text))
	}
	return converted
}

// fuzzedParams have a field of each kind that Request.Params describes.
type fuzzedParams struct {
	Text    string  `url:"text,omitempty"`
	Pointer *string `url:"pointer,omitempty"`
	Nested  struct {
		List []string `url:"list"`
	} `url:"nested"`
	Joined   []string            `url:"joined,comma"`
	Numbers  []int64             `url:"numbers"`
	Between  []int64             `url:"created_at[between]"`
	IsOn     bool                `url:"is_on"`
	Entries  []fuzzedEntry       `url:"entries"`
	Pointers []*fuzzedEntry      `url:"pointers"`
	At       chargebee.Timestamp `url:"at"`
	Ignored  string              `url:"-"`
	private  string
}

type fuzzedEntry struct {
	ID   string   `url:"id"`
	Note string   `url:"note,omitempty"`
	Tags []string `url:"tags"`
}

// FuzzParams checks that the parameters of Do arrive as the documentation of Request describes,
// those of a struct and those of url.Values, and those that WithParam adds.
func FuzzParams(f *testing.F) {
	f.Add("text", "a", "b", "name", "other", int64(1), uint8(2), false)
	f.Add("é&=", "", "a,b", "[in]", "text", int64(-1), uint8(0), true)
	f.Add("\x00", "%", "\n", "", "", int64(0), uint8(3), true)
	f.Add("", "", "", "a", "a", int64(0), uint8(0), false)
	f.Add("", "\xff", "", "a", "b", int64(0), uint8(1), false)
	f.Fuzz(func(t *testing.T, text, a, b, name, extraName string, number int64, count uint8, isGET bool) {
		count %= 8
		list := slices.Repeat([]string{a, b}, 4)[:count]
		params := fuzzedParams{Text: text, Pointer: &b, Joined: list, IsOn: isGET, Ignored: a, private: b}
		params.Nested.List = list
		want := url.Values{"is_on": {strconv.FormatBool(isGET)}, "pointer": {b}}
		add(want, "text", text)
		if count > 0 {
			want.Set("joined", strings.Join(list, ","))
			params.At.Time = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
			want.Set("at", "1795176000")
			params.Between = []int64{number, 0}
			want.Set("created_at[between]", fmt.Sprintf("[%d,0]", number))
		}
		for i, text := range list {
			params.Numbers = append(params.Numbers, number)
			want.Set(fmt.Sprintf("numbers[%d]", i), strconv.FormatInt(number, 10))
			want.Set(fmt.Sprintf("nested[list][%d]", i), text)
			entry := fuzzedEntry{ID: text, Note: a}
			params.Entries = append(params.Entries, entry)
			params.Pointers = append(params.Pointers, &entry)
			for _, group := range []string{"entries", "pointers"} {
				want.Set(fmt.Sprintf("%s[id][%d]", group, i), text)
				add(want, fmt.Sprintf("%s[note][%d]", group, i), a)
			}
		}
		method := http.MethodPost
		if isGET {
			method = http.MethodGet
		}
		send := func(params any) (*fakeTransport, error) {
			transport := newFakeTransport(respond(200, "{}"))
			req := chargebee.Request{Method: method, Path: "/customers", Params: params}
			_, err := newClient(t, transport).Do(t.Context(), req, nil, chargebee.WithParam(extraName, text))
			return transport, err
		}
		for _, extra := range []struct {
			params any
			want   url.Values
		}{{params, want}, {&params, want}, {url.Values{name: list}, url.Values{name: list}}} {
			transport, err := send(extra.params)
			if len(extra.want[name]) == 0 {
				delete(extra.want, name)
			}
			isInvalid := extraName == "" || extra.want.Has(extraName)
			want := url.Values{extraName: {text}}
			for name, values := range extra.want {
				want[name] = values
			}
			requireSentForm(t, transport, want, isInvalid, err)
		}
	})
}

// FuzzHeaders checks that a request has exactly the headers of its options, as net/http writes
// them and a server reads them, or that the call is rejected.
func FuzzHeaders(f *testing.F) {
	f.Add("Android", "zoe@example.com", "", "203.0.113.7", "all-disabled", "", "acme", "X-Trace", "1", "key-1", "acme-billing/1.4")
	f.Add("é", "zoë@example.com", "", "::1", "", "all-disabled", "", "x-trace", "é", "key", "acme")
	f.Add("", "zoe@example.com", "em9lQGV4YW1wbGUuY29t", "example.com", "", "", "", "Cookie", "a=b", "key", "acme")
	f.Add("a\r\nb: c", "", "", "", "", "", "", "a b", "c\nd", "é", "\x00")
	f.Add(" ", "", "", "", "", "", "a ", "Host", " c", "key", " d")
	f.Add("", `"a b"@example.com`, "", "", "", "", "\u00a0", "Content-Length", "5", "k", "\u2028")
	f.Fuzz(func(t *testing.T, device, user, encodedUser, ip, actions, email, entity, name, value, key, product string) {
		transport := newFakeTransport(respond(200, "{}"))
		client, err := chargebee.NewClient("acme-test", "test_key",
			chargebee.WithHTTPClient(&http.Client{Transport: transport}), chargebee.WithUserAgent(product))
		if err != nil {
			requireParamErrors(t, err)
			require.True(t, product == "" || !isHeaderText(product), product)
			return
		}
		headers := chargebee.Headers{
			OriginDevice: device, OriginUser: user, OriginUserEncoded: encodedUser, OriginIP: ip, BusinessEntityID: entity,
			EventActions: chargebee.EventSetting(actions), EventEmail: chargebee.EventSetting(email),
		}
		_, err = client.Do(t.Context(), postCustomers, nil, chargebee.WithHeaders(headers), chargebee.WithHeader(name, value), chargebee.WithIdempotencyKey(key))
		if err != nil {
			requireParamErrors(t, err)
			require.Empty(t, transport.requests)
			return
		}
		want := http.Header{}
		set := func(name, value string) {
			if value != "" {
				require.True(t, isHeaderText(value), value)
				want[http.CanonicalHeaderKey(name)] = []string{value}
			}
		}
		set("Authorization", "Basic dGVzdF9rZXk6")
		set("Accept", "application/json")
		set("Content-Type", "application/x-www-form-urlencoded")
		set("User-Agent", product+" typedbee-chargebee-go/0.1.0")
		set("Chargebee-Idempotency-Key", key)
		set("Chargebee-Request-Origin-Device", device)
		set("Chargebee-Request-Origin-Ip", ip)
		set("Chargebee-Event-Actions", actions)
		set("Chargebee-Event-Email", email)
		set("Chargebee-Business-Entity-Id", entity)
		switch isASCII := !strings.ContainsFunc(user, func(r rune) bool { return r > unicode.MaxASCII }); {
		case encodedUser != "":
			set("Chargebee-Request-Origin-User-Encoded", encodedUser)
		case isASCII:
			set("Chargebee-Request-Origin-User", user)
		default:
			set("Chargebee-Request-Origin-User-Encoded", base64.StdEncoding.EncodeToString([]byte(user)))
		}
		canonical := http.CanonicalHeaderKey(name)
		require.Empty(t, want[canonical], "WithHeader must not replace a header of the client")
		want[canonical] = []string{value}

		var wire bytes.Buffer
		require.NoError(t, transport.onlyRequest(t).Write(&wire))
		received, err := http.ReadRequest(bufio.NewReader(&wire))
		require.NoError(t, err)
		received.Header.Del("Content-Length")
		require.Equal(t, want, received.Header)
		require.Equal(t, "acme-test.chargebee.com", received.Host)
	})
}

// isHeaderText reports whether net/http sends a text as the value of a header without
// changing it.
func isHeaderText(text string) bool {
	return utf8.ValidString(text) && strings.Trim(text, " ") == text && !strings.ContainsFunc(text, unicode.IsControl)
}

// FuzzPathValue checks that a path value stays within its segment of the path, and that no
// unescaped form of it leads elsewhere.
func FuzzPathValue(f *testing.F) {
	for _, id := range []string{
		"portal_1", "a/b", "a/../b", "?x=1#y", "%2F", "é", "a+b c", ".", "..", "..;", `a\b`, "\x00", "\xff", "https://example.com/",
		"%252e%252e", "%%32f", "100%", "a%20b", "...", "%2525252525252525252F",
	} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		session, err := json.Marshal(map[string]chargebee.PortalSession{"portal_session": {ID: id, CustomerID: "cus_1"}})
		require.NoError(t, err)
		transport := newFakeTransport(respond(200, string(session)))
		_, err = newClient(t, transport).PortalSessions.ActivatePortalSession(t.Context(), id, chargebee.ActivatePortalSessionParams{Token: "tok_secret"})
		if err != nil {
			require.ErrorAs(t, err, new(*chargebee.ParamError))
			require.True(t, id == "" || !utf8.ValidString(id) || strings.ContainsAny(id, `/\.%`), id)
			return
		}
		u := transport.onlyRequest(t).URL
		require.Equal(t, "acme-test.chargebee.com", u.Host)
		require.Empty(t, u.RawQuery)
		segments := strings.Split(u.EscapedPath(), "/")
		require.Len(t, segments, 6)
		segment, err := url.PathUnescape(segments[4])
		require.NoError(t, err)
		require.Equal(t, id, segment)
		for previous := ""; err == nil && segment != previous; {
			require.NotContains(t, []string{"", ".", ".."}, segment)
			require.False(t, strings.ContainsAny(segment, `/\`), segment)
			previous = segment
			segment, err = url.PathUnescape(segment)
		}
	})
}
