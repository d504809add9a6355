package hint

import (
	"errors"
	"fmt"

	"aws-vault/cli/ui"
	"aws-vault/vault"
	"aws-vault/vault/console"
	"aws-vault/vault/identity"
	"aws-vault/vault/identitykeys"
	"aws-vault/vault/signin"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// signInRemedy is what to do where a person has to sign in, or did so as somebody else.
func signInRemedy(err error, _ Facts) string {
	var needsUser *vault.LoginRequiredError
	var required *source.LoginRequiredError
	var otherIdentity *source.IdentityError
	var user *console.TemporaryUserError
	var notConfirmed *source.NotConfirmedError
	switch {
	case errors.As(err, &needsUser) && !needsUser.Prompting:
		return "answer on another terminal: aws-vault exec " + ui.QuoteWord(needsUser.Profile) + " -- true"
	case errors.As(err, &notConfirmed) && notConfirmed.Err == nil:
		return "sign out at " + notConfirmed.To + " in your browser if you were signed in as somebody else there, and try again"
	case errors.As(err, &notConfirmed):
		return "sign in in a terminal, where you can confirm it, or without a browser of this machine: --sso-flow=device, oidc_flow = device or aws-login --remote"
	case errors.As(err, &required) && required.Cached:
		return fmt.Sprintf("take the AWS CLI's sign-in over with aws-vault aws-login --import %s, or sign in with aws-vault aws-login %[1]s", ui.QuoteWord(required.Profile))
	case errors.As(err, &required):
		return "sign in: aws-vault aws-login " + ui.QuoteWord(required.Profile)
	case errors.As(err, &otherIdentity):
		return "sign in as the other, or take login_session out of the profile"
	case errors.Is(err, store.ErrNotOurToken):
		return "sign out there first: aws sso logout"
	case errors.As(err, &user) && user.Profile == "":
		return "name a profile: aws-vault login PROFILE"
	case errors.As(err, &user):
		return "name a profile that has a role or holds the user's own key"
	}
	return ""
}

// providerRemedy is what to do about a sign-in that a provider, or its browser page, did not bring to its end.
func providerRemedy(err error, _ Facts) string {
	var page *source.SignInError
	var configuration *signin.ConfigurationError
	var grant *signin.GrantError
	var token *signin.IDTokenError
	var ports *signin.PortsError
	switch {
	case errors.As(err, &page) && errors.Is(err, signin.ErrTimeout) && page.OIDC:
		return "sign in on another device with oidc_flow = device, or open the link yourself: aws-vault oidc login --stdout"
	case errors.As(err, &page) && errors.Is(err, signin.ErrTimeout):
		return "sign in on another device with --sso-flow=device, or open the link yourself with --stdout"
	case errors.As(err, &configuration) && configuration.ActualIssuer != "":
		return "if that is who you mean: oidc_issuer = " + configuration.ActualIssuer
	case errors.As(err, &grant) && (grant.Code == "invalid_client" || grant.Code == "unauthorized_client"):
		return "see oidc_client_id; the secret of a client that has one is kept with aws-vault oidc login --client-secret-stdin"
	case errors.As(err, &token) && token.OtherSubject:
		return "sign out and in again: aws-vault oidc logout"
	case errors.As(err, &ports) && len(ports.Ports) > 0 && ports.Ports[0] > 0:
		return "set oidc_redirect_ports to more ports that the provider knows"
	}
	return ""
}

// identityRemedy is what to do about an identity of one's own.
func identityRemedy(err error, _ Facts) string {
	var signer *source.NoSignerError
	switch {
	case errors.Is(err, identity.ErrNoGrant):
		return "say it with --managed-policy, with --allow and --on, or with --hub-of"
	case errors.As(err, &signer) && errors.Is(err, identitykeys.ErrNoIdentity):
		return "make one: aws-vault identity init, or take that of a hardware key: aws-vault identity rotate --adopt " + signer.Identity
	}
	return ""
}
