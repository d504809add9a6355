package fakeaws

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// directory is all of IAM Identity Center: its portals and who is signing in.
type directory struct {
	portals map[string]*SSO         // by start URL
	clients map[string]*oidcClient  // by client id
	grants  map[string]*signIn      // by device code or authorization code
	access  map[string]*portalToken // by access token
	refresh map[string]*portalToken // by refresh token
}

func newDirectory() *directory {
	return &directory{
		portals: map[string]*SSO{}, clients: map[string]*oidcClient{}, grants: map[string]*signIn{},
		access: map[string]*portalToken{}, refresh: map[string]*portalToken{},
	}
}

// SSO is one access portal of IAM Identity Center, with one person who signs in: alice@example.com.
type SSO struct {
	aws              *AWS
	startURL, region string
	assigned         []assignment
	auto             bool
	lifetime         time.Duration
	interval         time.Duration
	keepRefresh      bool
}

// assignment lets the person use a permission set in an account.
type assignment struct{ account, name, arn string }

// portalToken is an access token and, if there is one, the refresh token that came with it.
type portalToken struct {
	portal          *SSO
	client          *oidcClient
	access, refresh string
	expires         time.Time
}

// signIn is a sign-in under way, by a device code or by an authorization code.
type signIn struct {
	client    *oidcClient
	portal    *SSO
	userCode  string // empty for an authorization code
	redirect  string
	challenge string
	expires   time.Time
	polled    time.Time
	decided   bool
	approved  bool
}

// AddSSO adds a portal whose tokens last eight hours, or returns the one there is.
func (a *AWS) AddSSO(startURL, region string) *SSO {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.sso.portals[portalKey(startURL)]; s != nil {
		return s
	}
	s := &SSO{aws: a, startURL: startURL, region: region, lifetime: 8 * time.Hour, interval: time.Second}
	a.sso.portals[portalKey(startURL)] = s
	return s
}

// portalKey makes one of the ways to write a start URL: with and without a slash and "#/" at the end.
func portalKey(startURL string) string { return strings.TrimRight(startURL, "/#") }

// Assign lets the person use a permission set in an account and returns the ARN of its role. AddRole with that ARN
// changes the role's session length, which is otherwise an hour.
func (s *SSO) Assign(account, permissionSet string) string {
	s.aws.mu.Lock()
	defer s.aws.mu.Unlock()
	arn := fmt.Sprintf("arn:aws:iam::%s:role/aws-reserved/sso.amazonaws.com/%s/AWSReservedSSO_%s_%s",
		account, s.region, permissionSet, digest([]byte(permissionSet))[:16])
	if x := (assignment{account, permissionSet, arn}); !slices.Contains(s.assigned, x) {
		s.assigned = append(s.assigned, x)
	}
	if s.aws.roles[arn] == nil {
		s.aws.addRole(arn, Role{})
	}
	return arn
}

// set changes something about the portal.
func (s *SSO) set(change func()) {
	s.aws.mu.Lock()
	defer s.aws.mu.Unlock()
	change()
}

// AutoApprove makes every sign-in succeed without anybody's doing: device codes when they are next polled, and the
// authorization page when it is opened.
func (s *SSO) AutoApprove(on bool) { s.set(func() { s.auto = on }) }

// SetTokenLifetime is how long access tokens made from now on last.
func (s *SSO) SetTokenLifetime(d time.Duration) { s.set(func() { s.lifetime = d }) }

// SetInterval is how long a client has to wait between two polls; faster ones are told to slow down. It is told in whole
// seconds.
func (s *SSO) SetInterval(d time.Duration) { s.set(func() { s.interval = d }) }

// KeepRefreshTokens makes a refresh return no new refresh token, so that the old one goes on; otherwise each is used once.
func (s *SSO) KeepRefreshTokens(on bool) { s.set(func() { s.keepRefresh = on }) }

// Revoke ends an access token and its refresh token; "" ends all of the portal's.
func (s *SSO) Revoke(accessToken string) {
	s.set(func() {
		for _, t := range s.aws.sso.access {
			if t.portal == s && (accessToken == "" || t.access == accessToken) {
				s.aws.sso.revoke(t)
			}
		}
	})
}

func (d *directory) revoke(t *portalToken) {
	delete(d.access, t.access)
	delete(d.refresh, t.refresh)
}

// Approve lets the sign-in with this user code succeed; "" lets all of the portal's that wait. It fails if there is none.
func (s *SSO) Approve(userCode string) error { return s.decide(userCode, true) }

// Deny makes the sign-in with this user code, or with "" all of them, fail as if the person had refused.
func (s *SSO) Deny(userCode string) error { return s.decide(userCode, false) }

func (s *SSO) decide(userCode string, approve bool) error {
	s.aws.mu.Lock()
	defer s.aws.mu.Unlock()
	found := false
	for _, g := range s.aws.sso.grants {
		if g.portal == s && !g.decided && g.userCode != "" && (userCode == "" || g.userCode == userCode) {
			g.decided, g.approved, found = true, approve, true
		}
	}
	if !found {
		return fmt.Errorf("no sign-in waits with user code %q", userCode)
	}
	return nil
}

// token makes the tokens for a sign-in. A refresh token is only for clients that asked for a scope.
func (d *directory) token(s *SSO, c *oidcClient, now time.Time) *portalToken {
	id := s.aws.id("")
	t := &portalToken{portal: s, client: c, access: "EXAMPLE-access-token-" + id, expires: now.Add(s.lifetime)}
	if len(c.scopes) > 0 && c.may("refresh_token") {
		t.refresh = "EXAMPLE-refresh-token-" + id
		d.refresh[t.refresh] = t
	}
	d.access[t.access] = t
	return t
}

func (a *AWS) portal(startURL string) (*SSO, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.sso.portals[portalKey(startURL)]; s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("no portal %q", startURL)
}

func (a *AWS) allPortals() []*SSO {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []*SSO
	for _, s := range a.sso.portals {
		list = append(list, s)
	}
	slices.SortFunc(list, func(x, y *SSO) int { return strings.Compare(x.startURL, y.startURL) })
	return list
}

func addSSO(a *AWS, q url.Values, _ []byte) (string, error) {
	if q.Get("url") == "" || q.Get("region") == "" {
		return "", fmt.Errorf("sso: want url and region")
	}
	a.AddSSO(q.Get("url"), q.Get("region")).AutoApprove(q.Get("auto") != "")
	return "", nil
}

func assign(a *AWS, q url.Values, _ []byte) (string, error) {
	s, err := a.portal(q.Get("url"))
	if err != nil {
		return "", err
	}
	return s.Assign(q.Get("account"), q.Get("role")), nil
}

// decide is the control that approves or denies, at whichever portal or issuer the code is known.
func decide(approve bool) func(*AWS, url.Values, []byte) (string, error) {
	return func(a *AWS, q url.Values, _ []byte) (string, error) {
		if a.decideLogins(q.Get("user_code"), approve) {
			return "", nil
		}
		err := fmt.Errorf("there is no portal")
		for _, s := range a.allPortals() {
			if err = s.decide(q.Get("user_code"), approve); err == nil {
				return "", nil
			}
		}
		return "", err
	}
}

func revoke(a *AWS, q url.Values, _ []byte) (string, error) {
	for _, s := range a.allPortals() {
		s.Revoke(q.Get("token"))
	}
	return "", nil
}
