package plan

import (
	"errors"

	"aws-vault/vault/policy"
)

// carriesPolicy reports whether the step's own call to AWS takes a session policy.
func (s Step) carriesPolicy() bool {
	return s.Kind == KindAssumeRole || s.exchanges() || s.Kind == KindFederationToken
}

// restrict puts the limit into the steps: the last one carries it, and roles before it may
// assume the next role and do nothing else. What does not take a policy may come before,
// for it does not leave the process.
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
				return Plan{}, &OwnPolicyError{Profile: s.Profile, Hop: true, Agent: l.agent != "", Err: err}
			}
			s.Policy = p
		case last:
			return Plan{}, &UnlimitedError{Profile: pl.Profile, Kind: s.Kind, Agent: l.agent != ""}
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
		return &OwnPolicyError{Profile: whose, Agent: l.agent != "", Err: err}
	}
	return err
}

// federates reports whether a user's key is handed out as a federated user's credentials:
// these carry a policy, as a session token does not. They show no MFA code, so a profile
// that wants one is not served this way.
func (b *builder) federates() bool {
	usersKey := len(b.chain.roles) == 0 && b.chain.root.Yields == (Yield{User, No})
	return !b.bound.isZero() && usersKey && b.options.For != Console && !b.chain.target.Set("mfa_serial")
}

// federate ends the plan with a federated user.
func (b *builder) federate(pl Plan) (Plan, error) {
	target := b.chain.target
	pl.Calls = []Call{{Service: "sts", Region: b.chain.region(target, true), Endpoint: endpoint(target)}}
	s, err := b.federation(pl)
	if err != nil {
		return Plan{}, err
	}
	pl.Calls = nil
	s.Why = "a session token takes no session policy, and a federated user has the rights of the user " +
		"but for what the policy leaves out"
	pl.Steps = append(pl.Steps, s)
	return pl, nil
}
