package audit

import (
	"encoding/json"
	"testing"
	"time"

	"aws-vault/vault/plan"
)

// TestSetPlan checks which facts of a plan become part of a line.
func TestSetPlan(t *testing.T) {
	const arn = "arn:aws:iam::123456789012:role/prod"
	for _, c := range []struct {
		spec plan.Spec
		want string
	}{
		{plan.AssumeRole{ARN: arn, SessionName: "s"}, `"account":"123456789012","role":"` + arn + `","session":"s"`},
		{plan.WebIdentity{ARN: arn, SessionName: "s"}, `"account":"123456789012","role":"` + arn + `","session":"s"`},
		{plan.OIDCRole{ARN: arn, SessionName: "s"}, `"account":"123456789012","role":"` + arn + `","session":"s"`},
		{plan.IdentityRole{ARN: arn, SessionName: "s"}, `"account":"123456789012","role":"` + arn + `","session":"s"`},
		{plan.RolesAnywhere{Role: arn, SessionName: "s"}, `"account":"123456789012","role":"` + arn + `","session":"s"`},
		{plan.SSORole{Account: "123456789012", Role: "Admin"}, `"account":"123456789012","role":"Admin"`},
		{plan.FederationToken{Name: "s"}, `"session":"s"`},
		{plan.Login{Session: "arn:aws:iam::123456789012:user/bob"}, `"account":"123456789012","identity":"arn:aws:iam::123456789012:user/bob"`},
		{plan.SessionToken{}, ``},
		{plan.Process{Command: "secret"}, ``},
	} {
		// SetPlan replaces the facts of an earlier plan.
		e := Entry{Version: 1, Command: "exec", Role: "r", Session: "old", Account: "a", Identity: "i"}
		e.SetPlan(plan.Plan{Profile: "p", Steps: []plan.Step{{Kind: plan.KindStoredKey}, {Kind: "kind", Spec: c.spec}}})
		e.SetExpiry(time.Unix(0, 0))
		got, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if c.want != "" {
			c.want += ","
		}
		want := `{"version":1,"time":"","command":"exec","profile":"p","kind":"kind",` + c.want + `"expires":"1970-01-01T00:00:00Z"}`
		if string(got) != want {
			t.Errorf("%T:\n%s, want\n%s", c.spec, got, want)
		}
	}
}
