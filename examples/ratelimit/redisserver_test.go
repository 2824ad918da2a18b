package main

import (
	"bufio"
	"context"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// redisServer is a real Redis without persistence, on a Unix socket.
type redisServer struct {
	t       *testing.T
	addr    string
	process *exec.Cmd
}

func startRedis(t *testing.T) *redisServer {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed")
	}
	s := &redisServer{t: t, addr: filepath.Join(t.TempDir(), "redis.sock")}
	s.start()
	t.Cleanup(s.kill)
	return s
}

// start returns when the server says that it is ready.
func (s *redisServer) start() {
	s.t.Helper()
	s.process = exec.Command("redis-server", "--port", "0", "--unixsocket", s.addr, "--save", "", "--dir", filepath.Dir(s.addr))
	log, err := s.process.StdoutPipe()
	require.NoError(s.t, err)
	require.NoError(s.t, s.process.Start())
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "eady to accept connections") {
			go func() { _, _ = io.Copy(io.Discard, log) }()
			return
		}
	}
	require.Fail(s.t, "redis-server did not start")
}

func (s *redisServer) kill() {
	if s.process.ProcessState == nil {
		_ = s.process.Process.Kill()
		_ = s.process.Wait()
	}
}

// errorReporter passes queries on to Redis, and sends the errors to a channel.
type errorReporter struct {
	next allower
	errs chan error
}

func (r *errorReporter) Allow(ctx context.Context, key string, limit redis_rate.Limit) (*redis_rate.Result, error) {
	result, err := r.next.Allow(ctx, key, limit)
	if err != nil {
		select {
		case r.errs <- err:
		default:
		}
	}
	return result, err
}

// newRedisLimitedClient returns a client of a new site that asks Redis before every
// call, and the errors of Redis.
func newRedisLimitedClient(t *testing.T, addr string) (*chargebeetest.Server, *chargebee.Client, <-chan error) {
	t.Helper()
	server := newSite(t)
	store := newRedisClient(addr)
	t.Cleanup(func() { _ = store.Close() })
	limiter := newRedisLimiter(store, server.Site, 150)
	reporter := &errorReporter{limiter.store, make(chan error, 1)}
	limiter.store = reporter
	client, err := server.NewClient(chargebee.WithLimiter(limiter))
	require.NoError(t, err)
	return server, client, reporter.errs
}

func TestACallWaitsUntilRedisIsReachableAgain(t *testing.T) {
	t.Parallel()
	store := startRedis(t)
	server, client, redisErrs := newRedisLimitedClient(t, store.addr)
	require.NoError(t, change(t.Context(), client, seats()))

	store.kill()
	done := make(chan error)
	go func() { done <- change(t.Context(), client, seats()) }()
	require.Error(t, <-redisErrs)
	require.Len(t, server.Requests(), 1)

	store.start()
	require.NoError(t, <-done)
	require.Len(t, server.Requests(), 2)
}

func TestADeadlineAppliesWhileRedisHangs(t *testing.T) {
	t.Parallel()
	store := startRedis(t)
	server, client, _ := newRedisLimitedClient(t, store.addr)
	require.NoError(t, change(t.Context(), client, seats()))

	require.NoError(t, store.process.Process.Signal(syscall.SIGSTOP))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := change(ctx, client, seats())
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, unknown := chargebee.OutcomeUnknown(err)
	require.False(t, unknown)
	require.Len(t, server.Requests(), 1)
}

func TestTheRedisClientTimesOutWithinASecond(t *testing.T) {
	t.Parallel()
	client := newRedisClient("127.0.0.1:1")
	defer client.Close()
	opts := client.Options()
	require.Equal(t, []time.Duration{time.Second, time.Second, time.Second}, []time.Duration{opts.DialTimeout, opts.ReadTimeout, opts.WriteTimeout})
	require.Equal(t, 1, opts.DialerRetries)
	require.Zero(t, opts.MaxRetries)
}
