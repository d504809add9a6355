package plan

import "aws-vault/vault/profile"

// guard marks the steps of profiles that require a touch, and all that is made with what those
// give: who could read a session made with a guarded key would not need the key.
func guard(p *profile.Profile, steps []Step) {
	required := map[string]bool{}
	for q := p; q != nil; q = q.Source {
		required[q.Name] = q.Bool("require_touch")
	}
	touch := false
	for i := range steps {
		touch = touch || required[steps[i].Profile]
		steps[i].Touch = touch
	}
}
