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

// signInRemedy returns the hint for a missing sign-in, or for a sign-in with the wrong identity.
func signInRemedy(err error, _ Facts) string {
	var needsUser *vault.LoginRequiredError
	var required *source.LoginRequiredError
	var otherIdentity *source.IdentityError
	var user *console.TemporaryUserError
	var notConfirmed *source.NotConfirmedError
	switch {
	case errors.As(err, &needsUser) && !needsUser.Prompting:
		return "sign in in another terminal: aws-vault exec " + ui.QuoteWord(needsUser.Profile) + " -- true"
	case errors.As(err, &notConfirmed) && notConfirmed.Err == nil:
		return "if your browser is signed in to " + notConfirmed.To + " as another user, sign out there and try again"
	case errors.As(err, &notConfirmed):
		return "sign in in a terminal, where you can confirm the sign-in, or sign in on another device: --sso-flow=device, oidc_flow = device or aws-login --remote"
	case errors.As(err, &required) && required.Cached:
		return fmt.Sprintf("import the sign-in of the AWS CLI with aws-vault aws-login --import %s, or sign in with aws-vault aws-login %[1]s", ui.QuoteWord(required.Profile))
	case errors.As(err, &required):
		return "sign in: aws-vault aws-login " + ui.QuoteWord(required.Profile)
	case errors.As(err, &otherIdentity):
		return "sign in as the identity of login_session, or remove login_session from the profile"
	case errors.Is(err, store.ErrNotOurToken):
		return "sign out there first: aws sso logout"
	case errors.As(err, &user) && user.Profile == "":
		return "give a profile: aws-vault login PROFILE"
	case errors.As(err, &user):
		return "use a profile that assumes a role, or that has the user's own access key"
	}
	return ""
}

// providerRemedy returns the hint for a sign-in that failed at the provider or in the browser.
func providerRemedy(err error, _ Facts) string {
	var page *source.SignInError
	var configuration *signin.ConfigurationError
	var grant *signin.GrantError
	var token *signin.IDTokenError
	var ports *signin.PortsError
	switch {
	case errors.As(err, &page) && errors.Is(err, source.ErrUnattended) && page.OIDC:
		return "sign in first, in a terminal: aws-vault oidc login; or print a link and a code here: aws-vault oidc login --flow=device"
	case errors.As(err, &page) && errors.Is(err, source.ErrUnattended):
		return "sign in first, in a terminal: aws-vault sso login; or print a link and a code here: aws-vault sso login --sso-flow=device"
	case errors.As(err, &page) && errors.Is(err, signin.ErrTimeout) && page.OIDC:
		return "sign in on another device with oidc_flow = device, or open the link yourself: aws-vault oidc login --stdout"
	case errors.As(err, &page) && errors.Is(err, signin.ErrTimeout):
		return "sign in on another device with --sso-flow=device, or open the link yourself with --stdout"
	case errors.As(err, &configuration) && configuration.ActualIssuer != "":
		return "if this is the correct provider, set oidc_issuer = " + configuration.ActualIssuer
	case errors.As(err, &grant) && (grant.Code == "invalid_client" || grant.Code == "unauthorized_client"):
		return "check oidc_client_id; if the client has a secret, store it: aws-vault oidc login --client-secret-stdin"
	case errors.As(err, &token) && token.OtherSubject:
		return "sign out with aws-vault oidc logout, then sign in again"
	case errors.As(err, &ports) && len(ports.Ports) > 0 && ports.Ports[0] > 0:
		return "list more ports in oidc_redirect_ports; each one must be registered at the provider"
	}
	return ""
}

// identityRemedy returns the hint for an error about an identity. aws-vault itself signs the tokens of an
// identity.
func identityRemedy(err error, _ Facts) string {
	var signer *source.NoSignerError
	switch {
	case errors.Is(err, identity.ErrNoGrant):
		return "grant permissions with --managed-policy, with --allow and --on, or with --hub-of"
	case errors.As(err, &signer) && errors.Is(err, identitykeys.ErrNoIdentity):
		return "create a key with aws-vault identity init, or use the key of a security key with aws-vault identity rotate --adopt " + signer.Identity
	}
	return ""
}
