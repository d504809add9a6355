package identity

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Template describes what an account needs before it lets one person in: a provider that
// stands for their issuer, and a role. What the role may do is one of three things: what
// managed policies say, some actions on some resources, or nothing but to take on the role of
// the same name in other accounts, of which it is the hub.
type Template struct {
	Name                      string // the identity's
	Issuer, Subject, Audience string
	Role                      string        // its name
	MaxSession                time.Duration // the longest that the role can be had for; 0 for an hour

	Managed            []string // policies: names of AWS's own, or ARNs
	Actions, Resources []string
	Accounts           []string // where the roles are that a hub leads to

	// Hub is the ARN of the role that leads to this one, which then is in one of the hub's
	// accounts and has no provider of its own.
	Hub string
	// Organization is the one that the hub has to be in; empty for any.
	Organization string
}

// A TemplateError is a value that a template cannot be made of.
type TemplateError struct{ What, Found, Want string }

func (e *TemplateError) Error() string {
	if e.Found == "" {
		return fmt.Sprintf("%s is missing, want %s", e.What, e.Want)
	}
	return fmt.Sprintf("%s is %.100q, want %s", e.What, e.Found, e.Want)
}

// Limits of IAM, for names and for how long a role is had.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	maxRoleName = 64
	maxPolicies = 20
	maxListed   = 100 // actions, resources, accounts: what a role's policy has room for
	maxARN      = 2048
	leastLong   = time.Hour
	mostLong    = 12 * time.Hour
)

// checked returns the template with its defaults and without what it says twice. It fails with
// an [*IssuerError], a [*TemplateError] or [ErrNoGrant].
func (t Template) checked() (Template, error) {
	if err := CheckIssuer(t.Issuer); err != nil {
		return t, err
	}
	if t.MaxSession == 0 {
		t.MaxSession = leastLong
	}
	for _, list := range []*[]string{&t.Managed, &t.Actions, &t.Resources, &t.Accounts} {
		*list = distinct(*list)
	}
	for _, check := range []func() error{t.checkPerson, t.checkRole, t.checkGrant, t.checkLists} {
		if err := check(); err != nil {
			return t, err
		}
	}
	return t, nil
}

func (t Template) checkPerson() error {
	switch {
	// The text after https:// becomes part of policies, where a colon ends it.
	// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
	case !strings.HasPrefix(t.Issuer, "https://") || !of(t.host(), alphabet+"._~/-"):
		return &TemplateError{"issuer", t.Issuer, "https://, and letters, digits, and . _ ~ / - without a port"}
	// It is the session's name as well.
	case len(t.Subject) < 2 || len(t.Subject) > maxRoleName || !of(t.Subject, nameLetters):
		return &TemplateError{"subject", t.Subject, "2 to 64 letters, digits, and _ + = , . @ -"}
	// A policy would take ${ for a variable.
	case t.Audience == "" || len(t.Audience) > 255 || !of(t.Audience, graphic) || strings.Contains(t.Audience, "$"):
		return &TemplateError{"audience", t.Audience, "1 to 255 characters without blanks and $"}
	}
	return nil
}

func (t Template) checkRole() error {
	switch {
	case t.Role == "" || len(t.Role) > maxRoleName || !of(t.Role, nameLetters):
		return &TemplateError{"role name", t.Role, "1 to 64 letters, digits, and _ + = , . @ -"}
	case t.MaxSession < leastLong || t.MaxSession > mostLong || t.MaxSession%time.Second != 0:
		return &TemplateError{"longest session", t.MaxSession.String(), "1h to 12h"}
	case t.Hub != "" && !isIAM(t.Hub, "role/", false):
		return &TemplateError{"hub", t.Hub, "the ARN of a role, such as arn:aws:iam::123456789012:role/hub"}
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
	case t.Hub != "" && t.MaxSession > leastLong:
		return &TemplateError{"longest session", t.MaxSession.String(), "1h, the most that a role lasts which another role leads to"}
	case t.Organization != "" && t.Hub == "":
		return &TemplateError{"organization", t.Organization, "none but for a role that a hub leads to"}
	case t.Organization != "" && !isOrganization(t.Organization):
		return &TemplateError{"organization", t.Organization, "one such as o-a1b2c3d4e5"}
	}
	return nil
}

// ErrNoGrant is returned for a template that says nothing, or more than one of its three
// things, of what the role may do.
var ErrNoGrant = errors.New("what the role may do is not said in one way, want managed policies, or actions with the resources that they are allowed on, or the accounts that the role is the hub of")

// checkGrant wants one of the three patterns, whole.
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
		return &TemplateError{"hub", t.Hub, "none for a role that is a hub itself"}
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
		{"managed policy", t.Managed, maxPolicies, isManaged, "the name of one of AWS's own, such as ReadOnlyAccess, or an ARN"},
		{"action", t.Actions, maxListed, isAction, "one such as s3:GetObject"},
		{"resource", t.Resources, maxListed, isResource, "an ARN, or *"},
		{"account", t.Accounts, maxListed, isAccount, "12 digits"},
	} {
		if len(l.items) > l.most {
			return &TemplateError{l.what + " list", fmt.Sprint(len(l.items), " long"), fmt.Sprint("at most ", l.most)}
		}
		for _, item := range l.items {
			if !l.fits(item) {
				return &TemplateError{l.what, item, l.want}
			}
		}
	}
	return nil
}

// host is what AWS calls the issuer in policies.
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

// Letters of names and of the texts in policies.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-names
const (
	digits      = "0123456789"
	lower       = "abcdefghijklmnopqrstuvwxyz"
	alphabet    = lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + digits
	nameLetters = alphabet + "_+=,.@-"
	graphic     = alphabet + "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
)

// of reports whether the text has no letters but these.
func of(text, letters string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(letters, r) })
}

func isAccount(s string) bool { return len(s) == 12 && of(s, digits) }

func isOrganization(s string) bool {
	id, ok := strings.CutPrefix(s, "o-")
	return ok && len(id) >= 10 && len(id) <= 32 && of(id, lower+digits)
}

func isManaged(s string) bool { return isPath(s) || isIAM(s, "policy/", true) }

func isPath(s string) bool { return s != "" && len(s) <= 512 && of(s, nameLetters+"/") }

// isIAM reports whether it is an ARN of IAM's, of a kind. AWS itself owns some.
func isIAM(arn, kind string, aws bool) bool {
	p := strings.SplitN(arn, ":", 6)
	if len(p) != 6 || len(arn) > maxARN {
		return false
	}
	name, ok := strings.CutPrefix(p[5], kind)
	return ok && isPath(name) && p[0] == "arn" && strings.HasPrefix(p[1], "aws") && of(p[1], lower+"-") &&
		p[2] == "iam" && p[3] == "" && (isAccount(p[4]) || aws && p[4] == "aws")
}

func isAction(s string) bool {
	service, name, ok := strings.Cut(s, ":")
	return ok && service != "" && name != "" && len(s) <= 128 && of(service, lower+digits+"-") && of(name, alphabet+"*?")
}

// isResource takes what policies may hold, on one line.
func isResource(s string) bool {
	return s == "*" || strings.HasPrefix(s, "arn:") && len(s) <= maxARN &&
		!strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' && r < 0xa0 || r > 0xff })
}
