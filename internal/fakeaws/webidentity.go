package fakeaws

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

const tagClaims = "https://aws.amazon.com/tags"

// pinClaim is the claim that lists the roles that can be assumed with a token. This list is called the token's role
// pin. AWS documents the condition key sts:RoleAuthorizedByIdp, which is true for a token with a pin. AWS also
// refuses roles that the pin does not list, before it reads the trust policy. This is not documented.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
const pinClaim = "https://aws.amazon.com/roles"

// assumeRoleWithWebIdentity implements AssumeRoleWithWebIdentity. The token authenticates the call; the call is not
// signed.
func (a *AWS) assumeRoleWithWebIdentity(r *request) (any, error) {
	ask, err := a.readAssumption(r)
	if err != nil {
		return nil, err
	}
	c := checks{params: r.params}
	text := c.required("WebIdentityToken", 4, 20000, nil)
	if err := c.err(); err != nil {
		return nil, err
	}
	if r.params.Has("ProviderId") {
		return nil, invalid("ProviderId must not be set for an OpenID Connect token")
	}
	token, issuer, err := a.checkToken(text, ask.arn, r.retrieved, r.now)
	if err != nil {
		return nil, err
	}
	pins := texts(token.claims[pinClaim])
	if len(pins) > 0 && !slices.Contains(pins, ask.arn) {
		return nil, badToken("The target role ARN is not present in the roles claim")
	}
	refused := denied("Not authorized to perform sts:AssumeRoleWithWebIdentity")
	target := a.roles[ask.arn]
	if target == nil || !target.trustsToken(issuer, token, ask) {
		return nil, refused
	}
	if err := target.checkDuration(ask.lasts, false); err != nil {
		return nil, err
	}
	if ask.tags, err = token.tags(); err != nil {
		return nil, err
	}
	ask.sourceIdentity = token.text("https://aws.amazon.com/source_identity")
	made := session{kind: roleSession, role: target, name: ask.session, limit: ask.limit}
	if err := made.inherit(nil, target, ask); err != nil {
		return nil, refused
	}
	out := a.assumed(made, ask, r)
	out.SubjectFromWebIdentityToken, out.Provider, out.Audience = token.text("sub"), issuer, token.audiences()[0]
	return out, nil
}

func badToken(format string, args ...any) *refusal {
	return refuse(400, "InvalidIdentityToken", format, args...)
}

// checkToken verifies a token. The token's issuer must be registered as an OIDC provider in the role's account.
// checkToken returns the parsed token and the ARN of the provider.
func (a *AWS) checkToken(text, roleARN string, fetched *fetchedKeys, now time.Time) (jwt, string, error) {
	t, err := parseJWT(text)
	if err != nil {
		return t, "", badToken("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	issuer := t.text("iss")
	arn := providerARN(partitionOf(roleARN), accountOf(roleARN), issuer)
	p := a.issuers[arn]
	if p == nil || p.url != issuer {
		return t, "", badToken("No OpenIDConnect provider found in your account for %s", issuer)
	}
	if fetched != nil && fetched.err != nil {
		return t, "", badToken("Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements: %v", fetched.err)
	}
	if fetched != nil {
		p.keys, p.fetched = fetched.keys, now
	}
	if key := p.keys[t.header.KeyID]; key == nil || t.verify(key) != nil {
		return t, "", badToken("Couldn't retrieve verification key from your identity provider, or the token's signature is wrong")
	}
	if err := t.checkTimes(now); err != nil {
		return t, "", err
	}
	if t.text("sub") == "" {
		return t, "", badToken("Missing a required claim: sub")
	}
	if !slices.ContainsFunc(t.audiences(), func(aud string) bool { return slices.Contains(p.audiences, aud) }) {
		return t, "", badToken("Incorrect token audience")
	}
	return t, arn, nil
}

// checkTimes checks that the token is valid at the time now. The times in the token must be whole numbers.
func (t jwt) checkTimes(now time.Time) error {
	at := map[string]int64{}
	for _, name := range []string{"exp", "iat", "nbf"} {
		value, there := t.claims[name]
		if !there && name == "nbf" {
			continue
		}
		number, _ := value.(json.Number)
		n, err := number.Int64()
		if err != nil {
			return badToken("Missing or malformed claim: %s", name)
		}
		at[name] = n
	}
	if at["exp"] <= now.Unix() {
		return refuse(400, "ExpiredTokenException", "Token expired: current date/time %d must be before the expiration date/time %d", now.Unix(), at["exp"])
	}
	if at["iat"] > now.Unix() || at["nbf"] > now.Unix() { // AWS does not document how far in the future it accepts these times
		return badToken("The token is not valid yet")
	}
	return nil
}

// text returns the claim with the given name if the claim is a string. Otherwise it returns an empty string.
func (t jwt) text(name string) string {
	value, _ := t.claims[name].(string)
	return value
}

// audiences returns the token's audiences that AWS compares with the provider's audiences. If the token has the
// claim azp, AWS compares azp instead of aud; this is not documented.
func (t jwt) audiences() []string {
	if azp := t.text("azp"); azp != "" {
		return []string{azp}
	}
	return texts(t.claims["aud"])
}

// texts returns the strings in a claim's value, which is a string or a list of strings.
func texts(value any) []string {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		var list []string
		for _, one := range v {
			s, _ := one.(string)
			list = append(list, s)
		}
		return list
	}
	return nil
}

// tags returns the session tags in the token. AWS accepts two forms of tags: nested claims, and one claim per tag.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_adding-assume-role-idp
func (t jwt) tags() (tagSet, error) {
	set := tagSet{values: map[string]string{}}
	c := checks{}
	add := func(key string, value any) error {
		values := texts(value)
		if len(values) != 1 {
			return badToken("The tag %s must have one value", key)
		}
		c.value(key, "tags.member.key", 1, 128, tagAlphabet)
		c.value(values[0], "tags.member.value", 0, 256, tagAlphabet)
		return set.add(key, values[0])
	}
	nested, _ := t.claims[tagClaims].(map[string]any)
	principal, _ := nested["principal_tags"].(map[string]any)
	for key, value := range principal {
		if err := add(key, value); err != nil {
			return set, err
		}
	}
	for claim, value := range t.claims {
		if key, ok := strings.CutPrefix(claim, tagClaims+"/principal_tags/"); ok {
			if err := add(key, value); err != nil {
				return set, err
			}
		}
	}
	set.transitive = append(texts(nested["transitive_tag_keys"]), texts(t.claims[tagClaims+"/transitive_tag_keys"])...)
	if len(set.values) > 50 {
		return set, badToken("The token has more than 50 tags")
	}
	if err := c.err(); err != nil {
		return set, err
	}
	return set, set.complete()
}

// trustsToken reports whether the role's trust policy accepts the token's issuer, its subject and the session
// name. A role that requires MFA or an external id accepts no token.
func (t *role) trustsToken(issuer string, token jwt, ask assumption) bool {
	subject := token.text("sub")
	if t.RequireRolePin && len(texts(token.claims[pinClaim])) == 0 {
		return false
	}
	return slices.Contains(t.Trusts, issuer) && !t.RequireMFA && t.ExternalID == "" &&
		(len(t.Subjects) == 0 || slices.Contains(t.Subjects, subject)) &&
		(!t.SessionNameIsSubject || ask.session == subject)
}
