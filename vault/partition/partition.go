// Package partition determines the AWS partition of a region, the partition's default region and its sign-in
// domain. The endpoints of services are in package awsapi.
package partition

import (
	"slices"
	"strings"
)

// partitions lists the AWS partitions: name, prefix of the region names, and the region for STS calls if none is set.
// A region without a listed prefix belongs to the first partition.
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

// Of returns the partition that a region or pseudo-region belongs to.
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

// IsPseudo reports whether region is a pseudo-region, such as aws-cn-global, which stands for a whole partition. Only
// services with one endpoint per partition are called with a pseudo-region.
func IsPseudo(region string) bool {
	_, ok := pseudo(region)
	return ok
}

func pseudo(region string) (partition string, ok bool) {
	name, ok := strings.CutSuffix(region, "-global")
	return name, ok && slices.ContainsFunc(partitions, func(p entry) bool { return p.name == name })
}

// Known reports whether the partition of a region is certain. Like the SDKs, [Of] returns the partition aws for every
// unknown region, because a new region may have any name.
func Known(region string) bool {
	parts := strings.Split(region, "-")
	return Of(region) != partitions[0].name || len(parts) == 3 && len(parts[0]) == 2
}

// OfARN returns the first known partition in the ARNs, or "" if no ARN has a known partition.
func OfARN(arns ...string) string {
	for _, arn := range arns {
		if parts := strings.SplitN(arn, ":", 3); len(parts) == 3 && slices.ContainsFunc(partitions, func(p entry) bool { return p.name == parts[1] }) {
			return parts[1]
		}
	}
	return ""
}

// AccountOf returns the account in an ARN, or "".
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
func AccountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return ""
}

// Contains reports whether a region can belong to a partition. It also returns true if the partition of the region
// is uncertain, or if the argument partition is empty.
func Contains(partition, region string) bool {
	return partition == "" || !Known(region) && !IsPseudo(region) || Of(region) == partition
}

// Home returns the region for STS calls if no region is set. This is the default region of the first known
// partition in the ARNs, or us-east-1 if no ARN has a known partition.
func Home(arns ...string) string {
	in := OfARN(arns...)
	for _, p := range partitions {
		if p.name == in {
			return p.home
		}
	}
	return partitions[0].home
}

// SignInDomains lists the partitions that allow sign-in with a browser, and the domain of the sign-in page.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html
var SignInDomains = []struct{ Partition, Domain string }{
	{"aws", "signin.aws.amazon.com"},
	{"aws-cn", "signin.amazonaws.cn"},
	{"aws-us-gov", "signin.amazonaws-us-gov.com"},
	{"aws-eusc", "signin.amazonaws-eusc.eu"},
	{"aws-iso", "signin.c2shome.ic.gov"},
	{"aws-iso-b", "signin.sc2shome.sgov.gov"},
	{"aws-iso-e", "signin.csphome.adc-e.uk"},
	{"aws-iso-f", "signin.csphome.hci.ic.gov"},
}

// SignInDomain returns the domain of a partition's sign-in page, or "" for an unknown partition. The sign-in host of a
// single region is the region, a dot and this domain.
func SignInDomain(partition string) string {
	for _, s := range SignInDomains {
		if s.Partition == partition {
			return s.Domain
		}
	}
	return ""
}
