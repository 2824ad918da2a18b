package chargebee

import (
	"errors"
	"net/url"
	"strconv"
	"time"
)

// Timestamp is a time that is encoded as Unix seconds, in JSON and in forms. The zero
// Timestamp, for which IsZero is true, means that the time is absent. Decoded
// timestamps are in UTC. Use the embedded Time where a time.Time is needed:
// time.Until(t.Time).
type Timestamp struct{ time.Time }

// MarshalJSON returns the Unix seconds, or null for the zero Timestamp.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, t.Unix(), 10), nil
}

// UnmarshalJSON reads Unix seconds. null is the zero Timestamp.
func (t *Timestamp) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*t = Timestamp{}
		return nil
	}
	seconds, err := strconv.ParseInt(string(data), 10, 64)
	if err != nil {
		return errors.New("a timestamp must be whole Unix seconds")
	}
	t.Time = time.Unix(seconds, 0).UTC()
	return nil
}

// EncodeValues adds the Unix seconds to a form, and nothing for the zero Timestamp.
func (t Timestamp) EncodeValues(key string, v *url.Values) error {
	if !t.IsZero() {
		v.Set(key, strconv.FormatInt(t.Unix(), 10))
	}
	return nil
}
