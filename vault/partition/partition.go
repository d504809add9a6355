// Package partition says which partition of AWS a region is in, and what the regions of a partition
// have in common. Where single services are called it leaves to others.
package partition

import (
	"slices"
	"strings"
)

// partitions lists, for each partition of AWS, how its regions begin and which of
// them its STS calls go to when no region is set. The first is the fallback.
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
var partitions = []entry{
	{"aws", "", "us-east-1"},
	{"aws-cn", "cn-", "cn-north-1"},
	{"aws-us-gov", "us-gov-", "us-gov-west-1"},
	{"aws-eusc", "eusc-", "eusc-de-east-1"},
	{"aws-iso", "us-iso-", "us-iso-east-1"},
	{"aws-iso-b", "us-isob-", "us-isob-east-1"},
	{"aws-iso-e", "eu-isoe-", "eu-isoe-west-1"},
	{"aws-iso-f", "us-isof-", "us-isof-south-1"},
}

type entry struct{ name, prefix, home string }

// Of returns the partition of AWS that a region is in, or that a pseudo-region stands for.
func Of(region string) string {
	if name, ok := pseudo(region); ok {
		return name
	}
	for _, p := range partitions[1:] {
		if strings.HasPrefix(region, p.prefix) {
			return p.name
		}
	}
	return partitions[0].name
}

// IsPseudo reports whether a region's name stands for a whole partition, as aws-cn-global does. Only services that have
// one place in a partition are called with it.
func IsPseudo(region string) bool {
	_, ok := pseudo(region)
	return ok
}

func pseudo(region string) (partition string, ok bool) {
	name, ok := strings.CutSuffix(region, "-global")
	return name, ok && slices.ContainsFunc(partitions, func(p entry) bool { return p.name == name })
}

// Known reports whether it is certain which partition a region is in. [Of] takes every other for one of the commercial
// partition, as the SDKs do, where a new region may have any name.
func Known(region string) bool {
	parts := strings.Split(region, "-")
	return Of(region) != partitions[0].name || len(parts) == 3 && len(parts[0]) == 2
}

// Home returns the region to call where none is set: the home of the first ARN's partition.
func Home(arns ...string) string {
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

// SignIns are the partitions that one can sign in to with a browser, and the domains where one does.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html
var SignIns = []struct{ Partition, Domain string }{
	{"aws", "signin.aws.amazon.com"},
	{"aws-cn", "signin.amazonaws.cn"},
	{"aws-us-gov", "signin.amazonaws-us-gov.com"},
	{"aws-eusc", "signin.amazonaws-eusc.eu"},
	{"aws-iso", "signin.c2shome.ic.gov"},
	{"aws-iso-b", "signin.sc2shome.sgov.gov"},
	{"aws-iso-e", "signin.csphome.adc-e.uk"},
	{"aws-iso-f", "signin.csphome.hci.ic.gov"},
}

// SignIn returns the domain where one signs in to a partition, to which a region may be put in front; empty for one
// that is not known.
func SignIn(partition string) string {
	for _, s := range SignIns {
		if s.Partition == partition {
			return s.Domain
		}
	}
	return ""
}
