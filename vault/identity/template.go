package identity

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Template describes what an AWS account needs to trust one identity: an OIDC provider for the issuer, and a role.
// The role's permissions come from exactly one source: managed policies, actions on resources, or a list of accounts.
// In the last case the role is a hub: it can only assume the role with the same name in those accounts.
type Template struct {
	Name                      string // name of the identity
	Issuer, Subject, Audience string
	Role                      string        // name of the role
	MaxSession                time.Duration // maximum session duration; 0 means 1 h

	Managed            []string // names of AWS managed policies, or ARNs of managed policies
	Actions, Resources []string
	Accounts           []string // accounts whose roles a hub can assume

	// Hub is the ARN of the hub's role. If it is set, the template is for one of the hub's accounts:
	// the role trusts the hub, and there is no provider.
	Hub string
	// Organization is the AWS organization that the hub must belong to; empty means any.
	Organization string
}

// A TemplateError reports a template value that is missing or invalid.
type TemplateError struct{ What, Found, Expected string }

func (e *TemplateError) Error() string {
	if e.Found == "" {
		return fmt.Sprintf("%s is missing, expected %s", e.What, e.Expected)
	}
	return fmt.Sprintf("%s is %.100q, expected %s", e.What, e.Found, e.Expected)
}

// IAM's limits for names, policies and session durations.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	maxRoleName  = 64
	maxPolicies  = 20
	maxListItems = 100 // maximum number of actions, resources or accounts; 100 typical items fit maxInline
	maxARN       = 2048
	minSession   = time.Hour
	maxSession   = 12 * time.Hour
)

// IAM's limits for the size of a role's policies, in characters without white space. The limit for trust policies
// is the default quota of an account.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length
const (
	maxInline = 10240
	maxTrust  = 2048
)

// validated returns the template with default values and without duplicate list items. It fails with an [*IssuerError],
// a [*TemplateError] or [ErrNoGrant].
func (t Template) validated() (Template, error) {
	if err := CheckIssuer(t.Issuer); err != nil {
		return t, err
	}
	if t.MaxSession == 0 {
		t.MaxSession = minSession
	}
	for _, list := range []*[]string{&t.Managed, &t.Actions, &t.Resources, &t.Accounts} {
		*list = distinct(*list)
	}
	for _, check := range []func() error{t.checkIdentity, t.checkRole, t.checkGrant, t.checkLists, t.checkSizes} {
		if err := check(); err != nil {
			return t, err
		}
	}
	return t, nil
}

func (t Template) checkIdentity() error {
	switch {
	// The issuer must have no port: policies use the text after https:// as a prefix of condition keys, and a colon
	// ends this prefix.
	// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
	case !strings.HasPrefix(t.Issuer, "https://") || !onlyContains(t.host(), alphabet+"._~/-"):
		return &TemplateError{"issuer", t.Issuer, "https:// followed by letters, digits or any of ._~/- and no port"}
	// The subject must be a valid session name, because it is also used as the session name.
	case len(t.Subject) < 2 || len(t.Subject) > maxRoleName || !onlyContains(t.Subject, nameLetters):
		return &TemplateError{"subject", t.Subject, "2 to 64 letters, digits, and _ + = , . @ -"}
	// The audience must not contain $, because ${ begins a variable in a policy.
	case t.Audience == "" || len(t.Audience) > 255 || !onlyContains(t.Audience, graphic) || strings.Contains(t.Audience, "$"):
		return &TemplateError{"audience", t.Audience, "1 to 255 characters, without spaces or $"}
	}
	return nil
}

func (t Template) checkRole() error {
	switch {
	case t.Role == "" || len(t.Role) > maxRoleName || !onlyContains(t.Role, nameLetters):
		return &TemplateError{"role name", t.Role, "1 to 64 letters, digits, and _ + = , . @ -"}
	case t.MaxSession < minSession || t.MaxSession > maxSession || t.MaxSession%time.Second != 0:
		return &TemplateError{"session duration", t.MaxSession.String(), "1h to 12h"}
	case t.Hub != "" && !isIAM(t.Hub, "role/", false):
		return &TemplateError{"hub", t.Hub, "the ARN of a role, such as arn:aws:iam::123456789012:role/hub"}
	// A role that is assumed from another role has sessions of at most 1 h.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
	case t.Hub != "" && t.MaxSession > minSession:
		return &TemplateError{"session duration", t.MaxSession.String(), "at most 1h, because the role is assumed from another role"}
	case t.Organization != "" && t.Hub == "":
		return &TemplateError{"organization", t.Organization, "none, because no hub is set"}
	case t.Organization != "" && !isOrganization(t.Organization):
		return &TemplateError{"organization", t.Organization, "one such as o-a1b2c3d4e5"}
	}
	return nil
}

// ErrNoGrant reports that a template has no permissions for the role, or permissions of more than one kind.
var ErrNoGrant = errors.New("the role needs exactly one kind of permissions: managed policies, or actions with their resources, or the accounts of a hub")

// checkGrant requires permissions of exactly one kind. It also requires that actions have resources, and vice versa.
func (t Template) checkGrant() error {
	patterns := 0
	for _, given := range []int{len(t.Managed), len(t.Actions) + len(t.Resources), len(t.Accounts)} {
		patterns += min(given, 1)
	}
	switch {
	case patterns != 1:
		return ErrNoGrant
	case len(t.Actions) > 0 && len(t.Resources) == 0:
		return &TemplateError{"a resource for the actions", "", "ARNs, or * for all"}
	case len(t.Resources) > 0 && len(t.Actions) == 0:
		return &TemplateError{"an action for the resources", "", "actions such as s3:GetObject"}
	case t.Hub != "" && len(t.Accounts) > 0:
		return &TemplateError{"hub", t.Hub, "none, because the role itself is a hub"}
	}
	return nil
}

func (t Template) checkLists() error {
	for _, l := range []struct {
		what  string
		items []string
		most  int
		fits  func(string) bool
		want  string
	}{
		{"managed policy", t.Managed, maxPolicies, isManaged, "the name of an AWS managed policy, such as ReadOnlyAccess, or an ARN"},
		{"action", t.Actions, maxListItems, isAction, "one such as s3:GetObject"},
		{"resource", t.Resources, maxListItems, isResource, "an ARN, or *"},
		{"account", t.Accounts, maxListItems, isAccount, "12 digits"},
	} {
		if len(l.items) > l.most {
			return &TemplateError{l.what + " list", fmt.Sprint(len(l.items), " items"), fmt.Sprint("at most ", l.most)}
		}
		for _, item := range l.items {
			if !l.fits(item) {
				return &TemplateError{l.what, item, l.want}
			}
		}
	}
	return nil
}

// checkSizes requires that IAM accepts the size of the role's policies.
func (t Template) checkSizes() error {
	for _, p := range []struct {
		what   string
		policy object
		most   int
	}{
		{"trust policy", t.trust(), maxTrust},
		{"inline policy", t.inline(), maxInline},
	} {
		if n := t.size(p.policy); n > p.most {
			return &TemplateError{p.what, fmt.Sprint(n, " characters"), fmt.Sprint("at most ", p.most, " without white space")}
		}
	}
	return nil
}

// host returns the issuer without https://, as it is written in policies.
func (t Template) host() string { return strings.TrimPrefix(t.Issuer, "https://") }

func distinct(list []string) []string {
	var once []string
	for _, item := range list {
		if !slices.Contains(once, item) {
			once = append(once, item)
		}
	}
	return once
}

// Character sets of names and of strings in policies.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-names
const (
	digits      = "0123456789"
	lower       = "abcdefghijklmnopqrstuvwxyz"
	letters     = lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	alphabet    = letters + digits
	nameLetters = alphabet + "_+=,.@-"
	graphic     = alphabet + "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
)

// onlyContains reports whether all characters of text are in set.
func onlyContains(text, set string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(set, r) })
}

func isAccount(s string) bool { return len(s) == 12 && onlyContains(s, digits) }

func isOrganization(s string) bool {
	id, ok := strings.CutPrefix(s, "o-")
	return ok && len(id) >= 10 && len(id) <= 32 && onlyContains(id, lower+digits)
}

func isManaged(s string) bool { return isPath(s) || isIAM(s, "policy/", true) }

func isPath(s string) bool { return s != "" && len(s) <= 512 && onlyContains(s, nameLetters+"/") }

// isIAM reports whether arn is the ARN of an IAM resource of this kind. If aws is true, the ARN may also have the
// account aws, as the ARNs of AWS managed policies do.
func isIAM(arn, kind string, aws bool) bool {
	p := strings.SplitN(arn, ":", 6)
	if len(p) != 6 || len(arn) > maxARN {
		return false
	}
	name, ok := strings.CutPrefix(p[5], kind)
	return ok && isPath(name) && p[0] == "arn" && strings.HasPrefix(p[1], "aws") && onlyContains(p[1], lower+"-") &&
		p[2] == "iam" && p[3] == "" && (isAccount(p[4]) || aws && p[4] == "aws")
}

func isAction(s string) bool {
	service, name, ok := strings.Cut(s, ":")
	return ok && service != "" && name != "" && len(s) <= 128 && onlyContains(service, lower+digits+"-") && onlyContains(name, alphabet+"*?")
}

// isResource reports whether s can be a resource in a policy. It returns false if s has a line break.
func isResource(s string) bool {
	return s == "*" || strings.HasPrefix(s, "arn:") && len(s) <= maxARN &&
		!strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' && r < 0xa0 || r > 0xff })
}
