package cli

import (
	"context"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/vault/certificate"
	"aws-vault/vault/disk"
	"aws-vault/vault/plan"
)

type certificateFlags struct {
	subject, key, out, authority string
	lasts                        time.Duration
}

func certificateCommand(k *kingpin.Application, a *app) {
	var f certificateFlags
	c := k.Command("certificate", "Make certificates for IAM Roles Anywhere.").
		Command("request", "Make a certificate signing request, or have an authority of your own sign at once.")
	c.Flag("subject", "Who it is for, such as CN=alice,O=Example.").Required().PlaceHolder("NAME").StringVar(&f.subject)
	c.Flag("private-key", "The key: a file of PEM, which is made if it is not there, or a slot of a card, such as piv:9c.").
		Required().PlaceHolder("FILE").StringVar(&f.key)
	c.Flag("out", "The file to write; stdout if there is none.").PlaceHolder("FILE").StringVar(&f.out)
	c.Flag("self-signed-ca", "For trying: the directory of an authority that signs, which is made if it is not there.").
		PlaceHolder("DIR").StringVar(&f.authority)
	c.Flag("duration", "How long the authority's certificate for the key should be good.").PlaceHolder("TIME").Default("2160h").
		SetValue(durationFlag{&f.lasts, "--duration"})
	a.action(c, verb{does: "signs with a key that a person proves their identity with", run: func(ctx context.Context) error { return a.certificateRequest(ctx, f) }})
}

func (a *app) certificateRequest(ctx context.Context, f certificateFlags) error {
	subject, err := certificate.Subject(f.subject)
	if err != nil {
		return &usageError{"--" + err.Error()}
	}
	made := certificate.Request
	if f.authority != "" {
		authority, err := a.authority(a.path(f.authority))
		if err != nil {
			return err
		}
		made = func(subject pkix.Name, key crypto.Signer) ([]byte, error) {
			c, err := authority.Issue(subject, key.Public(), a.env.Now(), f.lasts)
			if err != nil {
				return nil, err
			}
			return certificate.Encode(c), a.register(a.path(f.authority), authority.Certificate, subject)
		}
	}
	return a.withKey(ctx, f.key, func(key crypto.Signer) error {
		text, err := made(subject, key)
		if err != nil {
			return err
		}
		return a.putOut(f.out, text)
	})
}

// putOut prints, or writes a file that is not there yet.
func (a *app) putOut(path string, text []byte) error {
	if path == "" {
		a.print("%s", text)
		return nil
	}
	if err := disk.Create(a.path(path), text); err != nil {
		return err
	}
	a.wrote(a.path(path))
	return nil
}

func (a *app) wrote(path string) { a.note("wrote %s", a.tilde(path)) }

// withKey uses the key in a file, which it makes if there is none, or in a slot of a card.
func (a *app) withKey(ctx context.Context, place string, use func(crypto.Signer) error) error {
	if slot, ok := plan.Slot(place); ok {
		return a.withCardKey(ctx, slot, use)
	}
	key, err := a.keyFile(a.path(place))
	if err != nil {
		return err
	}
	return use(key)
}

// keyFile reads a key, and makes it if it is not there. One that is there is never replaced.
func (a *app) keyFile(path string) (crypto.Signer, error) {
	text, err := disk.ReadBounded(path, certificate.MaxFile)
	if errors.Is(err, fs.ErrNotExist) {
		key, text, err := certificate.NewKey()
		if err != nil {
			return nil, err
		}
		if err := disk.Create(path, text); err != nil {
			return nil, err
		}
		a.wrote(path)
		return key, nil
	}
	if err != nil {
		return nil, err
	}
	key, err := certificate.Key(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// The files of an authority.
const (
	authorityKey         = "ca-key.pem"
	authorityCertificate = "ca.pem"
	registration         = "register.yaml"
)

// authorityLasts is how long an authority that is made here is good.
const authorityLasts = 5 * 365 * 24 * time.Hour

// authority reads the authority in a directory, and makes it if it is not there.
func (a *app) authority(dir string) (*certificate.Authority, error) {
	if err := disk.MkdirPrivate(dir); err != nil {
		return nil, err
	}
	key, err := a.keyFile(filepath.Join(dir, authorityKey))
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, authorityCertificate)
	text, err := disk.ReadBounded(path, certificate.MaxFile)
	if err == nil {
		chain, err := certificate.Chain(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return &certificate.Authority{Certificate: chain[0], Key: key}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	made, err := certificate.NewAuthority("aws-vault CA of "+a.env.User, key, a.env.Now(), authorityLasts)
	if err != nil {
		return nil, err
	}
	if err := disk.Create(path, certificate.Encode(made.Certificate)); err != nil {
		return nil, err
	}
	a.wrote(path)
	return made, nil
}

// register writes what AWS is told of an authority, unless that was done.
func (a *app) register(dir string, authority *x509.Certificate, subject pkix.Name) error {
	path := filepath.Join(dir, registration)
	text := certificate.Registration{Authority: authority, Name: sessionName(a.env.User), Subject: subject.CommonName}.CloudFormation()
	err := disk.Create(path, []byte(text))
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil:
		return err
	}
	a.wrote(path)
	a.note("register it: aws cloudformation deploy --stack-name aws-vault --capabilities CAPABILITY_IAM --template-file %s", quoteWord(a.tilde(path)))
	return nil
}
