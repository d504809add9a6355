package transfer

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault"
	"aws-vault/vault/awsapi"
)

// Imported is the result of [Import].
type Imported struct {
	Outcome Outcome
	Caller  awsapi.Caller // the key's AWS identity; zero if Outcome is NotOverwritten
}

// Import stores a key under the given name after AWS has accepted the key. It then reads the stored key back and
// compares it. Only after Import has succeeded may the caller delete the key from its original file. If another
// key is already stored under this name, Import replaces it only if overwrite is true.
func Import(ctx context.Context, v *vault.Vault, name string, key aws.Credentials, overwrite bool) (Imported, error) {
	m := Migration{To: v.Keys, Overwrite: overwrite}
	outcome, err := m.decide(ctx, name, key)
	if err != nil || outcome == NotOverwritten {
		return Imported{Outcome: outcome}, err
	}
	caller, err := v.Caller(ctx, name, key)
	if err != nil {
		return Imported{}, err
	}
	if outcome != AlreadyStored {
		if err := v.Keys.PutVerified(ctx, name, key); err != nil {
			return Imported{}, err
		}
	}
	return Imported{outcome, caller}, nil
}
