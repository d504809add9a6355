package awsapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// specialText contains characters that forms, URLs, JSON and XML escape in different ways.
const specialText = "ü &=+%\"/~*'\t;"

const (
	specialUser = "alice+b@example.com"
	startURL    = "https://example.awsapps.com/start"
)

const specialRole = "arn:aws:iam::123456789012:role/path/a+b=c,d.e@f-g"

func (o comparison) sts() STS            { return STS{o.api, o.at} }
func (o comparison) keys() AccessKeys    { return AccessKeys{o.api, o.at, specialUser, o.by} }
func (o comparison) devices() MFADevices { return MFADevices(o.keys()) }

func (o comparison) sdkSTS() *sts.Client {
	return sts.New(sts.Options{Region: o.at.Region, BaseEndpoint: &o.at.Endpoint.URL, Credentials: o.signer(), Retryer: aws.NopRetryer{}})
}

// sdkIAM returns the SDK's client for IAM. The client signs for IAM's home region, as this package always does,
// because AWS accepts no other region. With a custom endpoint, the SDK would otherwise sign for the profile's
// region.
func (o comparison) sdkIAM() *iam.Client {
	return iam.New(iam.Options{Region: domainsOf(o.at.Region).home, BaseEndpoint: &o.at.Endpoint.URL, Credentials: o.signer(), Retryer: aws.NopRetryer{}})
}

func sessionOf(c *ststypes.Credentials, account string) aws.Credentials {
	return aws.Credentials{
		AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken,
		CanExpire: true, Expires: *c.Expiration, AccountID: account,
	}
}

// result returns a successful response of the query protocol.
func result(action, inner string) []string {
	return []string{`<` + action + `Response xmlns="https://example.amazonaws.com/doc/"><` + action + `Result>` + inner + `</` + action + `Result>` +
		`<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></` + action + `Response>`}
}

const xmlSession = `<Credentials><AccessKeyId>ASIAI44QH8DHBEXAMPLE</AccessKeyId><SecretAccessKey>a/b+c=</SecretAccessKey>` +
	`<SessionToken>d/e+f==</SessionToken><Expiration>2030-01-02T03:04:05.678Z</Expiration></Credentials>`

// refusedXML returns error responses of the query protocol: one for each code, and some whose XML is unusual but
// valid.
func refusedXML(codes ...string) (list []cannedResponse) {
	for _, code := range append(codes, "AccessDenied", "Throttling", "InvalidClientTokenId") {
		list = append(list, cannedResponse{http.StatusBadRequest, "", `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>` + code +
			`</Code><Message>It is &lt;not&gt; &#233;</Message></Error><RequestId>1</RequestId></ErrorResponse>`})
	}
	return append(list,
		cannedResponse{http.StatusForbidden, "", `<?xml version="1.0" encoding="UTF-8"?><ErrorResponse><RequestId>1</RequestId><Error><Message>x</Message><Code>A</Code></Error></ErrorResponse>`},
		cannedResponse{http.StatusForbidden, "", `<ErrorResponse><Error><Code>A</Code></Error></ErrorResponse>`},
		cannedResponse{http.StatusForbidden, "", `<ErrorResponse><Error></Error></ErrorResponse>`},
		cannedResponse{http.StatusServiceUnavailable, "", ""},
	)
}

// queryOperations returns the operations of STS and IAM.
func queryOperations() []operation {
	stsRefusals := refusedXML("ExpiredTokenException", "IDPCommunicationError", "IDPRejectedClaim", "InvalidIdentityToken", "MalformedPolicyDocument",
		"PackedPolicyTooLarge", "RegionDisabledException")
	iamRefusals := refusedXML("ConcurrentModification", "DeleteConflict", "EntityAlreadyExists", "EntityTemporarilyUnmodifiable", "InvalidAuthenticationCode",
		"InvalidInput", "LimitExceeded", "NoSuchEntity", "ServiceFailure")
	return []operation{
		{
			action: "AssumeRole", variant: "all parameters", refused: stsRefusals,
			pages: result("AssumeRole", xmlSession+`<AssumedRoleUser><AssumedRoleId>AROA:a</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/a/b</Arn></AssumedRoleUser>`+
				`<PackedPolicySize>6</PackedPolicySize><SourceIdentity>x</SourceIdentity>`),
			ours: func(ctx context.Context, o comparison) (any, error) {
				return o.sts().AssumeRole(ctx, o.by, RoleRequest{
					Role: specialRole, SessionName: "alice", ExternalID: specialText, SourceIdentity: "alice@example.com",
					Tags: []Tag{{"A", specialText}, {"B", ""}}, TransitiveTags: []string{"A", "B"},
					Duration: 20 * time.Minute, Policy: Policy{Inline: specialText, ARNs: []string{"arn:1", "arn:2"}},
				}, MFA{"arn:aws:iam::123456789012:mfa/alice", "012345"})
			},
			sdk: func(ctx context.Context, o comparison) (any, error) {
				out, err := o.sdkSTS().AssumeRole(ctx, &sts.AssumeRoleInput{
					RoleArn: aws.String(specialRole), RoleSessionName: aws.String("alice"), ExternalId: aws.String(specialText), SourceIdentity: aws.String("alice@example.com"),
					Tags: []ststypes.Tag{{Key: aws.String("A"), Value: aws.String(specialText)}, {Key: aws.String("B"), Value: aws.String("")}}, TransitiveTagKeys: []string{"A", "B"},
					DurationSeconds: aws.Int32(1200), Policy: aws.String(specialText), PolicyArns: []ststypes.PolicyDescriptorType{{Arn: aws.String("arn:1")}, {Arn: aws.String("arn:2")}},
					SerialNumber: aws.String("arn:aws:iam::123456789012:mfa/alice"), TokenCode: aws.String("012345"),
				})
				if err != nil {
					return nil, err
				}
				return sessionOf(out.Credentials, strings.Split(*out.AssumedRoleUser.Arn, ":")[4]), nil
			},
		},
		{
			action: "AssumeRole", variant: "required parameters", pages: result("AssumeRole", xmlSession),
			ours: func(ctx context.Context, o comparison) (any, error) {
				return o.sts().AssumeRole(ctx, o.by, RoleRequest{Role: specialRole, SessionName: "alice"}, MFA{})
			},
			sdk: func(ctx context.Context, o comparison) (any, error) {
				out, err := o.sdkSTS().AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String(specialRole), RoleSessionName: aws.String("alice")})
				if err != nil {
					return nil, err
				}
				return sessionOf(out.Credentials, ""), nil
			},
		},
		{
			action: "AssumeRoleWithWebIdentity", refused: stsRefusals,
			pages: result("AssumeRoleWithWebIdentity", `<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/a/b</Arn></AssumedRoleUser>`+xmlSession+`<Audience>x</Audience>`),
			ours: func(ctx context.Context, o comparison) (any, error) {
				return o.sts().WebIdentity(ctx, "EXAMPLE.TOKEN", RoleRequest{
					Role: specialRole, SessionName: "alice", Duration: time.Hour, Policy: Policy{Inline: specialText, ARNs: []string{"arn:1"}},
				})
			},
			sdk: func(ctx context.Context, o comparison) (any, error) {
				out, err := o.sdkSTS().AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
					RoleArn: aws.String(specialRole), RoleSessionName: aws.String("alice"), WebIdentityToken: aws.String("EXAMPLE.TOKEN"),
					DurationSeconds: aws.Int32(3600), Policy: aws.String(specialText), PolicyArns: []ststypes.PolicyDescriptorType{{Arn: aws.String("arn:1")}},
				})
				if err != nil {
					return nil, err
				}
				return sessionOf(out.Credentials, strings.Split(*out.AssumedRoleUser.Arn, ":")[4]), nil
			},
		},
		{
			action: "GetSessionToken", refused: stsRefusals, pages: result("GetSessionToken", xmlSession),
			ours: func(ctx context.Context, o comparison) (any, error) {
				return o.sts().SessionToken(ctx, o.by, time.Hour, MFA{"GAHT12345678", "012345"})
			},
			sdk: func(ctx context.Context, o comparison) (any, error) {
				out, err := o.sdkSTS().GetSessionToken(ctx, &sts.GetSessionTokenInput{
					DurationSeconds: aws.Int32(3600), SerialNumber: aws.String("GAHT12345678"), TokenCode: aws.String("012345"),
				})
				if err != nil {
					return nil, err
				}
				return sessionOf(out.Credentials, ""), nil
			},
		},
		{
			action: "GetFederationToken", refused: stsRefusals,
			pages: result("GetFederationToken", xmlSession+`<FederatedUser><FederatedUserId>1:a</FederatedUserId><Arn>arn:aws:sts::123456789012:federated-user/a</Arn></FederatedUser>`),
			ours: func(ctx context.Context, o comparison) (any, error) {
				return o.sts().FederationToken(ctx, o.by, "a", time.Hour, Policy{Inline: specialText, ARNs: []string{"arn:1", "arn:2"}})
			},
			sdk: func(ctx context.Context, o comparison) (any, error) {
				out, err := o.sdkSTS().GetFederationToken(ctx, &sts.GetFederationTokenInput{
					Name: aws.String("a"), DurationSeconds: aws.Int32(3600), Policy: aws.String(specialText),
					PolicyArns: []ststypes.PolicyDescriptorType{{Arn: aws.String("arn:1")}, {Arn: aws.String("arn:2")}},
				})
				if err != nil {
					return nil, err
				}
				return sessionOf(out.Credentials, strings.Split(*out.FederatedUser.Arn, ":")[4]), nil
			},
		},
		{
			action: "GetCallerIdentity", refused: stsRefusals,
			pages: result("GetCallerIdentity", `<Arn>arn:aws:iam::123456789012:user/a&amp;b</Arn><UserId>AIDA</UserId><Account>123456789012</Account>`),
			ours:  func(ctx context.Context, o comparison) (any, error) { return o.sts().Caller(ctx, o.by) },
			sdk: func(ctx context.Context, o comparison) (any, error) {
				out, err := o.sdkSTS().GetCallerIdentity(ctx, nil)
				if err != nil {
					return nil, err
				}
				return Caller{ARN: *out.Arn, Account: *out.Account}, nil
			},
		},
		{
			action: "ListAccessKeys", refused: iamRefusals,
			pages: result("ListAccessKeys", `<UserName>a</UserName><AccessKeyMetadata>`+
				`<member><UserName>a</UserName><AccessKeyId>AKIA1</AccessKeyId><Status>Active</Status><CreateDate>2030-01-02T03:04:05Z</CreateDate></member>`+
				`<member><AccessKeyId>AKIA2</AccessKeyId><Status>Inactive</Status><CreateDate>2030-01-02T03:04:06Z</CreateDate></member>`+
				`</AccessKeyMetadata><IsTruncated>false</IsTruncated>`),
			ours: func(ctx context.Context, o comparison) (any, error) {
				keys, _, err := o.keys().List(ctx)
				return keys, err
			},
			sdk: func(ctx context.Context, o comparison) (any, error) {
				out, err := o.sdkIAM().ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: aws.String(specialUser)})
				if err != nil {
					return nil, err
				}
				var keys []AccessKey
				for _, m := range out.AccessKeyMetadata {
					keys = append(keys, AccessKey{ID: *m.AccessKeyId, Active: m.Status == iamtypes.StatusTypeActive, Created: *m.CreateDate})
				}
				return keys, nil
			},
		},
		{
			action: "CreateAccessKey", refused: iamRefusals,
			pages: result("CreateAccessKey", `<AccessKey><UserName>a</UserName><AccessKeyId>AKIA1</AccessKeyId><Status>Active</Status><SecretAccessKey>a/b+c=</SecretAccessKey></AccessKey>`),
			ours:  func(ctx context.Context, o comparison) (any, error) { return o.keys().Create(ctx) },
			sdk: func(ctx context.Context, o comparison) (any, error) {
				out, err := o.sdkIAM().CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String(specialUser)})
				if err != nil {
					return nil, err
				}
				return aws.Credentials{AccessKeyID: *out.AccessKey.AccessKeyId, SecretAccessKey: *out.AccessKey.SecretAccessKey}, nil
			},
		},
		activate("Active", true, iamRefusals), activate("Inactive", false, nil),
		{
			action: "DeleteAccessKey", refused: iamRefusals, pages: result("DeleteAccessKey", ""),
			ours: func(ctx context.Context, o comparison) (any, error) { return nil, o.keys().Delete(ctx, "AKIA1") },
			sdk: func(ctx context.Context, o comparison) (any, error) {
				_, err := o.sdkIAM().DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: aws.String(specialUser), AccessKeyId: aws.String("AKIA1")})
				return nil, err
			},
		},
		lastUsed("<LastUsedDate>2030-01-02T03:04:05Z</LastUsedDate><ServiceName>s3</ServiceName>", "used", iamRefusals),
		lastUsed("<ServiceName>N/A</ServiceName><Region>N/A</Region>", "never used", nil),
		{
			action: "CreateVirtualMFADevice", refused: iamRefusals,
			pages: result("CreateVirtualMFADevice", `<VirtualMFADevice><SerialNumber>arn:aws:iam::1:mfa/a</SerialNumber><Base32StringSeed>SkJTV1kzRFBFSFBLM1BYUA==</Base32StringSeed>`+
				`<QRCodePNG>AA==</QRCodePNG></VirtualMFADevice>`),
			ours: func(ctx context.Context, o comparison) (any, error) {
				serial, secret, err := o.devices().Create(ctx, "a+b@example.com")
				return []any{serial, secret}, err
			},
			sdk: func(ctx context.Context, o comparison) (any, error) {
				out, err := o.sdkIAM().CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("a+b@example.com")})
				if err != nil {
					return nil, err
				}
				return []any{*out.VirtualMFADevice.SerialNumber, out.VirtualMFADevice.Base32StringSeed}, nil
			},
		},
		{
			action: "EnableMFADevice", refused: iamRefusals, pages: result("EnableMFADevice", ""),
			ours: func(ctx context.Context, o comparison) (any, error) {
				return nil, o.devices().Enable(ctx, "arn:aws:iam::1:mfa/a", "012345", "678901")
			},
			sdk: func(ctx context.Context, o comparison) (any, error) {
				_, err := o.sdkIAM().EnableMFADevice(ctx, &iam.EnableMFADeviceInput{
					UserName: aws.String(specialUser), SerialNumber: aws.String("arn:aws:iam::1:mfa/a"), AuthenticationCode1: aws.String("012345"), AuthenticationCode2: aws.String("678901"),
				})
				return nil, err
			},
		},
		{
			action: "DeleteVirtualMFADevice", refused: iamRefusals, pages: result("DeleteVirtualMFADevice", ""),
			ours: func(ctx context.Context, o comparison) (any, error) {
				return nil, o.devices().Delete(ctx, "arn:aws:iam::1:mfa/a")
			},
			sdk: func(ctx context.Context, o comparison) (any, error) {
				_, err := o.sdkIAM().DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: aws.String("arn:aws:iam::1:mfa/a")})
				return nil, err
			},
		},
	}
}

func activate(status string, active bool, refused []cannedResponse) operation {
	return operation{
		action: "UpdateAccessKey", variant: status, refused: refused, pages: result("UpdateAccessKey", ""),
		ours: func(ctx context.Context, o comparison) (any, error) {
			return nil, o.keys().SetActive(ctx, "AKIA1", active)
		},
		sdk: func(ctx context.Context, o comparison) (any, error) {
			_, err := o.sdkIAM().UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: aws.String(specialUser), AccessKeyId: aws.String("AKIA1"), Status: iamtypes.StatusType(status)})
			return nil, err
		},
	}
}

func lastUsed(xml, variant string, refused []cannedResponse) operation {
	return operation{
		action: "GetAccessKeyLastUsed", variant: variant, refused: refused,
		pages: result("GetAccessKeyLastUsed", `<AccessKeyLastUsed>`+xml+`</AccessKeyLastUsed><UserName>a</UserName>`),
		ours: func(ctx context.Context, o comparison) (any, error) {
			at, service, err := o.keys().LastUsed(ctx, "AKIA1")
			return []any{at, service}, err
		},
		sdk: func(ctx context.Context, o comparison) (any, error) {
			out, err := o.sdkIAM().GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: aws.String("AKIA1")})
			if err != nil {
				return nil, err
			}
			return []any{aws.ToTime(out.AccessKeyLastUsed.LastUsedDate), *out.AccessKeyLastUsed.ServiceName}, nil
		},
	}
}
