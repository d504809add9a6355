package identity

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"aws-vault/cli/app"
	"aws-vault/vault/card/piv"
	"aws-vault/vault/disk"
	"aws-vault/vault/identity"
)

// newIdentityKey creates a key and then adds the key to the identity's list of keys. If the process is killed between
// these two steps, the created key is never used, and the next call creates another key.
func newIdentityKey(ctx context.Context, a *app.App, s *app.Session, name string, f keyFlags) error {
	return s.Identities().Change(ctx, name, func(r identity.Record) (identity.Record, error) {
		if next, pending := r.NextKey(a.Env.Now()); pending {
			// The method With returns an error, because the identity has a key that does not sign yet.
			_, err := r.With(next, a.Env.Now())
			return r, err
		}
		k, err := createIdentityKey(ctx, a, s, f)
		if err != nil {
			return r, err
		}
		return r.With(k, a.Env.Now())
	})
}

func createIdentityKey(ctx context.Context, a *app.App, s *app.Session, f keyFlags) (identity.Key, error) {
	if !f.software {
		return createCardKey(ctx, a, s, f)
	}
	if err := s.Keystore.Keys.Check(ctx); err != nil { // Check also fails if the passphrase of the file keystore is empty
		return identity.Key{}, err
	}
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return identity.Key{}, err
	}
	k, err := identity.NewKey(secret.Public(), identity.Software, 0, a.Env.Now())
	if err == nil {
		err = s.Identities().StoreSecret(ctx, k.ID, secret)
	}
	if err != nil {
		return identity.Key{}, err
	}
	a.Print("Created key %s in the keystore (%s). Anyone who can open the keystore can sign as you; a key on a security key cannot be copied.\n", k.ID, s.Keystore.Name)
	return k, nil
}

// A cardKeyError reports that no key could be created or used on a security key.
type cardKeyError struct{ err error }

func (e *cardKeyError) Error() string { return e.err.Error() }

func (e *cardKeyError) Unwrap() error { return e.err }

func (e *cardKeyError) Remedy() string {
	if errors.Is(e.err, piv.ErrUnsupported) || errors.Is(e.err, piv.ErrNoService) || errors.Is(e.err, piv.ErrNoCard) {
		return "to use a key in the keystore instead, add --software; anyone who can open the keystore can copy that key"
	}
	return ""
}

// createCardKey creates a key in a slot of a security key. With --adopt, it uses the key that is already in the slot.
func createCardKey(ctx context.Context, a *app.App, s *app.Session, f keyFlags) (identity.Key, error) {
	slot, err := piv.ParseSlot(f.slot)
	if err != nil {
		return identity.Key{}, &app.UsageError{Text: fmt.Sprintf("--slot: %v", err)}
	}
	cards := a.Asker(s.Locks).Cards()
	var key *piv.Key
	var info piv.KeyInfo
	if f.adopt {
		key, info, err = cards.Key(ctx, app.CardSlot(a, slot))
	} else {
		var made piv.GeneratedKey
		made, err = cards.Generate(ctx, app.CardSlot(a, slot), piv.KeyRequest{
			Algorithm: piv.P256, PIN: piv.ParsePINPolicy(f.pin), Touch: piv.ParseTouchPolicy(f.touch), Replace: f.replace,
		})
		key, info = made.Key, made.Info
		if made.DefaultManagementKey {
			a.Note("the security key has the default management key, so anyone who has the security key can replace its keys")
		}
	}
	if err != nil {
		return identity.Key{}, &cardKeyError{err}
	}
	at := key.Location()
	k, err := identity.NewKey(key.Public(), identity.PIVPrefix+at.Slot.String(), at.Serial, a.Env.Now())
	if err != nil {
		return identity.Key{}, fmt.Errorf("%s: %w", at, err)
	}
	word := "Created"
	if f.adopt {
		word = "Using"
	}
	a.Print("%s key %s in %s: PIN %s, touch %s.\n", word, k.ID, at, info.PIN, info.Touch)
	printAttestation(ctx, a, cards, at)
	return k, nil
}

// printAttestation prints whether the security key attests that the key was created on it. A security key does not
// attest imported keys. Only security keys from Yubico attest keys.
func printAttestation(ctx context.Context, a *app.App, cards *piv.Cards, at piv.Location) {
	proof, err := cards.Attest(ctx, at)
	if err != nil {
		a.Note("the security key does not attest that the key was created on it: %v", err)
		return
	}
	proven, err := proof.Verify(nil)
	if err != nil {
		a.Note("the security key attests the key, but the manufacturer of the security key is unknown: %v", err)
		return
	}
	a.Print("Attested: the key was created on YubiKey %d, firmware %s, and cannot be exported.\n", proven.Location.Serial, proven.Version)
}

// publish writes the files of an identity to a folder. The user then uploads the folder to a web server. publish does
// not overwrite files that belong to another issuer.
func publish(a *app.App, s *app.Session, name, issuer, dir string) error {
	if dir == "" {
		dir = name
	}
	dir = a.Env.Path(dir)
	r, err := s.Identities().Record(name)
	if err != nil {
		return fmt.Errorf("identity %s: %w", name, err)
	}
	keys, err := r.JWKS(a.Env.Now())
	if err != nil {
		return err
	}
	discovery := filepath.Join(dir, filepath.FromSlash(identity.DiscoveryPath))
	if err := checkSameIssuer(discovery, issuer); err != nil {
		return err
	}
	for path, text := range map[string][]byte{discovery: identity.Discovery(issuer), filepath.Join(dir, identity.KeysPath): keys} {
		// The files are public, so all users may read the directory.
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := disk.Replace(path, text, 0o644); err != nil {
			return err
		}
	}
	a.Print("Wrote %s and %s to %s. Publish them at %s/.\n", identity.DiscoveryPath, identity.KeysPath, a.Env.Tilde(dir), issuer)
	if next, pending := r.NextKey(a.Env.Now()); pending && len(r.Keys) > 1 {
		a.Print("Publish them now: key %s starts to sign at %s.\n", next.ID, next.SignsFrom.Local().Format("2006-01-02 15:04:05"))
	}
	return nil
}

// maxDiscovery limits the size of an existing discovery document, in bytes.
const maxDiscovery = 64 << 10

// An otherIssuerError reports an existing file that does not belong to the issuer.
type otherIssuerError struct{ path, issuer string }

func (e *otherIssuerError) Error() string {
	return fmt.Sprintf("%s exists and is not a file of %s; choose another folder with --dir", e.path, e.issuer)
}

// checkSameIssuer returns an error if path exists and is not the discovery document of issuer.
func checkSameIssuer(path, issuer string) error {
	text, err := disk.ReadBounded(path, maxDiscovery)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var discovery struct {
		Issuer string `json:"issuer"`
	}
	if err != nil || json.Unmarshal(bytes.TrimSpace(text), &discovery) != nil || discovery.Issuer != issuer {
		return &otherIssuerError{path, issuer}
	}
	return nil
}
