package fakeaws

import (
	"strings"
	"time"
)

// Key is an access key: an id and its secret.
type Key struct{ ID, Secret string }

// User is an IAM user.
type User struct {
	aws                    *AWS
	account, name, id, arn string
	created                time.Time
	policies               []policy // what the user may do at IAM; a user without policies may do everything
}

// accessKey is a long-term key, with its user and its state in IAM.
type accessKey struct {
	Key
	user        *User
	active      bool
	created     time.Time
	unready     int // number of uses that still fail before the key works
	used        time.Time
	usedService string
	usedRegion  string
}

// Role has a role's trust policy, permissions and limits. The zero Role trusts nobody.
type Role struct {
	// Trusts lists who may assume the role: ARNs of users, roles, role sessions or OIDC providers, accounts (as a
	// number or as the ARN of root), rolesanywhere.amazonaws.com, or "*" for every principal that signs its calls.
	Trusts []string
	// Policies are the role's permissions as JSON documents. A role without policies may do everything.
	Policies []string
	// MaxSession is the longest session that a call may request. Zero means an hour.
	MaxSession time.Duration
	// RequireMFA requires that the caller has used MFA. MFAMaxAge is the maximum age of the MFA code; zero means no
	// limit.
	RequireMFA bool
	MFAMaxAge  time.Duration
	// ExternalID is the external id that calls must send. If it is empty, none is required.
	ExternalID string
	// RequireSourceIdentity requires that a session has a source identity. RequireTags requires that it has these tags.
	RequireSourceIdentity bool
	RequireTags           []string
	// If DenyTagSession is true, the trust policy does not allow session tags. If DenySetSourceIdentity is true,
	// it does not allow a source identity.
	DenyTagSession, DenySetSourceIdentity bool
	// Subjects are the subjects of web identity tokens that the role accepts. If Subjects is empty, it accepts all.
	Subjects []string
	// SessionNameIsSubject requires that the session name of a web identity is the subject of its token.
	SessionNameIsSubject bool
	// RequireRolePin requires that the token of a web identity lists the role. It stands for the condition
	// sts:RoleAuthorizedByIdp.
	RequireRolePin bool
}

// role is a Role with its ARN and name.
type role struct {
	Role
	arn, id, account, name string
	policies               []policy
}

// AddUser adds an IAM user who may do everything. If the user exists, AddUser returns the existing user.
func (a *AWS) AddUser(account, name string) *User {
	a.mu.Lock()
	defer a.mu.Unlock()
	arn := "arn:aws:iam::" + account + ":user/" + name
	if u := a.users[arn]; u != nil {
		return u
	}
	u := &User{aws: a, account: account, name: name, id: a.id("AIDA"), arn: arn, created: a.now()}
	a.users[arn] = u
	return u
}

// SetPolicies replaces the user's permissions at IAM with these JSON documents. Calls to other services are not limited.
// A user without policies may do everything. An invalid policy allows nothing.
func (u *User) SetPolicies(texts ...string) {
	u.aws.mu.Lock()
	defer u.aws.mu.Unlock()
	u.policies = nil
	for _, text := range texts {
		p, _ := parsePolicy(text)
		u.policies = append(u.policies, p)
	}
}

// ARN returns the user's ARN.
func (u *User) ARN() string { return u.arn }

// AddKey creates an access key for the user. The key works immediately. AddKey does not check the quota of two keys.
func (u *User) AddKey() Key {
	u.aws.mu.Lock()
	defer u.aws.mu.Unlock()
	return u.addKey().Key
}

func (u *User) addKey() *accessKey {
	id := u.aws.id("AKIA")
	k := &accessKey{Key: Key{ID: id, Secret: secret(id)}, user: u, active: true, created: u.aws.now()}
	u.aws.keys[id] = k
	return k
}

// AddMFA creates a virtual MFA device for the user and enables it.
func (u *User) AddMFA(name string) *MFA {
	u.aws.mu.Lock()
	defer u.aws.mu.Unlock()
	m := u.aws.device("arn:aws:iam::" + u.account + ":mfa/" + name)
	m.user, m.enabled = u, u.aws.now()
	return m
}

// AddRole adds a role, or replaces the role that has this ARN. If r has an invalid policy, the policy allows nothing.
func (a *AWS) AddRole(arn string, r Role) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.addRole(arn, r)
}

func (a *AWS) addRole(arn string, r Role) *role {
	if r.MaxSession == 0 {
		r.MaxSession = time.Hour
	}
	made := &role{Role: r, arn: arn, account: accountOf(arn), name: arn[strings.LastIndexByte(arn, '/')+1:]}
	if old := a.roles[arn]; old != nil {
		made.id = old.id
	} else {
		made.id = a.id("AROA")
	}
	for _, text := range r.Policies {
		p, _ := parsePolicy(text)
		made.policies = append(made.policies, p)
	}
	a.roles[arn] = made
	return made
}

// DelayNewKeys makes each new IAM key fail the first n times that it is used. At AWS, a new key also fails at first,
// until all of AWS knows the key.
func (a *AWS) DelayNewKeys(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keyDelay = n
}

// arnFields splits an ARN into arn, partition, service, region, account and resource. The result ok is false if the
// text is not an ARN.
func arnFields(arn string) (fields [6]string, ok bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || !strings.HasPrefix(parts[1], "aws") || parts[5] == "" {
		return fields, false
	}
	return [6]string(parts), true
}

func accountOf(arn string) string {
	fields, _ := arnFields(arn)
	return fields[4]
}

func partitionOf(arn string) string {
	if fields, ok := arnFields(arn); ok {
		return fields[1]
	}
	return "aws"
}

// World has what Example has created.
type World struct {
	Account string // always 123456789012
	Alice   *User
	Key     Key
	MFA     *MFA

	Hub      string // role that trusts alice and requires MFA
	Prod     string // role in account 210987654321 that trusts Hub
	ReadOnly string // role that trusts alice, without MFA
	Long     string // role that trusts alice, with sessions of up to 12 h
}

// Example adds alice, her key and MFA device, and four roles to the fake.
func (a *AWS) Example() World {
	const account = "123456789012"
	alice := a.AddUser(account, "alice")
	w := World{
		Account: account, Alice: alice, Key: alice.AddKey(), MFA: alice.AddMFA("alice"),
		Hub:      "arn:aws:iam::123456789012:role/hub",
		Prod:     "arn:aws:iam::210987654321:role/prod",
		ReadOnly: "arn:aws:iam::123456789012:role/readonly",
		Long:     "arn:aws:iam::123456789012:role/long",
	}
	a.AddRole(w.Hub, Role{Trusts: []string{alice.arn}, RequireMFA: true})
	a.AddRole(w.Prod, Role{Trusts: []string{w.Hub}})
	a.AddRole(w.ReadOnly, Role{Trusts: []string{alice.arn}})
	a.AddRole(w.Long, Role{Trusts: []string{alice.arn}, MaxSession: 12 * time.Hour})
	return w
}
