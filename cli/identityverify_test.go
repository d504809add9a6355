package cli_test

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// tlsSite is a command of scripts: tlssite DIR. It serves a folder over HTTPS, and sets SITE to the URL. The
// certificate is written to site.pem. The file openid-configuration has the content type JSON, although its name has
// no extension.
func tlsSite(ts *testscript.TestScript, _ bool, args []string) {
	files := http.FileServer(http.Dir(ts.MkAbs(args[0])))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/openid-configuration") {
			w.Header().Set("Content-Type", "application/json")
		}
		files.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // hides the errors of clients that do not trust the certificate
	server.StartTLS()
	ts.Defer(server.Close)
	ts.Setenv("SITE", server.URL)
	ts.Check(os.WriteFile(ts.MkAbs("site.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
}
