package identity

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

	"aws-vault/cli/app"
	"aws-vault/cli/ui"
	"aws-vault/vault/certificate"
	"aws-vault/vault/disk"
	"aws-vault/vault/plan"
)

type certificateFlags struct {
	subject, key, out, authority string
	duration                     time.Duration
}

func CertificateCommand(k *kingpin.Application, a *app.App) []app.Verb {
	var f certificateFlags
	c := k.Command("certificate", "Create certificates for IAM Roles Anywhere.").HelpLong(app.Examples(
		"Create a signing request for a new private key.", "aws-vault certificate request --subject CN=build --private-key build.key",
		"Show the flags of the subcommand.", "aws-vault certificate request --help")).
		Command("request", "Create a certificate signing request, or a certificate signed by your own test CA.").HelpLong(app.Examples(
		"Create a signing request for a key on a security key.", "aws-vault certificate request --subject CN=alice --private-key piv:9c",
		"Create a certificate with your own CA, in the directory ca.", "aws-vault certificate request --subject CN=build --private-key build.key --out build.pem --self-signed-ca ca"))
	c.Flag("subject", "Subject of the certificate, such as CN=alice,O=Example.").Required().PlaceHolder("NAME").StringVar(&f.subject)
	c.Flag("private-key", "Private key: a PEM file, which is created if it does not exist, or a PIV slot, such as piv:9c.").
		Required().PlaceHolder("FILE").StringVar(&f.key)
	c.Flag("out", "File to write. Default: stdout.").PlaceHolder("FILE").StringVar(&f.out)
	c.Flag("self-signed-ca", "Directory of your own CA, for tests. The CA signs the certificate. It is created if it does not exist.").
		PlaceHolder("DIR").StringVar(&f.authority)
	c.Flag("duration", "How long a certificate from --self-signed-ca is valid.").PlaceHolder("TIME").Default("2160h").
		SetValue(app.DurationFlag{Into: &f.duration, Name: "--duration"})
	return []app.Verb{{Command: c, Effect: "signs with a key that proves a person's identity", Run: func(ctx context.Context) error { return certificateRequest(ctx, a, f) }}}
}

func certificateRequest(ctx context.Context, a *app.App, f certificateFlags) error {
	subject, err := certificate.ParseSubject(f.subject)
	if err != nil {
		return &app.UsageError{Text: "--" + err.Error()}
	}
	create := certificate.NewRequest
	if f.authority != "" {
		authority, err := openAuthority(a, a.Env.Path(f.authority))
		if err != nil {
			return err
		}
		create = func(subject pkix.Name, key crypto.Signer) ([]byte, error) {
			c, err := authority.Issue(subject, key.Public(), a.Env.Now(), f.duration)
			if err != nil {
				return nil, err
			}
			return certificate.Encode(c), register(a, a.Env.Path(f.authority), authority.Certificate, subject)
		}
	}
	return withKey(ctx, a, f.key, func(key crypto.Signer) error {
		text, err := create(subject, key)
		if err != nil {
			return err
		}
		return writeOutput(a, f.out, text)
	})
}

// writeOutput prints text to stdout, or creates a file. It does not overwrite an existing file.
func writeOutput(a *app.App, path string, text []byte) error {
	if path == "" {
		a.Print("%s", text)
		return nil
	}
	if err := disk.Create(a.Env.Path(path), text); err != nil {
		return err
	}
	noteWritten(a, a.Env.Path(path))
	return nil
}

func noteWritten(a *app.App, path string) { a.Note("wrote %s", a.Env.Tilde(path)) }

// withKey calls the function use with the key in a slot of a security key or in a file. If the file does not exist,
// withKey creates the file with a new key.
func withKey(ctx context.Context, a *app.App, location string, use func(crypto.Signer) error) error {
	if slot, ok := plan.Slot(location); ok {
		return app.WithCardKey(ctx, a, slot, use)
	}
	key, err := keyFile(a, a.Env.Path(location))
	if err != nil {
		return err
	}
	return use(key)
}

// keyFile reads a key from the file at path. If the file does not exist, keyFile creates the file with a new key.
func keyFile(a *app.App, path string) (crypto.Signer, error) {
	text, err := disk.ReadBounded(path, certificate.MaxFile)
	if errors.Is(err, fs.ErrNotExist) {
		key, text, err := certificate.NewKey()
		if err != nil {
			return nil, err
		}
		if err := disk.Create(path, text); err != nil {
			return nil, err
		}
		noteWritten(a, path)
		return key, nil
	}
	if err != nil {
		return nil, err
	}
	key, err := certificate.ParseKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// The names of the files in the directory of a certificate authority.
const (
	authorityKey         = "ca-key.pem"
	authorityCertificate = "ca.pem"
	registration         = "register.yaml"
)

// authorityLifetime is the lifetime of the certificate of a new certificate authority.
const authorityLifetime = 5 * 365 * 24 * time.Hour

// openAuthority reads the certificate authority in a directory. If the directory has none, openAuthority creates one.
func openAuthority(a *app.App, dir string) (*certificate.Authority, error) {
	if err := disk.MkdirPrivate(dir); err != nil {
		return nil, err
	}
	key, err := keyFile(a, filepath.Join(dir, authorityKey))
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, authorityCertificate)
	text, err := disk.ReadBounded(path, certificate.MaxFile)
	if err == nil {
		chain, err := certificate.ParseChain(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return &certificate.Authority{Certificate: chain[0], Key: key}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	authority, err := certificate.NewAuthority("aws-vault CA of "+a.Env.User, key, a.Env.Now(), authorityLifetime)
	if err != nil {
		return nil, err
	}
	if err := disk.Create(path, certificate.Encode(authority.Certificate)); err != nil {
		return nil, err
	}
	noteWritten(a, path)
	return authority, nil
}

// register writes a CloudFormation template that registers the certificate authority at AWS. If the file of the
// template exists, register does not change it.
func register(a *app.App, dir string, authority *x509.Certificate, subject pkix.Name) error {
	path := filepath.Join(dir, registration)
	text := certificate.Registration{Authority: authority, Name: app.SessionName(a.Env.User), Subject: subject.CommonName}.CloudFormation()
	err := disk.Create(path, []byte(text))
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil:
		return err
	}
	noteWritten(a, path)
	a.Note("register the certificate authority at AWS: aws cloudformation deploy --stack-name aws-vault --capabilities CAPABILITY_IAM --template-file %s", ui.QuoteWord(a.Env.Tilde(path)))
	return nil
}
