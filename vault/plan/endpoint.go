package plan

import (
	"strings"

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

// partitions lists, for each partition of AWS, how its regions begin and which of
// them its STS calls go to when no region is set. The first is the fallback.
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
var partitions = []struct{ name, prefix, home string }{
	{"aws", "", "us-east-1"},
	{"aws-cn", "cn-", "cn-north-1"},
	{"aws-us-gov", "us-gov-", "us-gov-west-1"},
	{"aws-eusc", "eusc-", "eusc-de-east-1"},
	{"aws-iso", "us-iso-", "us-iso-east-1"},
	{"aws-iso-b", "us-isob-", "us-isob-east-1"},
	{"aws-iso-e", "eu-isoe-", "eu-isoe-west-1"},
	{"aws-iso-f", "us-isof-", "us-isof-south-1"},
}

// homeRegion is the region to call where none is set: the home of the first ARN's
// partition.
func homeRegion(arns ...string) string {
	for _, arn := range arns {
		if parts := strings.SplitN(arn, ":", 3); len(parts) == 3 {
			for _, p := range partitions {
				if p.name == parts[1] {
					return p.home
				}
			}
		}
	}
	return partitions[0].home
}

// Partition returns the partition of AWS that a region lies in.
func Partition(region string) string {
	for _, p := range partitions[1:] {
		if strings.HasPrefix(region, p.prefix) {
			return p.name
		}
	}
	return partitions[0].name
}

// STS returns where a call to STS goes that needs the settings of one profile alone. Where
// no region is set, it goes to the home of AWS's first partition.
func STS(p *profile.Profile) Call {
	c := Call{Service: "sts", Region: p.Text("region"), Endpoint: endpoint(p)}
	if c.Region == "" {
		c.Region = homeRegion()
	}
	return c
}
