package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/typedbee/chargebee-go/chargebeetest"
)

const maxFaults = 10_000 // in one request

// fault is a chargebeetest.Fault of the next Count requests, in JSON.
type fault struct {
	Route  string            `json:"route"`
	Method string            `json:"method"`
	Status int               `json:"status"`
	Header map[string]string `json:"header"`
	Body   string            `json:"body"`
	Delay  string            `json:"delay"` // such as 1s
	Work   string            `json:"work"`
	Cut    string            `json:"cut"` // before, after or body
	Count  int               `json:"count"`
}

// parseFault parses the value of -fault: JSON, or fields such as status=503,count=2.
func parseFault(text string) ([]chargebeetest.Fault, error) {
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		return parseJSONFaults([]byte(text))
	}
	f := fault{Count: 1}
	for pair := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if err := f.set(name, value); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return f.repeat()
}

// set sets the field with the given name.
func (f *fault) set(name, value string) (err error) {
	switch name {
	case "route":
		f.Route = value
	case "method":
		f.Method = value
	case "status":
		f.Status, err = parseNumber(value)
	case "header":
		headerName, headerValue, found := strings.Cut(value, ":")
		if !found {
			return fmt.Errorf("%.100q must be a header field such as Retry-After: 2", value)
		}
		if f.Header == nil {
			f.Header = make(map[string]string)
		}
		f.Header[headerName] = strings.TrimSpace(headerValue)
	case "body":
		f.Body = value
	case "delay":
		f.Delay = value
	case "work":
		f.Work = value
	case "cut":
		f.Cut = value
	case "count":
		f.Count, err = parseNumber(value)
	default:
		return errors.New("must be route, method, status, header, body, delay, work, cut or count, followed by = and a value")
	}
	return err
}

func parseNumber(text string) (int, error) {
	number, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%.100q must be a whole number", text)
	}
	return number, nil
}

// parseJSONFaults parses one fault or a list of faults.
func parseJSONFaults(content []byte) ([]chargebeetest.Fault, error) {
	list := []json.RawMessage{content}
	if bytes.HasPrefix(bytes.TrimSpace(content), []byte("[")) {
		list = nil
		if err := decodeStrictly(content, &list); err != nil {
			return nil, err
		}
	}
	var all []chargebeetest.Fault
	for _, element := range list {
		f := fault{Count: 1}
		if err := decodeStrictly(element, &f); err != nil {
			return nil, err
		}
		faults, err := f.repeat()
		if err != nil {
			return nil, err
		}
		all = append(all, faults...)
		if len(all) > maxFaults {
			return nil, fmt.Errorf("there must be at most %d faults in a list", maxFaults)
		}
	}
	return all, nil
}

// repeat returns the fault Count times.
func (f *fault) repeat() ([]chargebeetest.Fault, error) {
	header, headerErr := f.parseHeader()
	delay, delayErr := parseDuration("delay", f.Delay)
	work, workErr := parseDuration("work", f.Work)
	cut, cutErr := parseCut(f.Cut)
	if err := errors.Join(f.validate(), headerErr, delayErr, workErr, cutErr); err != nil {
		return nil, err
	}
	route := strings.TrimPrefix(f.Route, "/api/v2")
	one := chargebeetest.Fault{Route: route, Method: strings.ToUpper(f.Method), Status: f.Status, Header: header, Body: f.Body, Delay: delay, Work: work, Cut: cut}
	return slices.Repeat([]chargebeetest.Fault{one}, f.Count), nil
}

func (f *fault) validate() error {
	switch {
	case f.Route != "" && (!strings.HasPrefix(f.Route, "/") || strings.Contains(f.Route, "?")):
		return fmt.Errorf("route: %.100q must be a path such as /features/{feature-id}", f.Route)
	case f.Status != 0 && (f.Status < 200 || f.Status > 999):
		return fmt.Errorf("status: %d must be from 200 to 999", f.Status)
	case f.Status == 0 && (f.Body != "" || len(f.Header) > 0):
		return errors.New("body and header need a status")
	case f.Count < 1 || f.Count > maxFaults:
		return fmt.Errorf("count: %d must be from 1 to %d", f.Count, maxFaults)
	}
	return nil
}

func (f *fault) parseHeader() (http.Header, error) {
	header := make(http.Header)
	for name, value := range f.Header {
		if name == "" || strings.ContainsAny(name, " \t\r\n:") || strings.ContainsAny(value, "\r\n") {
			return nil, fmt.Errorf("header: %.100q must be a header field such as Retry-After: 2", name)
		}
		header.Set(name, value)
	}
	return header, nil
}

func parseDuration(field, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%s: %.100q must be a duration such as 1.5s", field, text)
	}
	return d, nil
}

func parseCut(text string) (chargebeetest.Cut, error) {
	switch text {
	case "":
		return 0, nil
	case "before":
		return chargebeetest.CutBefore, nil
	case "after":
		return chargebeetest.CutAfter, nil
	case "body":
		return chargebeetest.CutBody, nil
	}
	return 0, fmt.Errorf("cut: %.100q must be before, after or body", text)
}
