package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"aws-vault/prompt"
	"aws-vault/vault"
	"aws-vault/vault/identity"
	"aws-vault/vault/keystore"
	"aws-vault/vault/oath"
	"aws-vault/vault/pcsc"
	"aws-vault/vault/piv"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/signin"
	"aws-vault/vault/source"
	"aws-vault/vault/store"
)

// hints are what to do about an error: the remedy is said here and nowhere else.
func hints(err error, a *app) []string {
	var out []string
	for _, h := range remedies {
		if text := h(err, a); text != "" {
			out = append(out, text)
		}
	}
	return out
}

var remedies = []func(error, *app) string{
	func(err error, _ *app) string {
		if errors.Is(err, identity.ErrNoGrant) {
			return "say it with --managed-policy, with --allow and --on, or with --hub-of"
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *source.NoSignerError
		if errors.As(err, &e) && errors.Is(err, vault.ErrNoIdentity) {
			return "make one: aws-vault identity init, or take that of a hardware key: aws-vault identity rotate --adopt " + e.Identity
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *plan.NoProfileError
		if !errors.As(err, &e) {
			return ""
		}
		if len(e.Near) > 0 {
			return "did you mean " + strings.Join(e.Near, ", ") + "?"
		}
		return "see which there are: aws-vault list"
	},
	func(err error, _ *app) string {
		var e *profile.MissingError
		if errors.As(err, &e) && len(e.Near) > 0 {
			return "did you mean " + strings.Join(e.Near, ", ") + "?"
		}
		return ""
	},
	func(err error, a *app) string {
		var e *plan.NoCredentialsError
		if !errors.As(err, &e) {
			return ""
		}
		if where := a.lastKeystore(); where != "" {
			return fmt.Sprintf("keys were last written to the keystore %q: use it with --backend=%s, or add the key here: aws-vault add %s", where, where, quoteWord(e.End))
		}
		return "add a key: aws-vault add " + quoteWord(e.End)
	},
	func(err error, _ *app) string {
		var e *plan.ChainedMFAError
		switch {
		case !errors.As(err, &e):
			return ""
		case e.NoSession:
			return "leave --no-session out: one session token then carries the code for the whole chain"
		}
		return fmt.Sprintf("set the same mfa_serial in each profile of the chain, or take it out of profile %s with an empty \"mfa_serial =\"", e.Profile)
	},
	func(err error, _ *app) string {
		var e *privilegeError
		if errors.As(err, &e) {
			return "sudo aws-vault proxy"
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *plan.LongLivedError
		if errors.As(err, &e) {
			return "leave --no-session out"
		}
		return ""
	},
	func(err error, a *app) string {
		var e *prompt.NoWayError
		var waits *vault.LoginRequiredError
		if !errors.As(err, &e) || errors.As(err, &waits) { // whoever asks a server can set none of this
			return ""
		}
		var yes *confirmError
		if errors.As(err, &yes) {
			return "say yes beforehand with --force"
		}
		variable := passphraseVariable
		if a.opened == keystore.SealedBackend {
			variable = sealedVariable
		}
		return "answer without being asked: --mfa-token for a code, mfa_process in the profile, or " + variable + " for a passphrase; or name another way with --prompt"
	},
	func(err error, a *app) string {
		var e *prompt.UnknownDriverError
		if errors.As(err, &e) && e.Name == "pass" {
			return "let the profile run pass: mfa_process = pass otp NAME"
		}
		return ""
	},
	func(err error, _ *app) string {
		if errors.Is(err, keystore.ErrWrongPassphrase) {
			return "set " + passphraseVariable + " to the passphrase that the keys were stored with, or unset it to be asked"
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *keystore.NoneError
		var u *keystore.UnavailableError
		if errors.As(err, &e) || errors.As(err, &u) {
			return "choose another keystore with --backend; file works everywhere"
		}
		return ""
	},
	sealedRemedy,
	func(err error, _ *app) string {
		if errors.Is(err, keystore.ErrLocked) {
			return "unlock the keystore and try again, or choose another with --backend"
		}
		return ""
	},
	cardRemedy,
	func(err error, _ *app) string {
		var e *source.TimeoutError
		if errors.As(err, &e) {
			return "give it longer with --timeout, or see whether a proxy stands between"
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *source.APIError
		if !errors.As(err, &e) {
			return ""
		}
		switch {
		case e.Code == "InvalidClientTokenId":
			return "the stored key may have been deleted or deactivated: store the new one with aws-vault add"
		case e.Action == "GetRoleCredentials" && e.Code == "ForbiddenException":
			return "see which accounts and roles you may take: aws-vault sso list"
		case e.Code == "InvalidIdentityToken":
			return "see that the account of the role has an IAM OpenID Connect provider of that issuer, letter for letter, with the audience among its client ids"
		case e.Action == "AssumeRoleWithWebIdentity" && e.Code == "AccessDenied":
			return "see that the role's trust policy allows the provider, the audience, the subject and, where it pins sts:RoleSessionName, that name"
		case e.Action == "CreateVirtualMFADevice" && e.Code == "EntityAlreadyExists":
			return "choose another name, or delete that device if it is nobody's: aws iam delete-virtual-mfa-device"
		case e.Code == "INSUFFICIENT_PERMISSIONS":
			return "whoever signs in needs the rights of the managed policy SignInLocalDevelopmentAccess"
		case e.Code == "ValidationError" && strings.Contains(e.Message, "DurationSeconds"):
			return "ask for less with --duration or duration_seconds, or raise the role's maximum session duration"
		}
		return ""
	},
	func(err error, _ *app) string {
		var sources *plan.SourcesError
		var policy *plan.PolicyIgnoredError
		switch {
		case errors.As(err, &sources) && sources.Found == "source_profile":
			return "put the role that stands on another profile into a profile of its own, whose source_profile names it"
		case errors.As(err, &policy):
			return fmt.Sprintf("set the policy in the Roles Anywhere profile at AWS, and none here with an empty \"%s =\"", policy.Setting)
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *source.CertificateTimeError
		switch {
		case !errors.As(err, &e):
			return ""
		case e.Now.Before(e.From):
			return "see whether this computer's clock is right"
		}
		return "have a new certificate issued: aws-vault certificate request"
	},
	func(err error, _ *app) string {
		var which *whichKeyError
		var missing *oath.NotFoundError
		var several *oath.AmbiguousError
		var held *heldError
		switch {
		case errors.As(err, &held):
			return "if AWS has forgotten that device, delete the account: ykman oath accounts delete " + quoteWord(held.name)
		case errors.Is(err, pcsc.Held):
			return "end the program that holds it, such as gpgconf --kill scdaemon, and try again"
		case errors.Is(err, pcsc.ErrNoService):
			return "start the system's PC/SC service, on Linux pcscd (package pcscd)"
		case errors.Is(err, pcsc.ErrUnsupported):
			return "have codes read by Yubico's program, with --prompt=ykman"
		case errors.Is(err, oath.ErrTouch):
			return "touch the key while it blinks"
		case errors.As(err, &which):
			return "name one with --card SERIAL"
		case errors.As(err, &missing):
			return "store its secret there with aws-vault mfa enroll, or name the account in " + accountVariable
		case errors.As(err, &several):
			return "name the account in " + accountVariable
		}
		return ""
	},
	func(err error, _ *app) string {
		var left *vault.LeftoverError
		if errors.As(err, &left) && left.AtAWS {
			return "delete it: aws iam delete-virtual-mfa-device --serial-number " + quoteWord(left.Serial)
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *plan.NoPortalError
		if errors.As(err, &e) {
			return "name an sso-session of the config file, or a profile that sets sso_session"
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *source.SignInError
		if !errors.As(err, &e) || !errors.Is(err, signin.ErrTimeout) {
			return ""
		}
		if e.OIDC {
			return "sign in on another device with oidc_flow = device, or open the link yourself: aws-vault oidc login --stdout"
		}
		return "sign in on another device with --sso-flow=device, or open the link yourself with --stdout"
	},
	func(err error, _ *app) string {
		var e *plan.NoProviderError
		if errors.As(err, &e) {
			return "name an oidc-session of the config file, or a profile that sets oidc_session"
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *plan.SessionNameError
		if errors.As(err, &e) {
			return "name the session by another claim, such as role_session_name_claim = email, or by role_session_name; the role's trust policy has to agree where it pins sts:RoleSessionName"
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *signin.ConfigurationError
		if errors.As(err, &e) && e.Real != "" {
			return "if that is who you mean: oidc_issuer = " + e.Real
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *signin.GrantError
		if errors.As(err, &e) && (e.Code == "invalid_client" || e.Code == "unauthorized_client") {
			return "see oidc_client_id; the secret of a client that has one is kept with aws-vault oidc login --client-secret-stdin"
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *signin.IDTokenError
		if errors.As(err, &e) && e.Subject {
			return "sign out and in again: aws-vault oidc logout"
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *signin.PortsError
		if errors.As(err, &e) && len(e.Ports) > 0 && e.Ports[0] > 0 {
			return "set oidc_redirect_ports to more ports that the provider knows"
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *vault.LoginRequiredError
		if errors.As(err, &e) && !e.Asking {
			return "answer on another terminal: aws-vault exec " + quoteWord(e.Profile) + " -- true"
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *source.LoginRequiredError
		switch {
		case !errors.As(err, &e):
			return ""
		case e.Cached:
			return fmt.Sprintf("take the AWS CLI's sign-in over with aws-vault aws-login --import %s, or sign in with aws-vault aws-login %[1]s", quoteWord(e.Profile))
		}
		return "sign in: aws-vault aws-login " + quoteWord(e.Profile)
	},
	func(err error, _ *app) string {
		var e *source.IdentityError
		if errors.As(err, &e) {
			return "sign in as the other, or take login_session out of the profile"
		}
		return ""
	},
	func(err error, _ *app) string {
		if errors.Is(err, store.ErrOthersToken) {
			return "sign out there first: aws sso logout"
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *store.DamagedError
		var k *keystore.DamagedError
		var name *store.NameError
		switch {
		case errors.As(err, &name):
			return "choose another name"
		case errors.As(err, &e):
			return "store the key again: aws-vault add " + quoteWord(e.Name)
		}
		if errors.As(err, &k) {
			return "store the key again: aws-vault add " + quoteWord(k.Name)
		}
		return ""
	},
	func(err error, _ *app) string {
		var unfinished *vault.UnfinishedError
		var replaced *vault.ReplacedError
		var damaged *store.JournalError
		switch {
		case errors.As(err, &replaced):
			return "see which keys the user has at AWS, then forget that rotation: aws-vault rotate --undo " + quoteWord(replaced.Name)
		case errors.As(err, &damaged):
			return "see which keys the user has at AWS, then forget that rotation: aws-vault rotate --undo " + quoteWord(damaged.Name)
		case errors.As(err, &unfinished):
			name := quoteWord(unfinished.Name)
			return fmt.Sprintf("the stored key works; finish with aws-vault rotate --resume %s, or go back with aws-vault rotate --undo %s", name, name)
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *vault.QuotaError
		if errors.As(err, &e) {
			return "delete the key that is not needed, or run aws-vault rotate on a terminal, which offers to"
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *vault.MoveError
		if errors.As(err, &e) {
			return "that key stands where it was; once this is mended, the same command goes on with it"
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *rotatingError
		if errors.As(err, &e) {
			return fmt.Sprintf("aws-vault rotate --backend=%s --resume %s", e.backend, quoteWord(e.name))
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *notImportedError
		if errors.As(err, &e) {
			return "the lines above say why; --overwrite replaces another key that is stored"
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *browserError
		if errors.As(err, &e) {
			return "print the address and open it yourself: aws-vault login --stdout"
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *vault.TemporaryUserError
		switch {
		case !errors.As(err, &e):
			return ""
		case e.Profile == "":
			return "name a profile: aws-vault login PROFILE"
		}
		return "name a profile that has a role or holds the user's own key"
	},
	func(err error, _ *app) string {
		var e *agentError
		if errors.As(err, &e) {
			return "run it yourself, in a terminal that no coding agent has started"
		}
		return ""
	},
	func(err error, _ *app) string {
		if errors.Is(err, errNoIdentity) {
			return "make one: aws-vault identity init"
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *cardKeyError
		if errors.As(err, &e) && (errors.Is(err, piv.ErrUnsupported) || errors.Is(err, piv.ErrNoService) || errors.Is(err, piv.ErrNoCard)) {
			return "or keep a key in the keystore, which whoever opens that can copy: --software"
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *unprovenError
		if errors.As(err, &e) {
			return "mend that, and see: aws-vault exec " + quoteWord(e.profile) + " -- true. Another setup would write another profile"
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *plan.UnlimitedError
		switch {
		case !errors.As(err, &e):
			return ""
		case e.Profile == "":
			return "name a profile that assumes a role, which takes a session policy"
		}
		return "let a profile with role_arn assume a role on top: source_profile = " + e.Profile
	},
	func(err error, _ *app) string {
		var e *plan.OwnPolicyError
		switch {
		case !errors.As(err, &e):
			return ""
		case e.Hop:
			return "let the policy of profile " + e.Profile + " allow sts:AssumeRole, sts:TagSession and sts:SetSourceIdentity alone, or take it out"
		case e.Agent:
			return "name the policy that coding agents get, in profile " + e.Profile + ": agent_access = NAME or ARN"
		}
		return "name a policy that allows everything but what it denies, or a profile without a policy of its own"
	},
	func(err error, _ *app) string {
		var e *source.TagsRefusedError
		switch {
		case !errors.As(err, &e):
			return ""
		case e.Agent:
			return "allow sts:TagSession where the role is trusted (aws-vault policy trust " + quoteWord(e.Profile) + "), or send no tags: agent_tags = off"
		}
		return "allow sts:TagSession where the role is trusted: aws-vault policy trust " + quoteWord(e.Profile)
	},
	func(err error, _ *app) string {
		var e *source.PlainError
		if errors.As(err, &e) {
			return "write https:// there, or forward a port of this machine to it and name that: http://127.0.0.1:PORT"
		}
		return ""
	},
	func(err error, _ *app) string {
		var e *plan.NoTokenError
		if errors.As(err, &e) {
			return "say what the token says: --" + strings.Join(e.Unknown, ", --")
		}
		return ""
	},
	func(err error, _ *app) string {
		if errors.Is(err, plan.ErrNoPolicy) {
			return "add a section [session-policy NAME] with policy or policy_arns to the config file"
		}
		return ""
	},
	func(err error, _ *app) string {
		if errors.Is(err, fs.ErrPermission) {
			return "the files of aws-vault belong to the user who runs it: see their owner and mode"
		}
		return ""
	},
}

// cardRemedy is what to do about a hardware key.
func cardRemedy(err error, _ *app) string {
	var several *piv.SeveralError
	var other *piv.NoneFitsError
	var held *piv.HeldError
	var blocked *piv.BlockedError
	var managed *piv.ManagementKeyError
	var occupied *piv.OccupiedError
	switch {
	case errors.Is(err, piv.ErrUnsupported):
		return "build it where libpcsclite's headers are (libpcsclite-dev): make build"
	case errors.Is(err, piv.ErrNoService):
		return "start the service that reads cards: on Linux install pcscd, and: systemctl start pcscd.socket"
	case errors.Is(err, piv.ErrNoCard):
		return "plug it in; gpg's scdaemon may keep it to itself, and lets it go with: gpgconf --kill scdaemon"
	case errors.As(err, &several):
		return "name one with --card or AWS_VAULT_CARD"
	case errors.As(err, &other):
		return "plug in the one that does"
	case errors.As(err, &held) && held.Holder == "scdaemon":
		return "have it let the key go: gpgconf --kill scdaemon"
	case errors.As(err, &held):
		return "end what uses the key, and try again"
	case errors.As(err, &blocked):
		return "unblock it with the PUK: ykman piv access unblock-pin"
	case errors.As(err, &managed):
		return "let the PIN guard it: ykman piv access change-management-key --generate --protect"
	case errors.As(err, &occupied):
		return "take another slot, or name this one to lose the key in it"
	}
	return ""
}
