package chargebee_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// threePages are a list of three entitlements. Its offsets are as Chargebee's samples have them.
func threePages() *fakeTransport {
	return newFakeTransport(
		respond(200, `{"list":[{"entitlement":{"id":"ent_1"}}],"next_offset":"[\"1771176208000\",\"1\"]"}`),
		respond(200, `{"list":[{"entitlement":{"id":"ent_2"}}],"next_offset":"[\"1771176208000\",\"2\"]"}`),
		respond(200, `{"list":[{"entitlement":{"id":"ent_3"}}]}`),
	)
}

// collect returns the ids of the entitlements and the errors of a sequence.
func collect(all iter.Seq2[chargebee.Entitlement, error]) (ids []string, errs []error) {
	for entitlement, err := range all {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		ids = append(ids, entitlement.ID)
	}
	return ids, errs
}

// errorsOf returns the errors of a sequence.
func errorsOf[E any](all iter.Seq2[E, error]) (errs []error) {
	for _, err := range all {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

func (f *fakeTransport) queries() (queries []string) {
	for _, request := range f.requests {
		queries = append(queries, request.URL.RawQuery)
	}
	return queries
}

func TestAllRangesOverAllPages(t *testing.T) {
	t.Parallel()
	transport := threePages()
	params := chargebee.ListEntitlementsParams{Limit: 1, FeatureID: chargebee.StringFilter{Is: "seats"}}
	all := newClient(t, transport).Entitlements.AllEntitlements(t.Context(), params)
	require.Empty(t, transport.requests, "nothing is sent before the loop begins")
	ids, errs := collect(all)
	require.Empty(t, errs)
	require.Equal(t, []string{"ent_1", "ent_2", "ent_3"}, ids)
	require.Equal(t, []string{
		"feature_id%5Bis%5D=seats&limit=1",
		"feature_id%5Bis%5D=seats&limit=1&offset=%5B%221771176208000%22%2C%221%22%5D",
		"feature_id%5Bis%5D=seats&limit=1&offset=%5B%221771176208000%22%2C%222%22%5D",
	}, transport.queries())
	require.Empty(t, params.Offset)
}

func TestAllBeginsAtTheGivenOffset(t *testing.T) {
	t.Parallel()
	transport := newFakeTransport(respond(200, `{"list":[{"entitlement":{"id":"ent_1"}}],"next_offset":"next"}`), respond(200, `{"list":[]}`))
	all := newClient(t, transport).Entitlements.AllEntitlements(t.Context(), chargebee.ListEntitlementsParams{Offset: "first"})
	for range 2 { // each loop begins anew
		transport.requests = nil
		ids, errs := collect(all)
		require.Empty(t, errs)
		require.Equal(t, []string{"ent_1"}, ids)
		require.Equal(t, []string{"offset=first", "offset=next"}, transport.queries())
	}
}

func TestBreakingOutOfTheLoopSendsNothingMore(t *testing.T) {
	t.Parallel()
	transport := threePages()
	for entitlement, err := range newClient(t, transport).Entitlements.AllEntitlements(t.Context(), chargebee.ListEntitlementsParams{}) {
		require.NoError(t, err)
		require.Equal(t, "ent_1", entitlement.ID)
		break
	}
	require.Len(t, transport.requests, 1)
}

func TestAnEmptyPageIsNotTheEnd(t *testing.T) {
	t.Parallel()
	transport := newFakeTransport(
		respond(200, `{"list":[],"next_offset":"a"}`),
		respond(200, `{"list":[{"entitlement":{"id":"ent_1"}}],"next_offset":null}`))
	ids, errs := collect(newClient(t, transport).Entitlements.AllEntitlements(t.Context(), chargebee.ListEntitlementsParams{}))
	require.Empty(t, errs)
	require.Equal(t, []string{"ent_1"}, ids)
}

func TestAPageThatRepeatsItsOwnOffsetIsAnError(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(" ", 200<<10) // which is decoded in another way
	for name, body := range map[string]string{
		"a short page": `{"list":[{"entitlement":{"id":"ent_1"}}],"next_offset":"a"}`,
		"a long page":  `{"list":[{"entitlement":{"id":"ent_1"}}],` + long + `"next_offset":"a"}`,
	} {
		transport := newFakeTransport(respond(200, body))
		client := newClient(t, transport)
		ids, errs := collect(client.Entitlements.AllEntitlements(t.Context(), chargebee.ListEntitlementsParams{}))
		require.Equal(t, []string{"ent_1"}, ids, name)
		require.Len(t, errs, 1, name)
		var decodeErr *chargebee.DecodeError
		require.ErrorAs(t, errs[0], &decodeErr)
		require.EqualError(t, decodeErr, "chargebee: GET /entitlements: 200, but the body is not what was expected: next_offset is the offset of this page")
		require.Len(t, transport.requests, 2, name)

		page, err := client.Entitlements.ListEntitlements(t.Context(), chargebee.ListEntitlementsParams{Offset: "a"})
		require.Nil(t, page)
		require.ErrorAs(t, err, &decodeErr, name)
	}
}

func TestAnErrorIsTheLastThatIsYielded(t *testing.T) {
	t.Parallel()
	transport := newFakeTransport(
		respond(200, `{"list":[{"entitlement":{"id":"ent_1"}}],"next_offset":"a"}`),
		respond(403, `{"api_error_code":"api_authorization_failed"}`))
	ids, errs := collect(newClient(t, transport).Entitlements.AllEntitlements(t.Context(), chargebee.ListEntitlementsParams{}))
	require.Equal(t, []string{"ent_1"}, ids)
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], chargebee.ErrAPIAuthorizationFailed)
	_, unknown := chargebee.OutcomeUnknown(errs[0])
	require.False(t, unknown)
}

func TestInvalidParamsOfAListAreTheFirstThatIsYielded(t *testing.T) {
	t.Parallel()
	transport := threePages()
	client := newClient(t, transport)
	paramError := func(field, reason string) []error {
		return []error{&chargebee.ParamError{Field: field, Reason: reason}}
	}
	require.Equal(t, paramError("entity_id[in]", "must not be an empty list; nil means no filter"),
		errorsOf(client.Entitlements.AllEntitlements(t.Context(), chargebee.ListEntitlementsParams{EntityID: chargebee.StringFilter{In: []string{}}})))
	require.Equal(t, paramError("feature-id", reasonEmpty),
		errorsOf(client.Features.AllItemEntitlements(t.Context(), "", chargebee.ListItemEntitlementsParams{})))
	require.Equal(t, paramError("client", "must be made by NewClient"),
		errorsOf(new(chargebee.FeaturesService).AllFeatures(t.Context(), chargebee.ListFeaturesParams{})))
	require.Equal(t, paramError("client", "must be made by NewClient"),
		errorsOf(chargebee.All[any](t.Context(), nil, chargebee.Request{Method: http.MethodGet, Path: "/customers"})))
	require.Empty(t, transport.requests)
}

func TestRetriesLimiterAndContextHoldForEachPage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		waits := 0
		transport := newFakeTransport(
			respond(503, ``),
			respond(200, `{"list":[{"entitlement":{"id":"ent_1"}}],"next_offset":"a"}`),
			respond(429, ``),
			respond(200, `{"list":[{"entitlement":{"id":"ent_2"}}],"next_offset":"b"}`))
		client := newClient(t, transport,
			chargebee.WithRetry(chargebee.Retry{MaxAttempts: 2}),
			chargebee.WithLimiter(limiterFunc(func(context.Context) error { waits++; return nil })))
		errShutdown := errors.New("shutdown")
		var ids []string
		for entitlement, err := range client.Entitlements.AllEntitlements(ctx, chargebee.ListEntitlementsParams{}) {
			if err != nil {
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorIs(t, err, errShutdown)
				break
			}
			ids = append(ids, entitlement.ID)
			if entitlement.ID == "ent_2" {
				cancel(errShutdown)
			}
		}
		require.Equal(t, []string{"ent_1", "ent_2"}, ids)
		require.Len(t, transport.requests, 4)
		require.Equal(t, 4, waits)
	})
}

func TestOneSequenceServesManyLoopsAtOnce(t *testing.T) {
	t.Parallel()
	transport := roundTripperFunc(func(req *http.Request) (*http.Response, error) {
		body := map[string]string{
			"":         `{"list":[{"entitlement":{"id":"ent_1"}}],"next_offset":"a"}`,
			"offset=a": `{"list":[{"entitlement":{"id":"ent_2"}}],"next_offset":"b"}`,
			"offset=b": `{"list":[{"entitlement":{"id":"ent_3"}}]}`,
		}[req.URL.RawQuery]
		return respond(200, body)(req)
	})
	all := newClient(t, transport).Entitlements.AllEntitlements(t.Context(), chargebee.ListEntitlementsParams{})
	var loops sync.WaitGroup
	for range 8 {
		loops.Go(func() {
			ids, errs := collect(all)
			if len(errs) > 0 || len(ids) != 3 {
				t.Error(ids, errs)
			}
		})
	}
	loops.Wait()
}

type customerEntry struct {
	Customer struct {
		ID string `json:"id"`
	} `json:"customer"`
}

func TestAllRangesOverAnyList(t *testing.T) {
	t.Parallel()
	transport := newFakeTransport(
		respond(200, `{"list":[{"customer":{"id":"cus_1"},"card":{}},{"customer":{"id":"cus_2"}}],"next_offset":"a"}`),
		respond(200, `{"list":[{"customer":{"id":"cus_3"}}]}`))
	params := struct {
		Limit int                    `url:"limit"`
		Email chargebee.StringFilter `url:"email"`
	}{2, chargebee.StringFilter{StartsWith: "zoë"}}
	opts := make([]chargebee.CallOption, 1, 2) // with room that All must not use
	opts[0] = chargebee.WithHeaders(chargebee.Headers{OriginIP: "203.0.113.7"})
	var ids []string
	for entry, err := range chargebee.All[customerEntry](t.Context(), newClient(t, transport),
		chargebee.Request{Method: http.MethodGet, Path: "/customers", Params: params}, opts...) {
		require.NoError(t, err)
		ids = append(ids, entry.Customer.ID)
	}
	require.Equal(t, []string{"cus_1", "cus_2", "cus_3"}, ids)
	require.Equal(t, []string{
		"email%5Bstarts_with%5D=zo%C3%AB&limit=2",
		"email%5Bstarts_with%5D=zo%C3%AB&limit=2&offset=a",
	}, transport.queries())
	require.Equal(t, "203.0.113.7", transport.requests[1].Header.Get("chargebee-request-origin-ip"))
	require.Nil(t, opts[:2][1])

	transport = newFakeTransport(respond(200, `{"customer":{}}`))
	errs := errorsOf(chargebee.All[customerEntry](t.Context(), newClient(t, transport), chargebee.Request{Method: http.MethodGet, Path: "/customers"}))
	require.Len(t, errs, 1)
	require.EqualError(t, errs[0], "chargebee: GET /customers: 200, but the body is not what was expected: list is missing")
}

// endingEntry ends a context when it is decoded.
type endingEntry struct{}

var endContext func()

func (*endingEntry) UnmarshalJSON([]byte) error {
	endContext()
	return nil
}

// The test is not parallel, because an entry cannot know its test.
func TestDecodingALongListStopsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	decoded := 0
	endContext = func() { decoded++; cancel() }
	transport := newFakeTransport(respond(200, `{"list":[`+strings.Repeat(`{"customer":{}},`, 50_000)+`{}]}`))
	errs := errorsOf(chargebee.All[endingEntry](ctx, newClient(t, transport), chargebee.Request{Method: http.MethodGet, Path: "/customers"}))
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], context.Canceled)
	require.Less(t, decoded, 100)
}

// A page of a hundred entitlements has 24 kB. All of them together have 24 MB.
func TestALongListTakesTheMemoryOfOnePage(t *testing.T) {
	const entitlements, perPage, limit = 100_000, 100, 4 << 20
	page, requests := 0, 0
	transport := roundTripperFunc(func(req *http.Request) (*http.Response, error) {
		requests++
		var body strings.Builder
		for i := range perPage {
			id := page*perPage + i
			fmt.Fprintf(&body, `,{"entitlement":{"id":"ent-%06d","entity_id":"plan-%[1]d","entity_type":"plan","feature_id":"seats",`+
				`"feature_name":"Seats","value":"%[1]d","name":"%[1]d users","object":"entitlement"}}`, id)
		}
		page++
		next := fmt.Sprintf(`,"next_offset":"%d"`, page)
		if page == entitlements/perPage {
			next = ""
		}
		return respond(200, `{"list":[`+body.String()[1:]+`]`+next+`}`)(req)
	})
	client := newClient(t, transport)
	count, before := 0, liveHeap()
	for _, err := range client.Entitlements.AllEntitlements(t.Context(), chargebee.ListEntitlementsParams{Limit: perPage}) {
		require.NoError(t, err)
		if count++; count%10_000 == 1 {
			require.Less(t, liveHeap(), before+limit)
		}
	}
	require.Equal(t, []int{entitlements, entitlements / perPage}, []int{count, requests})

	page, requests, count = 0, 0, 0
	for _, err := range client.Entitlements.AllEntitlements(t.Context(), chargebee.ListEntitlementsParams{Limit: perPage}) {
		require.NoError(t, err)
		if count++; count == 10 {
			break
		}
	}
	require.Equal(t, 1, requests)
}

func TestFiltersAreSentAsChargebeeDocumentsThem(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for name, test := range map[string]struct {
		params chargebee.ListFeaturesParams
		query  string
	}{
		"none": {chargebee.ListFeaturesParams{}, ""},
		"all": {chargebee.ListFeaturesParams{
			Limit: 100, Offset: `["1","2"]`,
			ID:      chargebee.StringFilter{Is: "a", IsNot: "b", StartsWith: "c", In: []string{"d", "e"}, NotIn: []string{"f"}},
			Name:    chargebee.StringFilter{In: []string{`5" <&> größe`}},
			Status:  chargebee.FeatureStatusFilter{Is: "active", IsNot: "draft", In: []chargebee.FeatureStatus{"active", "draft"}, NotIn: []chargebee.FeatureStatus{"archived"}},
			Type:    chargebee.FeatureTypeFilter{Is: "switch", IsNot: "range", In: []chargebee.FeatureType{"switch"}, NotIn: []chargebee.FeatureType{"custom", "quantity"}},
			Metered: &yes,
		}, `id[in]=["d","e"]&id[is]=a&id[is_not]=b&id[not_in]=["f"]&id[starts_with]=c&limit=100&metered[is]=true` +
			`&name[in]=["5\" <&> größe"]&offset=["1","2"]` +
			`&status[in]=["active","draft"]&status[is]=active&status[is_not]=draft&status[not_in]=["archived"]` +
			`&type[in]=["switch"]&type[is]=switch&type[is_not]=range&type[not_in]=["custom","quantity"]`},
		"not metered": {chargebee.ListFeaturesParams{Metered: &no}, "metered[is]=false"},
	} {
		transport := newFakeTransport(respond(200, emptyListJSON))
		_, err := newClient(t, transport).Features.ListFeatures(t.Context(), test.params)
		require.NoError(t, err, name)
		require.Equal(t, test.query, unescape(t, transport.onlyRequest(t).URL.RawQuery), name)
	}
}

func TestListIsAPageAtATime(t *testing.T) {
	t.Parallel()
	transport := threePages()
	client := newClient(t, transport)
	var ids []string
	params := chargebee.ListEntitlementsParams{Limit: 1}
	for {
		page, err := client.Entitlements.ListEntitlements(t.Context(), params)
		require.NoError(t, err)
		require.Equal(t, 200, page.StatusCode)
		ids = append(ids, page.Entitlements[0].ID)
		if page.NextOffset == "" {
			break
		}
		params.Offset = page.NextOffset
	}
	require.Equal(t, []string{"ent_1", "ent_2", "ent_3"}, ids)
}

func TestADeadlineHoldsForAPageToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		transport := newFakeTransport(respond(200, `{"list":[{"entitlement":{"id":"ent_1"}}],"next_offset":"a"}`), stall)
		start := time.Now()
		ids, errs := collect(newClient(t, transport).Entitlements.AllEntitlements(ctx, chargebee.ListEntitlementsParams{}))
		require.Equal(t, time.Second, time.Since(start))
		require.Equal(t, []string{"ent_1"}, ids)
		require.ErrorIs(t, errs[0], context.DeadlineExceeded)
	})
}

// liveHeap returns how much memory is in use after a garbage collection.
func liveHeap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func unescape(t *testing.T, query string) string {
	t.Helper()
	text, err := url.QueryUnescape(query)
	require.NoError(t, err)
	return text
}
