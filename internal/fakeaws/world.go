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
}

// accessKey is a long-term key with its state in IAM.
type accessKey struct {
	Key
	user        *User
	active      bool
	created     time.Time
	unready     int // how many uses fail before the key works everywhere
	used        time.Time
	usedService string
	usedRegion  string
}

// Role is a role's trust policy and its limits. The zero value trusts nobody.
type Role struct {
	// Trusts lists ARNs of users, roles, role sessions or OIDC providers, accounts (the number or the ARN of root), or "*".
	Trusts []string
	// Policies are the role's permissions as JSON documents. Without any, the role may do everything.
	Policies []string
	// MaxSession is the longest session. Zero means an hour.
	MaxSession time.Duration
	// RequireMFA requires aws:MultiFactorAuthPresent. MFAMaxAge, unless zero, is the maximum age of the code.
	RequireMFA bool
	MFAMaxAge  time.Duration
	// ExternalID, unless empty, is required.
	ExternalID string
	// RequireSourceIdentity and RequireTags refuse sessions without a source identity or without these tags.
	RequireSourceIdentity bool
	RequireTags           []string
	// DenyTagSession and DenySetSourceIdentity remove the permission from the trust policy.
	DenyTagSession, DenySetSourceIdentity bool
	// Subjects, unless empty, are the only accepted subjects of a web identity token.
	Subjects []string
	// SessionNameIsSubject requires that a web identity's session name is the token's subject.
	SessionNameIsSubject bool
}

// role is a Role with its ARN and name.
type role struct {
	Role
	arn, id, account, name string
	policies               []policy
}

// AddUser adds an IAM user who may do everything, or returns the existing one.
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

// ARN returns the user's ARN.
func (u *User) ARN() string { return u.arn }

// AddKey creates a key for the user. The key works at once, and the quota of two keys is not checked.
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

// AddMFA creates an enabled virtual device for the user.
func (u *User) AddMFA(name string) *MFA {
	u.aws.mu.Lock()
	defer u.aws.mu.Unlock()
	m := u.aws.device("arn:aws:iam::" + u.account + ":mfa/" + name)
	m.user, m.enabled = u, u.aws.now()
	return m
}

// AddRole adds the role with this ARN, or replaces it. An invalid policy in r allows nothing.
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

// DelayNewKeys makes the first n uses of each later IAM key fail, as AWS does until it knows a new key
// everywhere.
func (a *AWS) DelayNewKeys(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keyDelay = n
}

// arnFields splits an ARN into arn, partition, service, region, account and resource. ok is false if it is not an ARN.
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

// World describes what Example created.
type World struct {
	Account string // 123456789012
	Alice   *User
	Key     Key
	MFA     *MFA

	Hub      string // requires MFA, trusts alice
	Prod     string // in account 210987654321, trusts Hub
	ReadOnly string // checkTrust alice, without MFA
	Long     string // checkTrust alice, for up to 12 h
}

// Example adds a small organisation to the fake.
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
