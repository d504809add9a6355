package source

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/identity"
)

func TestPageFetcher(t *testing.T) {
	asked := map[string]int{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked[r.URL.Path]++
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/there", http.StatusFound)
		case "/large":
			w.Write(make([]byte, 2*identity.MaxFileSize))
		case "/there":
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte("{}"))
		case "/silent":
			<-r.Context().Done()
		}
	}))
	t.Cleanup(s.Close)
	open := func(name string) (io.ReadCloser, error) { return os.Open(name) }
	api := &awsapi.Client{Network: &awsapi.Network{Open: open}, Clock: &awsapi.Clock{Local: time.Now}}
	fetch, err := PageFetcher(api, "")
	if err != nil {
		t.Fatal(err)
	}
	if p, err := fetch(t.Context(), s.URL+"/there"); err != nil || p.Status != 200 || p.ContentType != "application/json" || string(p.Body) != "{}" {
		t.Errorf("got %+v, %v", p, err)
	}
	if p, err := fetch(t.Context(), s.URL+"/moved"); err != nil || p.Status != 302 || p.Location != "/there" || asked["/there"] != 1 {
		t.Errorf("a page that redirects: got %+v, %v", p, err)
	}
	if p, err := fetch(t.Context(), s.URL+"/large"); err != nil || len(p.Body) != identity.MaxFileSize+1 {
		t.Errorf("large page: got %d bytes, %v", len(p.Body), err)
	}
	if _, err := fetch(t.Context(), "https://id.example.com/\x7f"); err == nil {
		t.Error("an invalid URL was fetched")
	}
	var late *awsapi.TimeoutError
	api.Timeout = time.Millisecond
	if _, err := fetch(t.Context(), s.URL+"/silent"); !errors.As(err, &late) {
		t.Errorf("a server that does not respond: got %v, want a timeout", err)
	}
	api.Timeout = 0
	s.Close()
	if _, err := fetch(t.Context(), s.URL+"/there"); err == nil || strings.Contains(err.Error(), "/there") {
		t.Errorf("a server that was stopped: got %v", err)
	}
	if _, err := PageFetcher(api, filepath.Join(t.TempDir(), "none.pem")); err == nil {
		t.Error("got no error for a missing bundle")
	}
}
