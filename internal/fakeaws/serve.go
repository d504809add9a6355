package fakeaws

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// request is a call that the fake is processing.
type request struct {
	http            *http.Request
	body            []byte
	service, action string
	params          url.Values
	now             time.Time
	caller          *caller // the principal that signed the call; nil before authentication and for unsigned calls
	call            *Call
	retrieved       *fetchedKeys // the keys of the web identity provider; nil if they were not fetched
}

// operation processes a call. If run returns an answer, the answer is sent; any other result is encoded into a
// response.
type operation struct {
	service  string
	unsigned bool
	run      func(*AWS, *request) (any, error)
}

// answer is an HTTP response.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ServeHTTP responds as AWS does. Under /_fake/, it responds to requests that control the fake.
func (a *AWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "fake AWS: "+err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	if path, ok := strings.CutPrefix(r.URL.Path, "/_fake/"); ok {
		a.control(w, r, path, body)
		return
	}
	req, op := route(r, body)
	a.mu.Lock()
	f := a.fault(req.action)
	req.now = a.now().Add(f.Skew)
	a.record(req)
	a.mu.Unlock()
	if a.watched(req, false) || !a.wait(f, r) || f.Hangup {
		a.hangup(w, req)
		return
	}
	if req.action == "AssumeRoleWithWebIdentity" {
		req.retrieved = a.fetchKeysOf(r.Context(), req.params)
	}
	out := a.handle(req, op, f)
	if a.watched(req, true) || !a.waitLate(f, r) || f.AnswerLost {
		a.hangup(w, req)
		return
	}
	for name, values := range out.header {
		w.Header()[name] = values
	}
	w.WriteHeader(out.status)
	_, _ = w.Write(out.body) // an error is ignored: it means that the client has disconnected
}

// hangup closes the connection without a response.
func (a *AWS) hangup(w http.ResponseWriter, r *request) {
	a.mu.Lock()
	r.call.lost = true
	a.mu.Unlock()
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		conn.Close()
	}
}

// handle processes a call and records the result.
func (a *AWS) handle(r *request, op *operation, f Fault) answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.callsAnswered++
	r.now = a.now().Add(f.Skew) // set again, because the fault may have made the call wait
	out := a.perform(r, op, f)
	if out.header == nil {
		out.header = http.Header{}
	}
	out.header.Set("Date", r.now.UTC().Format(http.TimeFormat))
	out.header.Set("X-Amzn-Requestid", requestID(a.callsAnswered))
	r.call.Status = out.status
	if f.TruncateXML {
		out.body = out.body[:len(out.body)/2]
	}
	r.call.lost = f.HTML || f.TruncateXML
	return out
}

func (a *AWS) perform(r *request, op *operation, f Fault) answer {
	if f.HTML {
		return page(http.StatusOK, "<h1>Welcome to Example Hotel</h1><p>Please accept our terms to use the network.</p>")
	}
	result, err := a.run(r, op, f)
	if out, ok := result.(answer); ok && err == nil {
		return out
	}
	var no *refusal
	if err != nil && !errors.As(err, &no) {
		no = refuse(500, "InternalFailure", "%v", err)
	}
	if no != nil {
		r.call.Code = no.code
	}
	if r.service == "sts" || r.service == "iam" {
		return queryAnswer(r, result, no, requestID(a.callsAnswered))
	}
	return jsonAnswer(r, result, no)
}

func (a *AWS) run(r *request, op *operation, f Fault) (any, error) {
	if op == nil {
		return nil, refuse(400, "InvalidAction", "Could not find operation %s for version %s", r.action, r.params.Get("Version"))
	}
	if !op.unsigned {
		if err := a.authenticate(r); err != nil {
			return nil, err
		}
	}
	if err := f.refusal(r.service); err != nil {
		return nil, err
	}
	if !op.unsigned {
		if err := a.permit(r); err != nil {
			return nil, err
		}
	}
	return op.run(a, r)
}

// route finds the operation of a request. The JSON services have a path for each operation; the query services have
// the parameter Action. If the fake does not implement the requested operation, the returned operation is nil.
func route(r *http.Request, body []byte) (*request, *operation) {
	req := &request{http: r, body: body, params: r.URL.Query()}
	if op, action, ok := routeREST(r); ok {
		req.service, req.action = op.service, action
		if !fromForm(req.params, r, body) {
			fromJSON(req.params, body)
		}
		if req.action == "" {
			req.action = req.params.Get("Action")
		}
		return req, &op
	}
	fromForm(req.params, r, body)
	req.action, req.service = req.params.Get("Action"), "sts"
	if req.params.Get("Version") == iamVersion {
		req.service = "iam"
	}
	op, ok := queryOperations[req.action]
	if !ok || op.service != req.service || r.URL.Path != "/" && r.URL.Path != "" {
		return req, nil
	}
	return req, &op
}

// fromForm adds the fields of a form in the body to params. It returns false if the body is not a form.
func fromForm(params url.Values, r *http.Request, body []byte) bool {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return false
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return true // the operation then refuses the call, because parameters are missing
	}
	maps.Copy(params, form)
	return true
}

// fromJSON adds the fields of a flat JSON object in the body to params.
func fromJSON(params url.Values, body []byte) {
	var fields map[string]any
	if json.Unmarshal(body, &fields) != nil {
		return // the operation then refuses the call, because parameters are missing
	}
	for name, value := range fields {
		if list, ok := value.([]any); ok {
			for _, v := range list {
				params.Add(name, fmt.Sprint(v))
			}
			continue
		}
		params.Set(name, fmt.Sprint(value))
	}
}

// jsonAnswer encodes a response of a JSON service. The JSON services use different fields for errors.
func jsonAnswer(r *request, result any, no *refusal) answer {
	out := answer{status: http.StatusOK, header: http.Header{"Content-Type": {"application/json"}}}
	if no != nil {
		out.status = no.status
		out.header.Set("X-Amzn-Errortype", no.code)
		fields := map[string]string{"message": no.message, "__type": no.code}
		if no.reason != "" {
			fields["error"] = no.reason
		}
		result = fields
		if r.service == "oidc" {
			result = map[string]string{"error": oauthError(no.code), "error_description": no.message}
		}
	}
	if result == nil {
		return out
	}
	out.body, _ = json.Marshal(result) // flat structs and maps can always be encoded
	return out
}

// page returns an HTML response. The page has an empty icon, so that the browser does not request an icon from the
// fake.
func page(status int, body string) answer {
	return answer{status, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, []byte(`<!doctype html><title>Example</title><link rel="icon" href="data:,">` + body)}
}
