package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"
)

func newServer(handler http.Handler, certificates []tls.Certificate, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		TLSConfig:         &tls.Config{Certificates: certificates, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      activationTimeout + 10*time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
}

// serve serves until ctx is done, then waits for the active requests to finish. It uses https if the server has a
// certificate.
func serve(ctx context.Context, listener net.Listener, server *http.Server) error {
	serveErr := make(chan error, 1)
	go func() {
		if len(server.TLSConfig.Certificates) > 0 {
			serveErr <- server.ServeTLS(listener, "", "")
		} else {
			serveErr <- server.Serve(listener)
		}
	}()
	select {
	case err := <-serveErr:
		return err
	case <-ctx.Done():
		shutdownCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), activationTimeout)
		defer cancel()
		return errors.Join(server.Shutdown(shutdownCtx), server.Close())
	}
}

// localURL returns the URL of the requested address, with the port that the listener uses.
func localURL(scheme, addr string, listener net.Listener) string {
	host, _, _ := net.SplitHostPort(addr) // valid, because listener uses it
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
