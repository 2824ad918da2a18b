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

// redisServer is a real one, on a socket in a folder. It forgets everything when it ends.
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

// failures passes questions on to Redis, and tells of each that fails.
type failures struct {
	next   allower
	failed chan error
}

func (f *failures) Allow(ctx context.Context, key string, limit redis_rate.Limit) (*redis_rate.Result, error) {
	result, err := f.next.Allow(ctx, key, limit)
	if err != nil {
		select {
		case f.failed <- err:
		default:
		}
	}
	return result, err
}

// limited is a client of a new site, which asks Redis before every call.
func limited(t *testing.T, addr string) (*chargebeetest.Server, *chargebee.Client, <-chan error) {
	t.Helper()
	server := newSite(t)
	store := newRedisClient(addr)
	t.Cleanup(func() { _ = store.Close() })
	limiter := newLimiter(store, server.Site, 150)
	failures := &failures{limiter.allow, make(chan error, 1)}
	limiter.allow = failures
	client, err := server.NewClient(chargebee.WithLimiter(limiter))
	require.NoError(t, err)
	return server, client, failures.failed
}

func TestACallWaitsUntilRedisIsBack(t *testing.T) {
	t.Parallel()
	store := startRedis(t)
	server, client, failed := limited(t, store.addr)
	require.NoError(t, change(t.Context(), client, seats()))

	store.kill()
	done := make(chan error)
	go func() { done <- change(t.Context(), client, seats()) }()
	require.Error(t, <-failed)
	require.Len(t, server.Requests(), 1)

	store.start()
	require.NoError(t, <-done)
	require.Len(t, server.Requests(), 2)
}

func TestADeadlineHoldsWhileRedisHangs(t *testing.T) {
	t.Parallel()
	store := startRedis(t)
	server, client, _ := limited(t, store.addr)
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

func TestTheRedisClientGivesUpWithinASecond(t *testing.T) {
	t.Parallel()
	client := newRedisClient("127.0.0.1:1")
	defer client.Close()
	opts := client.Options()
	require.Equal(t, []time.Duration{time.Second, time.Second, time.Second}, []time.Duration{opts.DialTimeout, opts.ReadTimeout, opts.WriteTimeout})
	require.Equal(t, 1, opts.DialerRetries)
	require.Zero(t, opts.MaxRetries)
}
