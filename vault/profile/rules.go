package profile

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"aws-vault/vault/ascii"
	"aws-vault/vault/printable"
)

// rule defines the valid values of a setting: a description, an example and a check.
type rule struct {
	want    string
	example string
	ok      func(string) bool
}

func (r rule) String() string {
	if r.example == "" {
		return r.want
	}
	return r.want + ", such as " + r.example
}

// The rules for values. They allow the characters and lengths that the documentation of each AWS service allows.
// The checks are functions without captured variables. Therefore the compiler can build the table of settings, and
// the program does not have to build the table when it starts.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
var (
	anyText    = rule{"text", "", isText}
	anyName    = rule{"a name", "prod", oneLine}
	anyCommand = rule{"a command", "/usr/local/bin/token", isText}
	anyPath    = rule{"the path of a file", "/etc/aws/token", oneLine}
	auditPath  = rule{"the path of a file", "~/aws-vault.jsonl", oneLine}
	formatName = rule{"the name of an output format", "json", func(s string) bool { return hasOnly(s, 1, 32, "-") }}

	regionName  = rule{"a region", "eu-west-1", isRegion}
	boolean     = rule{"true or false", "", func(s string) bool { return isOneOf(strings.ToLower(s), "true", "false") }}
	yesNo       = rule{"yes, no, true or false", "", func(s string) bool { return isOneOf(strings.ToLower(s), "yes", "no", "true", "false") }}
	hostList    = rule{"host names, separated by commas", "localstack", func(s string) bool { return everyEntry(s, isHost) }}
	webURL      = rule{"a URL", "https://example.com", isWebURL}
	pageURL     = rule{"a URL", "https://example.com", func(s string) bool { return isWebURL(printable.URL(s)) }}
	accountID   = rule{"an account number of 12 digits", "123456789012", isAccountID}
	roleARN     = rule{"the ARN of a role", "arn:aws:iam::123456789012:role/Admin", func(s string) bool { return isIAMARN(s, "role/", false) }}
	policyARNs  = rule{"up to 10 ARNs of managed policies", "arn:aws:iam::aws:policy/ReadOnlyAccess", isPolicyARNs}
	sessionName = rule{"2 to 64 letters, digits or any of =,.@_+-", "alice", isSessionName}
	identity    = rule{"2 to 64 letters, digits or any of =,.@_+-", "alice", func(s string) bool { return hasOnly(s, 2, 64, "=,.@+-") }}
	externalID  = rule{"2 to 1224 letters, digits or any of =,.@:/_+-", "a1b2c3", func(s string) bool { return hasOnly(s, 2, 1224, "=,.@:/+-") }}
	ssoRoleName = rule{"the name of a permission set", "ReadOnly", func(s string) bool { return hasOnly(s, 1, 64, "=,.@+-") }}
	scopes      = rule{"scopes, separated by commas", "sso:account:access", func(s string) bool { return everyEntry(s, isText) }}
	mfaSerial   = rule{"a virtual or hardware MFA device (STS does not accept FIDO keys)", "arn:aws:iam::123456789012:mfa/alice", isMFASerial}

	credentialSource = rule{"Environment, Ec2InstanceMetadata or EcsContainer", "",
		func(s string) bool { return isOneOf(s, "Environment", "Ec2InstanceMetadata", "EcsContainer") }}
	ipVersion    = rule{"IPv4 or IPv6", "", func(s string) bool { return isOneOf(strings.ToLower(s), "ipv4", "ipv6") }}
	attempts     = rule{"a number from 1 to 1000", "5", func(s string) bool { return numberWithin(s, 1, 1000) }}
	retryMode    = rule{"legacy, standard or adaptive", "", func(s string) bool { return isOneOf(s, "legacy", "standard", "adaptive") }}
	stsEndpoints = rule{"regional or legacy", "", func(s string) bool { return isOneOf(s, "regional", "legacy") }}

	providerURL   = rule{"an https URL, exactly as the provider writes it (http only for this machine)", "https://id.example.com", func(s string) bool { return isIssuer(printable.URL(s)) }}
	issuerURL     = rule{"an https URL, exactly as the provider writes it (http only for this machine)", "https://id.example.com", isIssuer}
	clientID      = rule{"printable characters without blanks", "aws-vault", isGraphic}
	oidcScopeList = rule{"scopes, separated by commas or blanks", "openid,email,offline_access", func(s string) bool { return everyEntry(s, isScopes) }}
	signInFlow    = rule{"browser or device", "", func(s string) bool { return isOneOf(s, "browser", "device") }}
	onePort       = rule{"a port from 1 to 65535", "8000", isPort}
	portList      = rule{"up to 10 ports from 1 to 65535, tried in order", "8000,18000", func(s string) bool { return everyEntry(s, isPort) && len(splitList(s)) <= 10 }}
	claimName     = rule{"the name of a claim in the ID token", "email", func(s string) bool { return hasOnly(s, 1, 64, "-.:/") }}
	agentAccess   = rule{"read-only, off, deny, or the ARN or name of a session policy", "", oneLine}
	onOff         = rule{"on or off", "", func(s string) bool { return isOneOf(s, "on", "off") }}

	keyID     = rule{"an access key ID: letters, digits or _", "", func(s string) bool { return hasOnly(s, 1, 128, "") }}
	keySecret = rule{"printable characters without blanks", "", isGraphic}

	trustAnchor = rule{"the ARN of a trust anchor of IAM Roles Anywhere", "arn:aws:rolesanywhere:eu-west-1:123456789012:trust-anchor/EXAMPLE-a1b2",
		func(s string) bool { return isAnywhereARN(s, "trust-anchor/") }}
	anywhereProfile = rule{"the ARN of a profile of IAM Roles Anywhere", "arn:aws:rolesanywhere:eu-west-1:123456789012:profile/EXAMPLE-c3d4",
		func(s string) bool { return isAnywhereARN(s, "profile/") }}
	privateKeyLocation = rule{"the path of a file, or a slot of a security key", "piv:9c", isPrivateKeyLocation}
	mfaDevice          = rule{"yubikey, to read codes from a YubiKey", "yubikey", func(s string) bool { return s == "yubikey" }}

	signIn = rule{"the identity that aws login wrote", "arn:aws:iam::123456789012:user/alice", oneLine}

	browserName = rule{"a browser, optionally followed by a profile", "chromium:Work", oneLine}

	tagPairs = rule{"up to 50 KEY=VALUE pairs with different keys", "team=blue,cost=42", func(s string) bool { _, ok := readTags(s); return ok }}
	tagKeys  = rule{"keys of session tags", "team,cost", func(s string) bool { return everyEntry(s, isTagKey) }}

	roleSeconds   = rule{"a number of seconds from 900 to 43200", "3600", func(s string) bool { return numberWithin(s, 900, 43200) }}
	roleDuration  = rule{"a duration from 15m to 12h", "1h", func(s string) bool { return durationWithin(s, 15*time.Minute, 12*time.Hour) }}
	userDuration  = rule{"a duration from 15m to 36h", "8h", func(s string) bool { return durationWithin(s, 15*time.Minute, 36*time.Hour) }}
	leastDuration = rule{"a duration up to 12h", "5m", func(s string) bool { return durationWithin(s, 0, 12*time.Hour) }}
	anyDuration   = rule{"a duration or a number of seconds", "1h", isAge}
)

// hasOnly reports whether s has only ASCII letters, digits, underscores and characters in extra,
// and whether its length is within the limits.
func hasOnly(s string, least, most int, extra string) bool {
	if len(s) < least || len(s) > most {
		return false
	}
	for i := range len(s) {
		if !isWord(s[i]) && strings.IndexByte(extra, s[i]) < 0 {
			return false
		}
	}
	return true
}

func isWord(c byte) bool { return ascii.IsAlphanumeric(c) || c == '_' }

func isText(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return false
		}
	}
	return trim(s) != ""
}

func oneLine(s string) bool { return isText(s) && !strings.Contains(s, "\n") }

func isGraphic(s string) bool {
	for i := range len(s) {
		if !ascii.IsGraphic(s[i]) {
			return false
		}
	}
	return s != ""
}

func isOneOf(s string, words ...string) bool {
	return slices.Contains(words, s)
}

func everyEntry(s string, ok func(string) bool) bool {
	list := splitList(s)
	for _, entry := range list {
		if !ok(entry) || strings.ContainsAny(entry, "\n\t") {
			return false
		}
	}
	return len(list) > 0
}

// isRegion accepts only names that can be part of a host name, because host names of endpoints contain the region.
func isRegion(s string) bool {
	return hasOnly(s, 1, 63, "-") && !strings.Contains(s, "_") && s[0] != '-' && s[len(s)-1] != '-' &&
		strings.Trim(s, "0123456789") != ""
}

func isWebURL(s string) bool {
	if !isGraphic(s) {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != ""
}

// isHost accepts the name or the IP address of a host, without a port.
func isHost(s string) bool { return hasOnly(s, 1, 253, "-.") || net.ParseIP(s) != nil }

// isIssuer accepts the URL of an OIDC provider. Plain HTTP is allowed only for a provider on this machine. Between
// machines, an attacker on the network could forge a token that is sent over plain HTTP.
// https://openid.net/specs/openid-connect-core-1_0.html#IssuerIdentifier
func isIssuer(s string) bool {
	u, err := url.Parse(s)
	if err != nil || !isWebURL(s) || u.User != nil || strings.ContainsAny(s, "?#") {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// isScopes accepts scopes that are separated by blanks.
// https://www.rfc-editor.org/rfc/rfc6749#section-3.3
func isScopes(s string) bool {
	for scope := range strings.FieldsSeq(s) {
		if !isGraphic(scope) || strings.ContainsAny(scope, `"\`) {
			return false
		}
	}
	return true
}

func isPort(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && isDigits(s) && n >= 1 && n <= 65535
}

func isAccountID(s string) bool { return len(s) == 12 && isDigits(s) }

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// isIAMARN accepts arn:PARTITION:iam::ACCOUNT:KIND/NAME.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
func isIAMARN(s, kind string, managed bool) bool {
	parts := strings.SplitN(s, ":", 6)
	if len(s) > 2048 || len(parts) != 6 || !isGraphic(s) {
		return false
	}
	return parts[0] == "arn" && hasOnly(parts[1], 1, 32, "-") && parts[2] == "iam" && parts[3] == "" &&
		(isAccountID(parts[4]) || managed && parts[4] == "aws") &&
		strings.HasPrefix(parts[5], kind) && len(parts[5]) > len(kind)
}

// isAnywhereARN accepts arn:PARTITION:rolesanywhere:REGION:ACCOUNT:KIND/ID.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementrolesanywhere.html
func isAnywhereARN(s, kind string) bool {
	parts := strings.SplitN(s, ":", 6)
	return len(s) <= 1011 && len(parts) == 6 && isGraphic(s) && parts[0] == "arn" && hasOnly(parts[1], 1, 32, "-") &&
		parts[2] == "rolesanywhere" && isRegion(parts[3]) && isAccountID(parts[4]) &&
		strings.HasPrefix(parts[5], kind) && hasOnly(parts[5][len(kind):], 1, 128, "-")
}

// isPrivateKeyLocation accepts the path of a file, or piv: and a slot of a PIV card, such as piv:9c.
// https://nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-73pt1-5.pdf
func isPrivateKeyLocation(s string) bool {
	slot, card := strings.CutPrefix(s, "piv:")
	if !card {
		return oneLine(s)
	}
	switch slot {
	case "9a", "9c", "9d", "9e":
		return true
	}
	return len(slot) == 2 && slot >= "82" && slot <= "95" && strings.Trim(slot, "0123456789abcdef") == ""
}

// IsRoleARN reports whether s is a valid value of role_arn.
func IsRoleARN(s string) bool { return roleARN.ok(s) }

func isPolicyARNs(s string) bool {
	return everyEntry(s, func(arn string) bool { return isIAMARN(arn, "policy/", true) }) && len(splitList(s)) <= 10
}

// isSessionName accepts a role session name. The name may contain ${aws:username}, which is later replaced with
// the name of the calling user.
func isSessionName(s string) bool {
	return len(s) <= 128 && hasOnly(strings.ReplaceAll(s, "${aws:username}", "me"), 2, 64, "=,.@+-")
}

func isMFASerial(s string) bool {
	return hasOnly(s, 1, 256, "=/:,.@+-") && !strings.HasPrefix(s, "u2f/") && !strings.Contains(s, ":u2f/")
}

func numberWithin(s string, least, most int) bool {
	n, err := strconv.Atoi(s)
	return err == nil && isDigits(s) && n >= least && n <= most
}

func durationWithin(s string, least, most time.Duration) bool {
	d, err := time.ParseDuration(s)
	return err == nil && d >= least && d <= most
}

func isAge(s string) bool {
	d, ok := readDuration(s)
	return ok && d > 0
}

// readDuration parses a number of seconds or a Go duration.
func readDuration(s string) (time.Duration, bool) {
	if isDigits(s) {
		n, err := strconv.ParseInt(s, 10, 32)
		return time.Duration(n) * time.Second, err == nil
	}
	d, err := time.ParseDuration(s)
	return d, err == nil
}

func splitList(s string) []string {
	var list []string
	for entry := range strings.SplitSeq(s, ",") {
		if entry = trim(entry); entry != "" {
			list = append(list, entry)
		}
	}
	return list
}
