package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// A site is a web server with static files.
type site struct {
	*httptest.Server
	files map[string]file // the files, keyed by URL path
}

type file struct {
	status         int
	kind, location string
	body           []byte
}

// newSite starts a site that publishes the correct files for the record r under /alice/.
func newSite(t *testing.T, r Record) *site {
	t.Helper()
	s := &site{files: map[string]file{}}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := s.files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", f.kind)
		if f.location != "" {
			w.Header().Set("Location", f.location)
		}
		w.WriteHeader(f.status)
		w.Write(f.body)
	}))
	t.Cleanup(s.Close)
	set, err := r.JWKS(noon)
	if err != nil {
		t.Fatal(err)
	}
	s.files["/alice/"+DiscoveryPath] = file{status: 200, kind: "application/json; charset=utf-8", body: Discovery(s.URL + "/alice")}
	s.files["/alice/"+KeysPath] = file{status: 200, kind: "application/jwk-set+json", body: set}
	return s
}

// fetch requests url without following redirects, as the program does.
func (s *site) fetch(ctx context.Context, url string) (Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return Response{}, err
	}
	c := *s.Client()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := c.Do(r)
	if err != nil {
		return Response{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxFileSize+1))
	return Response{resp.StatusCode, resp.Header.Get("Content-Type"), resp.Header.Get("Location"), body}, err
}

// edit changes a file under /alice/.
func (s *site) edit(path string, change func(*file)) {
	f := s.files["/alice/"+path]
	change(&f)
	s.files["/alice/"+path] = f
}

// rewrite changes the JSON in a file under /alice/.
func (s *site) rewrite(t *testing.T, path string, change func(map[string]any)) {
	t.Helper()
	s.edit(path, func(f *file) {
		var v map[string]any
		if err := json.Unmarshal(f.body, &v); err != nil {
			t.Fatal(err)
		}
		change(v)
		f.body, _ = json.Marshal(v)
	})
}

// threeKeys returns a record with three keys: the previous key, the signing key and the next key.
func threeKeys(t *testing.T) Record {
	t.Helper()
	var r Record
	for _, since := range []time.Duration{-48 * time.Hour, -time.Minute, 23 * time.Hour} {
		k, err := NewKey(newKey(t).Public(), Software, 0, noon.Add(since))
		if err != nil {
			t.Fatal(err)
		}
		r.Keys = append(r.Keys, k)
	}
	return r
}

func keysOf(v map[string]any) []any { return v["keys"].([]any) }

func keyAt(v map[string]any, i int) map[string]any { return keysOf(v)[i].(map[string]any) }

func TestCheck(t *testing.T) {
	keys := threeKeys(t)
	before, signing, next := keys.Keys[0].ID, keys.Keys[1].ID, keys.Keys[2].ID
	otherSet, err := JWKS(newKey(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	const fatal, mild = true, false
	for name, c := range map[string]struct {
		damage func(*site)
		at     string // path of the file with the problem
		found  string
		fatal  bool
	}{
		"no discovery":    {func(s *site) { delete(s.files, "/alice/"+DiscoveryPath) }, DiscoveryPath, "status 404", fatal},
		"no keys":         {func(s *site) { delete(s.files, "/alice/"+KeysPath) }, KeysPath, "status 404", fatal},
		"server error":    {func(s *site) { s.edit(KeysPath, func(f *file) { f.status = 500 }) }, KeysPath, "status 500", fatal},
		"redirect":        {func(s *site) { s.edit(KeysPath, func(f *file) { f.status, f.location = 301, "/other" }) }, KeysPath, `redirects to "/other" with status 301`, fatal},
		"content type":    {func(s *site) { s.edit(DiscoveryPath, func(f *file) { f.kind = "text/html" }) }, DiscoveryPath, `content type is "text/html"`, mild},
		"a set's type":    {func(s *site) { s.edit(DiscoveryPath, func(f *file) { f.kind = "application/jwk-set+json" }) }, DiscoveryPath, "content type", mild},
		"not JSON":        {func(s *site) { s.edit(DiscoveryPath, func(f *file) { f.body = []byte("<html>") }) }, DiscoveryPath, "cannot be decoded", fatal},
		"byte order mark": {func(s *site) { s.edit(KeysPath, func(f *file) { f.body = append([]byte("\ufeff"), f.body...) }) }, KeysPath, "cannot be decoded", fatal},
		"two documents":   {func(s *site) { s.edit(KeysPath, func(f *file) { f.body = append(f.body, "{}"...) }) }, KeysPath, "cannot be decoded", fatal},
		"too large": {func(s *site) {
			s.edit(KeysPath, func(f *file) { f.body = append(f.body, make([]byte, MaxFileSize)...) })
		}, KeysPath, "too large", fatal},
		"another issuer": {func(s *site) { s.rewrite(t, DiscoveryPath, func(v map[string]any) { v["issuer"] = s.URL + "/bob" }) }, DiscoveryPath, `/bob"`, fatal},
		"trailing slash": {func(s *site) { s.rewrite(t, DiscoveryPath, func(v map[string]any) { v["issuer"] = s.URL + "/alice/" }) }, DiscoveryPath, `/alice/"`, fatal},
		"no issuer":      {func(s *site) { s.rewrite(t, DiscoveryPath, func(v map[string]any) { delete(v, "issuer") }) }, DiscoveryPath, `issuer is ""`, fatal},
		"no ES256": {func(s *site) {
			s.rewrite(t, DiscoveryPath, func(v map[string]any) { delete(v, "id_token_signing_alg_values_supported") })
		}, DiscoveryPath, "does not contain ES256", mild},
		"no jwks_uri": {func(s *site) { s.rewrite(t, DiscoveryPath, func(v map[string]any) { delete(v, "jwks_uri") }) }, DiscoveryPath, `jwks_uri is ""`, fatal},
		"plain jwks_uri": {func(s *site) {
			s.rewrite(t, DiscoveryPath, func(v map[string]any) { v["jwks_uri"] = "http://127.0.0.1/jwks.json" })
		}, DiscoveryPath, `jwks_uri is "http:`, fatal},
		"user in jwks_uri": {func(s *site) {
			s.rewrite(t, DiscoveryPath, func(v map[string]any) { v["jwks_uri"] = "https://a:b@127.0.0.1/" })
		}, DiscoveryPath, "jwks_uri is", fatal},
		"signing key missing": {func(s *site) {
			s.rewrite(t, KeysPath, func(v map[string]any) { v["keys"] = slices.Delete(keysOf(v), 1, 2) })
		}, KeysPath, "key " + signing + " is missing", fatal},
		"next missing":   {func(s *site) { s.rewrite(t, KeysPath, func(v map[string]any) { v["keys"] = keysOf(v)[:2] }) }, KeysPath, "key " + next + " is missing", mild},
		"before missing": {func(s *site) { s.rewrite(t, KeysPath, func(v map[string]any) { v["keys"] = keysOf(v)[1:] }) }, KeysPath, "key " + before + " is missing", mild},
		"signing key twice": {func(s *site) {
			s.rewrite(t, KeysPath, func(v map[string]any) { v["keys"] = append(keysOf(v), keyAt(v, 1), keyAt(v, 1)) })
		}, KeysPath, "more than once", fatal},
		"another key":     {func(s *site) { s.rewrite(t, KeysPath, func(v map[string]any) { keyAt(v, 1)["x"] = keyAt(v, 0)["x"] }) }, KeysPath, "differs from the key", fatal},
		"another curve":   {func(s *site) { s.rewrite(t, KeysPath, func(v map[string]any) { keyAt(v, 1)["crv"] = "P-384" }) }, KeysPath, "differs from the key", fatal},
		"another alg":     {func(s *site) { s.rewrite(t, KeysPath, func(v map[string]any) { keyAt(v, 1)["alg"] = "ES384" }) }, KeysPath, `has the algorithm "ES384"`, fatal},
		"another use":     {func(s *site) { s.rewrite(t, KeysPath, func(v map[string]any) { keyAt(v, 1)["use"] = "enc" }) }, KeysPath, `has the use "enc"`, fatal},
		"the secret half": {func(s *site) { s.rewrite(t, KeysPath, func(v map[string]any) { keyAt(v, 1)["d"] = "AAAA" }) }, KeysPath, "with its private key", fatal},
		"a symmetric key": {func(s *site) { s.rewrite(t, KeysPath, func(v map[string]any) { keyAt(v, 1)["k"] = "AAAA" }) }, KeysPath, "with its private key", fatal},
		"key of another identity": {func(s *site) {
			s.rewrite(t, KeysPath, func(v map[string]any) { v["keys"] = append(keysOf(v), keyAt(parse(otherSet), 0)) })
		}, KeysPath, "is not a key of this identity", fatal},
		"key without ID": {func(s *site) {
			s.rewrite(t, KeysPath, func(v map[string]any) { v["keys"] = append(keysOf(v), map[string]any{"kty": "RSA"}) })
		}, KeysPath, `key "" is not a key of`, fatal},
		"keys are a text":  {func(s *site) { s.rewrite(t, KeysPath, func(v map[string]any) { v["keys"] = "none" }) }, KeysPath, `cannot be decoded ("keys" is a JSON string)`, fatal},
		"keys of a string": {func(s *site) { s.rewrite(t, KeysPath, func(v map[string]any) { v["keys"] = []string{"a"} }) }, KeysPath, "cannot be decoded", fatal},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, keys)
			if found := Check(t.Context(), s.fetch, s.URL+"/alice", keys, noon); len(found) != 0 {
				t.Fatalf("correct files: findings are %v, want none", found)
			}
			c.damage(s)
			found := Check(t.Context(), s.fetch, s.URL+"/alice", keys, noon)
			if len(found) != 1 || found[0].URL != s.URL+"/alice/"+c.at || !strings.Contains(found[0].Found, c.found) || found[0].Fatal != c.fatal || found[0].Expected == "" {
				t.Errorf("findings are %+v, want one about %q", found, c.found)
			}
			for _, f := range found {
				if strings.ContainsAny(f.String(), "\n\r") {
					t.Errorf("finding has several lines: %q", f)
				}
			}
		})
	}
}

func parse(text []byte) (v map[string]any) {
	json.Unmarshal(text, &v)
	return v
}

// TestCheckKeysAtOtherURL checks the case that jwks_uri is not the expected URL. Check must report this, and must
// still fetch the keys from jwks_uri.
func TestCheckKeysAtOtherURL(t *testing.T) {
	keys := threeKeys(t)
	s, other := newSite(t, keys), newSite(t, keys)
	for uri, found := range map[string]string{
		s.URL + "/keys":                `/keys"`,
		other.URL + "/alice/jwks.json": "another host",
	} {
		s.files["/keys"] = s.files["/alice/"+KeysPath]
		s.rewrite(t, DiscoveryPath, func(v map[string]any) { v["jwks_uri"] = uri })
		got := Check(t.Context(), s.fetch, s.URL+"/alice", keys, noon)
		if len(got) != 1 || !strings.Contains(got[0].Found, found) || got[0].Fatal || !strings.Contains(got[0].Expected, s.URL+"/alice/jwks.json") {
			t.Errorf("jwks_uri %s: findings are %+v", uri, got)
		}
	}
}

func TestCheckAtOtherTimes(t *testing.T) {
	keys := threeKeys(t)
	s := newSite(t, keys)
	found := Check(t.Context(), s.fetch, s.URL+"/alice", keys, noon.Add(2*time.Hour))
	if len(found) != 1 || found[0].Fatal || !strings.Contains(found[0].Found, keys.Keys[0].ID) || !strings.Contains(found[0].Found, "no longer signs") {
		t.Errorf("key that no longer signs: findings are %+v", found)
	}
	// Three days earlier, none of the identity's keys signs yet.
	found = Check(t.Context(), s.fetch, s.URL+"/alice", keys, noon.Add(-72*time.Hour))
	if len(found) != 1 || !found[0].Fatal || found[0].Found != ErrNoSigningKey.Error() {
		t.Errorf("before the first key signs: findings are %+v", found)
	}
}

func TestCheckUnreachable(t *testing.T) {
	var requested []string
	down := func(_ context.Context, url string) (Response, error) {
		requested = append(requested, url)
		return Response{}, errors.New("no route to host")
	}
	for issuer, want := range map[string][]string{
		"https://id.example.com/alice":  {"no response (no route to host)"},
		"http://127.0.0.1:8000/alice":   {"plain HTTP", "no response"},
		"https://id.example.com/alice/": {"ends with a slash"},
		"http://id.example.com/alice":   {"https://"},
	} {
		requested = nil
		found := Check(t.Context(), down, issuer, Record{}, noon)
		if len(found) != len(want) || len(requested) > 1 {
			t.Fatalf("%s: requested %q, findings are %+v", issuer, requested, found)
		}
		for i, f := range found {
			if !strings.Contains(f.Found, want[i]) || !f.Fatal {
				t.Errorf("%s: finding is %+v, want a fatal one about %q", issuer, f, want[i])
			}
		}
	}
}

// FuzzCheck runs Check on arbitrary files. Each finding must be one line. Files without the key's ID or without ES256
// must lead to findings.
func FuzzCheck(f *testing.F) {
	const issuer = "https://id.example.com/alice"
	secret := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	key := must(NewKey(secret.Public(), Software, 0, noon.Add(-time.Hour)))
	keys := Record{Keys: []Key{key}}
	set := must(keys.JWKS(noon))
	f.Add(Discovery(issuer), set, "application/json", 200)
	f.Add([]byte(`{"issuer":"https://id.example.com/alice","jwks_uri":"https://id.example.com/alice/jwks.json"}`), []byte(`{"keys":[{"kid":1}]}`), "a/b;", 302)
	f.Add([]byte(`{"jwks_uri":"https://id.example.com/%zz"}`), []byte(`{"keys":null}`), "", 200)
	f.Fuzz(func(t *testing.T, discovery, set []byte, kind string, status int) {
		requests := 0
		found := Check(t.Context(), func(_ context.Context, url string) (Response, error) {
			requests++
			if requests == 1 {
				return Response{Status: status, ContentType: kind, Location: kind, Body: discovery}, nil
			}
			return Response{Status: 200, ContentType: "application/json", Body: set}, nil
		}, issuer, keys, noon)
		if requests < 1 || requests > 2 {
			t.Fatalf("Check sent %d requests, want 1 or 2", requests)
		}
		for _, f := range found {
			if f.URL == "" || f.Found == "" || f.Expected == "" || strings.ContainsAny(f.String(), "\n\r") {
				t.Errorf("finding has an empty field or several lines: %+q", f)
			}
		}
		if len(found) == 0 && (requests != 2 || !strings.Contains(string(set), key.ID) || !strings.Contains(string(discovery), "ES256")) {
			t.Errorf("no findings in the wrong files %q and %q", discovery, set)
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
