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

// tlsSite implements a command of scripts: tlssite DIR. It serves the files in DIR over HTTPS, and sets SITE to the
// URL. It writes the certificate to site.pem. The file openid-configuration has no extension, so tlsSite sets its
// content type to JSON.
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
