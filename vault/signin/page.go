package signin

import (
	"fmt"
	"html"
	"io"
	"log"
	"net/http"
)

// page is what a browser shows when it has brought its answer. It loads nothing.
const page = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>aws-vault</title>
<style>body{font:1.1rem/1.6 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem;color-scheme:light dark}</style>
<h1>%s</h1><p>%s</p></html>
`

// write sends a page. Nothing that the request says is repeated.
func write(w http.ResponseWriter, status int, title, text string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, page, html.EscapeString(title), html.EscapeString(text))
}

// quiet keeps what a stranger's request does wrong off the user's terminal.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
