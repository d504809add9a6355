package fakeaws

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// idcState is the state of IAM Identity Center: its portals, clients, sign-ins and tokens.
type idcState struct {
	portals map[string]*SSO         // the portals by start URL
	clients map[string]*oidcClient  // the clients by client id
	grants  map[string]*signIn      // the sign-ins by device code or authorization code
	access  map[string]*accessToken // the access tokens by their text
	refresh map[string]*accessToken // the same tokens by the text of their refresh tokens
}

func newDirectory() *idcState {
	return &idcState{
		portals: map[string]*SSO{}, clients: map[string]*oidcClient{}, grants: map[string]*signIn{},
		access: map[string]*accessToken{}, refresh: map[string]*accessToken{},
	}
}

// SSO is an access portal of IAM Identity Center. Its only user is alice@example.com.
type SSO struct {
	aws              *AWS
	startURL, region string
	assigned         []assignment
	auto             bool
	lifetime         time.Duration
	interval         time.Duration
	keepRefresh      bool
}

// assignment allows the portal's user to use a permission set in an account.
type assignment struct{ account, name, arn string }

// accessToken is an access token, together with its refresh token if there is one.
type accessToken struct {
	portal          *SSO
	client          *oidcClient
	access, refresh string
	expires         time.Time
}

// signIn is a sign-in that has not completed. It uses a device code or an authorization code.
type signIn struct {
	client    *oidcClient
	portal    *SSO
	userCode  string // the code that the user types; empty if the sign-in uses an authorization code
	redirect  string
	challenge string
	expires   time.Time
	polled    time.Time
	decided   bool
	approved  bool
}

// AddSSO adds a portal and returns it. If the portal exists, it returns the existing portal. Its tokens last eight
// hours.
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

// portalKey returns a start URL without a slash or "#/" at the end, because all these forms name the same portal.
func portalKey(startURL string) string { return strings.TrimRight(startURL, "/#") }

// Assign allows the user to use a permission set in an account, and returns the ARN of the permission set's role.
// Sessions of the role last an hour; to change that, call AddRole with this ARN.
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

// set calls the function change, which sets fields of the portal, while it holds the fake's lock.
func (s *SSO) set(change func()) {
	s.aws.mu.Lock()
	defer s.aws.mu.Unlock()
	change()
}

// AutoApprove sets whether sign-ins are approved automatically. If on is true, a device code is approved when the
// client polls next. A sign-in with an authorization code is approved when the sign-in page is opened.
func (s *SSO) AutoApprove(on bool) { s.set(func() { s.auto = on }) }

// SetTokenLifetime sets the lifetime of access tokens that are created from now on.
func (s *SSO) SetTokenLifetime(d time.Duration) { s.set(func() { s.lifetime = d }) }

// SetInterval sets how long a client must wait between two polls. If a client polls sooner, the response is the error
// SlowDownException. The interval is sent to clients in whole seconds.
func (s *SSO) SetInterval(d time.Duration) { s.set(func() { s.interval = d }) }

// KeepRefreshTokens sets whether a refresh token can be used many times. If so, a refresh returns no new refresh token.
// By default, each refresh token can be used once.
func (s *SSO) KeepRefreshTokens(on bool) { s.set(func() { s.keepRefresh = on }) }

// Revoke revokes an access token and its refresh token, or all tokens of the portal if accessToken is empty.
func (s *SSO) Revoke(accessToken string) {
	s.set(func() {
		for _, t := range s.aws.sso.access {
			if t.portal == s && (accessToken == "" || t.access == accessToken) {
				s.aws.sso.revoke(t)
			}
		}
	})
}

// ForgetClients removes all client registrations, so that AWS refuses them before they expire.
func (s *SSO) ForgetClients() { s.set(func() { clear(s.aws.sso.clients) }) }

func (d *idcState) revoke(t *accessToken) {
	delete(d.access, t.access)
	delete(d.refresh, t.refresh)
}

// Approve approves the sign-in with this user code, or all waiting sign-ins if userCode is empty. It fails if there is
// no such sign-in.
func (s *SSO) Approve(userCode string) error { return s.decide(userCode, true) }

// Deny denies the sign-in with this user code, or all waiting sign-ins if userCode is empty. It fails if there is no
// such sign-in.
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

// token creates the tokens of a sign-in. It creates a refresh token only if the client is registered with a scope and
// with the grant type refresh_token.
func (d *idcState) token(s *SSO, c *oidcClient, now time.Time) *accessToken {
	id := s.aws.id("")
	t := &accessToken{portal: s, client: c, access: "EXAMPLE-access-token-" + id, expires: now.Add(s.lifetime)}
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

// decide returns a control that approves or denies sign-ins. The control uses the portal or the issuer that knows the
// user code. If the user code is empty, the control decides all waiting sign-ins of the issuers. If no issuer has a
// waiting sign-in, the control decides the waiting sign-ins of one portal.
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
