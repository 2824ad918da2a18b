package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

const scaleFeatures = 15

// manyLines returns a file of n lines for fifteen features.
func manyLines(n int) string {
	var text strings.Builder
	text.WriteString(header)
	for i := range n {
		fmt.Fprintf(&text, "feature-%d,plan-%d,plan,%d\n", i%scaleFeatures, i/scaleFeatures, i)
	}
	return text.String()
}

// largeSite is a site in memory with the entitlements of manyLines, of which every tenth
// of a feature has another value, and as many entitlements that no file names. It measures
// the memory in use at every hundredth request.
type largeSite struct {
	perFeature int

	mu       sync.Mutex
	requests int
	maxInUse uint64
}

func (s *largeSite) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.requests++; s.requests%100 == 0 {
		s.maxInUse = max(s.maxInUse, inUse())
	}
	query := r.URL.Query()
	var features []string
	if err := json.Unmarshal([]byte(cmp.Or(query.Get("id[in]"), query.Get("feature_id[in]"))), &features); err != nil {
		return nil, err
	}
	var body bytes.Buffer
	if strings.HasSuffix(r.URL.Path, "/features") {
		for _, id := range features {
			fmt.Fprintf(&body, `,{"feature":{"id":%q,"type":"custom","status":"active"}}`, id)
		}
		return listResponse(&body, "")
	}
	first, _ := strconv.Atoi(query.Get("offset"))
	all := 2 * s.perFeature * len(features)
	last := min(first+pageSize, all)
	for i := first; i < last; i++ {
		id, plan := features[i%len(features)], i/len(features)
		number, _ := strconv.Atoi(strings.TrimPrefix(id, "feature-"))
		value := strconv.Itoa(plan*scaleFeatures + number)
		if plan%10 == 0 {
			value = "old"
		}
		fmt.Fprintf(&body, `,{"entitlement":{"id":"ent-%d","feature_id":%q,"entity_id":"plan-%d","entity_type":"plan","value":%q}}`, i, id, plan, value)
	}
	if last == all {
		return listResponse(&body, "")
	}
	return listResponse(&body, strconv.Itoa(last))
}

// listResponse returns a page of entries, each of which follows a comma.
func listResponse(entries *bytes.Buffer, nextOffset string) (*http.Response, error) {
	next := ""
	if nextOffset != "" {
		next = fmt.Sprintf(`,"next_offset":%q`, nextOffset)
	}
	body := `{"list":[` + strings.TrimPrefix(entries.String(), ",") + `]` + next + `}`
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func inUse() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// Not parallel, because it measures the whole process.
func TestAPlanOfAHundredThousandLinesNeedsLittleMemory(t *testing.T) {
	const lines = 100_005 // 6,667 of each feature
	text := []byte(manyLines(lines))
	before := inUse()
	catalog, err := parseCatalog(text)
	require.NoError(t, err)
	site := &largeSite{perFeature: lines / scaleFeatures}
	client, err := chargebee.NewClient("acme-test", "key", chargebee.WithHTTPClient(&http.Client{Transport: site}))
	require.NoError(t, err)
	plan, err := newPlan(t.Context(), newAPI("acme-test", client, false), catalog, settings{concurrency: 4}, silent{})
	require.NoError(t, err)
	require.Equal(t, counts{Change: 10_005, Unchanged: 90_000}, plan.counts())
	require.Equal(t, 15+15*134, site.requests)
	perLine := (site.maxInUse - before) / lines
	t.Logf("%d bytes per line", perLine)
	require.Less(t, perLine, uint64(450))
	runtime.KeepAlive(text)
	runtime.KeepAlive(catalog)
}

func newScaleServer(b *testing.B) *chargebeetest.Server {
	b.Helper()
	server := chargebeetest.NewServer(chargebeetest.WithoutRequests())
	for i := range scaleFeatures {
		require.NoError(b, server.AddFeature(chargebeetest.Feature{ID: fmt.Sprint("feature-", i), Type: chargebeetest.FeatureTypeCustom}))
	}
	return server
}

// BenchmarkTenThousandLines compares apply, from the file to its verification, with the
// same calls made with net/http: one page of features and of entitlements, 100 calls of
// 100 lines, four at a time, and 100 pages of entitlements.
func BenchmarkTenThousandLines(b *testing.B) {
	const lines, concurrency, size = 10_000, 4, 100
	text := manyLines(lines)
	b.Run("program", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			b.StopTimer()
			server := newScaleServer(b)
			client, err := server.NewClient(options(b.Context(), 0)...)
			require.NoError(b, err)
			b.StartTimer()
			catalog, err := parseCatalog([]byte(text))
			require.NoError(b, err)
			s := settings{batch: size, concurrency: concurrency}
			require.NoError(b, apply(b.Context(), streams{nil, io.Discard, io.Discard, false}, s, newAPI("acme-test", client, false), catalog))
			b.StopTimer()
			server.Close()
		}
	})
	b.Run("baseline", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			b.StopTimer()
			server := newScaleServer(b)
			base := &baseline{server, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: concurrency}}}
			b.StartTimer()
			require.NoError(b, base.apply(b.Context(), lines, concurrency, size))
			b.StopTimer()
			base.client.CloseIdleConnections()
			server.Close()
		}
	})
}

// baseline makes the calls of a run with net/http.
type baseline struct {
	server *chargebeetest.Server
	client *http.Client
}

func (c *baseline) apply(ctx context.Context, lines, concurrency, size int) error {
	if _, err := c.read(ctx, "features"); err != nil {
		return err
	}
	if _, err := c.read(ctx, "entitlements"); err != nil {
		return err
	}
	queue := make(chan int)
	errs := make([]error, concurrency)
	var workers sync.WaitGroup
	for worker := range concurrency {
		workers.Go(func() {
			for first := range queue {
				if err := c.upsert(ctx, first, size); err != nil {
					errs[worker] = err
				}
			}
		})
	}
	for first := 0; first < lines; first += size {
		queue <- first
	}
	close(queue)
	workers.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	if _, err := c.read(ctx, "features"); err != nil {
		return err
	}
	count, err := c.read(ctx, "entitlements")
	if err == nil && count != lines {
		err = fmt.Errorf("%d entitlements", count)
	}
	return err
}

// read reads all pages of a list, and returns the number of entries.
func (c *baseline) read(ctx context.Context, list string) (count int, err error) {
	for offset, more := "", true; more; more = offset != "" {
		query := url.Values{"limit": {strconv.Itoa(pageSize)}}
		if offset != "" {
			query.Set("offset", offset)
		}
		var page struct {
			List []struct {
				Entitlement chargebee.Entitlement `json:"entitlement"`
			} `json:"list"`
			NextOffset string `json:"next_offset"`
		}
		if err := c.do(ctx, http.MethodGet, "/"+list+"?"+query.Encode(), "", &page); err != nil {
			return 0, err
		}
		count += len(page.List)
		offset = page.NextOffset
	}
	return count, nil
}

func (c *baseline) upsert(ctx context.Context, first, size int) error {
	form := url.Values{"action": {"upsert"}}
	for i := range size {
		index := "[" + strconv.Itoa(i) + "]"
		form.Set("entitlements[feature_id]"+index, fmt.Sprint("feature-", (first+i)%scaleFeatures))
		form.Set("entitlements[entity_id]"+index, fmt.Sprint("plan-", (first+i)/scaleFeatures))
		form.Set("entitlements[entity_type]"+index, "plan")
		form.Set("entitlements[value]"+index, strconv.Itoa(first+i))
	}
	var changed struct {
		List []struct {
			Entitlement chargebee.Entitlement `json:"entitlement"`
		} `json:"list"`
	}
	if err := c.do(ctx, http.MethodPost, "/entitlements", form.Encode(), &changed); err != nil {
		return err
	}
	if len(changed.List) != size {
		return fmt.Errorf("%d entitlements changed", len(changed.List))
	}
	return nil
}

func (c *baseline) do(ctx context.Context, method, path, body string, result any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.server.URL+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth(c.server.APIKey, "")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Chargebee-Idempotency-Key", rand.Text())
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", resp.Status, text)
	}
	return json.Unmarshal(text, result)
}
