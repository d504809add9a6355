package server

import (
	"io"
	"net/http"
	"testing"
)

// BenchmarkECSWarm measures a request for cached credentials. BenchmarkBareHandler measures a net/http handler
// that returns the same number of bytes. Compare the results of both benchmarks from the same run.
func BenchmarkECSWarm(b *testing.B) {
	benchmark(b, func(addr string) http.Handler {
		return ecsOn(addr, &Mount{Token: DigestOf(token), Cache: fixedCache("ASIAIOSFODNN7EXAMPLE")})
	})
}

func BenchmarkBareHandler(b *testing.B) {
	cache := fixedCache("ASIAIOSFODNN7EXAMPLE")
	h, err := cache.Get(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	text := h.ecsBody().text
	benchmark(b, func(string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(text) })
	})
}

func benchmark(b *testing.B, handler func(string) http.Handler) {
	r := startServer(b, handler, Server{})
	req, err := http.NewRequest("GET", "http://"+r.addr+"/", nil)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Authorization", token)
	b.ReportAllocs()
	for b.Loop() {
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}

// A request for cached credentials allocates almost no memory in addition to what net/http allocates.
func TestWarmAllocations(t *testing.T) {
	e := ecsOn("127.0.0.1:80", &Mount{Token: DigestOf(token), Cache: fixedCache("ASIAIOSFODNN7EXAMPLE")})
	r, err := http.NewRequest("GET", "http://127.0.0.1:80/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", token)
	r = withUncheckedConn(r)
	w := &discardWriter{header: http.Header{}}
	if n := testing.AllocsPerRun(1000, func() { e.ServeHTTP(w, r) }); n > 2 {
		t.Errorf("%v allocations", n)
	}
	if w.written == 0 {
		t.Error("the response is empty")
	}
}

type discardWriter struct {
	header  http.Header
	written int
}

func (n *discardWriter) Header() http.Header { return n.header }
func (n *discardWriter) WriteHeader(int)     {}
func (n *discardWriter) Write(p []byte) (int, error) {
	n.written += len(p)
	return len(p), nil
}
