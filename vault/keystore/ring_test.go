package keystore

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
)

const (
	testKeyID  = "AKIAIOSFODNN7EXAMPLE"
	testSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

func testItem(name string) Item {
	return Item{
		Name:        name,
		Label:       "aws-vault (" + name + ")",
		Description: "a key of the tests",
		Data:        fmt.Appendf(nil, `{"AccessKeyID":%q,"SecretAccessKey":%q}`, testKeyID, testSecret),
		Untrusted:   true,
	}
}

// ringTest describes the properties in which rings differ. The test suite expects the results that match these
// properties.
type ringTest struct {
	private  bool     // whether Names returns digests
	dataOnly bool     // whether the ring stores neither labels nor descriptions
	noStamp  bool     // whether Stamp cannot detect writes
	names    []string // item names to test in addition to the suite's own
}

// testRing runs the test suite that every keystore must pass.
func testRing(t *testing.T, r Ring, is ringTest) {
	ctx := t.Context()
	if names, err := r.Names(ctx); err != nil || len(names) != 0 {
		t.Fatalf("a new ring has items: Names = %q, %v", names, err)
	}
	t.Run("missing", func(t *testing.T) { testMissing(t, r) })
	if err := r.Check(ctx); err != nil {
		t.Fatalf("Check: %v", err)
	}
	for _, name := range append([]string{"prod", "a b", "zürich", "team.x-y_z@corp+1"}, is.names...) {
		t.Run("round trip "+name, func(t *testing.T) { testRoundTrip(t, r, name, is) })
	}
	t.Run("names", func(t *testing.T) { testNames(t, r, is) })
	t.Run("replace", func(t *testing.T) { testReplace(t, r, is) })
	t.Run("invalid names", func(t *testing.T) { testInvalidNames(t, r) })
	t.Run("concurrent", func(t *testing.T) { testConcurrent(t, r) })
	t.Run("canceled", func(t *testing.T) { testCanceled(t, r) })
}

func TestMemory(t *testing.T) {
	testRing(t, Memory(), ringTest{})
	if names, err := Memory().Names(t.Context()); err != nil || len(names) > 0 {
		t.Errorf("a second memory ring has items: Names = %q, %v", names, err)
	}
}

func testMissing(t *testing.T, r Ring) {
	ctx := t.Context()
	if _, err := r.Item(ctx, "missing"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Item: %v, want %v", err, ErrNotFound)
	}
	if err := r.Remove(ctx, "missing"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Remove: %v, want %v", err, ErrNotFound)
	}
	if _, err := r.Stamp(ctx, "missing"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Stamp: %v, want %v", err, ErrNotFound)
	}
}

func testRoundTrip(t *testing.T, r Ring, name string, is ringTest) {
	ctx, want := t.Context(), testItem(name)
	if err := r.Put(ctx, want); err != nil {
		t.Fatalf("Put: %v", err)
	}
	wantItem(t, r, want, is)
	if err := r.Remove(ctx, name); err != nil {
		t.Errorf("Remove: %v", err)
	}
	if _, err := r.Item(ctx, name); !errors.Is(err, ErrNotFound) {
		t.Errorf("Item after Remove: %v, want %v", err, ErrNotFound)
	}
}

func wantItem(t *testing.T, r Ring, want Item, is ringTest) {
	t.Helper()
	have, err := r.Item(t.Context(), want.Name)
	if err != nil {
		t.Fatalf("Item: %v", err)
	}
	if is.dataOnly {
		want = Item{Name: want.Name, Data: want.Data}
		have = Item{Name: have.Name, Data: have.Data}
	}
	if !reflect.DeepEqual(have, want) {
		t.Errorf("Item returned %+v, want %+v", have, want)
	}
}

func testNames(t *testing.T, r Ring, is ringTest) {
	ctx, names := t.Context(), []string{"one", "three", "two"}
	for _, name := range names {
		if err := r.Put(ctx, testItem(name)); err != nil {
			t.Fatal(err)
		}
	}
	have, err := r.Names(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if is.private {
		have = realNames(t, r, have)
	}
	if !slices.Equal(have, names) {
		t.Errorf("Names = %q, want %q", have, names)
	}
	for _, name := range names {
		if err := r.Remove(ctx, name); err != nil {
			t.Error(err)
		}
	}
	if have, err := r.Names(ctx); err != nil || len(have) != 0 {
		t.Errorf("Names after removing all = %q, %v", have, err)
	}
}

// realNames opens the items with these digests and returns the items' names.
func realNames(t *testing.T, r Ring, digests []string) []string {
	var names []string
	for _, digest := range digests {
		it, err := r.Item(t.Context(), digest)
		if err != nil {
			t.Errorf("item %s: %v", digest, err)
		}
		if it.Name == digest {
			t.Errorf("Names returns the name %q instead of a digest", digest)
		}
		names = append(names, it.Name)
	}
	slices.Sort(names)
	return names
}

func testReplace(t *testing.T, r Ring, is ringTest) {
	ctx, it := t.Context(), testItem("replaced")
	seen := map[string]bool{}
	for i := range 4 {
		it.Data = fmt.Appendf(nil, "content %d", i/2) // writing the same content again must change the stamp too
		if err := r.Put(ctx, it); err != nil {
			t.Fatal(err)
		}
		wantItem(t, r, it, is)
		stamp, err := r.Stamp(ctx, it.Name)
		if err != nil || is.noStamp != (stamp == "") {
			t.Errorf("Stamp = %q, %v", stamp, err)
		}
		if again, err := r.Stamp(ctx, it.Name); err != nil || again != stamp {
			t.Errorf("Stamp changed from %q to %q without a write, %v", stamp, again, err)
		}
		if seen[stamp] && !is.noStamp {
			t.Errorf("Stamp was %q before and after a write", stamp)
		}
		seen[stamp] = true
	}
	if names, err := r.Names(ctx); err != nil || len(names) != 1 {
		t.Errorf("after four writes of one item, Names = %q, %v", names, err)
	}
	if err := r.Remove(ctx, it.Name); err != nil {
		t.Error(err)
	}
}

func testInvalidNames(t *testing.T, r Ring) {
	ctx := t.Context()
	for _, name := range []string{"", ".", "..", "a\x00b", "\xff"} {
		var bad *NameError
		if err := r.Put(ctx, testItem(name)); !errors.As(err, &bad) {
			t.Errorf("Put(%q): %v, want a *NameError", name, err)
		}
		if _, err := r.Item(ctx, name); !errors.As(err, &bad) {
			t.Errorf("Item(%q): %v, want a *NameError", name, err)
		}
		if err := r.Remove(ctx, name); !errors.As(err, &bad) {
			t.Errorf("Remove(%q): %v, want a *NameError", name, err)
		}
		if _, err := r.Stamp(ctx, name); !errors.As(err, &bad) {
			t.Errorf("Stamp(%q): %v, want a *NameError", name, err)
		}
	}
}

// testConcurrent reads an item while other goroutines replace it. Each read must return the complete content of
// one write.
func testConcurrent(t *testing.T, r Ring) {
	ctx := t.Context()
	if err := r.Put(ctx, testItem("shared")); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for range 5 {
				if err := r.Put(ctx, testItem("shared")); err != nil {
					t.Errorf("Put: %v", err)
				}
			}
		})
		all.Go(func() {
			for range 10 {
				if it, err := r.Item(ctx, "shared"); err != nil || string(it.Data) != string(testItem("").Data) {
					t.Errorf("Item = %d bytes, %v", len(it.Data), err)
				}
			}
		})
	}
	all.Wait()
	if names, err := r.Names(ctx); err != nil || len(names) != 1 {
		t.Errorf("Names = %q, %v", names, err)
	}
	if err := r.Remove(ctx, "shared"); err != nil {
		t.Error(err)
	}
}

func testCanceled(t *testing.T, r Ring) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Item(ctx, "missing"); !errors.Is(err, context.Canceled) {
		t.Errorf("Item with a canceled context: %v", err)
	}
	if _, err := r.Names(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Names with a canceled context: %v", err)
	}
	if err := r.Put(ctx, testItem("late")); !errors.Is(err, context.Canceled) {
		t.Errorf("Put with a canceled context: %v", err)
	}
	if err := r.Remove(ctx, "missing"); !errors.Is(err, context.Canceled) {
		t.Errorf("Remove with a canceled context: %v", err)
	}
}
