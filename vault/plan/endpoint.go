package plan

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"aws-vault/vault/profile"
)

// An Endpoint describes how the calls of a step reach AWS. It does not include the region.
type Endpoint struct {
	URL       string `json:"url,omitempty"` // a custom URL; empty for AWS's own URL
	FIPS      bool   `json:"fips,omitempty"`
	DualStack bool   `json:"dual_stack,omitempty"`
	Legacy    bool   `json:"legacy,omitempty"`     // whether to use the global STS endpoint, AWS's former default
	CABundle  string `json:"ca_bundle,omitempty"`  // a file with root certificates; empty for those of the system
	Origin    string `json:"origin,omitempty"`     // the place where URL is set
	PlainHTTP bool   `json:"plain_http,omitempty"` // whether allow_plain_http allows plain HTTP to the host of URL

	MaxAttempts int    `json:"max_attempts,omitempty"` // number of attempts per call; 0 means three
	RetryMode   string `json:"retry_mode,omitempty"`   // standard or adaptive; empty for standard
}

// Call returns the region and the endpoint for the command's own call to a service. It returns the zero Call if
// the command does not call that service.
func (p Plan) Call(service string) Call {
	for _, c := range p.Calls {
		if c.Service == service {
			return c
		}
	}
	return Call{}
}

// A Call describes a call to a service that a command makes with the credentials of a plan.
type Call struct {
	Service  string        `json:"service"` // the name that the services section of the config file uses
	Region   string        `json:"region"`
	Endpoint Endpoint      `json:"endpoint,omitzero"`
	Duration time.Duration `json:"-"` // lifetime to request from AWS; 0 for AWS's default
}

func endpoint(q *profile.Profile) Endpoint { return serviceEndpoint(q, "sts") }

func serviceEndpoint(q *profile.Profile, service string) Endpoint {
	e := Endpoint{
		FIPS: q.Bool("use_fips_endpoint"), DualStack: q.Bool("use_dualstack_endpoint"),
		Legacy:   service == "sts" && q.Text("sts_regional_endpoints") == "legacy",
		CABundle: q.Text("ca_bundle"),
	}
	e.MaxAttempts, e.RetryMode = retries(q)
	if v := q.ServiceEndpoint(service); v.Text != "" {
		e.URL, e.Origin, e.PlainHTTP = v.Text, v.Origin.String(), allowsPlainHTTP(q, v.Text)
	}
	return e
}

// withCommandSettings returns the plan with the region and the endpoints that the command receives. The command cannot
// read them from the profile, because it does not know the profile's name.
func (p Plan) withCommandSettings(q *profile.Profile) Plan {
	p.Region, p.URL, p.IgnoreURLs = q.Text("region"), q.ServiceEndpoint("").Text, q.Text("ignore_configured_endpoint_urls")
	for service, v := range q.ServiceEndpoints() {
		if v.Origin.Kind == profile.Environment {
			continue // the command inherits this variable
		}
		if p.ServiceURLs == nil {
			p.ServiceURLs = map[string]string{}
		}
		p.ServiceURLs[service] = v.Text
	}
	return p
}

// allowsPlainHTTP reports whether a profile allows plain HTTP to the host of a URL. The hosts of this machine need no
// such permission, and are not considered.
func allowsPlainHTTP(q *profile.Profile, address string) bool {
	u, err := url.Parse(address)
	return err == nil && slices.ContainsFunc(q.List("allow_plain_http"), func(host string) bool { return strings.EqualFold(host, u.Hostname()) })
}

// retries returns the number of attempts per call and the retry mode. The zero values mean the SDK's defaults.
func retries(q *profile.Profile) (attempts int, mode string) {
	attempts, _ = strconv.Atoi(q.Text("max_attempts")) // 0 if not set; package profile has checked the number
	return attempts, q.Text("retry_mode")
}

// encode writes the URL and the flags. It omits the origin of the URL, the permission for plain HTTP and the retry
// settings, because they do not change a session. It also omits the root certificates: Step.encode writes them, and the
// digests of sign-ins do not include them.
func (e Endpoint) encode(enc *encoder) {
	enc.text(e.URL)
	enc.flag(e.FIPS)
	enc.flag(e.DualStack)
	enc.flag(e.Legacy)
}

// STS returns the region and the endpoint for a call to STS that is not part of a plan. Both come from the
// settings of p. If p sets no region, the region is the default region of the partition of p's role or MFA device,
// or us-east-1.
func STS(p *profile.Profile) Call {
	c := chain{target: p}
	return Call{Service: "sts", Region: c.region(p, true), Endpoint: endpoint(p)}
}
