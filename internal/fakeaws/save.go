package fakeaws

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// saved is the state that [AWS.Save] returns: access keys, sessions and sign-ins.
type saved struct {
	Made     int // number of ids created so far
	Keys     []savedKey
	Sessions []savedSession
	Clients  []savedClient // clients of IAM Identity Center
	Tokens   []savedToken  // tokens of IAM Identity Center
	Logins   []savedLogin
	Issuers  []savedIssuer
}

type savedKey struct {
	ID, User string
	Active   bool
	Created  time.Time
}

type savedSession struct {
	ID             string
	Kind           sessionKind
	User           string `json:",omitempty"` // the user's ARN
	Role           string `json:",omitempty"` // the role's ARN
	Name           string `json:",omitempty"`
	Chained        bool   `json:",omitempty"`
	Expires        time.Time
	MFA            time.Time         `json:",omitzero"`
	Tags           map[string]string `json:",omitempty"`
	Transitive     map[string]bool   `json:",omitempty"`
	SourceIdentity string            `json:",omitempty"`
}

type savedClient struct {
	ID, Secret, Issuer        string
	Scopes, Grants, Redirects []string
	Expires                   time.Time
}

type savedToken struct {
	Portal, Client, Access, Refresh string
	Expires                         time.Time
}

type savedLogin struct {
	Refresh, Client, Person, Key string
	Expires                      time.Time
}

type savedIssuer struct {
	ARN     string
	EC, RSA []byte // the issuer's private keys
	Made    int
	Refresh map[string][]string // the scopes of each refresh token
}

// Save returns the access keys, sessions and sign-ins in JSON. It does not save users, devices, roles, portals or
// issuers. It also omits sign-ins that have not completed, and sessions with session policies.
func (a *AWS) Save() ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := saved{Made: a.idsCreated}
	for _, id := range slices.Sorted(maps.Keys(a.keys)) {
		k := a.keys[id]
		s.Keys = append(s.Keys, savedKey{id, k.user.arn, k.active, k.created})
	}
	for _, id := range slices.Sorted(maps.Keys(a.sessions)) {
		from := a.sessions[id]
		if from.limit != nil {
			continue // the saved session would have no policies, so it could do more after Restore
		}
		to := savedSession{
			ID: id, Kind: from.kind, Name: from.name, Chained: from.chained, Expires: from.expires, MFA: from.mfaAt,
			Tags: from.tags, Transitive: from.transitive, SourceIdentity: from.sourceIdentity,
		}
		if from.user != nil {
			to.User = from.user.arn
		}
		if from.role != nil {
			to.Role = from.role.arn
		}
		s.Sessions = append(s.Sessions, to)
	}
	for _, id := range slices.Sorted(maps.Keys(a.sso.clients)) {
		c := a.sso.clients[id]
		s.Clients = append(s.Clients, savedClient{id, c.secret, c.issuer, c.scopes, c.grants, c.redirects, c.expires})
	}
	for _, token := range slices.Sorted(maps.Keys(a.sso.access)) {
		t := a.sso.access[token]
		s.Tokens = append(s.Tokens, savedToken{t.portal.startURL, t.client.id, t.access, t.refresh, t.expires})
	}
	for _, token := range slices.Sorted(maps.Keys(a.logins.refresh)) {
		g := a.logins.refresh[token]
		s.Logins = append(s.Logins, savedLogin{token, g.client, g.person, g.key, g.expires})
	}
	for _, arn := range slices.Sorted(maps.Keys(a.issuers)) {
		p := a.issuers[arn]
		if p.issuer == nil {
			continue
		}
		ec, err := x509.MarshalPKCS8PrivateKey(p.issuer.ec)
		if err != nil {
			return nil, fmt.Errorf("fake AWS: issuer %s: %w", p.url, err)
		}
		to := savedIssuer{ARN: arn, EC: ec, RSA: x509.MarshalPKCS1PrivateKey(p.issuer.rsa), Made: p.issuer.made, Refresh: map[string][]string{}}
		for token, g := range p.issuer.desk.refresh {
			to.Refresh[token] = g.scopes
		}
		s.Issuers = append(s.Issuers, to)
	}
	return json.MarshalIndent(s, "", " ")
}

// Restore restores what Save has saved. The fake must already have the same users, devices, roles, portals and issuers,
// added in the same order as before.
func (a *AWS) Restore(data []byte) error {
	var s saved
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("fake AWS: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.idsCreated = s.Made
	clear(a.keys)
	for _, k := range s.Keys {
		a.keys[k.ID] = &accessKey{Key: Key{k.ID, secret(k.ID)}, user: a.users[k.User], active: k.Active, created: k.Created}
	}
	for _, from := range s.Sessions {
		a.sessions[from.ID] = &session{
			Key: Key{from.ID, secret(from.ID)}, token: token(from.ID), kind: from.Kind, user: a.users[from.User], role: a.roles[from.Role],
			name: from.Name, chained: from.Chained, expires: from.Expires, mfaAt: from.MFA,
			tags: from.Tags, transitive: from.Transitive, sourceIdentity: from.SourceIdentity,
		}
	}
	for _, c := range s.Clients {
		a.sso.clients[c.ID] = &oidcClient{c.ID, c.Secret, c.Scopes, c.Grants, c.Redirects, c.Issuer, c.Expires}
	}
	for _, from := range s.Tokens {
		t := &accessToken{a.sso.portals[portalKey(from.Portal)], a.sso.clients[from.Client], from.Access, from.Refresh, from.Expires}
		a.sso.access[t.access] = t
		if t.refresh != "" {
			a.sso.refresh[t.refresh] = t
		}
	}
	for _, g := range s.Logins {
		a.logins.refresh[g.Refresh] = &loginGrant{client: g.Client, person: g.Person, key: g.Key, expires: g.Expires}
	}
	for _, from := range s.Issuers {
		if err := a.restoreIssuer(from); err != nil {
			return fmt.Errorf("fake AWS: issuer %s: %w", from.ARN, err)
		}
	}
	return nil
}

func (a *AWS) restoreIssuer(from savedIssuer) error {
	p := a.issuers[from.ARN]
	if p == nil || p.issuer == nil {
		return fmt.Errorf("there is none")
	}
	key, err := x509.ParsePKCS8PrivateKey(from.EC)
	if err != nil {
		return err
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return fmt.Errorf("its first key is a %T", key)
	}
	var rsaKey *rsa.PrivateKey
	if rsaKey, err = x509.ParsePKCS1PrivateKey(from.RSA); err != nil {
		return err
	}
	p.issuer.ec, p.issuer.rsa, p.issuer.made = ec, rsaKey, from.Made
	for token, scopes := range from.Refresh {
		p.issuer.desk.refresh[token] = &login{scopes: scopes}
	}
	return nil
}
