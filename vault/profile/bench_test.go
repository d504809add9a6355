package profile

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// manyProfiles returns a very large config file: 3 MiB for 20,000 profiles.
func manyProfiles(n int) string {
	var b strings.Builder
	b.WriteString("[default]\nregion = eu-west-1\nmfa_serial = arn:aws:iam::123456789012:mfa/alice\n\n")
	for i := range n {
		fmt.Fprintf(&b, "# account %d\n[profile p%d]\nrole_arn = arn:aws:iam::123456789012:role/Admin%d\nsource_profile = default\nregion = eu-central-1\nduration_seconds = 3600\n\n", i, i, i)
	}
	return b.String()
}

func BenchmarkProfiles20000(b *testing.B) {
	f, err := Parse("~/.aws/config", manyProfiles(20_000))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		f.Profiles()
	}
}

func BenchmarkBroken20000(b *testing.B) {
	f, err := Parse("~/.aws/config", manyProfiles(20_000))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		f.Broken()
	}
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

// Resolving one of many profiles does not copy the text. Each other profile needs memory only for its section and
// for a map entry. There is no separate allocation for each profile.
func TestReadingAllocatesLittle(t *testing.T) {
	const profiles = 20_000
	text := manyProfiles(profiles)
	read := func() {
		f, err := Parse("~/.aws/config", text)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := f.Resolve("p19999", Inputs{}); err != nil || p.Duration("duration_seconds") != time.Hour {
			t.Fatal(p, err)
		}
	}
	if allocations := testing.AllocsPerRun(1, read); allocations > 150 {
		t.Errorf("%.0f allocations", allocations)
	}
	if bytes := allocated(read); bytes > 140*profiles {
		t.Errorf("%d bytes for %d profiles", bytes, profiles)
	}
}

// [File.Profiles] allocates memory only for the list of names that it returns.
func TestNamingAllocatesLittle(t *testing.T) {
	const profiles = 20_000
	f, err := Parse("~/.aws/config", manyProfiles(profiles))
	if err != nil {
		t.Fatal(err)
	}
	name := func() {
		if names := f.Profiles(); len(names) != profiles+1 {
			t.Fatalf("%d names", len(names))
		}
	}
	if allocations := testing.AllocsPerRun(1, name); allocations > 1 {
		t.Errorf("%.0f allocations", allocations)
	}
}

// allocated returns the number of bytes that f allocates. Memory that is freed later counts too.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
