// Package decode decodes the JSON of a response without trusting it.
package decode

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// What is wrong with a body.
var (
	ErrEmpty    = errors.New("empty")
	ErrNoObject = errors.New("not a JSON object")
	ErrNoList   = errors.New("list is missing")
	ErrIsError  = errors.New("an error of Chargebee's")
	ErrUTF8     = errors.New("not UTF-8")

	errTooMuch = errors.New("more members, or longer ones, than a list of Chargebee's")
)

const (
	// MaxEntries is more than 16 MiB of Chargebee's entries are, and bounds the memory
	// that shorter ones take.
	MaxEntries = 100_000

	maxMembers = 100
	maxLength  = 1 << 20   // of an entry or a member
	short      = 192 << 10 // a body that cannot take much memory
)

// List decodes the list in a body and checks each entry. nextOffset is empty on the last
// page.
func List[E any](ctx context.Context, body []byte, check func(int, *E) error) (list []E, nextOffset string, err error) {
	switch {
	case len(body) == 0:
		return nil, "", ErrEmpty
	case !utf8.Valid(body):
		return nil, "", ErrUTF8
	case len(body) > short:
		return longList(ctx, body, check)
	}
	var all struct {
		List       []E              `json:"list"`
		NextOffset string           `json:"next_offset"`
		Code       *json.RawMessage `json:"api_error_code"`
	}
	err = json.Unmarshal(body, &all)
	switch {
	case err != nil:
		return nil, "", err
	case all.Code != nil:
		return nil, "", ErrIsError
	case all.List == nil:
		return nil, "", ErrNoList
	}
	for i := range all.List {
		if err := check(i, &all.List[i]); err != nil {
			return nil, "", err
		}
	}
	return all.List, all.NextOffset, nil
}

// longList decodes entry by entry and stops at the first error, while encoding/json would
// go on to allocate what a hostile body asks for.
func longList[E any](ctx context.Context, body []byte, check func(int, *E) error) (list []E, nextOffset string, err error) {
	window := &window{body: bytes.TrimSpace(body)} // white space may be long
	window.decoder = json.NewDecoder(window)
	var entry, zero E
	nextOffset, err = decodeMembers(ctx, window.decoder, func() error {
		entry = zero
		start := window.decoder.InputOffset()
		if err := window.decoder.Decode(&entry); err != nil {
			return err
		}
		if list == nil { // the length of the first entry tells about how many there are
			length := window.decoder.InputOffset() - start
			list = make([]E, 0, min(len(body)/int(length), MaxEntries))
		}
		list = append(list, entry)
		return check(len(list)-1, &entry)
	})
	switch {
	case errors.Is(err, io.EOF):
		return nil, "", io.ErrUnexpectedEOF
	case err != nil:
		return nil, "", err
	}
	return list, nextOffset, nil
}

// window is the reader of a decoder. It fails if the decoder reads on for too long without
// a result, because the decoder would buffer all of it.
type window struct {
	body    []byte
	read    int
	decoder *json.Decoder
}

func (w *window) Read(p []byte) (int, error) {
	switch {
	case w.read == len(w.body):
		return 0, io.EOF
	case w.read-int(w.decoder.InputOffset()) > maxLength:
		return 0, errTooMuch
	}
	n := copy(p, w.body[w.read:])
	w.read += n
	return n, nil
}

func decodeMembers(ctx context.Context, decoder *json.Decoder, decodeEntry func() error) (nextOffset string, err error) {
	if err := expect(decoder, json.Delim('{'), ErrNoObject); err != nil {
		return "", err
	}
	errFound := ErrNoList
	for members := 0; decoder.More(); members++ {
		if members == maxMembers {
			return "", errTooMuch
		}
		name, err := decoder.Token()
		if err != nil {
			return "", err
		}
		var member *json.RawMessage // nil if it is null
		switch name {
		case "list":
			errFound = nil
			err = decodeEntries(ctx, decoder, decodeEntry)
		case "next_offset":
			err = decoder.Decode(&nextOffset)
		default:
			err = decoder.Decode(&member)
		}
		switch {
		case err != nil:
			return "", err
		case name == "api_error_code" && member != nil:
			return "", ErrIsError
		}
	}
	if err := expect(decoder, json.Delim('}'), ErrNoObject); err != nil {
		return "", err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return "", errors.New("more than a JSON object")
	}
	return nextOffset, errFound
}

func decodeEntries(ctx context.Context, decoder *json.Decoder, decodeEntry func() error) error {
	if err := expect(decoder, json.Delim('['), ErrNoList); err != nil {
		return err
	}
	for entries := 0; decoder.More(); entries++ {
		if entries == MaxEntries {
			return fmt.Errorf("more than %d entries", MaxEntries)
		}
		if entries%64 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := decodeEntry(); err != nil {
			return err
		}
	}
	return expect(decoder, json.Delim(']'), ErrNoList)
}

// expect reads the next token. It returns otherwise if that is not delim.
func expect(decoder *json.Decoder, delim json.Delim, otherwise error) error {
	token, err := decoder.Token()
	if err == nil && token != delim {
		return otherwise
	}
	return err
}

// HasResource reports whether a JSON object has a member that is an object or a list,
// among its first ones. An empty object passes.
func HasResource(object []byte) bool {
	decoder := json.NewDecoder(bytes.NewReader(object))
	_, _ = decoder.Token() // the opening brace
	for tokens := range 2 * maxMembers {
		switch token, _ := decoder.Token(); token {
		case json.Delim('{'), json.Delim('['):
			return true
		case json.Delim('}'):
			return tokens == 0
		}
	}
	return false
}
