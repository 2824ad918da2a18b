package chargebee_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// post sends params to a route of no operation in particular.
func post(t *testing.T, client *chargebee.Client, params any, opts ...chargebee.CallOption) error {
	t.Helper()
	_, err := client.Do(t.Context(), chargebee.Request{Method: http.MethodPost, Path: "/customers", Params: params}, nil, opts...)
	return err
}

type address struct {
	City string `url:"city,omitempty"`
	Zip  string `url:"zip"`
}

type charge struct {
	ID      string              `url:"id,required"`
	Amount  int64               `url:"amount,omitempty"`
	Taxable *bool               `url:"taxable"`
	Rate    float64             `url:"rate,omitempty"`
	Count   uint8               `url:"count,omitempty"`
	From    chargebee.Timestamp `url:"date_from"`
	Note    *string             `url:"note,omitempty"`
	skipped string
	Ignored string `url:"-"`
}

type common struct {
	Locale    string    `url:"locale"`
	IDs       []string  `url:"ids"`
	Addresses []address `url:"addresses"`
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

// asNumber has a boolean that goes out as 0 or 1.
type asNumber struct {
	Flag bool `url:"flag,int"`
}

// span encodes itself under two names.
type span string

func (s span) EncodeValues(key string, v *url.Values) error {
	v.Set(key+"_from", string(s))
	v.Set(key+"_to", string(s))
	return nil
}

func TestParamsAreEncoded(t *testing.T) {
	t.Parallel()
	yes, empty, text := true, "", "text"
	at := chargebee.Timestamp{Time: time.Date(2026, 9, 21, 16, 13, 20, 0, time.FixedZone("", 7200))}
	for name, test := range map[string]struct {
		params any
		want   string
	}{
		"nothing":                             {nil, ""},
		"an empty struct":                     {struct{}{}, ""},
		"values, by name":                     {url.Values{"b": {"2"}, "a[x]": {"1", "é"}}, "a%5Bx%5D=1&a%5Bx%5D=%C3%A9&b=2"},
		"a pointer":                           {&address{Zip: "1"}, "zip=1"},
		"names by default":                    {struct{ Name string }{"x"}, "Name=x"},
		"an empty field that is not optional": {address{}, "zip="},
		"single values, in the order of the struct": {struct {
			S string              `url:"s"`
			B bool                `url:"b"`
			I int                 `url:"i"`
			U uint16              `url:"u"`
			F float64             `url:"f"`
			M float32             `url:"m"`
			R float32             `url:"r"`
			P *string             `url:"p"`
			Q *string             `url:"q"`
			N level               `url:"n"`
			T chargebee.Timestamp `url:"t"`
			Z chargebee.Timestamp `url:"z"`
			X string              `url:"-"`
		}{"a b", true, -1, 2, 150000.25, 1e7, 0.1, &text, nil, 3, at, chargebee.Timestamp{}, "x"}, "s=a+b&b=true&i=-1&u=2&f=150000.25&m=10000000&r=0.1&p=text&n=L3&t=1790000000"},
		"a number that has a String method": {struct {
			D time.Duration `url:"d"`
		}{time.Minute}, "d=1m0s"},
		"booleans as numbers, where their tags say so": {struct {
			A bool       `url:"a,int"`
			B *bool      `url:"b,int"`
			C bool       `url:"c,int,omitempty"`
			I int        `url:"i,int"`
			G []asNumber `url:"g"`
			N asNumber   `url:"n"`
		}{A: false, B: &yes, G: []asNumber{{true}}, N: asNumber{true}}, "a=0&b=1&i=0&n%5Bflag%5D=1&g%5Bflag%5D%5B0%5D=1"},
		"lists, as their tags say": {struct {
			Plain    []string `url:"plain"`
			Brackets []string `url:"brackets,brackets"`
			Comma    []int    `url:"comma,comma"`
			None     []string `url:"none"`
			Single   string   `url:"single"`
		}{[]string{"x", "é"}, []string{"x"}, []int{1, 2}, nil, "s"}, "single=s&brackets%5B%5D=x&comma=1%2C2&plain=x&plain=%C3%A9"},
		"nested structs": {struct {
			Address *address `url:"billing_address"`
			Other   *address `url:"other"`
			When    struct {
				From chargebee.Timestamp  `url:"from"`
				To   *chargebee.Timestamp `url:"to,omitempty"`
				Note *string              `url:"note,omitempty"`
			} `url:"when"`
		}{Address: &address{City: "Köln", Zip: "1"}}, "billing_address%5Bcity%5D=K%C3%B6ln&billing_address%5Bzip%5D=1"},
		"embedded structs, in their place": {struct {
			A string `url:"a"`
			common
			B string `url:"b"`
		}{A: "1", common: common{Locale: "de", IDs: []string{"x"}, Addresses: []address{{Zip: "1"}}}, B: "2"}, "a=1&locale=de&b=2&ids=x&addresses%5Bzip%5D%5B0%5D=1"},
		"a group after the rest": {struct {
			Charges []charge `url:"charges"`
			Coupon  string   `url:"coupon"`
			IDs     []string `url:"ids"`
		}{[]charge{
			{ID: "a", Amount: 100, Taxable: &yes, Rate: 0.5, Count: 2, From: at, skipped: "x", Ignored: "x"},
			{ID: "b", Note: &empty},
		}, "c", []string{"i"}}, "coupon=c&ids=i" +
			"&charges%5Bid%5D%5B0%5D=a&charges%5Bamount%5D%5B0%5D=100&charges%5Btaxable%5D%5B0%5D=true&charges%5Brate%5D%5B0%5D=0.5&charges%5Bcount%5D%5B0%5D=2&charges%5Bdate_from%5D%5B0%5D=1790000000" +
			"&charges%5Bid%5D%5B1%5D=b&charges%5Bnote%5D%5B1%5D="},
		"two groups, in the order of the struct": {struct {
			B []*address `url:"b"`
			A []address  `url:"a"`
			L []struct {
				Level level `url:"level"`
			} `url:"l"`
		}{
			B: []*address{{Zip: "1"}},
			A: []address{{Zip: "2"}},
			L: []struct {
				Level level `url:"level"`
			}{{3}},
		}, "b%5Bzip%5D%5B0%5D=1&a%5Bzip%5D%5B0%5D=2&l%5Blevel%5D%5B0%5D=L3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMock(t, http.StatusOK, `{}`)
			require.NoError(t, post(t, m.client(t), test.params))
			require.Equal(t, test.want, m.only(t).body)
		})
	}
}

func TestEncodingLeavesTheParamsAlone(t *testing.T) {
	t.Parallel()
	type params struct {
		Groups []address
		Nested *address
		List   []string
	}
	given := &params{[]address{{Zip: "1"}}, &address{Zip: "2"}, []string{"3"}}
	require.NoError(t, post(t, newMock(t, http.StatusOK, `{}`).client(t), given))
	require.Equal(t, &params{[]address{{Zip: "1"}}, &address{Zip: "2"}, []string{"3"}}, given)
}

func TestAGETSendsItsParamsInTheQuery(t *testing.T) {
	t.Parallel()
	m := newMock(t, http.StatusOK, `{}`)
	resp, err := m.client(t).Do(t.Context(), chargebee.Request{
		Method: http.MethodGet, Path: "/features/{feature-id}/item_entitlements", PathValues: []string{"a/b"}, Params: url.Values{"limit": {"5"}},
	}, nil)
	require.NoError(t, err)
	req := m.only(t)
	require.Equal(t, "https://acme-test.chargebee.com/api/v2/features/a%2Fb/item_entitlements?limit=5", req.URL.String())
	require.Empty(t, req.body)
	require.Empty(t, req.Header.Get("Content-Type"))
	require.NotContains(t, req.Header, "Chargebee-Idempotency-Key")
	require.Empty(t, resp.IdempotencyKey)
}

func TestWithParamAddsToTheBody(t *testing.T) {
	t.Parallel()
	m := newMock(t, http.StatusOK, `{}`)
	require.NoError(t, post(t, m.client(t), address{Zip: "1"}, chargebee.WithParam("new[field]", "a&b"), chargebee.WithParam("other", "é")))
	require.NoError(t, post(t, m.client(t), nil, chargebee.WithParam("only", "1")))
	require.NoError(t, post(t, m.client(t), nil, chargebee.WithParam("empty", "")))
	require.Equal(t, "zip=1&new%5Bfield%5D=a%26b&other=%C3%A9", m.sent[0].body)
	require.Equal(t, "only=1", m.sent[1].body)
	require.Equal(t, "empty=", m.sent[2].body)
}

func TestWhatCannotBeEncodedIsRefused(t *testing.T) {
	t.Parallel()
	const kind, finite = "is of a type that cannot be encoded", "must be a finite number"
	type self struct{ Next *self }
	type pointers *pointers
	var loop pointers
	loop = &loop
	for name, test := range map[string]struct {
		params        any
		field, reason string
	}{
		"a map":        {struct{ M map[string]int }{}, "M", kind},
		"an interface": {struct{ I any }{"x"}, "I", kind},
		"a nil interface that encodes": {struct {
			I interface {
				EncodeValues(string, *url.Values) error
			}
		}{}, "I", kind},
		"a channel":                     {struct{ C chan int }{}, "C", kind},
		"a function":                    {struct{ F func() }{}, "F", kind},
		"a complex number":              {struct{ C complex128 }{}, "C", kind},
		"an address":                    {struct{ U uintptr }{}, "U", kind},
		"no number":                     {struct{ F float64 }{math.NaN()}, "F", finite},
		"an infinite number":            {struct{ F *float32 }{ptr(float32(math.Inf(1)))}, "F", finite},
		"bytes":                         {struct{ B []byte }{}, "B", kind},
		"a list of lists":               {struct{ L [][]string }{}, "L", kind},
		"a list of maps":                {struct{ L []map[string]int }{}, "L", kind},
		"a list of numbers with points": {struct{ L []float64 }{}, "L", kind},
		"a list of encoders":            {struct{ L []chargebee.Timestamp }{}, "L", kind},
		"a list that is no text":        {struct{ L []string }{[]string{"a", "\xff"}}, "L", "must be valid UTF-8"},
		"an array":                      {struct{ A [2]string }{}, "A", kind},
		"a time, which has no one form": {struct{ T time.Time }{}, "T", kind},
		"a number that hides itself":    {struct{ N big.Int }{}, "N", kind},
		"a pointer to a pointer":        {struct{ P **string }{}, "P", kind},
		"a pointer to a list":           {struct{ L *[]string }{}, "L", kind},
		"a map in an embedded struct":   {struct{ Careless }{}, "M", kind},
		"an embedded struct that hides itself": {struct {
			time.Time
			A int
		}{}, "Time", kind},
		"an embedded nil pointer":         {struct{ *Careless }{}, "Careless", kind},
		"an embedded encoder":             {struct{ chargebee.Timestamp }{}, "Timestamp", kind},
		"an unexported kind, embedded":    {struct{ unexported }{}, "unexported", kind},
		"an encoder that fails":           {struct{ L level }{-1}, "L", "cannot be encoded: below zero"},
		"an encoder that writes no text":  {struct{ L level }{7}, "L", "must be valid UTF-8"},
		"an encoder with two names":       {struct{ S span }{"x"}, "S", "must encode itself as one value under its name"},
		"an encoder that needs a pointer": {struct{ P *picky }{}, "P", kind},
		"an encoder that needs a pointer, beside a list": {struct {
			L []string
			P *picky
		}{[]string{"x"}, nil}, "P", kind},
		"a list of numbers that encode themselves": {struct{ L []level }{[]level{1}}, "L", kind},
		"an encoder with a name too many":          {struct{ T twice }{"x"}, "T", "must encode itself as one value under its name"},
		"a required number": {struct {
			N int `url:"n,required"`
		}{}, "n", "must not be empty"},
		"a map in a struct":         {struct{ A struct{ M map[string]int } }{}, "A[M]", kind},
		"a struct in a struct":      {struct{ A struct{ B address } }{}, "A[B]", kind},
		"a group in a struct":       {struct{ A struct{ G []address } }{}, "A[G]", kind},
		"a million in a struct":     {struct{ A struct{ F float64 } }{struct{ F float64 }{1e6}}, "A[F]", "must be a string to be sent without an exponent"},
		"a nil pointer in a struct": {struct{ A struct{ P *string } }{}, "A[P]", "must not be nil, or must be tagged omitempty"},
		"an embedded struct with a name": {struct {
			address `url:"billing_address"`
		}{}, "billing_address", kind},
		"a negative infinite number": {struct{ F float64 }{math.Inf(-1)}, "F", finite},
		"an encoder with two values": {struct{ D double }{"x"}, "D", "must encode itself as one value under its name"},
		"a million in a struct, where it is optional": {struct {
			A struct {
				F float64 `url:"f,omitempty"`
			}
		}{struct {
			F float64 `url:"f,omitempty"`
		}{1e6}}, "A[f]", "must be a string to be sent without an exponent"},
		"a name that is no text": {url.Values{"\xff": {"x"}}, "\xff", "must be valid UTF-8"},
		"a required encoder that encodes nothing": {struct {
			T chargebee.Timestamp `url:"t,required"`
		}{chargebee.Timestamp{Time: time.Time{}.In(time.FixedZone("", 3600))}}, "t", "must not be empty"},
		"a required number that may be omitted": {struct {
			N int `url:"n,required,omitempty"`
		}{}, "n", "must not be empty"},
		"a nil encoder in a struct": {struct{ A struct{ L *level } }{}, "A[L]", "must not be nil, or must be tagged omitempty"},
		"a required field in a struct": {struct {
			A struct {
				S string `url:"s,required"`
			} `url:"a"`
		}{}, "a[s]", "must not be empty"},
		"a struct that points to itself":            {self{&self{}}, "Next[Next]", kind},
		"a map in a group":                          {struct{ G []struct{ M map[string]int } }{[]struct{ M map[string]int }{{}}}, "G[M][0]", kind},
		"a list in a group":                         {struct{ G []struct{ L []string } }{[]struct{ L []string }{{}}}, "G[L][0]", kind},
		"a struct in a group":                       {struct{ G []struct{ A address } }{[]struct{ A address }{{}}}, "G[A][0]", kind},
		"a nil entry in a group":                    {struct{ G []*address }{[]*address{nil}}, "G[0]", "must not be nil"},
		"an encoder that fails in a group":          {struct{ G []struct{ L level } }{[]struct{ L level }{{-1}}}, "G[L][0]", "cannot be encoded: below zero"},
		"an encoder that writes no text in a group": {struct{ G []struct{ L level } }{[]struct{ L level }{{7}}}, "G[L][0]", "must be valid UTF-8"},
		"a group of what hides itself":              {struct{ G []big.Int }{}, "G", kind},
		"a nil pointer to a struct":                 {(*address)(nil), "Params", "must not be nil"},
		"a time":                                    {time.Time{}, "Params", kind},
		"a timestamp":                               {at(1), "Time", kind},
		"a pointer to itself":                       {loop, "Params", "must be nil, a struct or url.Values"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMock(t, http.StatusOK, `{}`)
			err := post(t, m.client(t), test.params)
			require.Equal(t, &chargebee.ParamError{Field: test.field, Reason: test.reason}, err)
			require.Empty(t, m.sent)
		})
	}
}

// twice encodes itself under its name and another.
type twice string

func (w twice) EncodeValues(key string, v *url.Values) error {
	v.Set(key, string(w))
	v.Set("other", string(w))
	return nil
}

// double encodes itself as two values under its name.
type double string

func (d double) EncodeValues(key string, v *url.Values) error {
	v.Add(key, string(d))
	v.Add(key, string(d))
	return nil
}

// picky encodes itself, and would panic on nil.
type picky struct{ text string }

func (p *picky) EncodeValues(key string, v *url.Values) error {
	v.Set(key, p.text)
	return nil
}

type unexported string

type Careless struct{ M map[string]int }

func ptr[T any](v T) *T { return &v }
