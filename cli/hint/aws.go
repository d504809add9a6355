package hint

import (
	"errors"
	"strings"

	"aws-vault/cli/ui"
	"aws-vault/vault/awsapi"
	"aws-vault/vault/source"
)

// awsRemedy is what to do about a call to AWS that was refused or not made.
func awsRemedy(err error, _ Facts) string {
	var timeout *awsapi.TimeoutError
	var tags *source.TagsRefusedError
	var certificate *source.CertificateTimeError
	var plain *awsapi.PlainHTTPError
	var refused *awsapi.APIError
	switch {
	case errors.As(err, &timeout):
		return "give it longer with --timeout, or see whether a proxy stands between"
	case errors.As(err, &tags):
		remedy := "allow sts:TagSession where the role is trusted"
		if tags.Agent {
			return remedy + " (aws-vault policy trust " + ui.QuoteWord(tags.Profile) + "), or send no tags: agent_tags = off"
		}
		return remedy + ": aws-vault policy trust " + ui.QuoteWord(tags.Profile)
	case errors.As(err, &certificate) && certificate.Now.Before(certificate.From):
		return "see whether this computer's clock is right"
	case errors.As(err, &certificate):
		return "have a new certificate issued: aws-vault certificate request"
	case errors.As(err, &plain):
		return "write https:// there, or forward a port of this machine to it and name that: http://127.0.0.1:PORT"
	case errors.As(err, &refused):
		return refusalRemedy(refused)
	}
	return ""
}

// refusalRemedy is what to do about an answer of AWS that everybody meets once.
func refusalRemedy(e *awsapi.APIError) string {
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
	case e.Action == awsapi.ActionLogin && e.Code == "AUTHCODE_EXPIRED":
		return "sign in again; if that fails too, see whether this computer's clock is right: aws-vault doctor"
	case e.Code == "INSUFFICIENT_PERMISSIONS":
		return "whoever signs in needs the rights of the managed policy SignInLocalDevelopmentAccess"
	case e.Code == "ValidationError" && strings.Contains(e.Message, "DurationSeconds"):
		return "ask for less with --duration or duration_seconds, or raise the role's maximum session duration"
	}
	return ""
}
