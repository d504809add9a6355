package transfer

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"aws-vault/vault"
	"aws-vault/vault/awsapi"
)

// Imported says what became of a key that came from a file.
type Imported struct {
	Outcome Outcome
	Caller  awsapi.Caller // whose it is; zero if it was left alone
}

// Import stores a key under name. A key that AWS does not take is not stored, and what was
// stored is read back and compared: only then may the key be taken out of where it came
// from. Another key that is stored there is left alone unless overwrite says otherwise.
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
