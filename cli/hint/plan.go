package hint

import (
	"errors"
	"fmt"
	"strings"

	"aws-vault/cli/ui"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
)

// profileRemedy is what to do where a profile, or what one names, is not there.
func profileRemedy(err error, f Facts) string {
	var unknown *plan.NoProfileError
	var missing *profile.MissingError
	var credentials *plan.NoCredentialsError
	var portal *plan.NoPortalError
	var provider *plan.NoProviderError
	switch {
	case errors.As(err, &unknown) && len(unknown.Near) > 0:
		return "did you mean " + strings.Join(unknown.Near, ", ") + "?"
	case errors.As(err, &unknown):
		return "see which there are: aws-vault list"
	case errors.As(err, &missing) && len(missing.Near) > 0:
		return "did you mean " + strings.Join(missing.Near, ", ") + "?"
	case errors.As(err, &credentials):
		add := "aws-vault add " + ui.QuoteWord(credentials.End)
		if where := f.PreviousKeystore(); where != "" {
			return fmt.Sprintf("keys were last written to the keystore %q: use it with --backend=%s, or add the key here: %s", where, where, add)
		}
		return "add a key: " + add
	case errors.As(err, &portal):
		return "name an sso-session of the config file, or a profile that sets sso_session"
	case errors.As(err, &provider):
		return "name an oidc-session of the config file, or a profile that sets oidc_session"
	}
	return ""
}

// planRemedy is what to do about a profile that says what cannot be done.
func planRemedy(err error, _ Facts) string {
	var chained *plan.ChainedMFAError
	var longLived *plan.LongLivedError
	var sources *plan.SourcesError
	var ignored *plan.PolicyIgnoredError
	var name *plan.SessionNameError
	switch {
	case errors.As(err, &chained) && chained.NoSession:
		return "leave --no-session out: one session token then carries the code for the whole chain"
	case errors.As(err, &chained):
		return fmt.Sprintf("set the same mfa_serial in each profile of the chain, or take it out of profile %s with an empty \"mfa_serial =\"", chained.Profile)
	case errors.As(err, &longLived):
		return "leave --no-session out"
	case errors.As(err, &sources) && sources.Found == "source_profile":
		return "put the role that stands on another profile into a profile of its own, whose source_profile names it"
	case errors.As(err, &ignored):
		return fmt.Sprintf("set the policy in the Roles Anywhere profile at AWS, and none here with an empty \"%s =\"", ignored.Setting)
	case errors.As(err, &name):
		return "name the session by another claim, such as role_session_name_claim = email, or by role_session_name; the role's trust policy has to agree where it pins sts:RoleSessionName"
	}
	return ""
}

// limitRemedy is what to do where a session cannot be limited as it was to be.
func limitRemedy(err error, _ Facts) string {
	var unlimited *plan.UnlimitedError
	var own *plan.OwnPolicyError
	var token *plan.NoTokenError
	var policies *plan.AgentPoliciesError
	switch {
	case errors.As(err, &policies):
		return fmt.Sprintf("set the same agent_access in profile %s and profile %s, or a policy that only denies", policies.A.Profile, policies.B.Profile)
	case errors.As(err, &unlimited) && unlimited.Profile == "":
		return "name a profile that assumes a role, which takes a session policy"
	case errors.As(err, &unlimited):
		return "let a profile with role_arn assume a role on top: source_profile = " + unlimited.Profile
	case errors.As(err, &own) && own.Hop:
		return "let the policy of profile " + own.Profile + " allow sts:AssumeRole, sts:TagSession and sts:SetSourceIdentity alone, or take it out"
	case errors.As(err, &own) && own.Agent:
		return "name the policy that coding agents get, in profile " + own.Profile + ": agent_access = NAME or ARN"
	case errors.As(err, &own):
		return "name a policy that allows everything but what it denies, or a profile without a policy of its own"
	case errors.As(err, &token):
		return "say what the token says: --" + strings.Join(token.Unknown, ", --")
	case errors.Is(err, plan.ErrNoPolicy):
		return "add a section [session-policy NAME] with policy or policy_arns to the config file"
	}
	return ""
}
