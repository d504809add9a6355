package fakeaws

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const identityQuery = "Action=GetCallerIdentity&Version=2011-06-15"

// signed returns a request that the SDK has signed. Tests change the request to make the signature wrong.
func signed(t *testing.T, a *AWS, keys aws.Credentials, service, region string, at time.Time) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL()+"/", strings.NewReader(identityQuery))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := v4.NewSigner().SignHTTP(context.Background(), keys, r, digest([]byte(identityQuery)), service, region, at); err != nil {
		t.Fatal(err)
	}
	return r
}

// send returns the status and the body of the response.
func send(t *testing.T, r *http.Request) (int, string) {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestSignature(t *testing.T) {
	a := newAWS(t)
	a.SetClock(func() time.Time { return noon })
	w := a.Example()
	good := static(w.Key)
	wrong := aws.Credentials{AccessKeyID: w.Key.ID, SecretAccessKey: "wrong"}
	unknown := aws.Credentials{AccessKeyID: "AKIAUNKNOWNEXAMPLE", SecretAccessKey: w.Key.Secret}
	stray := aws.Credentials{AccessKeyID: w.Key.ID, SecretAccessKey: w.Key.Secret, SessionToken: "stray"}
	keep := func(*http.Request) {}
	swap := func(old, now string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, now, 1))
		}
	}
	for _, test := range []struct {
		name            string
		keys            aws.Credentials
		service, region string
		ahead           time.Duration
		spoil           func(*http.Request)
		status          int
		want            string
	}{
		{"good", good, "sts", "us-east-1", 0, keep, 200, "arn:aws:iam::123456789012:user/alice"},
		{"another region", good, "sts", "cn-north-1", 0, keep, 200, "user/alice"},
		{"five minutes early", good, "sts", "us-east-1", 5 * time.Minute, keep, 200, "user/alice"},
		{"five minutes late", good, "sts", "us-east-1", -5 * time.Minute, keep, 200, "user/alice"},
		{"early", good, "sts", "us-east-1", 6 * time.Minute, keep, 403, "Signature not yet current: 20300102T120600Z is still later than 20300102T120500Z (20300102T120000Z + 5 min.)"},
		{"late", good, "sts", "us-east-1", -6 * time.Minute, keep, 403, "Signature expired: 20300102T115400Z is now earlier than 20300102T115500Z (20300102T120000Z - 5 min.)"},
		{"wrong secret", wrong, "sts", "us-east-1", 0, keep, 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"unknown key", unknown, "sts", "us-east-1", 0, keep, 403, "<Code>InvalidClientTokenId</Code>"},
		{"token with a user's key", stray, "sts", "us-east-1", 0, keep, 403, "<Code>InvalidClientTokenId</Code>"},
		{"other service", good, "iam", "us-east-1", 0, keep, 403, "Credential should be scoped to correct service: &#39;sts&#39;."},
		{"no region", good, "sts", "", 0, keep, 403, "valid region"},
		{"body changed", good, "sts", "us-east-1", 0, func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(strings.Replace(identityQuery, "sts", "STS", 1) + "&"))
			r.ContentLength = int64(len(identityQuery)) + 1
		}, 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"signed header changed", good, "sts", "us-east-1", 0, func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded; x") }, 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"query added", good, "sts", "us-east-1", 0, func(r *http.Request) { r.URL.RawQuery = "x=1" }, 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"not signed", good, "sts", "us-east-1", 0, func(r *http.Request) { r.Header.Del("Authorization") }, 403, "<Code>MissingAuthenticationToken</Code>"},
		{"other algorithm", good, "sts", "us-east-1", 0, swap("HMAC", "RSA"), 400, "<Code>IncompleteSignature</Code>"},
		{"short scope", good, "sts", "us-east-1", 0, swap("/aws4_request", ""), 400, "five parts"},
		{"no credential", good, "sts", "us-east-1", 0, swap("Credential=", "C="), 400, "Credential"},
		{"no signature", good, "sts", "us-east-1", 0, swap("Signature=", "S="), 400, "Signature"},
		{"host not signed", good, "sts", "us-east-1", 0, swap(";host;", ";"), 400, "must name host"},
		{"headers not sorted", good, "sts", "us-east-1", 0, swap("SignedHeaders=", "SignedHeaders=z;"), 400, "sorted"},
		{"date missing", good, "sts", "us-east-1", 0, func(r *http.Request) { r.Header.Del("X-Amz-Date") }, 400, "Got &#39;&#39;"},
		{"date of another day", good, "sts", "us-east-1", 0, func(r *http.Request) { r.Header.Set("X-Amz-Date", "20300103T120000Z") }, 403, "does not match YYYYMMDD"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := signed(t, a, test.keys, test.service, test.region, noon.Add(test.ahead))
			test.spoil(r)
			if status, body := send(t, r); status != test.status || !strings.Contains(body, test.want) {
				t.Errorf("got %d %s, want %d %s", status, body, test.status, test.want)
			}
		})
	}
}

// A call with a session's credentials must have the session's own token, and the signature must include the token.
func TestSessionTokenIsPartOfTheKey(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	keys := userSessionOf(t, a, w.Key, nil)
	other := userSessionOf(t, a, w.Key, nil)
	for name, spoil := range map[string]func(*aws.Credentials){
		"missing":   func(c *aws.Credentials) { c.SessionToken = "" },
		"another's": func(c *aws.Credentials) { c.SessionToken = other.SessionToken },
	} {
		t.Run(name, func(t *testing.T) {
			spoilt := keys
			spoil(&spoilt)
			_, err := whoami(t, a, spoilt)
			wantCode(t, err, "InvalidClientTokenId", "security token")
		})
	}
	t.Run("unsigned", func(t *testing.T) {
		bare := keys
		bare.SessionToken = ""
		r := signed(t, a, bare, "sts", "us-east-1", a.Now())
		r.Header.Set("X-Amz-Security-Token", keys.SessionToken)
		if status, body := send(t, r); status != 403 || !strings.Contains(body, "must be a signed header") {
			t.Errorf("got %d %s", status, body)
		}
	})
}

func TestUnknownActionAndPath(t *testing.T) {
	a := newAWS(t)
	for _, path := range []string{"/?Action=MakeCoffee&Version=2011-06-15", "/?Action=GetUser&Version=2011-06-15", "/elsewhere?Action=GetCallerIdentity"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if status, body := send(t, r); status != 400 || !strings.Contains(body, "<Code>InvalidAction</Code>") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestBodyIsBounded(t *testing.T) {
	a := newAWS(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL()+"/", strings.NewReader(strings.Repeat("x", maxBody+1)))
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := send(t, r); status != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d for %d bytes, want 413", status, maxBody+1)
	}
	if calls := a.Calls(); len(calls) != 0 {
		t.Errorf("recorded %v", calls)
	}
}

func TestGETIsSignedToo(t *testing.T) {
	a := newAWS(t)
	w := a.Example()
	query := url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}, "Odd": {"a b+c/ü~*"}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL()+"/?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := v4.NewSigner().SignHTTP(t.Context(), static(w.Key), r, digest(nil), "sts", "us-east-1", a.Now()); err != nil {
		t.Fatal(err)
	}
	if status, body := send(t, r); status != 200 {
		t.Errorf("got %d %s", status, body)
	}
}

func FuzzSignature(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20300102/us-east-1/sts/aws4_request, SignedHeaders=host;x-amz-date, Signature=00")
	f.Add("AWS4-HMAC-SHA256 ")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSignature(text)
		if err != nil {
			wantRefusal(t, err)
			return
		}
		again, err := parseSignature(algorithm + " Credential=" + strings.Join([]string{s.keyID, s.date, s.region, s.service, "aws4_request"}, "/") +
			", SignedHeaders=" + strings.Join(s.headers, ";") + ", Signature=" + s.sum)
		if err != nil || again.keyID != s.keyID || again.sum != s.sum {
			t.Errorf("%q does not come back: %+v, %v", text, again, err)
		}
	})
}

// wantRefusal fails the test unless err is an AWS error.
func wantRefusal(t *testing.T, err error) {
	t.Helper()
	if _, ok := err.(*refusal); !ok {
		t.Errorf("error %v (%T), want a refusal", err, err)
	}
}
