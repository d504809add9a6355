package profile

import "strings"

// A Principal identifies the role or user that credentials belong to. Two profiles with the same
// Principal get the same permissions. The zero Principal means that the config files do not show
// whose credentials a profile has.
type Principal string

// RolePrincipal returns the principal of a role, or the zero Principal if arn is not the ARN of a
// role. It ignores the path and the case of the name, because two roles of an account cannot differ only
// in path and case. It ignores the partition, because every account is in only one partition.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-names
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
func RolePrincipal(arn string) Principal {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || !strings.HasPrefix(parts[5], "role/") {
		return ""
	}
	return rolePrincipal(parts[4], parts[5][strings.LastIndexByte(parts[5], '/')+1:])
}

// SSOPrincipal returns the principal of the role that IAM Identity Center creates for a permission
// set.
func SSOPrincipal(account, permissionSet string) Principal {
	return Principal("sso " + account + " " + strings.ToLower(permissionSet))
}

// SignInPrincipal returns the principal that signed in with aws login. If arn is the ARN of an assumed role, the
// principal is that role. Otherwise the principal is the user that arn names.
func SignInPrincipal(arn string) Principal {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) == 6 && strings.HasPrefix(parts[5], "assumed-role/") {
		role, _, _ := strings.Cut(strings.TrimPrefix(parts[5], "assumed-role/"), "/")
		return rolePrincipal(parts[4], role)
	}
	return Principal("sign-in " + strings.ToLower(arn))
}

// rolePrincipal returns the principal of a role. It recognizes the roles that Identity Center creates for
// permission sets: their names are AWSReservedSSO_NAME_SUFFIX, and the suffix has 16 hexadecimal digits.
// https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
func rolePrincipal(account, name string) Principal {
	name = strings.ToLower(name)
	if set, ok := strings.CutPrefix(name, "awsreservedsso_"); ok {
		if at := len(set) - len("_0123456789abcdef"); at > 0 && set[at] == '_' && strings.Trim(set[at+1:], "0123456789abcdef") == "" {
			return SSOPrincipal(account, set[:at])
		}
	}
	return Principal("role " + account + " " + name)
}
