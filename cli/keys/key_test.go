package keys

import (
	"strings"
	"testing"
)

func TestCheckKey(t *testing.T) {
	const id, secret = "AKIAIOSFODNN7EXAMPLE", "EXAMPLEKEY/EXAMPLEKEY/EXAMPLEKEY/EXAMPLE"
	for _, tt := range []struct {
		name, input string
		ok          bool
	}{
		{"lines", id + "\n" + secret + "\n", true},
		{"CRLF", id + "\r\n" + secret + "\r\n", true},
		{"JSON", `{"AccessKey":{"AccessKeyId":"` + id + `","SecretAccessKey":"` + secret + `"}}`, true},
		{"other JSON", `{"AccessKeyId":"` + id + `"}`, false},
		{"one line", id, false},
		{"three lines", id + "\n" + secret + "\n" + secret, false},
		{"swapped", secret + "\n" + id, false},
		{"twice the id", id + "\n" + id, false},
		{"temporary", "ASIAIOSFODNN7EXAMPLE\n" + secret, false},
		{"short secret", id + "\nshort", false},
		{"short id", "AKIA\n" + secret, false},
		{"letters", "AKIAIOSFODNN7EXÄMPLE\n" + secret, false},
		{"nothing", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key, err := readKey(strings.NewReader(tt.input))
			if err == nil {
				err = checkKey(key)
			}
			if (err == nil) != tt.ok {
				t.Errorf("got error %v, want an error: %v", err, !tt.ok)
			}
			if err != nil && (strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "Ä")) {
				t.Errorf("the error contains the input: %v", err)
			}
		})
	}
}
