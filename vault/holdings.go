package vault

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"aws-vault/vault/certificate"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
	"aws-vault/vault/source"
)

// holdings collects the facts that a plan for p depends on, such as stored keys and policies. The parameter signed
// reports who is signed in.
func (v *Vault) holdings(ctx context.Context, p *profile.Profile, o plan.Options, signed signIns) (plan.Holdings, error) {
	chain, keys, err := v.storedKeys(ctx, p)
	if err != nil {
		return plan.Holdings{}, err
	}
	policies, err := v.profilePolicies(chain)
	if err != nil {
		return plan.Holdings{}, err
	}
	h := plan.Holdings{
		Keys: keys, Subjects: v.tokenSubjects(chain), Certificates: v.certificates(chain), Programs: v.programs(chain),
		Environment: v.environment(), Container: source.ContainerAddress(v.Source.Getenv),
	}
	last := len(chain) - 1
	if _, stored := keys[chain[last].Name]; stored {
		h.Signers = v.signers(chain[:last])
	} else {
		h.Signers = v.signers(chain)
		if h.Identities, err = identities(ctx, chain[last], signed); err != nil {
			return plan.Holdings{}, err
		}
		if h.SignIns, err = v.signIns(ctx, chain[last], signed); err != nil {
			return plan.Holdings{}, err
		}
	}
	l, err := v.limits(p, o) // limits are read last, so that an error about the profile itself is reported first
	if err != nil {
		return plan.Holdings{}, err
	}
	maps.Copy(policies, l.texts)
	h.Policies, h.Named, h.Agents = policies, l.named, l.agents
	return h, nil
}

// storedKeys returns the chain of source profiles, which starts with the profile p, and the fingerprints of the
// keys stored for them. The chain ends at the first profile that has a stored key, or a key of its own in plain text.
func (v *Vault) storedKeys(ctx context.Context, p *profile.Profile) ([]*profile.Profile, map[string]string, error) {
	var chain []*profile.Profile
	keys := map[string]string{}
	for q := p; q != nil && len(keys) == 0; q = q.Source {
		fingerprint, ok, err := v.Keys.Fingerprint(ctx, q.Name)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			keys[q.Name] = fingerprint
		}
		chain = append(chain, q)
		if plan.UsesOwnKey(p, q, ok) {
			break
		}
	}
	return chain, keys, nil
}

// tokenSubjects returns the subject of each web identity token file, by path. It skips files that it cannot
// read: the step that needs the file reports the error.
func (v *Vault) tokenSubjects(chain []*profile.Profile) map[string]string {
	subjects := map[string]string{}
	for _, q := range chain {
		if path := q.Text("web_identity_token_file"); path != "" {
			if token, err := v.readFile(path, maxFileSize); err == nil {
				subjects[path] = plan.TokenSubject(token)
			}
		}
	}
	return subjects
}

// certificates returns the fingerprint of each certificate file, by path. It skips files that it cannot read:
// the step that needs the file reports the error.
func (v *Vault) certificates(chain []*profile.Profile) map[string]string {
	prints := map[string]string{}
	for _, q := range chain {
		if path := q.Text("certificate"); path != "" {
			if text, err := v.readFile(path, certificate.MaxFile); err == nil {
				prints[path] = plan.Fingerprint(string(text))
			}
		}
	}
	return prints
}

// programs returns a fingerprint of the environment if a profile in the chain has a credential_process.
// Otherwise it returns an empty string.
func (v *Vault) programs(chain []*profile.Profile) string {
	runs := slices.ContainsFunc(chain, func(q *profile.Profile) bool { return q.Set("credential_process") })
	if !runs || v.Source.Environ == nil {
		return ""
	}
	return plan.Fingerprint(slices.Sorted(slices.Values(v.Source.Environ()))...)
}

// signers returns the active signing key of each identity that the profiles name. It skips identities without a
// key: the step that signs reports the error.
func (v *Vault) signers(chain []*profile.Profile) map[string]plan.Signer {
	signers := map[string]plan.Signer{}
	for _, q := range chain {
		name := q.Text("identity")
		if name == "" || v.Source.Identities == nil {
			continue
		}
		if k, err := v.Source.Identities.SigningKey(name); err == nil {
			signers[name] = plan.Signer{KeyID: k.ID, Location: k.Location}
		}
	}
	return signers
}

func (v *Vault) environment() *plan.EnvironmentKey {
	id, secret, token := v.getenv("AWS_ACCESS_KEY_ID"), v.getenv("AWS_SECRET_ACCESS_KEY"), v.getenv("AWS_SESSION_TOKEN")
	if id == "" || secret == "" {
		return nil
	}
	return &plan.EnvironmentKey{Fingerprint: plan.Fingerprint(id, secret, token), Temporary: token != ""}
}

func (v *Vault) getenv(name string) string {
	value, _ := v.Source.Getenv(name)
	return value
}

// maxFileSize limits the size of a policy or token file, in bytes.
const maxFileSize = 64 << 10

func (v *Vault) readFile(path string, most int64) ([]byte, error) {
	f, err := v.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, most)
	}
	return text, nil
}
