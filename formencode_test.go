package chargebee_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// encode returns the body in which Do sends params, or the error instead of a request.
func encode(t *testing.T, params any, opts ...chargebee.CallOption) (string, error) {
	t.Helper()
	transport := newFakeTransport(respond(200, `{}`))
	req := chargebee.Request{Method: http.MethodPost, Path: "/customers", Params: params}
	if _, err := newClient(t, transport).Do(t.Context(), req, nil, opts...); err != nil {
		require.Empty(t, transport.requests)
		return "", err
	}
	return transport.onlyRequest(t).body, nil
}

type address struct {
	City string `url:"city,omitempty"`
	Zip  string `url:"zip"`
}

type common struct {
	B []string
	C []address
}

// level encodes itself.
type level int

func (l level) EncodeValues(key string, v *url.Values) error {
	switch {
	case l < 0:
		return errors.New("below zero")
	case l == 7:
		v.Set(key, "\xff")
	default:
		v.Set(key, fmt.Sprintf("L%d", int(l)))
	}
	return nil
}

// span encodes itself as two parameters.
type span struct{ from, to string }

func (s *span) EncodeValues(key string, v *url.Values) error {
	v.Set(key+"_from", s.from)
	v.Set(key+"_to", s.to)
	return nil
}

func TestItemEntitlementsAreEncodedByIndex(t *testing.T) {
	t.Parallel()
	var thousand []chargebee.ItemEntitlementParams
	thousandBody := "action=upsert"
	for i := range 1000 {
		thousand = append(thousand, chargebee.ItemEntitlementParams{ItemID: fmt.Sprint("item-", i), Value: fmt.Sprint(i)})
		thousandBody += fmt.Sprintf("&item_entitlements%%5Bitem_id%%5D%%5B%d%%5D=item-%d&item_entitlements%%5Bvalue%%5D%%5B%d%%5D=%d", i, i, i, i)
	}
	for body, params := range map[string]chargebee.UpsertOrRemoveItemEntitlementsParams{
		"action=an_action_of_next_year":                            {Action: "an_action_of_next_year"},
		"action=remove&item_entitlements%5Bitem_id%5D%5B0%5D=team": {Action: "remove", ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: "team"}}},
		thousandBody: {Action: "upsert", ItemEntitlements: thousand},
		"action=upsert" +
			"&item_entitlements%5Bitem_id%5D%5B0%5D=team&item_entitlements%5Bitem_type%5D%5B0%5D=plan&item_entitlements%5Bvalue%5D%5B0%5D=20" +
			"&item_entitlements%5Bitem_id%5D%5B1%5D=extra+seats+%26+more" +
			"&item_entitlements%5Bitem_id%5D%5B2%5D=gr%C3%B6%C3%9Fe&item_entitlements%5Bvalue%5D%5B2%5D=unlimited" +
			"&item_entitlements%5Bitem_id%5D%5B3%5D=solo&item_entitlements%5Bitem_type%5D%5B3%5D=a_type_of_next_year": {Action: "upsert", ItemEntitlements: []chargebee.ItemEntitlementParams{
			{ItemID: "team", ItemType: "plan", Value: "20"},
			{ItemID: "extra seats & more"}, // its empty fields are not sent
			{ItemID: "größe", Value: "unlimited"},
			{ItemID: "solo", ItemType: "a_type_of_next_year"},
		}},
	} {
		transport := newFakeTransport(respond(200, emptyListJSON))
		_, err := newClient(t, transport).Features.UpsertOrRemoveItemEntitlements(t.Context(), "seats", params)
		require.NoError(t, err)
		require.Equal(t, body, transport.onlyRequest(t).body)
	}
}

// price encodes itself, and has a field that go-querystring could encode.
type price struct{ Cents int }

func (p price) EncodeValues(key string, v *url.Values) error {
	v.Set(key, fmt.Sprintf("%.2f", float64(p.Cents)/100))
	return nil
}

// tags encode themselves as one parameter.
type tags []string

func (t tags) EncodeValues(key string, v *url.Values) error {
	v.Set(key, strings.Join(t, "|"))
	return nil
}

func TestParamsAreEncoded(t *testing.T) {
	t.Parallel()
	type entry struct {
		L       level `url:",omitempty"`
		T       chargebee.Timestamp
		Z       *string `url:",omitempty"`
		Ignored string  `url:"-"`
		private string
	}
	type floating struct{ F float64 }
	type timed struct{ T time.Time }
	type optional struct{ P *string }
	yes, empty, text, list := true, "", "text", []string{"x"}
	pointer := &text
	at := time.Date(2026, 9, 21, 16, 13, 20, 0, time.FixedZone("", 7200))
	stamp := chargebee.Timestamp{Time: at}
	for name, test := range map[string]struct {
		params any
		body   string
	}{
		"nil":                        {nil, ""},
		"an empty struct":            {struct{}{}, ""},
		"url.Values, sorted by name": {url.Values{"b": {"2"}, "a[x]": {"1", "é"}}, "a%5Bx%5D=1&a%5Bx%5D=%C3%A9&b=2"},
		"an empty name":              {url.Values{"": {""}, "a": {"1"}}, "=&a=1"},
		"a pointer to a struct":      {&address{City: "Köln", Zip: "1 & 2"}, "city=K%C3%B6ln&zip=1+%26+2"},
		"empty fields":               {address{}, "zip="},
		"booleans":                   {struct{ A, B bool }{true, false}, "A=true&B=false"},
		"an integer":                 {struct{ I int }{-1}, "I=-1"},
		"an unsigned integer":        {struct{ U uint16 }{2}, "U=2"},
		"floats":                     {struct{ A, B float64 }{150000.25, 2}, "A=150000.25&B=2"},
		"a short float":              {struct{ F float32 }{0.1}, "F=0.1"},
		"a number that is a string":  {struct{ D time.Duration }{time.Minute}, "D=1m0s"},
		"a pointer to a value":       {struct{ B *bool }{&yes}, "B=true"},
		"an Encoder":                 {struct{ L level }{3}, "L=L3"},
		"timestamps, one absent":     {struct{ A, B chargebee.Timestamp }{stamp, chargebee.Timestamp{}}, "A=1790000000"},
		"an absent *Timestamp":       {struct{ T *chargebee.Timestamp }{}, ""},
		"lists, one empty":           {struct{ A, B []string }{[]string{"x", "é"}, nil}, "A%5B0%5D=x&A%5B1%5D=%C3%A9"},
		"a list of times": {struct {
			L []time.Time `url:"l,unix"`
		}{[]time.Time{at}}, "l%5B0%5D=1790000000"},
		"a nested struct":      {struct{ A *address }{&address{City: "Köln"}}, "A%5Bcity%5D=K%C3%B6ln&A%5Bzip%5D="},
		"an embedded struct":   {struct{ common }{common{[]string{"x"}, []address{{Zip: "1"}}}}, "B%5B0%5D=x&C%5Bzip%5D%5B0%5D=1"},
		"entries":              {struct{ A, B []address }{nil, []address{{"Köln", "1"}, {"", "2"}}}, "B%5Bcity%5D%5B0%5D=K%C3%B6ln&B%5Bzip%5D%5B0%5D=1&B%5Bzip%5D%5B1%5D=2"},
		"pointers to entries":  {struct{ A []*address }{[]*address{{Zip: "1"}}}, "A%5Bzip%5D%5B0%5D=1"},
		"a struct in an entry": {struct{ A []struct{ B address } }{[]struct{ B address }{{address{Zip: "1"}}}}, "A%5BB%5D%5B0%5D%5Bzip%5D=1"},
		"Encoders in a list":   {struct{ P []price }{[]price{{125}, {3}}}, "P%5B0%5D=1.25&P%5B1%5D=0.03"},
		"timestamps in a list": {struct{ T []chargebee.Timestamp }{[]chargebee.Timestamp{stamp}}, "T%5B0%5D=1790000000"},
		"an ignored map": {struct {
			A string
			M map[string]int `url:"-"`
		}{A: "x"}, "A=x"},
		"our params, embedded": {struct {
			chargebee.ActivatePortalSessionParams
			Extra string
		}{chargebee.ActivatePortalSessionParams{Token: "tok"}, "x"}, "Extra=x&token=tok"},
		"entries with empty fields": {struct{ A []entry }{[]entry{{L: 3, T: stamp, Ignored: "x", private: "x"}, {Z: &empty}}}, "A%5BL%5D%5B0%5D=L3&A%5BT%5D%5B0%5D=1790000000&A%5BZ%5D%5B1%5D="},
		"options": {struct {
			Brackets  []string `url:"brackets,brackets"`
			Comma     []int    `url:"comma,comma"`
			Int       []bool   `url:"int,int"`
			Numbered  []string `url:"numbered,numbered"`
			Omitted   *address `url:"omitted,omitempty"`
			Semicolon []string `url:"semicolon,semicolon"`
			Space     []string `url:"space,space"`
		}{[]string{"x"}, []int{1, 2}, []bool{true, false}, []string{"y", "z"}, nil, []string{"a", "b"}, []string{"c", "d"}},
			"brackets%5B%5D=x&comma=1%2C2&int%5B0%5D=1&int%5B1%5D=0&numbered0=y&numbered1=z&semicolon=a%3Bb&space=c+d"},

		// Rules of go-querystring:
		"fields, sorted by name":           {struct{ B, A string }{"2", "1"}, "A=1&B=2"},
		"a nil pointer":                    {optional{}, "P="},
		"a nil pointer to a struct":        {struct{ A *address }{}, "A="},
		"a nil pointer in a nested struct": {struct{ A optional }{}, "A%5BP%5D="},
		"a nil pointer in an entry":        {struct{ A []optional }{[]optional{{}}}, "A%5BP%5D%5B0%5D="},
		"a pointer to a pointer":           {struct{ P **string }{&pointer}, "P=text"},
		"a pointer to a list":              {struct{ P *[]string }{&list}, "P%5B0%5D=x"},
		"an array":                         {struct{ A [2]int }{[2]int{1, 2}}, "A%5B0%5D=1&A%5B1%5D=2"},
		"a list of floats":                 {struct{ L []float64 }{[]float64{0.5, 2}}, "L%5B0%5D=0.5&L%5B1%5D=2"},
		"a float with an exponent":         {floating{1e7}, "F=1e%2B07"},
		"a float in an entry":              {struct{ A []floating }{[]floating{{1e7}}}, "A%5BF%5D%5B0%5D=1e%2B07"},
		"a time":                           {timed{at}, "T=2026-09-21T16%3A13%3A20%2B02%3A00"},
		"a time in an entry":               {struct{ A []timed }{[]timed{{at}}}, "A%5BT%5D%5B0%5D=2026-09-21T16%3A13%3A20%2B02%3A00"},
		"a struct in a nested struct":      {struct{ A struct{ B address } }{struct{ B address }{address{Zip: "1"}}}, "A%5BB%5D%5Bzip%5D=1"},
		"an embedded pointer":              {struct{ *address }{&address{Zip: "1"}}, "zip=1"},
		"an Encoder with two parameters":   {struct{ S *span }{&span{"1", "2"}}, "S_from=1&S_to=2"},
		"other options": {struct {
			address  `url:"a"`
			Layout   time.Time `url:"layout" layout:"2006-01-02"`
			Required int       `url:"required,required"`
			Unix     time.Time `url:"unix,unix"`
		}{address{Zip: "1"}, at, 0, at}, "a%5Bzip%5D=1&layout=2026-09-21&required=0&unix=1790000000"},
	} {
		body, err := encode(t, test.params)
		require.NoError(t, err, name)
		require.Equal(t, test.body, body, name)
	}
}

func TestParamsThatCannotBeEncodedAreRejected(t *testing.T) {
	t.Parallel()
	const kind = "is of a type that cannot be encoded"
	type maps struct{ M map[string]int }
	type self struct{ Next *self }
	type encoded struct{ L level }
	circle := &self{}
	circle.Next = circle
	type pointers *pointers
	var loop pointers
	loop = &loop
	try := func(params any) error {
		_, err := encode(t, params)
		return err
	}
	rejections{
		"a map": {try(maps{}), "M", kind},
		"a map with a tag": {try(struct {
			M map[string]int `url:"meta,omitempty"`
		}{}), "meta", kind},
		"a map in a nested struct":       {try(struct{ A maps }{}), "A", kind},
		"a map in an embedded struct":    {try(struct{ maps }{}), "M", kind},
		"a map in an entry":              {try(struct{ A []maps }{[]maps{{}}}), "A", kind},
		"a function":                     {try(struct{ F func() }{}), "F", kind},
		"a channel":                      {try(struct{ C chan int }{}), "C", kind},
		"a list of lists":                {try(struct{ L [][]string }{}), "L", kind},
		"a list of maps":                 {try(struct{ L []map[string]int }{}), "L", kind},
		"entries in a nested struct":     {try(struct{ A struct{ B []address } }{}), "A", kind},
		"entries in an embedded pointer": {try(struct{ *common }{&common{}}), "common", kind},
		"entries in an embedded struct with a name": {try(struct {
			common `url:"a"`
		}{}), "a", kind},
		"a recursive type":             {try(self{&self{}}), "Next", kind},
		"a value that contains itself": {try(circle), "Next", kind},
		"an interface":                 {try(struct{ A any }{"x"}), "A", kind},
		"an interface of Encoders": {try(struct {
			A interface {
				EncodeValues(string, *url.Values) error
			}
		}{level(3)}), "A", kind},
		"an embedded timestamp":           {try(struct{ chargebee.Timestamp }{}), "Params", kind},
		"a field that is not exported":    {try(struct{ a string }{"x"}), "Params", kind},
		"a struct without fields to send": {try(struct{ A struct{ b int } }{}), "A", kind},
		"a time as Params":                {try(time.Time{}), "Params", kind},
		"a nil entry":                     {try(struct{ A []*address }{[]*address{nil}}), "A[0]", reasonNil},
		"an Encoder that panics":          {try(struct{ S *span }{}), "Params", "cannot be encoded: runtime error: invalid memory address or nil pointer dereference"},
		"an Encoder that fails":           {try(encoded{-1}), "Params", "cannot be encoded: below zero"},
		"an Encoder that fails, by index": {try(struct{ A []encoded }{[]encoded{{-1}}}), "Params", "cannot be encoded: below zero"},
		"an Encoder of invalid UTF-8":     {try(encoded{7}), "L", reasonUTF8},
		"invalid UTF-8":                   {try(struct{ S string }{"\xff"}), "S", reasonUTF8},
		"invalid UTF-8 in a list":         {try(struct{ L []string }{[]string{"a", "\xff"}}), "L[1]", reasonUTF8},
		"invalid UTF-8 in a struct":       {try(struct{ A address }{address{Zip: "\xff"}}), "A[zip]", reasonUTF8},
		"invalid UTF-8 in an entry":       {try(struct{ A []address }{[]address{{Zip: "\xff"}}}), "A[zip][0]", reasonUTF8},
		"a pointer to itself":             {try(loop), "Params", "must be nil, a struct or url.Values"},
	}.check(t)
}

func TestParamsAreNotChanged(t *testing.T) {
	t.Parallel()
	type params struct {
		Entries []address
		Nested  *address
		List    []string
	}
	given := &params{[]address{{Zip: "1"}}, &address{Zip: "2"}, []string{"3"}}
	_, err := encode(t, given)
	require.NoError(t, err)
	require.Equal(t, &params{[]address{{Zip: "1"}}, &address{Zip: "2"}, []string{"3"}}, given)
}

func TestWithParamAddsToTheBody(t *testing.T) {
	t.Parallel()
	body, err := encode(t, address{Zip: "1"}, chargebee.WithParam("z", "a&b"), chargebee.WithParam("ip", ""), chargebee.WithParam("new[field]", "é"))
	require.NoError(t, err)
	require.Equal(t, "zip=1&z=a%26b&ip=&new%5Bfield%5D=%C3%A9", body)

	body, err = encode(t, nil, chargebee.WithParam("only", "1"))
	require.NoError(t, err)
	require.Equal(t, "only=1", body)

	_, err = encode(t, address{City: "x", Zip: "1"}, chargebee.WithParam("zip", "2"))
	require.Equal(t, &chargebee.ParamError{Field: "zip", Reason: "is set already"}, err)
}

func TestGETSendsParamsInTheQuery(t *testing.T) {
	t.Parallel()
	transport := newFakeTransport(respond(200, `{}`))
	for _, params := range []any{url.Values{"limit": {"5"}}, nil, url.Values{"": {""}}} {
		resp, err := newClient(t, transport).Do(t.Context(), chargebee.Request{
			Method: http.MethodGet, Path: "/features/{feature-id}/item_entitlements", PathValues: []string{"a?b é"}, Params: params,
		}, nil)
		require.NoError(t, err)
		require.Empty(t, resp.IdempotencyKey)
	}
	const root = "https://acme-test.chargebee.com/api/v2/features/a%3Fb%20%C3%A9/item_entitlements"
	require.Equal(t, root+"?limit=5", transport.requests[0].URL.String())
	require.Equal(t, root, transport.requests[1].URL.String())
	require.Equal(t, root+"?=", transport.requests[2].URL.String())
	require.Empty(t, transport.requests[0].body)
	require.NotContains(t, transport.requests[0].Header, "Content-Type")
	require.NotContains(t, transport.requests[0].Header, "Chargebee-Idempotency-Key")
}

type filter struct {
	Between []int64  `url:"between"`
	In      []string `url:"in"`
}

// The forms are those of Chargebee's own clients.
func TestListsAreSentAsChargebeesClientsSendThem(t *testing.T) {
	t.Parallel()
	type tagged struct {
		Tags []string `url:"tags"`
	}
	type IDs []string
	at, digits := chargebee.Timestamp{Time: time.Unix(1790000000, 0)}, "555"
	for name, test := range map[string]struct {
		params any
		body   string
	}{
		"a list in a body": {struct {
			IDs []string `url:"coupon_ids"`
		}{[]string{"a", "b & c"}}, "coupon_ids[0]=a&coupon_ids[1]=b & c"},
		"a list in a nested struct": {struct {
			Customer tagged `url:"customer"`
		}{tagged{[]string{"a", "b"}}}, "customer[tags][0]=a&customer[tags][1]=b"},
		"a list in an embedded struct": {struct{ *tagged }{&tagged{[]string{"a"}}}, "tags[0]=a"},
		"a list in an embedded struct with a name": {struct {
			tagged `url:"customer"`
		}{tagged{[]string{"a"}}}, "customer[tags][0]=a"},
		"an embedded list":          {struct{ IDs }{IDs{"a", "b"}}, "IDs[0]=a&IDs[1]=b"},
		"a list that is an Encoder": {struct{ T tags }{tags{"a", "b"}}, "T=a|b"},
		"a list in an entry": {struct {
			Items []tagged `url:"items"`
		}{[]tagged{{}, {[]string{"a", "b"}}}}, "items[tags][1][0]=a&items[tags][1][1]=b"},
		"operators of a filter": {struct {
			Filter filter `url:"x"`
		}{filter{[]int64{1, 2}, []string{`5"`, "<&>"}}}, `x[between]=[1,2]&x[in]=["5\"","<&>"]`},
		"an operator in a tag": {struct {
			Status []string `url:"status[in]"`
		}{[]string{"active", "in_trial"}}, `status[in]=["active","in_trial"]`},
		"pointers in a filter": {struct {
			Phone []*string `url:"phone[in]"`
		}{[]*string{new(string)}}, `phone[in]=[""]`},
		"pointers to digits in a filter": {struct {
			Phone []*string `url:"phone[in]"`
		}{[]*string{&digits}}, `phone[in]=["555"]`},
		"timestamps in a range": {struct {
			Created []chargebee.Timestamp `url:"created_at[between]"`
		}{[]chargebee.Timestamp{at, {}, at}}, "created_at[between]=[1790000000,1790000000]"},
		"one timestamp in a filter": {struct {
			Created []chargebee.Timestamp `url:"created_at[in]"`
		}{[]chargebee.Timestamp{at}}, "created_at[in]=[1790000000]"},
		"an array in a range": {struct {
			Between [2]int `url:"x[between]"`
		}{[2]int{1, 2}}, "x[between]=[1,2]"},
		"times in a range": {struct {
			Created []time.Time `url:"created_at[between],unix"`
		}{[]time.Time{at.Time}}, "created_at[between]=[1790000000]"},
		"times as text in a range": {struct {
			Created []time.Time `url:"created_at[between]" layout:"2006-01-02"`
		}{[]time.Time{at.Time}}, `created_at[between]=["2026-09-21"]`},
		"an operator with a separator": {struct {
			Status []string `url:"status[in],comma"`
		}{[]string{"a", "b"}}, "status[in]=a,b"},
		"an operator and a separator of one's own": {struct {
			Status []string `url:"status[in]" del:"|"`
		}{[]string{"a", "b"}}, "status[in]=a|b"},
		"no filter": {struct{ Filter *filter }{&filter{}}, ""},
		"a filter that is nil": {struct {
			Filter *filter `url:",omitempty"`
		}{}, ""},
		"a list that is empty": {struct{ L []string }{[]string{}}, ""},
		"no timestamps": {struct {
			T []chargebee.Timestamp `url:"t[in]"`
		}{}, ""},
	} {
		body, err := encode(t, test.params)
		require.NoError(t, err, name)
		require.Equal(t, test.body, unescape(t, body), name)
	}
	const reasonNoFilter = "must not be an empty list; nil means no filter"
	try := func(params any) error {
		_, err := encode(t, params)
		return err
	}
	rejections{
		"an empty filter": {try(struct{ F filter }{filter{In: []string{}}}), "F[in]", reasonNoFilter},
		"an empty filter in a tag": {try(struct {
			S []string `url:"s[in]"`
		}{[]string{}}), "s[in]", reasonNoFilter},
		"an empty range": {try(struct {
			T []chargebee.Timestamp `url:"t[between]"`
		}{[]chargebee.Timestamp{}}), "t[between]", reasonNoFilter},
		"invalid UTF-8 in a filter": {try(struct{ F filter }{filter{In: []string{"a", "\xff"}}}), "F[in]", reasonUTF8},
	}.check(t)
}
