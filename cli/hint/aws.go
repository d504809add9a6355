package hint

import (
	"errors"
	"fmt"
	"strings"

	"aws-vault/cli/ui"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/source"
)

// awsRemedy returns the hint for a call to AWS that failed.
func awsRemedy(err error, _ Facts) string {
	var timeout *awsapi.TimeoutError
	var tags *source.TagsRefusedError
	var noCode *source.NoCodeError
	var certificate *source.CertificateTimeError
	var plain *awsapi.PlainHTTPError
	var pinned *source.PinnedTokenError
	var refused *awsapi.APIError
	switch {
	case errors.As(err, &timeout):
		return "set a longer --timeout, or check whether a proxy delays the connection"
	case errors.As(err, &tags):
		remedy := "allow sts:TagSession in the role's trust policy"
		if tags.Agent {
			return remedy + " (aws-vault policy trust " + ui.QuoteWord(tags.Profile) + "), or turn tags off with agent_tags = off"
		}
		return remedy + ": aws-vault policy trust " + ui.QuoteWord(tags.Profile)
	case errors.As(err, &noCode):
		return fmt.Sprintf("profile %s has no mfa_serial, but its source profile %s has one; if the role requires an MFA code, add this line to profile %s: mfa_serial = %s",
			noCode.Profile, noCode.Device.Profile, noCode.Profile, noCode.Device.Serial)
	case errors.As(err, &certificate) && certificate.Now.Before(certificate.From):
		return "check whether this computer's clock is correct"
	case errors.As(err, &certificate):
		return "request a new certificate: aws-vault certificate request"
	case errors.As(err, &plain):
		return "use an https:// URL; if nobody can read your traffic to this host, add allow_plain_http = " + plain.Host() + " to the profile"
	case errors.As(err, &pinned):
		return fmt.Sprintf("the claim https://aws.amazon.com/roles in the token allows only %s; set role_arn to a role that it allows, or get a token for the role in role_arn",
			ui.QuoteWord(strings.Join(pinned.Pinned, ",")))
	case errors.As(err, &refused):
		return refusalRemedy(refused)
	}
	return ""
}

// refusalRemedy returns the hint for common error codes of AWS.
func refusalRemedy(e *awsapi.APIError) string {
	switch {
	case e.Code == "InvalidClientTokenId":
		return "the stored access key may have been deleted or deactivated at AWS; store a new one: aws-vault add PROFILE"
	case e.Action == "GetRoleCredentials" && e.Code == "ForbiddenException":
		return "list the accounts and roles that you can use: aws-vault sso list"
	case e.Code == "InvalidIdentityToken":
		return "check that the role's account has an IAM OIDC provider with exactly this issuer URL, and that its client IDs include the audience"
	case e.Action == "AssumeRoleWithWebIdentity" && e.Code == "AccessDenied":
		return "check that the role's trust policy allows the provider, the audience and the subject, and the session name if it restricts sts:RoleSessionName"
	case e.Action == "CreateVirtualMFADevice" && e.Code == "EntityAlreadyExists":
		return "choose another name, or delete the device if nobody uses it: aws iam delete-virtual-mfa-device --serial-number ARN"
	case e.Action == awsapi.ActionLogin && e.Code == "AUTHCODE_EXPIRED":
		return "sign in again; if that fails too, check this computer's clock: aws-vault doctor"
	case e.Action == "CreateAccessKey" && e.Code == "LimitExceeded":
		return "AWS allows two access keys per user: in the IAM console, delete the key that you do not need, then run aws-vault rotate again"
	case e.Code == "AccessDenied" && (e.Action == "CreateAccessKey" || e.Action == "DeleteAccessKey"):
		return "rotate needs iam:CreateAccessKey and iam:DeleteAccessKey; the manual has a policy in the section \"Replace a key\""
	case e.Code == "INSUFFICIENT_PERMISSIONS":
		return "attach the managed policy SignInLocalDevelopmentAccess to the user or role that you sign in as"
	case e.Code == "ValidationError" && strings.Contains(e.Message, "DurationSeconds"):
		return "set a shorter --duration or duration_seconds, or increase the role's maximum session duration"
	}
	return ""
}
