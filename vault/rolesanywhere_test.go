package vault_test

import (
	"context"
	"crypto"
	"os"
	"path/filepath"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
	"aws-vault/internal/testvault"
	"aws-vault/vault/certificate"
	"aws-vault/vault/plan"
)

// TestCardIsNotUsedForCachedSession checks when a valid session is renewed early. With a key in a file, it is
// renewed early. With a key on a card, it is not, because the user would have to enter a PIN or touch the card.
func TestCardIsNotUsedForCachedSession(t *testing.T) {
	for place, again := range map[string]bool{"piv:9c": false, "": true} {
		const role = "arn:aws:iam::123456789012:role/anywhere"
		key, pem, err := certificate.NewKey()
		if err != nil {
			t.Fatal(err)
		}
		authority, err := certificate.NewAuthority("Example", key, time.Now(), 24*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		subject, err := certificate.ParseSubject("CN=alice")
		if err != nil {
			t.Fatal(err)
		}
		c, err := authority.Issue(subject, key.Public(), time.Now(), 12*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for name, text := range map[string][]byte{"c.pem": certificate.Encode(c), "k.pem": pem} {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if place == "" {
			place = filepath.Join(dir, "k.pem")
		}
		w := testvault.New(t, "[profile p]\ntrust_anchor_arn = arn:aws:rolesanywhere:eu-west-1:123456789012:trust-anchor/EXAMPLE-1\n"+
			"rolesanywhere_profile_arn = arn:aws:rolesanywhere:eu-west-1:123456789012:profile/EXAMPLE-1\nrole_arn = "+role+
			"\ncertificate = "+filepath.Join(dir, "c.pem")+"\nprivate_key = "+place+"\n")
		w.AWS.AddRole(role, fakeaws.Role{Trusts: []string{"rolesanywhere.amazonaws.com"}})
		if _, err := w.AWS.AddTrustAnchor("123456789012", "eu-west-1", string(certificate.Encode(authority.Certificate))); err != nil {
			t.Fatal(err)
		}
		w.AWS.AddAnywhereProfile("123456789012", "eu-west-1", fakeaws.AnywhereProfile{Roles: []string{role}})
		w.Source.Card = func(_ context.Context, _ string, _ crypto.PublicKey, use func(crypto.Signer) error) error {
			return use(key)
		}
		pl, err := w.Plan(t.Context(), "p", plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := w.Credentials(t.Context(), pl, plan.Options{}, 16*time.Minute); err != nil {
				t.Fatal(err)
			}
			w.ClockOffset += 50 * time.Minute
			w.AWS.SetClock(func() time.Time { return time.Now().Add(w.ClockOffset) })
		}
		n := 0
		for _, call := range w.AWS.Calls() {
			if call.Action == "CreateSession" {
				n++
			}
		}
		if renewed := n > 1; renewed != again {
			t.Errorf("%s: %d sessions created with 10 min left", place, n)
		}
	}
}
