package plan

import (
	"strconv"
	"time"

	"aws-vault/vault/partition"
	"aws-vault/vault/profile"
)

// An Endpoint is where the calls of a step go, apart from the region.
type Endpoint struct {
	URL       string `json:"url,omitempty"` // explicit; empty for AWS's own
	FIPS      bool   `json:"fips,omitempty"`
	DualStack bool   `json:"dual_stack,omitempty"`
	Legacy    bool   `json:"legacy,omitempty"`    // the global STS endpoint, where AWS once defaulted to it
	CABundle  string `json:"ca_bundle,omitempty"` // a file of roots to trust instead of the system's
	Origin    string `json:"origin,omitempty"`    // where URL was read

	MaxAttempts int    `json:"max_attempts,omitempty"` // how often a call is tried; 0 for three times
	RetryMode   string `json:"retry_mode,omitempty"`   // standard or adaptive; empty for standard
}

// Call returns where a command calls the service. The zero Call is for one that its
// purpose does not need.
func (p Plan) Call(service string) Call {
	for _, c := range p.Calls {
		if c.Service == service {
			return c
		}
	}
	return Call{}
}

// A Call is where a command calls a service with the credentials that a plan makes.
type Call struct {
	Service  string        `json:"service"` // as the services section of the config file names it
	Region   string        `json:"region"`
	Endpoint Endpoint      `json:"endpoint,omitzero"`
	Lasts    time.Duration `json:"-"` // how long what it asks for should last; 0 leaves it to AWS
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
		e.URL, e.Origin = v.Text, v.Origin.String()
	}
	return e
}

// retries says how often a call is tried, 0 for as often as the SDK does, and how.
func retries(q *profile.Profile) (attempts int, mode string) {
	attempts, _ = strconv.Atoi(q.Text("max_attempts")) // a number: the setting's rule says so
	return attempts, q.Text("retry_mode")
}

// encode leaves out where a URL was read, how often a call is tried, and the bundle of roots, which sign-ins
// do without: steps encode it themselves.
func (e Endpoint) encode(enc *encoder) {
	enc.text(e.URL)
	enc.flag(e.FIPS)
	enc.flag(e.DualStack)
	enc.flag(e.Legacy)
}

// STS returns where a call to STS goes that needs the settings of one profile alone. Where
// no region is set, it goes to the home of AWS's first partition.
func STS(p *profile.Profile) Call {
	c := Call{Service: "sts", Region: p.Text("region"), Endpoint: endpoint(p)}
	if c.Region == "" {
		c.Region = partition.Home()
	}
	return c
}
