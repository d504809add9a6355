package prompt

import (
	"slices"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	names := []string{"sandbox", "acme-prod-admin", "prod", "acme-dev", "improduct", "PROD-eu", "données"}
	for _, test := range []struct{ typed, want string }{
		{"", "sandbox acme-prod-admin prod acme-dev improduct PROD-eu données"},
		{"prod", "prod PROD-eu acme-prod-admin improduct"},
		{"Prod", "prod PROD-eu acme-prod-admin improduct"},
		{"pdm", "acme-prod-admin"},
		{"admin acme", "acme-prod-admin"},
		{"acme ", "acme-prod-admin acme-dev"},
		{"é", "données"},
		{"xyz", ""},
	} {
		if got := match(names, test.typed); !slices.Equal(got, strings.Fields(test.want)) {
			t.Errorf("%q matches %q, want %q", test.typed, got, test.want)
		}
	}
}
