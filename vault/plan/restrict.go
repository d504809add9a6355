package plan

import (
	"errors"

	"aws-vault/vault/policy"
)

// carriesPolicy reports whether the step's call to AWS accepts a session policy.
func (s Step) carriesPolicy() bool {
	return s.Kind == KindAssumeRole || s.usesToken() || s.Kind == KindFederationToken
}

// restrict applies the limit to the steps. The last step gets the policy of the limit. Earlier
// roles may only assume the next role. Other earlier steps stay as they are, because their
// credentials do not leave the process.
func (l limit) restrict(pl Plan, c *chain) (Plan, error) {
	if l.isZero() {
		return pl, nil
	}
	for i := range pl.Steps {
		s := &pl.Steps[i]
		last := i == len(pl.Steps)-1
		switch {
		case s.carriesPolicy() && last:
			if err := l.restrictLast(s, c); err != nil {
				return Plan{}, err
			}
		case s.carriesPolicy():
			p, err := s.Policy.ForChain()
			if err != nil {
				return Plan{}, &PolicyConflictError{Profile: s.Profile, Intermediate: true, Agent: l.agent != "", Err: err}
			}
			s.Policy = p
		case last:
			return Plan{}, &PolicyUnsupportedError{Profile: pl.Profile, Kind: s.Kind, Agent: l.agent != ""}
		default:
			continue
		}
		s.Agent = l.agent
	}
	return pl, l.tag(pl.Steps, c.profiles)
}

func (l limit) restrictLast(s *Step, c *chain) error {
	want := l.policy
	if l.readOnly {
		want = policy.ReadOnly(c.partition())
	}
	own, whose := s.Policy, s.Profile
	if s.Kind == KindFederationToken {
		whose = c.target.Name
	}
	if l.replaces == whose {
		own = policy.Policy{}
	}
	var err error
	s.Policy, err = policy.Combine(own, want)
	var conflict *policy.ConflictError
	if errors.As(err, &conflict) {
		return &PolicyConflictError{Profile: whose, Agent: l.agent != "", Err: err}
	}
	return err
}

// needsFederation reports whether a user's access key must be exchanged for credentials of a federated user. AWS
// accepts a session policy for a federated user, but not for a session token. Federated users cannot present an
// MFA code, so profiles with mfa_serial do not use federation.
func (b *builder) needsFederation() bool {
	usersKey := len(b.chain.roles) == 0 && b.chain.root.Yields == (Yield{User, No})
	return !b.sessionLimit.isZero() && usersKey && b.options.Purpose != Console && !b.chain.target.Set("mfa_serial")
}

// federate adds a step to the end of the plan. The step creates the credentials of a federated user.
func (b *builder) federate(pl Plan) (Plan, error) {
	target := b.chain.target
	pl.Calls = []Call{{Service: "sts", Region: b.chain.region(target, true), Endpoint: endpoint(target)}}
	s, err := b.federation(pl)
	if err != nil {
		return Plan{}, err
	}
	pl.Calls = nil
	s.Why = "a session token accepts no session policy, so a federated user is used, which has the permissions of the " +
		"IAM user within the limits of the policy"
	pl.Steps = append(pl.Steps, s)
	return pl, nil
}
