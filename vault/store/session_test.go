package store

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"aws-vault/vault/keystore"
)

func TestSessionRoundTrip(t *testing.T) {
	want := session(time.Hour)
	want.Skew, want.KeyCheck, want.Credentials.AccountID = -90*time.Second, "c0ffee", "123456789012"
	data, err := encodeSession(nameA, want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decodeSession(nameA, data); err != nil || got != want {
		t.Errorf("decoded %+v, %v, want %+v", got, err, want)
	}
}

// damagedSessions returns items that are not valid sessions with the name nameA. For each item it returns a text
// that the error must contain.
func damagedSessions(t *testing.T) map[string]struct {
	data []byte
	want string
} {
	whole, err := encodeSession(nameA, session(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	other, _ := encodeSession(nameB, session(time.Hour))
	change := func(old, new string) []byte {
		changed := bytes.Replace(whole, []byte(old), []byte(new), 1)
		if bytes.Equal(changed, whole) {
			t.Fatalf("%q is not in the item", old)
		}
		return changed
	}
	return map[string]struct {
		data []byte
		want string
	}{
		"empty":          {nil, "not valid JSON for a session"},
		"truncated":      {whole[:len(whole)/2], "not valid JSON for a session"},
		"garbage":        {[]byte("\x00\xff" + testSecret), "not valid JSON for a session"},
		"trailing":       {append(bytes.Clone(whole), '{'), "not valid JSON for a session"},
		"oversized":      {append(bytes.Clone(whole), bytes.Repeat([]byte(" "), maxItem)...), "expected at most 65536"},
		"other version":  {change(`"version":1`, `"version":2`), "version 2, expected version 1"},
		"other type":     {change(`"type":"session"`, `"type":"`+testSecret+`"`), "another type of item"},
		"other name":     {other, "under another name"},
		"no key":         {change(testKeyID, ""), "no access key"},
		"no secret":      {change(testSecret, ""), "no access key"},
		"no expiry":      {change("2030-01-01T13:00:00Z", "0001-01-01T00:00:00Z"), "no valid creation or expiry time"},
		"no making":      {change("2030-01-01T12:00:00Z", "0001-01-01T00:00:00Z"), "no valid creation or expiry time"},
		"year 10000":     {change("2030-01-01T13:00:00Z", "9999-12-31T23:59:59-01:00"), "no valid creation or expiry time"},
		"skew beyond":    {change(`"type"`, `"skew_seconds":9223372037,"type"`), "skew is 9223372037 seconds"},
		"skew below":     {change(`"type"`, `"skew_seconds":-9223372037,"type"`), "skew is -9223372037 seconds"},
		"key of another": {[]byte(`{"AccessKeyID":"` + testKeyID + `","SecretAccessKey":"` + testSecret + `"}`), "expected a session"},
	}
}

func TestDamagedSessions(t *testing.T) {
	for name, d := range damagedSessions(t) {
		t.Run(name, func(t *testing.T) {
			w, calls := newTestSessions(t), 0
			w.ring.Items[nameA] = keystore.Item{Name: nameA, Data: d.data}
			k, warnings, err := w.Get(t.Context(), Request{Name: nameA, Create: w.lasting(time.Hour, &calls)})
			if err != nil || calls != 1 || k.Credentials.AccessKeyID != testKeyID {
				t.Fatalf("Get = %v, %v after %d calls of Create, want a new session", k.Credentials, err, calls)
			}
			var damaged *DamagedError
			if len(warnings) != 1 || !errors.As(warnings[0], &damaged) || damaged.Name != nameA {
				t.Fatalf("the warnings are %v, want one *DamagedError", warnings)
			}
			if text := damaged.Error(); !strings.Contains(text, d.want) || strings.Contains(text, testSecret) {
				t.Errorf("the warning is %q, want it to contain %q", text, d.want)
			}
			if _, warnings, err := w.Get(t.Context(), Request{Name: nameA}); err != nil || warnings != nil {
				t.Errorf("the next Get returned %v, %v, want the new session", warnings, err)
			}
		})
	}
}

func TestDamagedKeystoreItem(t *testing.T) {
	w, calls := newTestSessions(t), 0
	w.ring.Errors["Item"] = &keystore.DamagedError{Name: nameA, Where: "the tests", Err: errBroken}
	_, warnings, err := w.Get(t.Context(), Request{Name: nameA, Create: w.lasting(time.Hour, &calls)})
	if err != nil || calls != 1 || len(warnings) != 1 || !errors.Is(warnings[0], errBroken) {
		t.Errorf("Get returned the warnings %v and the error %v after %d calls of Create, want a warning and one call", warnings, err, calls)
	}
}

func TestFreshSession(t *testing.T) {
	const ahead, behind = -20 * time.Minute, 20 * time.Minute // AWS's clock minus this computer's clock
	for _, c := range []struct {
		name string
		life time.Duration
		skew time.Duration
		at   time.Duration // time since the session was created, by this computer's clock
		ask  Request
		want bool
	}{
		{"new", time.Hour, 0, 0, Request{MinLeft: 26 * time.Minute}, true},
		{"just long enough", time.Hour, 0, 34 * time.Minute, Request{MinLeft: 26 * time.Minute}, true},
		{"not long enough", time.Hour, 0, 34*time.Minute + 1, Request{MinLeft: 26 * time.Minute}, false},
		{"half its lifetime", 15 * time.Minute, 0, 7*time.Minute + 30*time.Second, Request{MinLeft: 26 * time.Minute}, true},
		{"less than half its lifetime", 15 * time.Minute, 0, 7*time.Minute + 31*time.Second, Request{MinLeft: 26 * time.Minute}, false},
		{"no minimum", time.Hour, 0, time.Hour - 1, Request{}, true},
		{"expired", time.Hour, 0, time.Hour, Request{}, false},

		{"maximum age", time.Hour, 0, 10 * time.Minute, Request{MaxAge: 10 * time.Minute}, true},
		{"too old", time.Hour, 0, 10*time.Minute + 1, Request{MaxAge: 10 * time.Minute}, false},
		{"clock ahead, older than the clock shows", time.Hour, ahead, 0, Request{MaxAge: 10 * time.Minute}, false},

		// The session expires at noon+life by AWS's clock. If this computer's clock shows noon, AWS's clock shows
		// noon+skew.
		{"clock ahead, not corrected", time.Hour + ahead, ahead, 39 * time.Minute, Request{MinLeft: time.Minute}, true},
		{"clock ahead, not corrected, expired", time.Hour + ahead, ahead, 40 * time.Minute, Request{}, false},
		{"clock ahead, corrected", time.Hour + ahead, ahead, ahead + 59*time.Minute, Request{MinLeft: time.Minute}, true},
		{"clock ahead, corrected, expired", time.Hour + ahead, ahead, ahead + time.Hour, Request{}, false},
		{"clock behind, not corrected", time.Hour + behind, behind, 59 * time.Minute, Request{MinLeft: time.Minute}, true},
		{"clock behind, expired", time.Hour + behind, behind, time.Hour, Request{}, false},
		{"clock behind, corrected", time.Hour + behind, behind, behind + 39*time.Minute, Request{MinLeft: time.Minute}, true},
		{"clock behind, corrected, expired", time.Hour + behind, behind, behind + time.Hour, Request{}, false},
		{"clock behind, half its lifetime", time.Hour + behind, behind, 30 * time.Minute, Request{MinLeft: 50 * time.Minute}, true},
		{"clock set back a little", time.Hour, 0, -time.Minute, Request{MinLeft: time.Minute}, true},
		{"clock set back far", time.Hour, 0, -time.Minute - 1, Request{MinLeft: time.Minute}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newTestSessions(t)
			k := session(c.life)
			k.Skew = c.skew
			w.put(t, nameA, k)
			w.now = noon.Add(c.at)
			c.ask.Name = nameA
			found, err := w.Find(t.Context(), c.ask)
			if found.Fresh != c.want || found.Warnings != nil || err != nil {
				t.Errorf("Find = %t, %v, %v, want %t", found.Fresh, found.Warnings, err, c.want)
			}
			calls := 0
			c.ask.Create = w.lasting(time.Hour, &calls)
			if _, _, err := w.Get(t.Context(), c.ask); err != nil || calls == 0 != c.want {
				t.Errorf("Get created %d sessions (%v)", calls, err)
			}
		})
	}
}

// A session is Short if it is valid for at least five minutes, but for less time than the request needs.
func TestShortSession(t *testing.T) {
	for _, c := range []struct {
		name string
		at   time.Duration // time since the session was created; the session has a lifetime of one hour
		ask  Request
		want bool
	}{
		{"answers", 34 * time.Minute, Request{MinLeft: 26 * time.Minute}, false},
		{"five minutes", 55 * time.Minute, Request{MinLeft: 26 * time.Minute}, true},
		{"less than five minutes", 55*time.Minute + 1, Request{MinLeft: 26 * time.Minute}, false},
		{"expired", 2 * time.Hour, Request{}, false},
		{"too old", 11 * time.Minute, Request{MaxAge: 10 * time.Minute}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newTestSessions(t)
			w.put(t, nameA, session(time.Hour))
			w.now = noon.Add(c.at)
			c.ask.Name = nameA
			if found, err := w.Find(t.Context(), c.ask); found.Short != c.want || found.Fresh && found.Short || err != nil {
				t.Errorf("Find = %t, %v, want %t", found.Short, err, c.want)
			}
		})
	}
}

// TestExpiredIsNeverReturned uses random sessions. Each session was created with a wrong clock and a measured
// skew. The clock may have been corrected since then.
func TestExpiredIsNeverReturned(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	upTo := func(d time.Duration) time.Duration { return time.Duration(r.Int64N(int64(d)/1e9)) * time.Second }
	w := newTestSessions(t)
	w.Cancelled = isCancelled
	served := map[string]int{}
	for range 5000 {
		skew, life, passed := upTo(2*time.Hour)-time.Hour, upTo(3*time.Hour)+time.Second, upTo(4*time.Hour)
		created := noon.Add(upTo(time.Hour)) // the correct time
		k := Session{Credentials: temporary(created.Add(life)), Created: created.Add(-skew), Skew: skew}
		w.put(t, nameA, k)
		trueNow := created.Add(passed)
		if w.now = trueNow; r.IntN(2) == 0 {
			w.now = trueNow.Add(-skew)
		}
		a := Request{
			Name: nameA, MinLeft: upTo(time.Hour), MaxAge: upTo(time.Hour) * time.Duration(r.IntN(2)),
			MaxLeft: upTo(time.Hour) * time.Duration(r.IntN(2)), LimitedName: nameB,
		}
		delete(w.ring.Items, nameB)
		if r.IntN(2) == 0 {
			w.put(t, nameB, k)
		}
		if err := []error{nil, errBroken, errCancelled}[r.IntN(3)]; err != nil {
			a.Create = failing(err)
		} else {
			a.Create = func(context.Context) (Created, error) {
				return Created{Credentials: temporary(trueNow.Add(upTo(time.Hour) - 30*time.Minute)), Skew: trueNow.Sub(w.now)}, nil
			}
		}
		found, err := w.Find(t.Context(), a)
		got, warnings := found.Session, found.Warnings
		if short := found.Short && r.IntN(2) == 0; err == nil && !found.Fresh && !short {
			got, warnings, err = w.Replace(t.Context(), a, found)
		}
		switch {
		case err != nil:
			served["error"]++
			if got != (Session{}) {
				t.Fatalf("the error comes with a session: %+v, %v", got, err)
			}
			continue
		case len(warnings) > 0:
			served["stale"]++
		case got.Created.Equal(k.Created):
			served["cached"]++
		default:
			served["created"]++
		}
		if !got.Credentials.Expires.After(trueNow) {
			t.Fatalf("at %v Get returned a session that expired at %v (skew %v, this clock %v)", trueNow, got.Credentials.Expires, skew, w.now)
		}
	}
	for _, way := range []string{"error", "stale", "cached", "created"} {
		if served[way] < 20 {
			t.Errorf("only %d results were %q, want at least 20", served[way], way)
		}
	}
}

func TestFallBackToOlderSession(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, c := range []struct {
		name  string
		ctx   context.Context
		left  time.Duration
		ask   Request
		stale bool
	}{
		{"valid", t.Context(), time.Minute, Request{Create: failing(errBroken)}, true},
		{"valid for a moment", t.Context(), 10 * time.Second, Request{Create: failing(errBroken)}, true},
		{"almost expired", t.Context(), 9 * time.Second, Request{Create: failing(errBroken)}, false},
		{"expired", t.Context(), -time.Second, Request{Create: failing(errBroken)}, false},
		{"too old", t.Context(), time.Minute, Request{Create: failing(errBroken), MaxAge: time.Minute}, false},
		{"user gave up", t.Context(), time.Minute, Request{Create: failing(errCancelled)}, false},
		{"stopped", stopped, time.Minute, Request{Create: failing(errBroken)}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newTestSessions(t)
			w.Cancelled = isCancelled
			k := session(time.Hour)
			w.put(t, nameA, k)
			w.now = noon.Add(time.Hour - c.left)
			c.ask.Name, c.ask.MinLeft = nameA, 5*time.Minute
			got, warnings, err := w.Get(c.ctx, c.ask)
			if !c.stale {
				if err == nil || got != (Session{}) || warnings != nil {
					t.Fatalf("Get = %+v, %v, %v, want the error of Create", got, warnings, err)
				}
				return
			}
			var stale *StaleError
			if err != nil || len(warnings) != 1 || !errors.As(warnings[0], &stale) {
				t.Fatalf("Get returned the warnings %v and the error %v, want a *StaleError as a warning", warnings, err)
			}
			if got != k || !stale.Until.Equal(k.Credentials.Expires) || !errors.Is(stale, errBroken) {
				t.Errorf("got %+v until %v because of %v", got, stale.Until, stale.Err)
			}
			until := k.Credentials.Expires.Local().Format("15:04:05")
			if text := stale.Error(); !strings.Contains(text, "until "+until) || !strings.Contains(text, errBroken.Error()) {
				t.Errorf("the warning is %q", text)
			}
		})
	}
}

// FuzzDecodeSession checks that a session stays the same when it is decoded, encoded and decoded again.
func FuzzDecodeSession(f *testing.F) {
	whole, err := encodeSession(nameA, session(time.Hour))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(bytes.Replace(whole, []byte(`"type"`), []byte(`"skew_seconds":-9223372036,"type"`), 1))
	f.Add(bytes.Replace(whole, []byte("13:00:00Z"), []byte("13:00:00.5+05:30"), 1))
	f.Add(whole[:40])
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := decodeSession(nameA, data)
		if err != nil {
			var damaged *DamagedError
			if !errors.As(err, &damaged) || k != (Session{}) {
				t.Fatalf("decoded %+v, %v", k, err)
			}
			return
		}
		again, err := encodeSession(nameA, k)
		if err != nil {
			t.Fatal(err)
		}
		if len(again) > maxItem {
			return // JSON escaping made the session longer than an item may be
		}
		if back, err := decodeSession(nameA, again); err != nil || back != k {
			t.Fatalf("%+v became %+v, %v", k, back, err)
		}
	})
}
