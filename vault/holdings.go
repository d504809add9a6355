package vault

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
)

// holdings finds out what a plan for p has to know of the world.
func (v *Vault) holdings(ctx context.Context, p *profile.Profile) (plan.Holdings, error) {
	h := plan.Holdings{
		Keys: map[string]string{}, Policies: map[string]string{}, Subjects: map[string]string{}, Certificates: map[string]string{},
		Identities: map[plan.Digest]plan.Identity{}, Signers: map[string]plan.Signer{},
	}
	for q := p; q != nil; q = q.Source {
		fingerprint, ok, err := v.Keys.Fingerprint(ctx, q.Name)
		if err != nil {
			return h, err
		}
		if ok {
			h.Keys[q.Name] = fingerprint
		}
		if err := v.files(q, h); err != nil {
			return h, err
		}
		if ok {
			break // the chain begins here
		}
		if err := v.identity(ctx, q, h); err != nil {
			return h, err
		}
		if name := q.Text("identity"); name != "" && v.Source.Identities != nil {
			if k, err := v.Source.Identities.Signing(name); err == nil { // else whoever signs says why not
				h.Signers[name] = plan.Signer{KeyID: k.ID, Place: k.Place}
			}
		}
	}
	h.Environment = v.environment()
	return h, nil
}

// identity finds out who is signed in to the OpenID provider of q, if q begins there.
func (v *Vault) identity(ctx context.Context, q *profile.Profile, h plan.Holdings) error {
	to, err := plan.Provider(q)
	if err != nil || q.Source != nil {
		return nil // whoever plans says so
	}
	if v.Shows {
		if who := v.Source.OpenIDHint(to); who != "" {
			h.Identities[to.Token()] = plan.Identity{Subject: who}
		}
		return nil
	}
	held, ok, err := v.Source.OpenIDHeld(ctx, to)
	if ok {
		h.Identities[to.Token()] = held.Identity
	}
	return err
}

func (v *Vault) environment() *plan.EnvironmentKey {
	id, secret, token := v.env("AWS_ACCESS_KEY_ID"), v.env("AWS_SECRET_ACCESS_KEY"), v.env("AWS_SESSION_TOKEN")
	if id == "" || secret == "" {
		return nil
	}
	return &plan.EnvironmentKey{Fingerprint: plan.Fingerprint(id, secret, token), Temporary: token != ""}
}

func (v *Vault) env(name string) string {
	value, _ := v.Source.Getenv(name)
	return value
}

// maxFile bounds what is read of a file that a profile names.
const maxFile = 64 << 10

// files reads the files that decide which session answers: policies, and tokens for
// whose they are.
func (v *Vault) files(q *profile.Profile, h plan.Holdings) error {
	if name := q.Text("session_policy"); strings.HasPrefix(name, "file://") {
		text, err := v.read(strings.TrimPrefix(name, "file://"))
		if err != nil {
			return &plan.SettingError{Origin: q.Value("session_policy").Origin, Err: err}
		}
		h.Policies[name] = string(text)
	}
	if path := q.Text("web_identity_token_file"); path != "" {
		if token, err := v.read(path); err == nil { // else the step that needs it says so
			h.Subjects[path] = subject(token)
		}
	}
	if path := q.Text("certificate"); path != "" {
		if text, err := v.read(path); err == nil { // likewise
			h.Certificates[path] = plan.Fingerprint(string(text))
		}
	}
	return nil
}

func (v *Vault) read(path string) ([]byte, error) {
	f, err := v.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return text, nil
}

// subject tells whose token it is. AWS checks the token; here it only tells one person's
// session from another's.
func subject(token []byte) string {
	token = bytes.TrimSpace(token)
	parts := bytes.Split(token, []byte("."))
	var claims struct {
		Issuer   string          `json:"iss"`
		Subject  string          `json:"sub"`
		Audience json.RawMessage `json:"aud"`
	}
	if len(parts) == 3 {
		payload, err := base64.RawURLEncoding.DecodeString(string(parts[1]))
		if err == nil && json.Unmarshal(payload, &claims) == nil && claims.Subject != "" {
			return plan.Fingerprint(claims.Issuer, claims.Subject, string(claims.Audience))
		}
	}
	return plan.Fingerprint(string(token))
}
