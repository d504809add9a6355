// Demo shows the main job of aws-vault: it stores a key and prompts for an MFA code only once. To get the
// credentials of the profile prod, aws-vault assumes two roles, one after the other. The demo uses the fake AWS of
// package fakeaws.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"aws-vault/internal/fakeaws"
)

// pictured is the remark after which the README's picture of the transcript begins.
const pictured = "Run a command as prod. It needs an MFA code, which the demo types for you."

// longest is the time limit of the demo.
const longest = time.Minute

func main() {
	if len(os.Args) != 2 && len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: demo PATH-OF-AWS-VAULT [PICTURE.svg]")
		os.Exit(2)
	}
	// If the program that reads the demo's output exits, the demo receives SIGPIPE. It must then still delete its
	// temporary home directory.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGPIPE)
	ctx, cancel := context.WithTimeout(ctx, longest)
	var transcript strings.Builder
	err := show(ctx, io.MultiWriter(os.Stdout, &transcript), os.Args[1])
	if err == nil && len(os.Args) == 3 {
		err = picture(os.Args[2], transcript.String(), pictured, "# AWS was called")
	}
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// show runs the demo with the aws-vault program at path and prints the transcript to out. At the end it deletes
// the temporary home directory.
func show(ctx context.Context, out io.Writer, path string) (err error) {
	program, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	aws, err := fakeaws.NewAWS()
	if err != nil {
		return err
	}
	defer aws.Close()
	home, err := os.MkdirTemp("", "aws-vault-demo-")
	if err != nil {
		return err
	}
	defer func() {
		if e := os.RemoveAll(home); err == nil {
			err = e
		}
	}()
	s := &stage{ctx: ctx, out: out, program: program, home: home, environ: environ(home, aws.URL())}
	story(s, aws, aws.Example())
	return s.err
}

func story(s *stage, aws *fakeaws.AWS, w fakeaws.World) {
	s.remark("This demo uses a fake AWS on your own machine, and a temporary home directory.",
		"It uses the file keystore instead of your system's, with a passphrase from the environment.")
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_VAULT_BACKEND", "AWS_VAULT_FILE_PASSPHRASE"} {
		s.echo("export " + name + "=" + s.value(name))
	}

	s.remark("Alice has an access key and an MFA device. With a code she can assume the role hub, and hub can assume prod.")
	s.write(filepath.Join(".aws", "config"), config(w))

	s.remark("Store the access key in the keystore, instead of a plain-text file.")
	s.run(step{args: []string{"add", "--stdin", "alice"}, stdin: w.Key.ID + "\n" + w.Key.Secret + "\n", from: "the key's id and secret, on two lines"})

	s.remark("Show how the credentials of prod would be created. This does not call AWS.")
	s.run(step{args: []string{"explain", "prod"}})

	s.remark(pictured)
	s.ask(append([]string{"exec", "prod", "--"}, environment...), w.MFA.Code)

	s.remark("Run another command. There is no prompt, because the sessions are cached, encrypted, until they expire.")
	s.run(step{args: append([]string{"exec", "prod", "--"}, hello...)})

	s.remark("Print credentials for the AWS CLI and SDKs, which use this command as their credential_process.")
	s.run(step{args: []string{"export", "--format=json", "prod"}})

	s.remark("List profiles, keys and sessions.")
	s.run(step{args: []string{"list"}})

	calls := aws.Actions()
	s.remark(fmt.Sprintf("AWS was called %d times in all:", len(calls)))
	for _, call := range calls {
		s.line("#   " + call)
	}
}

// config returns the config file that a user would write to ~/.aws/config.
func config(w fakeaws.World) string {
	return `[default]
region     = eu-central-1
mfa_serial = ` + w.MFA.Serial() + `

[profile alice]

[profile hub]
source_profile = alice
role_arn       = ` + w.Hub + `

[profile prod]
source_profile = hub
role_arn       = ` + w.Prod + `
`
}
