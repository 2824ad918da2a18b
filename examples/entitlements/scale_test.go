package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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

const scaleFeatures = 20

// manyLines returns a file of n lines, which upsert items for twenty features.
func manyLines(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "feature-%d,item-%d,plan,%d\n", i%scaleFeatures, i/scaleFeatures, i)
	}
	return text.String()
}

// successTransport responds to every request with success, and keeps nothing.
type successTransport struct{}

func (successTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"list":[]}`))}, nil
}

// memoryMeter records the memory in use at the beginning and at the end of a run.
type memoryMeter struct{ first, last uint64 }

func (m *memoryMeter) add(int) {
	m.last = inUse()
	if m.first == 0 {
		m.first = m.last
	}
}

func (m *memoryMeter) end() {}

func inUse() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// Not parallel, because it measures the whole process.
func TestARunNeedsLessThan300BytesPerLineAndDoesNotGrow(t *testing.T) {
	client, err := chargebee.NewClient("acme-test", "key", chargebee.WithHTTPClient(&http.Client{Transport: successTransport{}}))
	require.NoError(t, err)
	for _, lines := range []int{10_000, 50_000} {
		text := manyLines(lines)
		before := inUse()
		all, err := readChanges(strings.NewReader(text))
		require.NoError(t, err)
		var memory memoryMeter
		run := &bulk{client: client, runID: "monday", concurrency: 1, progress: &memory}
		require.NoError(t, run.apply(t.Context(), newPlan(all, 500)))
		require.NoError(t, all.shortfall())
		require.Less(t, memory.first, before+uint64(lines)*300)
		require.Less(t, memory.last, memory.first+1<<20)
		t.Logf("%d lines: %d KB, %d KB at the end", lines, (memory.first-before)/1000, (memory.last-before)/1000)
	}
}

func scaleServer(b *testing.B) *chargebeetest.Server {
	b.Helper()
	server := chargebeetest.NewServer(chargebeetest.WithoutRequests())
	for i := range scaleFeatures {
		require.NoError(b, server.AddFeature(chargebeetest.Feature{ID: fmt.Sprint("feature-", i), Type: chargebeetest.FeatureTypeCustom}))
	}
	for i := range 10_000 / scaleFeatures {
		require.NoError(b, server.AddItem(chargebeetest.Item{ID: fmt.Sprint("item-", i), Type: chargebee.ItemTypePlan}))
	}
	return server
}

// BenchmarkTenThousandLines compares the program, from the file to the report, with the
// same calls made with net/http: 100 calls of 100 lines, four at a time.
func BenchmarkTenThousandLines(b *testing.B) {
	const concurrency, size = 4, 100
	text := manyLines(10_000)
	b.Run("program", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			b.StopTimer()
			server := scaleServer(b)
			client, err := server.NewClient(options(b.Context(), 0)...)
			require.NoError(b, err)
			b.StartTimer()
			all, err := readChanges(strings.NewReader(text))
			require.NoError(b, err)
			run := &bulk{client: client, runID: "monday", concurrency: concurrency, progress: newProgress(io.Discard, len(all))}
			require.NoError(b, errors.Join(run.apply(b.Context(), newPlan(all, size)), all.shortfall(), all.write(io.Discard)))
			b.StopTimer()
			server.Close()
		}
	})
	b.Run("baseline", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			b.StopTimer()
			server := scaleServer(b)
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: concurrency}}
			b.StartTimer()
			queue := make(chan int)
			var workers sync.WaitGroup
			for range concurrency {
				workers.Go(func() {
					for feature := range queue {
						for from := 0; from < 10_000/scaleFeatures; from += size {
							if err := upsertBaseline(b.Context(), client, server, feature, from, size); err != nil {
								b.Error(err)
							}
						}
					}
				})
			}
			for feature := range scaleFeatures {
				queue <- feature
			}
			close(queue)
			workers.Wait()
			b.StopTimer()
			client.CloseIdleConnections()
			server.Close()
		}
	})
}

func upsertBaseline(ctx context.Context, client *http.Client, server *chargebeetest.Server, feature, from, size int) error {
	form := url.Values{"action": {"upsert"}}
	for i := range size {
		index := "[" + strconv.Itoa(i) + "]"
		form.Set("item_entitlements[item_id]"+index, fmt.Sprint("item-", from+i))
		form.Set("item_entitlements[item_type]"+index, "plan")
		form.Set("item_entitlements[value]"+index, strconv.Itoa((from+i)*scaleFeatures+feature))
	}
	address := fmt.Sprintf("%s/features/feature-%d/item_entitlements", server.URL, feature)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.SetBasicAuth(server.APIKey, "")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Chargebee-Idempotency-Key", fmt.Sprintf("monday-%d-%d", feature, from))
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var changed struct {
		List []struct {
			ItemEntitlement chargebee.ItemEntitlement `json:"item_entitlement"`
		} `json:"list"`
	}
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&changed); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || len(changed.List) != size {
		return fmt.Errorf("%s: %s", resp.Status, body)
	}
	return nil
}
