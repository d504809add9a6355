package cli_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"aws-vault/internal/fakeaws"
	"aws-vault/internal/fakecard"
	"aws-vault/vault/profile"
)

var update = flag.Bool("update", false, "write generated parts of the manual anew")

const manual = "../USAGE.md"

// TestManual runs the examples of the manual, one section after the other. It runs the commands of each console
// block with the config in the preceding ini block. In the expected output, … matches any text.
func TestManual(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the examples of the manual need a POSIX shell")
	}
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		title, body, _ := strings.Cut(section, "\n")
		if !strings.Contains(body, "```console") {
			continue
		}
		t.Run(title, func(t *testing.T) {
			r := newReader(t, !strings.Contains(body, "<!-- no key -->"))
			if strings.Contains(body, "<!-- security key -->") {
				r.environ = append(r.environ, fakecard.SocketVariable+"="+plugKey(t))
			}
			for _, b := range blocks(body) {
				switch b.kind {
				case "ini":
					r.config(t, b.text)
				case "console":
					for _, e := range examples(b.text) {
						r.run(t, e)
						ran++
					}
				}
			}
		})
	}
	if ran < 40 {
		t.Errorf("only %d examples were run, want at least 40", ran)
	}
}

type block struct{ kind, text string }

var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

func blocks(text string) []block {
	var out []block
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		out = append(out, block{m[1], m[2]})
	}
	return out
}

// An example is a command line in the manual, and the output that the manual shows for it.
type example struct{ command, prints string }

func examples(text string) []example {
	var out []example
	for line := range strings.Lines(text) {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			out = append(out, example{command: strings.TrimSpace(command)})
		} else if len(out) > 0 {
			out[len(out)-1].prints += line
		}
	}
	return out
}

// A reader runs the examples of one section of the manual.
type reader struct {
	home    string
	environ []string
	issuer  string // the URL that replaces manualIssuer in the examples
}

func newReader(t *testing.T, key bool) *reader {
	t.Helper()
	aws, err := fakeaws.NewAWS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(aws.Close)
	world := aws.Example()
	r := &reader{home: t.TempDir()}
	bin := filepath.Join(r.home, "bin")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{bin, filepath.Join(r.home, ".aws")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"aws-vault", codeProgram} {
		if err := os.Symlink(self, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	r.environ = []string{
		"DISPLAY=:0", browserVariable + "=silent", "HOME=" + r.home, "USER=alice", "SHELL=/bin/sh", "TZ=UTC", "PATH=" + bin + string(filepath.ListSeparator) + os.Getenv("PATH"),
		"AWS_VAULT_BACKEND=file", "AWS_VAULT_FILE_PASSPHRASE=horse battery",
		"FAKE_URL=" + aws.URL(), "MFA=" + world.MFA.Serial(), "KEY_ID=" + world.Key.ID, "KEY_SECRET=" + world.Key.Secret,
		"GOCOVERDIR=" + os.Getenv("GOCOVERDIR"), quickRace,
		fakecard.SocketVariable + "=" + filepath.Join(r.home, "no-cards"), // the examples must not use security keys of this machine
	}
	for _, service := range []string{"STS", "IAM", "SSO", "SSO_OIDC", "SIGNIN"} {
		r.environ = append(r.environ, "AWS_ENDPOINT_URL_"+service+"="+aws.URL())
	}
	r.files(t, aws, world)
	if key {
		r.run(t, example{command: "aws-vault add --stdin alice <key >/dev/null"})
	}
	return r
}

// plugKey inserts a fake security key, and returns the path of the socket of the fake card service.
func plugKey(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "key") // a short path, because the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "s")
	service, err := fakecard.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		service.Close()
		os.RemoveAll(dir)
	})
	service.Insert("Yubico YubiKey", fakecard.New(fakecard.Options{}))
	return path
}

// files creates the files that the examples read, and prepares the fake AWS.
func (r *reader) files(t *testing.T, aws *fakeaws.AWS, world fakeaws.World) {
	t.Helper()
	issuer, err := aws.AddIssuer(world.Account, "corp", "sts.amazonaws.com")
	if err != nil {
		t.Fatal(err)
	}
	id, err := aws.AddIssuer(world.Account, "id", "aws-vault")
	if err != nil {
		t.Fatal(err)
	}
	id.People(fakeaws.Login{Subject: "alice@example.com", Auto: true})
	aws.AddRole("arn:aws:iam::123456789012:role/developer", fakeaws.Role{Trusts: []string{id.ARN()}, SessionNameIsSubject: true})
	r.issuer = id.URL()
	portal := aws.AddSSO("https://corp.awsapps.com/start", "eu-west-1")
	portal.AutoApprove(true)
	portal.Assign("123456789012", "Dev")
	portal.Assign("210987654321", "Admin")
	aws.SetLogin("arn:aws:iam::123456789012:user/alice", true)
	aws.AddRole("arn:aws:iam::123456789012:role/web", fakeaws.Role{Trusts: []string{issuer.ARN()}})
	token, err := issuer.Token("alice@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := json.Marshal(map[string]any{"Version": 1, "AccessKeyId": world.Key.ID, "SecretAccessKey": world.Key.Secret})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"key": world.Key.ID + "\n" + world.Key.Secret + "\n", "token": token + "\n", "secret": world.MFA.Secret() + "\n", "credentials.json": string(credentials)} {
		if err := os.WriteFile(filepath.Join(r.home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *reader) config(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.home, ".aws", "config"), []byte(strings.ReplaceAll(text, manualIssuer, r.issuer)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// manualIssuer is the OIDC provider in the examples. The test replaces it with a fake OIDC provider.
const manualIssuer = "https://id.example.com"

// run runs one example. It ignores the warning that the endpoint of AWS is a fake one.
func (r *reader) run(t *testing.T, e example) {
	t.Helper()
	c := exec.Command("sh", "-c", e.command)
	c.Env, c.Dir = r.environ, r.home
	raw, err := c.CombinedOutput()
	var got []string
	for line := range strings.Lines(string(raw)) {
		if !strings.Contains(line, "instead of AWS, because of") {
			got = append(got, strings.ReplaceAll(strings.TrimRight(line, " \n"), r.issuer, manualIssuer))
		}
	}
	want := strings.Split(strings.TrimRight(e.prints, "\n"), "\n")
	for i := range want {
		want[i] = strings.ReplaceAll(regexp.QuoteMeta(want[i]), "…", ".*")
	}
	pattern := "^" + strings.Join(want, "\n") + "$"
	if !regexp.MustCompile(pattern).MatchString(strings.Join(got, "\n")) {
		t.Errorf("$ %s (%v)\n%s\nwant\n%s", e.command, err, strings.Join(got, "\n"), e.prints)
	}
	if err != nil && !strings.Contains(e.prints, "error: ") {
		t.Errorf("$ %s: %v", e.command, err)
	}
}

// codeProgram is the name of the program that prints the current MFA code.
const codeProgram = "print-mfa-code"

func printCode() {
	resp, err := http.Get(os.Getenv("FAKE_URL") + "/_fake/code?serial=" + url.QueryEscape(os.Getenv("MFA")))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	io.Copy(os.Stdout, resp.Body)
	os.Exit(0)
}

// TestManualIsComplete checks that the manual names all settings and all flags.
func TestManualIsComplete(t *testing.T) {
	raw, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	const begin, end = "<!-- settings -->\n", "<!-- /settings -->\n"
	before, rest, ok := strings.Cut(text, begin)
	_, after, whole := strings.Cut(rest, end)
	if !ok || !whole {
		t.Fatalf("%s has no markers for the table of settings", manual)
	}
	if with := before + begin + settingsTable() + end + after; with != text {
		if !*update {
			t.Error("the table of settings is out of date: go test ./cli -run TestManualIsComplete -update")
		} else if err := os.WriteFile(manual, []byte(with), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range flagNames(t) {
		if !strings.Contains(text, name) && !strings.Contains(text, strings.Replace(name, "--", "--no-", 1)) {
			t.Errorf("the manual does not mention %s", name)
		}
	}
}

func settingsTable() string {
	var b strings.Builder
	b.WriteString("\n| setting | variable | default | what it wants |\n|---|---|---|---|\n")
	for _, s := range profile.Settings() {
		name, variables, inherited := "–", strings.Join(s.Env, ", "), ""
		if s.InFiles {
			name = "`" + s.Name + "`"
		}
		if variables != "" && !s.EveryProfile {
			variables = "(" + variables + ")"
		}
		if s.FromDefault {
			inherited = "yes"
		}
		want := s.Want
		if s.Example != "" && !strings.Contains(want, s.Example) {
			want += ", such as `" + s.Example + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, variables, inherited, strings.ReplaceAll(want, "|", `\|`))
	}
	return b.String() + "\n"
}

// flagNames returns all flags of all commands. It reads them from the output of --help-long.
func flagNames(t *testing.T) []string {
	t.Helper()
	c := exec.Command(os.Args[0], "--help-long")
	c.Env = []string{programVariable + "=1", "HOME=" + t.TempDir()}
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	var names []string
	for _, m := range regexp.MustCompile(`--(?:\[no-\])?([a-z][a-z0-9-]+)`).FindAllStringSubmatch(string(out), -1) {
		if name := "--" + m[1]; !seen[name] && !strings.HasPrefix(m[1], "completion") {
			seen[name] = true
			names = append(names, name)
		}
	}
	if len(names) < 15 {
		t.Fatalf("only %v", names)
	}
	return names
}
