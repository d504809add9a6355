package awsapi

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A requestRecorder is an HTTP transport that records the URL of a request, and the region in its signature. It
// does not send the request.
type requestRecorder struct {
	url           string
	signingRegion string
}

func (l *requestRecorder) RoundTrip(q *http.Request) (*http.Response, error) {
	l.url = q.URL.String()
	_, l.signingRegion, _ = strings.Cut(q.Header.Get("Authorization"), "Credential=")
	if parts := strings.Split(l.signingRegion, "/"); len(parts) > 2 {
		l.signingRegion = parts[2]
	}
	return nil, errors.New("not sent")
}

func TestSTSEndpoints(t *testing.T) {
	for _, c := range []struct {
		region        string
		endpoint      Endpoint
		url           string
		signingRegion string // region in the signature; empty if it equals the field region
	}{
		{"eu-west-1", Endpoint{}, "https://sts.eu-west-1.amazonaws.com/", ""},
		{"us-east-1", Endpoint{}, "https://sts.us-east-1.amazonaws.com/", ""},
		{"aws-global", Endpoint{}, "https://sts.amazonaws.com/", "us-east-1"},
		{"eu-west-1", Endpoint{Legacy: true}, "https://sts.amazonaws.com/", "us-east-1"},
		{"eu-south-1", Endpoint{Legacy: true}, "https://sts.eu-south-1.amazonaws.com/", ""},
		{"us-east-2", Endpoint{FIPS: true}, "https://sts-fips.us-east-2.amazonaws.com/", ""},
		{"us-east-2", Endpoint{FIPS: true, Legacy: true}, "https://sts-fips.us-east-2.amazonaws.com/", ""},
		{"us-gov-west-1", Endpoint{FIPS: true}, "https://sts.us-gov-west-1.amazonaws.com/", ""},
		{"eu-west-1", Endpoint{DualStack: true}, "https://sts.eu-west-1.api.aws/", ""},
		{"us-east-1", Endpoint{DualStack: true, FIPS: true}, "https://sts-fips.us-east-1.api.aws/", ""},
		{"cn-north-1", Endpoint{}, "https://sts.cn-north-1.amazonaws.com.cn/", ""},
		{"cn-north-1", Endpoint{DualStack: true}, "https://sts.cn-north-1.api.amazonwebservices.com.cn/", ""},
		{"cn-north-1", Endpoint{Legacy: true}, "https://sts.cn-north-1.amazonaws.com.cn/", ""},
		{"eusc-de-east-1", Endpoint{}, "https://sts.eusc-de-east-1.amazonaws.eu/", ""},
		{"us-iso-east-1", Endpoint{}, "https://sts.us-iso-east-1.c2s.ic.gov/", ""},
		{"us-isob-east-1", Endpoint{}, "https://sts.us-isob-east-1.sc2s.sgov.gov/", ""},
		{"eu-isoe-west-1", Endpoint{}, "https://sts.eu-isoe-west-1.cloud.adc-e.uk/", ""},
		{"us-isof-south-1", Endpoint{}, "https://sts.us-isof-south-1.csp.hci.ic.gov/", ""},
		{"eu-west-1", Endpoint{URL: "https://sts.example.com/base"}, "https://sts.example.com/base", ""},
		{"eu-west-1", Endpoint{URL: "https://sts.example.com", Legacy: true}, "https://sts.example.com/", ""},
	} {
		r := newFixture(t)
		var recorder requestRecorder
		r.Network.clients = map[clientKey]*http.Client{{}: {Transport: &recorder}}
		s := r.assumeReadOnly()
		s.Region, s.Endpoint = c.region, c.endpoint
		e := sendFailsAs[*UnreachableError](r, s)
		if c.signingRegion == "" {
			c.signingRegion = c.region
		}
		if recorder.url != c.url || recorder.signingRegion != c.signingRegion {
			t.Errorf("region %s, endpoint %+v: called %s, signed for %s, want %s, signed for %s", c.region, c.endpoint, recorder.url, recorder.signingRegion, c.url, c.signingRegion)
		}
		if u, err := url.Parse(recorder.url); err != nil || e.Endpoint != BaseOf(u) {
			t.Errorf("region %s, endpoint %+v: error names the endpoint %s", c.region, c.endpoint, e.Endpoint)
		}
		if aws := c.endpoint.URL == ""; aws != (len(r.hostNotices) == 0) || aws && !isAWS(strings.TrimPrefix(e.Endpoint, "https://")) {
			t.Errorf("region %s, endpoint %+v: host notices are %q", c.region, c.endpoint, r.hostNotices)
		}
	}
}

func TestIsAWS(t *testing.T) {
	for host, want := range map[string]bool{
		"sts.amazonaws.com": true, "STS.EU-WEST-1.AMAZONAWS.COM": true, "sts-fips.us-east-1.amazonaws.com": true,
		"sts.us-gov-east-1.amazonaws.com": true, "sts.us-east-1.api.aws": true,
		"vpce-0123456789abcdef0-abcdefgh.sts.us-east-1.vpce.amazonaws.com":            true,
		"vpce-0123456789abcdef0-abcdefgh-us-east-1a.sts.us-east-1.vpce.amazonaws.com": true,

		"evil-amazonaws.com": false, "amazonaws.com.evil.org": false, "sts.evil-amazonaws.com": false, "sts.amazonaws.com.evil.org": false,
		"amazonaws.com": false, "": false, "localhost": false, "127.0.0.1": false, "stsXamazonaws.com": false, "sts.amazonawsXcom": false,
		"evil.org.sts.amazonaws.com": false, "sts.amazonaws.com\n.evil.org": false, "evil.org\nsts.amazonaws.com": false,
		// Hosts that an AWS customer can own.
		"ec2-203-0-113-25.compute-1.amazonaws.com": false, "sts.s3.amazonaws.com": false, "sts.s3.eu-west-1.amazonaws.com": false,
		"sts-123.eu-west-1.elb.amazonaws.com": false, "abcdef.execute-api.eu-west-1.amazonaws.com": false,
		"vpce-svc.evil.us-east-1.vpce.amazonaws.com": false,
	} {
		if got := isAWS(host); got != want {
			t.Errorf("isAWS(%q) = %v, want %v", host, got, want)
		}
	}
}

func TestOtherHostIsReportedOnce(t *testing.T) {
	r := newFixture(t)
	r.mustSend(r.assumeReadOnly())
	s := r.assumeReadOnly()
	s.Endpoint.URL += "/"
	r.mustSend(s)
	if want := "calling " + r.aws.URL() + " instead of AWS, because of ~/.aws/config:3"; len(r.hostNotices) != 1 || r.hostNotices[0] != want {
		t.Errorf("host notices are %q, want %q once", r.hostNotices, want)
	}
}

func TestInvalidEndpoints(t *testing.T) {
	const password = "hunter2"
	for name, c := range map[string]struct{ url, found string }{
		"another scheme":      {"ftp://example.com", `"ftp://example.com"`},
		"no scheme":           {"example.com", `"example.com"`},
		"no host":             {"https:///path", `"https:///path"`},
		"port without a host": {"https://:443", `"https://:443"`},
		"junk":                {"http://a b\x1b", `"http://a b\x1b"`},
		"userinfo":            {"https://u:" + password + "@sts.amazonaws.com", "a URL with a user name"},
		"userinfo in junk":    {"https://u:" + password + "@a b", "a URL with a user name"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t)
			r.addSecret(password)
			s := r.assumeReadOnly()
			s.Endpoint.URL = c.url
			e := sendFailsAs[*EndpointError](r, s)
			if e.Origin != "~/.aws/config:3" || e.Found != c.found {
				t.Errorf("got %+v, want Found to be %s", e, c.found)
			}
			r.wantText(e, "~/.aws/config:3: endpoint is "+c.found)
			r.wantCalls(0)
		})
	}
}

func TestPlainHTTPOnlyToLoopback(t *testing.T) {
	for endpoint, refused := range map[string]bool{
		"http://sts.example.com": true, "http://sts.eu-west-1.amazonaws.com": true, "http://127.0.0.1.example.com:80/x": true, "http://0.0.0.0": true,
		"http://127.0.0.1:9": false, "http://localhost:9": false, "http://[::1]:9": false, "https://sts.example.com": false,
	} {
		r := newFixture(t)
		var recorder requestRecorder
		r.Network.clients = map[clientKey]*http.Client{{}: {Transport: &recorder}}
		s := r.webIdentity(r.addSecret("EXAMPLE.web.identity.token"))
		s.Endpoint.URL = endpoint
		var plain *PlainHTTPError
		err := r.sendFails(s)
		if errors.As(err, &plain) != refused || refused != (recorder.url == "") {
			t.Errorf("%s: got error %v, called %q", endpoint, err, recorder.url)
		}
		if refused && (plain.Origin != "~/.aws/config:3" || strings.HasSuffix(plain.URL, "/x")) {
			t.Errorf("%s: got %+v", endpoint, plain)
		}
		recorder.url = ""
		signed := r.assumeReadOnly() // plain HTTP is also refused for signed calls, whose responses contain secrets
		signed.Endpoint.URL = endpoint
		if err := r.sendFails(signed); errors.As(err, &plain) != refused || refused != (recorder.url == "") {
			t.Errorf("%s, signed: got error %v, called %q", endpoint, err, recorder.url)
		}
	}
}
