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

// accessKey is a long-term key as IAM keeps it.
type accessKey struct {
	Key
	user        *User
	active      bool
	created     time.Time
	unready     int // uses that fail before IAM has told everyone of the key
	used        time.Time
	usedService string
	usedRegion  string
}

// Role is a role's trust and its limits. The zero value trusts nobody.
type Role struct {
	// Trusts are ARNs of users, roles, role sessions or OIDC providers, an account (its number or its root's ARN), or "*".
	Trusts []string
	// Policies are the role's own permissions as JSON documents; none lets it do everything.
	Policies []string
	// MaxSession is the longest session; zero is an hour.
	MaxSession time.Duration
	// RequireMFA asks for aws:MultiFactorAuthPresent; MFAMaxAge, unless zero, that the code is not older.
	RequireMFA bool
	MFAMaxAge  time.Duration
	// ExternalID, unless empty, has to be sent.
	ExternalID string
	// RequireSourceIdentity and RequireTags refuse sessions without them.
	RequireSourceIdentity bool
	RequireTags           []string
	// DenyTagSession and DenySetSourceIdentity leave the permission of that name out of the trust policy.
	DenyTagSession, DenySetSourceIdentity bool
	// Subjects, unless empty, are the only subjects of a web identity token that the role trusts.
	Subjects []string
	// SessionNameIsSubject asks that a web identity's session is named as its subject.
	SessionNameIsSubject bool
}

// role is a Role with its names.
type role struct {
	Role
	arn, id, account, name string
	policies               []policy
}

// AddUser adds an IAM user with all rights, or returns the one there is.
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

// ARN is the user's.
func (u *User) ARN() string { return u.arn }

// AddKey gives the user a key that works at once. It does not look at the quota of two.
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

// AddMFA gives the user an enabled virtual device.
func (u *User) AddMFA(name string) *MFA {
	u.aws.mu.Lock()
	defer u.aws.mu.Unlock()
	m := u.aws.device("arn:aws:iam::" + u.account + ":mfa/" + name)
	m.user, m.enabled = u, u.aws.now()
	return m
}

// AddRole adds the role with this ARN, or replaces it. A policy of r that cannot be read allows nothing.
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

// DelayNewKeys makes each key that IAM creates from now on fail its first n uses, as a key does that is not known
// everywhere yet.
func (a *AWS) DelayNewKeys(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lag = n
}

// arnFields splits an ARN into arn, partition, service, region, account and resource; ok is false for anything else.
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

// World is what Example made.
type World struct {
	Account string // 123456789012
	Alice   *User
	Key     Key
	MFA     *MFA

	Hub      string // asks for MFA, trusts alice
	Prod     string // in account 210987654321, trusts Hub
	ReadOnly string // trusts alice, without MFA
	Long     string // trusts alice, for up to 12 h
}

// Example fills the fake with a small organisation.
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
