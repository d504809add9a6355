package profile

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// manyProfiles is a config file as large as they come: about 3 MiB.
func manyProfiles(n int) []byte {
	var b strings.Builder
	b.WriteString("[default]\nregion = eu-west-1\nmfa_serial = arn:aws:iam::123456789012:mfa/alice\n\n")
	for i := range n {
		fmt.Fprintf(&b, "# account %d\n[profile p%d]\nrole_arn = arn:aws:iam::123456789012:role/Admin%d\nsource_profile = default\nregion = eu-central-1\nduration_seconds = 3600\n\n", i, i, i)
	}
	return []byte(b.String())
}

func BenchmarkResolve20000(b *testing.B) {
	text := manyProfiles(20_000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		f, err := Parse("~/.aws/config", text)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := f.Resolve("p19999", Inputs{}); err != nil {
			b.Fatal(err)
		}
	}
}

func TestReadingAllocatesLittle(t *testing.T) {
	const profiles = 20_000
	text := manyProfiles(profiles)
	allocations := testing.AllocsPerRun(1, func() {
		f, err := Parse("~/.aws/config", text)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := f.Resolve("p19999", Inputs{}); err != nil || p.Duration("duration_seconds") != time.Hour {
			t.Fatal(p, err)
		}
	})
	if perProfile := allocations / profiles; perProfile > 0.2 {
		t.Errorf("%.2f allocations a profile", perProfile)
	}
}
