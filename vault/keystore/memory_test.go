package keystore

import "testing"

func TestMemory(t *testing.T) {
	testRing(t, Memory(), ringTest{})
	if names, err := Memory().Names(t.Context()); err != nil || len(names) > 0 {
		t.Errorf("another memory has %q, %v", names, err)
	}
}
