package plan

import (
	"aws-vault/vault/partition"
	"aws-vault/vault/profile"
)

func endpoint(q *profile.Profile) Endpoint { return serviceEndpoint(q, "sts") }

func serviceEndpoint(q *profile.Profile, service string) Endpoint {
	e := Endpoint{
		FIPS: q.Bool("use_fips_endpoint"), DualStack: q.Bool("use_dualstack_endpoint"),
		Legacy:   service == "sts" && q.Text("sts_regional_endpoints") == "legacy",
		CABundle: q.Text("ca_bundle"),
	}
	if v := q.ServiceEndpoint(service); v.Text != "" {
		e.URL, e.Origin = v.Text, v.Origin.String()
	}
	return e
}

// encode leaves out where a URL was read, and the bundle of roots, which sign-ins do without:
// steps encode it themselves.
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
