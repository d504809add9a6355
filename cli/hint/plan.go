package hint

import (
	"errors"
	"fmt"
	"strings"

	"aws-vault/cli/ui"
	"aws-vault/vault/partition"
	"aws-vault/vault/plan"
	"aws-vault/vault/printable"
	"aws-vault/vault/profile"
)

// didYouMean returns the hint for an unknown name. The parameter names contains the most similar names that exist.
func didYouMean(names []string) string {
	shown := make([]string, len(names))
	for i, name := range names {
		shown[i] = printable.Text(name)
	}
	return "did you mean " + strings.Join(shown, ", ") + "?"
}

// profileRemedy returns the hint for a profile, section or key that does not exist.
func profileRemedy(err error, f Facts) string {
	var unknown *plan.NoProfileError
	var missing *profile.MissingError
	var credentials *plan.NoCredentialsError
	var portal *plan.NoPortalError
	var provider *plan.NoProviderError
	switch {
	case errors.As(err, &unknown) && unknown.Unread != nil:
		return "correct the header: " + unknown.Unread.Want
	case errors.As(err, &credentials) && credentials.Unread != nil:
		return "correct the header: " + credentials.Unread.Want
	case errors.As(err, &unknown) && len(unknown.Near) > 0:
		return didYouMean(unknown.Near)
	case errors.As(err, &unknown):
		return "list the profiles: aws-vault list"
	case errors.As(err, &missing) && len(missing.Near) > 0:
		return didYouMean(missing.Near)
	case errors.As(err, &credentials):
		add := "aws-vault add " + ui.QuoteWord(credentials.End)
		if where := f.PreviousKeystore(); where != "" {
			return fmt.Sprintf("keys were last written to keystore %q: use it with --backend=%s, or add the key to this keystore: %s", where, where, add)
		}
		return "add an access key: " + add
	case errors.As(err, &portal):
		return "give the name of an sso-session section, or of a profile that sets sso_session"
	case errors.As(err, &provider):
		return "give the name of an oidc-session section, or of a profile that sets oidc_session"
	}
	return ""
}

// planRemedy returns the hint for settings or flags that contradict each other.
func planRemedy(err error, _ Facts) string {
	var chained *plan.ChainedMFAError
	var longLived *plan.LongLivedError
	var sources *plan.MultipleSourcesError
	var ignored *plan.PolicyIgnoredError
	var name *plan.SessionNameError
	var region *plan.RegionError
	switch {
	case errors.As(err, &chained) && chained.NoSession:
		return "remove --no-session: a session token then uses one MFA code for the whole chain"
	case errors.As(err, &chained):
		return fmt.Sprintf("set the same mfa_serial in each profile of the chain, or remove it from profile %s with an empty \"mfa_serial =\"", chained.Profile)
	case errors.As(err, &region) && (region.Origin.Kind == profile.Environment || region.Origin.Kind == profile.CommandLine):
		return fmt.Sprintf("set %s to a region of %s, such as %s, or do not set it", region.Origin, region.Partition, partition.Home(region.ARN))
	case errors.As(err, &region):
		return fmt.Sprintf("set region = %s, or another region of %s, in profile %s", partition.Home(region.ARN), region.Partition, region.Profile)
	case errors.As(err, &longLived):
		return "remove --no-session"
	case errors.As(err, &sources) && sources.Found == "source_profile":
		return "move role_arn to a separate profile, set source_profile there to the name of this profile, and remove source_profile here"
	case errors.As(err, &ignored):
		return fmt.Sprintf("set the policy in the Roles Anywhere profile at AWS, and remove it here with an empty \"%s =\"", ignored.Setting)
	case errors.As(err, &name):
		return "set role_session_name, or another claim such as role_session_name_claim = email; if the role's trust policy restricts sts:RoleSessionName, it must allow this name"
	}
	return ""
}

// limitRemedy returns the hint for a session whose permissions cannot be limited as requested.
func limitRemedy(err error, _ Facts) string {
	var unlimited *plan.PolicyUnsupportedError
	var own *plan.PolicyConflictError
	var token *plan.NoTokenError
	var caller *plan.UnknownCallerError
	var policies *plan.AgentPoliciesError
	switch {
	case errors.As(err, &policies):
		return fmt.Sprintf("set the same agent_access in profiles %s and %s, or use a policy that contains only Deny statements", policies.A.Profile, policies.B.Profile)
	case errors.As(err, &unlimited) && unlimited.Profile == "":
		return "use a profile that assumes a role: only role sessions accept a session policy"
	case errors.As(err, &unlimited):
		return "add a profile that assumes a role: set its role_arn, and source_profile = " + unlimited.Profile
	case errors.As(err, &own) && own.Intermediate:
		return "change the policy of profile " + own.Profile + " to allow only sts:AssumeRole, sts:TagSession and sts:SetSourceIdentity, or remove the policy"
	case errors.As(err, &own) && own.Agent:
		return "set the policy for coding agents in profile " + own.Profile + ": agent_access = NAME or ARN"
	case errors.As(err, &own):
		return "use a policy that allows all actions (*) and denies some of them, or use a profile without its own policy"
	case errors.As(err, &token):
		return "give the claims of the token: --" + strings.Join(token.Unknown, ", --")
	case errors.As(err, &caller):
		return "give the ARN of the user or role that will assume the profile's role: --principal ARN"
	case errors.Is(err, plan.ErrNoPolicy):
		return "add a section [session-policy NAME] to the config file, and set policy or policy_arns in it"
	}
	return ""
}
