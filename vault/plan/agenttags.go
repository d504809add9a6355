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
func (c *chain) tag(steps []Step) error {
	if c.bound.agent == "" || !c.bound.tags {
		return nil
	}
	begun := false
	for i := range steps {
		spec, ok := passedOn(steps[i])
		if !ok {
			continue
		}
		if j := slices.IndexFunc(spec.Tags, isOurs); j >= 0 {
			return &ConflictError{
				Origin: c.tagOrigin(steps[i].Profile), Profile: steps[i].Profile, Found: "tag " + spec.Tags[j].Key,
				Reason: "is used by a coding agent, and its session carries that tag already",
			}
		}
		if begun {
			continue
		}
		begun = true
		if most := maxTags - 2; len(spec.Tags) > most {
			return &ConflictError{
				Origin: c.tagOrigin(steps[i].Profile), Profile: steps[i].Profile, Found: fmt.Sprintf("more than %d tags", most),
				Reason: "is used by a coding agent, and its session carries two more",
			}
		}
		tags := append(slices.Clone(spec.Tags), profile.Tag{Key: accessTag, Value: byAgent}, profile.Tag{Key: agentTag, Value: c.bound.agent})
		slices.SortFunc(tags, func(a, b profile.Tag) int { return strings.Compare(a.Key, b.Key) })
		steps[i].Spec = withTags(steps[i].Spec, tags, slices.Sorted(slices.Values(append(slices.Clone(spec.TransitiveTags), accessTag, agentTag))))
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

func (c *chain) tagOrigin(name string) profile.Origin {
	for _, q := range c.profiles {
		if q.Name == name {
			return q.Value("session_tags").Origin
		}
	}
	return profile.Origin{}
}
