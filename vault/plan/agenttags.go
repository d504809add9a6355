package plan

import (
	"fmt"
	"slices"
	"strings"

	"aws-vault/vault/profile"
)

// The tags by which sessions of coding agents are known in CloudTrail and to policies.
const (
	accessTag = "aws-vault:AccessType"
	agentTag  = "aws-vault:Agent"
	byAgent   = "ai" // the value of accessTag
)

// tag names the agent in the first role that takes tags, which passes them on to the rest.
func (l limit) tag(steps []Step, profiles []*profile.Profile) error {
	if l.agent == "" || !l.tags {
		return nil
	}
	begun := false
	for i := range steps {
		spec, ok := passedOn(steps[i])
		if !ok {
			continue
		}
		conflict := func(found, reason string) error {
			from := steps[i].Profile
			return &ConflictError{Origin: tagOrigin(profiles, from), Profile: from, Found: found, Reason: reason}
		}
		if j := slices.IndexFunc(spec.Tags, isOurs); j >= 0 {
			return conflict("tag "+spec.Tags[j].Key, "is used by a coding agent, and its session carries that tag already")
		}
		if begun {
			continue
		}
		begun = true
		if most := maxTags - 2; len(spec.Tags) > most {
			found := fmt.Sprintf("more than %d tags", most)
			return conflict(found, "is used by a coding agent, and its session carries two more")
		}
		ours := []profile.Tag{{Key: accessTag, Value: byAgent}, {Key: agentTag, Value: l.agent}}
		tags := slices.Concat(spec.Tags, ours)
		slices.SortFunc(tags, func(a, b profile.Tag) int { return strings.Compare(a.Key, b.Key) })
		transitive := slices.Concat(spec.TransitiveTags, []string{accessTag, agentTag})
		slices.Sort(transitive)
		steps[i].Spec = withTags(steps[i].Spec, tags, transitive)
	}
	return nil
}

// TagsAgent reports whether the plan tags a coding agent's session.
func (p Plan) TagsAgent() bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool {
		spec, ok := passedOn(s)
		return ok && slices.ContainsFunc(spec.Tags, func(t profile.Tag) bool { return t.Key == agentTag })
	})
}

// maxTags is the most tags that a session takes in one call.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
const maxTags = 50

// isOurs reports whether a tag has the name of one of ours; AWS does not look at case.
func isOurs(t profile.Tag) bool {
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
