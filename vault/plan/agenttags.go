package plan

import (
	"fmt"
	"slices"
	"strings"

	"aws-vault/vault/profile"
)

// The session tags that mark sessions of coding agents in CloudTrail and in policies.
const (
	accessTag = "aws-vault:AccessType"
	agentTag  = "aws-vault:Agent"
	byAgent   = "ai" // the value of accessTag
)

// tag adds the agent's tags to the first role that accepts tags. The tags are transitive, so all
// later roles have them too.
func (l limit) tag(steps []Step, profiles []*profile.Profile) error {
	if l.agent == "" || !l.tags {
		return nil
	}
	begun := false
	for i := range steps {
		spec, ok := roleParameters(steps[i])
		if !ok {
			continue
		}
		conflict := func(found, reason string) error {
			from := steps[i].Profile
			return &ConflictError{Origin: tagOrigin(profiles, from), Profile: from, Found: found, Reason: reason}
		}
		if j := slices.IndexFunc(spec.Tags, isAgentTag); j >= 0 {
			return conflict("tag "+spec.Tags[j].Key, "is used by a coding agent, and aws-vault sets this tag itself")
		}
		if begun {
			continue
		}
		begun = true
		if most := maxTags - 2; len(spec.Tags) > most {
			found := fmt.Sprintf("more than %d tags", most)
			return conflict(found, "is used by a coding agent, and aws-vault adds two tags")
		}
		ours := []profile.Tag{{Key: accessTag, Value: byAgent}, {Key: agentTag, Value: l.agent}}
		tags := slices.Concat(spec.Tags, ours)
		slices.SortFunc(tags, func(a, b profile.Tag) int { return strings.Compare(a.Key, b.Key) })
		transitive := slices.Concat(spec.TransitiveTags, []string{accessTag, agentTag})
		slices.Sort(transitive)
		steps[i].Spec = withRoleTags(steps[i].Spec, tags, transitive)
	}
	return nil
}

// TagsAgent reports whether the plan adds a coding agent's tags to a session.
func (p Plan) TagsAgent() bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool {
		spec, ok := roleParameters(s)
		return ok && slices.ContainsFunc(spec.Tags, func(t profile.Tag) bool { return t.Key == agentTag })
	})
}

// maxTags is the maximum number of session tags in one call.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
const maxTags = 50

// isAgentTag reports whether a tag has the name of an agent tag. AWS ignores case in tag names.
func isAgentTag(t profile.Tag) bool {
	return strings.EqualFold(t.Key, accessTag) || strings.EqualFold(t.Key, agentTag)
}

func tagOrigin(profiles []*profile.Profile, name string) profile.Origin {
	for _, q := range profiles {
		if q.Name == name {
			return q.Value("session_tags").Origin
		}
	}
	return profile.Origin{}
}
