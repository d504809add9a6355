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
func (c *chain) restrict(pl Plan) (Plan, error) {
	if c.bound.isZero() {
		return pl, nil
	}
	for i := range pl.Steps {
		s := &pl.Steps[i]
		last := i == len(pl.Steps)-1
		switch {
		case s.carriesPolicy() && last:
			if err := c.limitLast(s); err != nil {
				return Plan{}, err
			}
		case s.carriesPolicy():
			p, err := s.Policy.ForChain()
			if err != nil {
				return Plan{}, &OwnPolicyError{Profile: s.Profile, Hop: true, Agent: c.bound.agent != "", Err: err}
			}
			s.Policy = p
		case last:
			return Plan{}, &UnlimitedError{Profile: pl.Profile, Kind: s.Kind, Agent: c.bound.agent != ""}
		default:
			continue
		}
		s.Agent = c.bound.agent
	}
	return pl, c.tag(pl.Steps)
}

func (c *chain) limitLast(s *Step) error {
	want := c.bound.policy
	if c.bound.readOnly {
		want = policy.ReadOnly(c.partition())
	}
	own, whose := s.Policy, s.Profile
	if s.Kind == KindFederationToken {
		whose = c.target.Name
	}
	if c.bound.replaces == whose {
		own = policy.Policy{}
	}
	var err error
	s.Policy, err = policy.Combine(own, want)
	var conflict *policy.ConflictError
	if errors.As(err, &conflict) {
		return &OwnPolicyError{Profile: whose, Agent: c.bound.agent != "", Err: err}
	}
	return err
}

// federates reports whether a user's key is handed out as a federated user's credentials:
// these carry a policy, as a session token does not. They show no MFA code, so a profile
// that wants one is not served this way.
func (c *chain) federates() bool {
	return !c.bound.isZero() && len(c.roles) == 0 && c.root.Yields == (Yield{User, No}) && c.options.For != Console && !c.target.Set("mfa_serial")
}

// federate ends the plan with a federated user.
func (c *chain) federate(pl Plan) (Plan, error) {
	pl.Calls = []Call{{Service: "sts", Region: c.region(c.target, true), Endpoint: endpoint(c.target)}}
	s, err := c.federation(pl)
	if err != nil {
		return Plan{}, err
	}
	pl.Calls = nil
	s.Why = "a session token takes no session policy, and a federated user has the rights of the user but for what the policy leaves out"
	pl.Steps = append(pl.Steps, s)
	return pl, nil
}
