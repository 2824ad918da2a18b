package validate

import (
	"encoding/base64"
	"net/netip"
	"strings"
	"unicode"
)

// EmailAddress checks that an address has the form local@domain. The rest is for the
// server to judge.
func EmailAddress(address string) string {
	const reason = "must be an address of the form local@domain"
	at := strings.LastIndexByte(address, '@')
	if at < 1 || at == len(address)-1 || strings.ContainsAny(address[at+1:], " <>,;:") {
		return reason
	}
	local := address[:at]
	quoted, isQuoted := strings.CutPrefix(local, `"`)
	if isQuoted {
		quoted, isQuoted = strings.CutSuffix(quoted, `"`)
	}
	if strings.Contains(quoted, `"`) || !isQuoted && strings.ContainsAny(local, `@ <>:,;"`) {
		return reason
	}
	return ""
}

// EncodedEmailAddress checks the standard Base64 encoding, padded or not, of an address.
func EncodedEmailAddress(encoded string) string {
	encoding := base64.StdEncoding
	if len(encoded)%4 != 0 {
		encoding = base64.RawStdEncoding
	}
	address, err := encoding.DecodeString(encoded)
	if err != nil || Text(string(address)) != "" || EmailAddress(string(address)) != "" {
		return "must be the standard Base64 encoding of an address of the form local@domain"
	}
	return ""
}

// Host checks an IP address or the name of a host.
func Host(host string) string {
	ip, err := netip.ParseAddr(host)
	isIP := err == nil && ip.Zone() == ""
	if !isIP && !isHostName(host) {
		return "must be one IP address or host name, without port or zone"
	}
	return ""
}

// isHostName requires a letter at the beginning of the last label, because a name such
// as 203.0.113.999 is a malformed IP address.
func isHostName(name string) bool {
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if !isHostLabel(label) {
			return false
		}
	}
	last := labels[len(labels)-1]
	return len(name) <= 253 && unicode.IsLetter(rune(last[0]))
}

func isHostLabel(label string) bool {
	isOther := func(c rune) bool { return c != '-' && c != '_' && !IsAlphanumeric(c) }
	return label != "" && len(label) <= 63 && strings.Trim(label, "-") == label && !strings.ContainsFunc(label, isOther)
}
