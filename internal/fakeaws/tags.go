package fakeaws

import (
	"maps"
	"slices"
	"strings"
)

// tagSet has the tags that a call requests for a session.
type tagSet struct {
	values     map[string]string
	transitive []string
}

// readTags parses the parameters Tags and TransitiveTagKeys.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
func readTags(c *checks) (tagSet, error) {
	set := tagSet{values: map[string]string{}}
	list := members(c.params, "Tags", "Key", "Value")
	if len(list) > 50 {
		c.fail("tags", "tags", "have length less than or equal to 50")
	}
	for _, tag := range list {
		c.value(tag[0], "tags.member.key", 1, 128, tagAlphabet)
		c.value(tag[1], "tags.member.value", 0, 256, tagAlphabet)
		if err := set.add(tag[0], tag[1]); err != nil {
			return set, err
		}
	}
	keys := members(c.params, "TransitiveTagKeys", "")
	if len(keys) > 50 {
		c.fail("transitiveTagKeys", "transitiveTagKeys", "have length less than or equal to 50")
	}
	for _, key := range keys {
		set.transitive = append(set.transitive, key[0])
	}
	return set, set.complete()
}

// add adds a tag. It refuses the tag if the set already has its key. Upper and lower case are the same in keys.
func (t tagSet) add(key, value string) error {
	if strings.HasPrefix(strings.ToLower(key), "aws:") {
		return refuse(400, "InvalidParameterValue", "Tag keys beginning with aws: are reserved for system use.")
	}
	if has(t.values, key) {
		return refuse(400, "InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
	}
	t.values[key] = value
	return nil
}

// complete returns an error if a transitive key has no tag.
func (t tagSet) complete() error {
	for _, key := range t.transitive {
		if !has(t.values, key) {
			return refuse(400, "InvalidParameterValue", "The specified transitive tag key must be included in the requested tags.")
		}
	}
	return nil
}

func has[V any](tags map[string]V, key string) bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(tags)), func(k string) bool { return strings.EqualFold(k, key) })
}

// inherit sets the session's tags and source identity. It uses the requested values and the values that the session
// inherits from the caller's role session. A call cannot change inherited values. The role's trust policy and the
// caller's policies must both allow the tags and the source identity. If the caller has no AWS credentials
// (AssumeRoleWithWebIdentity, CreateSession), c is nil, and only the trust policy must allow them.
func (s *session) inherit(c *caller, target *role, ask assumption) error {
	s.tags, s.transitive, s.sourceIdentity = maps.Clone(ask.tags.values), map[string]bool{}, ask.sourceIdentity
	if c != nil && c.session != nil && c.session.kind == roleSession {
		s.chained = true
		if err := s.inheritFrom(c.session); err != nil {
			return err
		}
	}
	for _, key := range ask.tags.transitive {
		s.transitive[key] = true
	}
	return s.checkTagPermissions(c, target, ask)
}

// inheritFrom copies the transitive tags and the source identity of the caller's role session.
func (s *session) inheritFrom(from *session) error {
	for key := range from.transitive {
		if has(s.tags, key) {
			return refuse(400, "InvalidParameterValue", "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		}
	}
	for key := range from.transitive {
		s.tags[key], s.transitive[key] = from.tags[key], true
	}
	if from.sourceIdentity != "" {
		if s.sourceIdentity != "" && s.sourceIdentity != from.sourceIdentity {
			return denied("The source identity of the calling session is '%s' and cannot be changed", from.sourceIdentity)
		}
		s.sourceIdentity = from.sourceIdentity
	}
	return nil
}

// checkTagPermissions refuses tags if sts:TagSession is not allowed, and a source identity if
// sts:SetSourceIdentity is not allowed. It also refuses a session without the tags and the source identity that
// the role requires.
func (s *session) checkTagPermissions(c *caller, target *role, ask assumption) error {
	may := func(action string) bool { return c == nil || c.may(action, target.arn) }
	who := target.arn
	if c != nil {
		who = c.arn
	}
	tagged := len(ask.tags.values) > 0 || len(s.transitive) > 0
	if tagged && (target.DenyTagSession || !may("sts:TagSession")) {
		return unauthorized(who, "sts:TagSession", target.arn)
	}
	if s.sourceIdentity != "" && (target.DenySetSourceIdentity || !may("sts:SetSourceIdentity")) {
		return unauthorized(who, "sts:SetSourceIdentity", target.arn)
	}
	if target.RequireSourceIdentity && s.sourceIdentity == "" {
		return unauthorized(who, "sts:AssumeRole", target.arn)
	}
	for _, key := range target.RequireTags {
		if !has(s.tags, key) {
			return unauthorized(who, "sts:AssumeRole", target.arn)
		}
	}
	return nil
}
