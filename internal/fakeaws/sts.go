package fakeaws

import "time"

const (
	leastSession     = 15 * time.Minute
	mostRole         = 12 * time.Hour
	mostUserSession  = 36 * time.Hour
	usualUserSession = 12 * time.Hour
	usualRole        = time.Hour
)

// credentials has the temporary credentials in a response from STS.
type credentials struct {
	AccessKeyId, SecretAccessKey, SessionToken, Expiration string
}

func (s *session) credentials() credentials {
	return credentials{s.ID, s.Secret, s.token, stamp(s.expires)}
}

// permit refuses a call if the caller's kind of credentials may not make the call, or if the caller's policies do not
// allow it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html
func (a *AWS) permit(r *request) error {
	c, s := r.caller, r.caller.session
	name := r.service + ":" + r.action
	if name == "sts:GetCallerIdentity" {
		return nil // AWS allows this call even if a policy denies it
	}
	if s != nil && r.service == "sts" && r.action != "AssumeRole" {
		return denied("Cannot call %s with session credentials", r.action)
	}
	if s != nil && s.kind == federatedSession && r.service == "sts" {
		return unauthorized(c.arn, name, "*")
	}
	if s != nil && s.kind != roleSession && r.service == "iam" && s.mfaAt.IsZero() {
		return refuse(403, "InvalidClientTokenId", "The security token included in the request is invalid")
	}
	resource := "*"
	if arn := r.params.Get("RoleArn"); arn != "" {
		resource = arn
	}
	if u, err := a.subject(r); r.service == "iam" && err == nil {
		resource = u.arn
	}
	if !c.may(name, resource) {
		return unauthorized(c.arn, name, resource)
	}
	return nil
}

func (a *AWS) callerIdentity(r *request) (any, error) {
	return struct{ Arn, UserId, Account string }{r.caller.arn, r.caller.id, r.caller.account}, nil
}

// sessionToken implements GetSessionToken.
func (a *AWS) sessionToken(r *request) (any, error) {
	c := checks{params: r.params}
	lasts := c.duration(leastSession, mostUserSession, usualUserSession)
	c.mfa()
	if err := c.err(); err != nil {
		return nil, err
	}
	withCode, err := a.checkMFA(r)
	if err != nil {
		return nil, err
	}
	s := session{kind: userSession, user: r.caller.user}
	if withCode {
		s.mfaAt = r.now
	}
	made := a.issue(s, r.now, lasts)
	return struct{ Credentials credentials }{made.credentials()}, nil
}

// federationToken implements GetFederationToken. If the call has no policy, the session is not allowed to do anything.
func (a *AWS) federationToken(r *request) (any, error) {
	c := checks{params: r.params}
	name := c.required("Name", 2, 32, nameAlphabet)
	lasts := c.duration(leastSession, mostUserSession, usualUserSession)
	limits, err := a.readLimit(&c, r.caller.account)
	if err != nil {
		return nil, err
	}
	tags, err := readTags(&c)
	if err != nil {
		return nil, err
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	if limits == nil {
		limits = &limit{}
	}
	made := a.issue(session{kind: federatedSession, user: r.caller.user, name: name, tags: tags.values, limit: limits}, r.now, lasts)
	who := made.caller()
	return struct {
		Credentials      credentials
		FederatedUser    struct{ FederatedUserId, Arn string }
		PackedPolicySize int
	}{made.credentials(), struct{ FederatedUserId, Arn string }{who.id, who.arn}, packedSize(r.params)}, nil
}
