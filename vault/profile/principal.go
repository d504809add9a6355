package profile

import "strings"

// A Principal names the role or user that credentials belong to, in the form in which AWS tells
// one from another. Two profiles with one Principal obtain the same rights, whatever they are
// called. The zero Principal is one that the config does not tell.
type Principal string

// RolePrincipal returns the role of an ARN, or the zero Principal for a text that is no role's
// ARN. The partition follows from the account. The path and the case of the name are left out,
// since no two roles of an account differ in these alone.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-names
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
func RolePrincipal(arn string) Principal {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || !strings.HasPrefix(parts[5], "role/") {
		return ""
	}
	return rolePrincipal(parts[4], parts[5][strings.LastIndexByte(parts[5], '/')+1:])
}

// SSOPrincipal returns the role that IAM Identity Center provides for a permission set.
func SSOPrincipal(account, permissionSet string) Principal {
	return Principal("sso " + account + " " + strings.ToLower(permissionSet))
}

// SignInPrincipal returns who signed in with aws login: a role, or else the ARN's own user.
func SignInPrincipal(arn string) Principal {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) == 6 && strings.HasPrefix(parts[5], "assumed-role/") {
		role, _, _ := strings.Cut(strings.TrimPrefix(parts[5], "assumed-role/"), "/")
		return rolePrincipal(parts[4], role)
	}
	return Principal("sign-in " + strings.ToLower(arn))
}

// rolePrincipal also recognizes the role that Identity Center creates in an account for a
// permission set: AWSReservedSSO_NAME_SUFFIX, with a suffix of 16 hexadecimal digits.
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
