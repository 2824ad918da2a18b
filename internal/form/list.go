package form

import (
	"fmt"
	"net/url"
	"strconv"
	"unicode/utf8"

	"github.com/typedbee/chargebee-go/internal/validate"
)

// List adds the parameters of a list of entries: name[field][index].
type List struct {
	form   *Form
	name   string
	index  int
	prefix string // &name[, escaped
	suffix []byte // ][index]=, escaped
}

// List returns a list without entries, which follows another parameter. Its name and the
// fields are not escaped.
func (f *Form) List(name string) List {
	return List{form: f, name: name, index: -1, prefix: "&" + name + "%5B"}
}

// NextEntry begins an entry, to which the next parameters belong.
func (l *List) NextEntry() {
	l.index++
	l.suffix = append(l.suffix[:0], "%5D%5B"...)
	l.suffix = strconv.AppendInt(l.suffix, int64(l.index), 10)
	l.suffix = append(l.suffix, "%5D="...)
}

// AddRequired adds a parameter of the entry that must not be empty.
func (l *List) AddRequired(field, value string) {
	if value == "" {
		l.reject(field, validate.ReasonEmpty)
	}
	l.add(field, value)
}

// AddOptional adds a parameter of the entry unless it is empty.
func (l *List) AddOptional(field, value string) {
	if value != "" {
		l.add(field, value)
	}
}

func (l *List) add(field, value string) {
	escaped := url.QueryEscape(value)
	if len(escaped) != len(value) && !utf8.ValidString(value) { // escaping lengthens what is not ASCII
		l.reject(field, validate.ReasonUTF8)
	}
	l.form.Encoded.WriteString(l.prefix)
	l.form.Encoded.WriteString(field)
	l.form.Encoded.Write(l.suffix)
	l.form.Encoded.WriteString(escaped)
}

func (l *List) reject(field, reason string) {
	l.form.Reject(fmt.Sprintf("%s[%s][%d]", l.name, field, l.index), reason)
}
