package profile

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A name that does not exist is compared with the existing names only once, even if many profiles refer
// to it. Only a limited number of such names are compared.
func TestManyMissingNames(t *testing.T) {
	const many = 500
	var b strings.Builder
	for i := range many {
		fmt.Fprintf(&b, "[profile account%d]\ninclude_profile = account\nservices = acount%d\n", i, i)
	}
	b.WriteString("[services account1]\n")
	f := config(t, b.String())
	near := func(i int) (near []string) {
		_, err := f.Resolve(fmt.Sprint("account", i), Inputs{})
		var missing *MissingError
		if !errors.As(err, &missing) || missing.Setting != includeProfile {
			t.Fatalf("profile %d: %v", i, err)
		}
		return missing.Near
	}
	if got := near(0); len(got) != maxNear {
		t.Fatalf("similar names are %q", got)
	}
	i := 0
	if n := testing.AllocsPerRun(100, func() { i++; near(i) }); n > many {
		t.Errorf("each profile takes %.0f allocations", n)
	}
	f = config(t, strings.ReplaceAll(b.String(), "include_profile = account\n", ""))
	told := 0
	for i := range many {
		_, err := f.Resolve(fmt.Sprint("account", i), Inputs{})
		var missing *MissingError
		if errors.As(err, &missing) && len(missing.Near) > 0 {
			told++
		}
	}
	if told == 0 || told > maxMissing {
		t.Errorf("%d of %d missing names were compared, want at most %d", told, many, maxMissing)
	}
}
