package fakeaws

import (
	"cmp"
	"slices"
	"time"
)

// mostKeys is IAM's quota of access keys per user.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const mostKeys = 2

// userFields has the fields of a user in IAM's responses.
type userFields struct{ Path, UserName, UserId, Arn, CreateDate string }

// keyFields has the fields of an access key in IAM's responses. Only the response that creates the key has the secret.
type keyFields struct {
	UserName, AccessKeyId, Status string
	SecretAccessKey               string `xml:",omitempty"`
	CreateDate                    string
}

func noEntity(format string, args ...any) *refusal {
	return refuse(404, "NoSuchEntity", format, args...)
}

// subject returns the user that the call reads or changes: the user named in the parameters, or the caller if no user
// is named.
func (a *AWS) subject(r *request) (*User, error) {
	name := r.params.Get("UserName")
	if name == "" {
		if own := r.caller.owner(); own != nil {
			return own, nil
		}
		return nil, invalid("Must specify userName when calling with non-User credentials")
	}
	u := a.users["arn:"+partitionOf(r.caller.arn)+":iam::"+r.caller.account+":user/"+name]
	if u == nil {
		return nil, noEntity("The user with name %s cannot be found.", name)
	}
	return u, nil
}

// userOf implements GetUser.
func (a *AWS) userOf(r *request) (any, error) {
	u, err := a.subject(r)
	if err != nil {
		return nil, err
	}
	return struct{ User userFields }{userFields{"/", u.name, u.id, u.arn, stamp(u.created)}}, nil
}

// keysOf returns the user's access keys, the oldest first.
func (a *AWS) keysOf(u *User) []*accessKey {
	var list []*accessKey
	for _, k := range a.keys {
		if k.user == u {
			list = append(list, k)
		}
	}
	slices.SortFunc(list, func(x, y *accessKey) int { return cmp.Or(x.created.Compare(y.created), cmp.Compare(x.ID, y.ID)) })
	return list
}

func (k *accessKey) fields() keyFields {
	status := "Inactive"
	if k.active {
		status = "Active"
	}
	return keyFields{UserName: k.user.name, AccessKeyId: k.ID, Status: status, CreateDate: stamp(k.created)}
}

func (a *AWS) listAccessKeys(r *request) (any, error) {
	u, err := a.subject(r)
	if err != nil {
		return nil, err
	}
	var out struct {
		AccessKeyMetadata []keyFields `xml:"AccessKeyMetadata>member"`
		IsTruncated       bool
	}
	for _, k := range a.keysOf(u) {
		out.AccessKeyMetadata = append(out.AccessKeyMetadata, k.fields())
	}
	return out, nil
}

func (a *AWS) createAccessKey(r *request) (any, error) {
	u, err := a.subject(r)
	if err != nil {
		return nil, err
	}
	if len(a.keysOf(u)) >= mostKeys {
		return nil, refuse(409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: %d", mostKeys)
	}
	k := u.addKey()
	k.unready = a.keyDelay
	fields := k.fields()
	fields.SecretAccessKey = k.Secret
	return struct{ AccessKey keyFields }{fields}, nil
}

// namedKey returns the key that the call's parameters name. It fails if the key does not belong to the user that
// subject returns.
func (a *AWS) namedKey(r *request) (*accessKey, error) {
	u, err := a.subject(r)
	if err != nil {
		return nil, err
	}
	id := r.params.Get("AccessKeyId")
	k := a.keys[id]
	if k == nil || k.user != u {
		return nil, noEntity("The Access Key with id %s cannot be found.", id)
	}
	return k, nil
}

func (a *AWS) updateAccessKey(r *request) (any, error) {
	k, err := a.namedKey(r)
	if err != nil {
		return nil, err
	}
	switch status := r.params.Get("Status"); status {
	case "Active":
		k.active = true
	case "Inactive":
		k.active = false
	default:
		return nil, invalid("1 validation error detected: Value '%s' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive]", status)
	}
	return nil, nil
}

func (a *AWS) deleteAccessKey(r *request) (any, error) {
	k, err := a.namedKey(r)
	if err != nil {
		return nil, err
	}
	delete(a.keys, k.ID)
	return nil, nil
}

// accessKeyLastUsed implements GetAccessKeyLastUsed. It refuses a key that is not in the caller's account.
func (a *AWS) accessKeyLastUsed(r *request) (any, error) {
	id := r.params.Get("AccessKeyId")
	k := a.keys[id]
	if k == nil || k.user.account != r.caller.account {
		return nil, refuse(403, "AccessDenied", "User: %s is not authorized to perform: iam:GetAccessKeyLastUsed on resource: access key %s", r.caller.arn, id)
	}
	type lastUsed struct {
		LastUsedDate        string `xml:",omitempty"`
		ServiceName, Region string
	}
	out := struct {
		UserName          string
		AccessKeyLastUsed lastUsed
	}{k.user.name, lastUsed{"", "N/A", "N/A"}}
	if !k.used.IsZero() {
		out.AccessKeyLastUsed = lastUsed{stamp(k.used.Truncate(time.Minute)), k.usedService, k.usedRegion}
	}
	return out, nil
}
