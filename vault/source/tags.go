package source

import (
	"errors"
	"fmt"
	"strings"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/plan"
)

// TagsRefusedError is returned where AWS lets nobody tag the session of a role, or pass tags
// on to it.
type TagsRefusedError struct {
	Profile string
	Role    string // its ARN
	Agent   bool   // the session is a coding agent's, whose tags are ours
	Err     *awsapi.APIError
}

func (e *TagsRefusedError) Error() string {
	return fmt.Sprintf("role %s takes no session tags, as its trust policy or the caller's own lacks sts:TagSession: %v", e.Role, e.Err)
}

// Unwrap returns AWS's refusal.
func (e *TagsRefusedError) Unwrap() error { return e.Err }

// tagsRefused says it where AWS's refusal of a role names the permission to tag. Nothing is
// tried without the tags: they were asked for.
func tagsRefused(s plan.Step, role string, err error) error {
	var refused *awsapi.APIError
	if errors.As(err, &refused) && refused.Code == "AccessDenied" && strings.Contains(refused.Message, "sts:TagSession") {
		return &TagsRefusedError{Profile: s.Profile, Role: role, Agent: s.Agent != "", Err: refused}
	}
	return err
}
