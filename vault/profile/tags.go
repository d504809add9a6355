package profile

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Tag is a session tag.
type Tag struct{ Key, Value string }

// readTags parses KEY=VALUE pairs that are separated by commas. It returns false if STS would
// refuse the tags.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_know
func readTags(s string) ([]Tag, bool) {
	pairs := splitList(s)
	if len(pairs) == 0 || len(pairs) > 50 {
		return nil, false
	}
	tags := make([]Tag, 0, len(pairs))
	seen := make(map[string]bool, len(pairs))
	for _, pair := range pairs {
		k, v, ok := strings.Cut(pair, "=")
		k, v = trim(k), trim(v)
		if !ok || !isTagKey(k) || !tagText(v, 256) || seen[strings.ToLower(k)] {
			return nil, false
		}
		seen[strings.ToLower(k)] = true
		tags = append(tags, Tag{k, v})
	}
	return tags, true
}

func isTagKey(s string) bool { return s != "" && tagText(s, 128) }

func tagText(s string, most int) bool {
	for _, r := range s {
		if !unicode.In(r, unicode.L, unicode.Z, unicode.N) && !strings.ContainsRune("_.:/=+-@", r) {
			return false
		}
	}
	return utf8.RuneCountInString(s) <= most
}
