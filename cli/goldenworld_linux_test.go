package cli_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
)

// goldenAddress is the address of the fake AWS and of the web server. The address is fixed, because the digests of
// cached sessions depend on the address of AWS. The address is not 127.0.0.1, because another program could use a
// port of 127.0.0.1.
const goldenAddress = "127.71.13.1"

const (
	goldenAWS  = "http://" + goldenAddress + ":18071"
	goldenSite = "http://" + goldenAddress + ":18072"
)

// A goldenRecord contains what the earlier build printed when it wrote the golden home.
type goldenRecord struct {
	Commit  string
	Written time.Time
	Keys    map[string]string          // the ids of the access keys that the fake AWS provided, keyed by the name of the use
	Plans   map[string]json.RawMessage // the output of explain, keyed by the name of the use
}

// sealedBackend is a variable that selects the sealed keystore. Without the variable, commands use the file keystore.
const sealedBackend = "AWS_VAULT_BACKEND=sealed"

// A goldenUse is one way to use a profile.
type goldenUse struct {
	name string
	args []string
	env  []string
	anew string // why today's program does not reuse the cached session of the earlier build; empty if it reuses the session
}

const (
	newCaller  = "the caller of the first step is part of the digest"
	newSignIn  = "the sign-in is part of the digest"
	newProgram = "the environment that the program sees is part of the digest"
	newKeyFile = "the path of the private key is part of the digest"
	newToken   = "the claims of the token are part of the digest"
	newBundle  = "the bundle of roots is part of the digest"
)

// goldenUses lists uses of all kinds of credentials, with all settings that make sessions differ. The digests of
// some uses have changed on purpose. For these uses, the field "anew" contains the reason. No other digest may
// change. Otherwise all users would have to sign in again after an update.
var goldenUses = []goldenUse{
	{name: "key", args: []string{"alice"}},
	{name: "key without session", args: []string{"--no-session", "alice"}},
	{name: "key for 2h", args: []string{"-d", "2h", "alice"}},
	{name: "key with MFA", args: []string{"mfa"}},
	{name: "key in the credentials file", args: []string{"infile"}},
	{name: "key in the sealed keystore", args: []string{"alice"}, env: []string{sealedBackend}},
	{name: "role", args: []string{"readonly"}},
	{name: "role by include_profile", args: []string{"included"}},
	{name: "role in another region", args: []string{"--region", "us-east-1", "readonly"}},
	{name: "role with MFA", args: []string{"hub"}},
	{name: "role on top of a role", args: []string{"prod"}},
	{name: "role for 12h", args: []string{"long"}},
	{name: "role with external id", args: []string{"external"}},
	{name: "role with tags", args: []string{"tags"}},
	{name: "role with source identity", args: []string{"identified"}},
	{name: "role with session name", args: []string{"named"}},
	{name: "role with policy", args: []string{"policy"}},
	{name: "role with managed policy", args: []string{"managed"}},
	{name: "role with endpoint of its own", args: []string{"services"}},
	{name: "role with roots of its own", args: []string{"roots"}, anew: newBundle},
	{name: "role, read-only", args: []string{"--read-only", "readonly"}},
	{name: "key, for an agent", args: []string{"alice"}, env: []string{"CLAUDECODE=1"}},
	{name: "role, for an agent", args: []string{"readonly"}, env: []string{"CLAUDECODE=1"}},
	{name: "role, for an agent with policy", args: []string{"careful"}, env: []string{"CLAUDECODE=1"}},
	{name: "Identity Center", args: []string{"dev"}, anew: newSignIn},
	{name: "Identity Center without section", args: []string{"legacy"}, anew: newSignIn},
	{name: "role on top of Identity Center", args: []string{"ops"}, anew: newSignIn},
	{name: "OIDC", args: []string{"oidc"}},
	{name: "role on top of OIDC", args: []string{"onoidc"}},
	{name: "aws login", args: []string{"console"}},
	{name: "role on top of aws login", args: []string{"onconsole"}, anew: newSignIn},
	{name: "identity", args: []string{"signed"}},
	{name: "role on top of identity", args: []string{"onsigned"}},
	{name: "token in a file", args: []string{"token"}, anew: newToken},
	{name: "token of a program", args: []string{"tokenprogram"}, anew: newToken},
	{name: "program", args: []string{"program"}, anew: newProgram},
	{name: "role on top of program", args: []string{"onprogram"}, anew: newCaller},
	{name: "Roles Anywhere", args: []string{"anywhere"}, anew: newKeyFile},
	{name: "role on top of Roles Anywhere", args: []string{"onanywhere"}, anew: newKeyFile},
	{name: "role on top of the environment", args: []string{"environment"}, env: []string{"AWS_ACCESS_KEY_ID=" + goldenBob.ID, "AWS_SECRET_ACCESS_KEY=" + goldenBob.Secret}},
	{name: "role on top of a container", args: []string{"container"}, env: []string{"AWS_CONTAINER_CREDENTIALS_FULL_URI=" + goldenSite + "/container"}, anew: newCaller},
	{name: "role on top of an instance", args: []string{"instance"}, env: []string{"AWS_EC2_METADATA_SERVICE_ENDPOINT=" + goldenSite}, anew: newCaller},
}

// goldenBob is the access key of the second user in a goldenWorld.
var goldenBob = fakeaws.Key{ID: "AKIAAAAAAAAAIEXAMPLE", Secret: "EXAMPLESECRETKEY/of/AKIAAAAAAAAAIEXAMPLE"}

const goldenConfig = `[default]
region = eu-west-1
endpoint_url = ` + goldenAWS + `

[profile alice]
[profile rita]
[profile una]
[profile infile]
[profile mfa]
source_profile = alice
mfa_serial = arn:aws:iam::123456789012:mfa/alice

[profile readonly]
source_profile = alice
role_arn = arn:aws:iam::123456789012:role/readonly
[profile included]
include_profile = readonly
source_profile = alice
duration_seconds = 1800
[profile hub]
source_profile = alice
mfa_serial = arn:aws:iam::123456789012:mfa/alice
role_arn = arn:aws:iam::123456789012:role/hub
[profile prod]
source_profile = hub
role_arn = arn:aws:iam::210987654321:role/prod
[profile long]
source_profile = alice
role_arn = arn:aws:iam::123456789012:role/long
duration_seconds = 43200

[profile external]
source_profile = alice
role_arn = arn:aws:iam::123456789012:role/any
external_id = EXAMPLE-7
[profile tags]
source_profile = alice
role_arn = arn:aws:iam::123456789012:role/any
session_tags = Team=blue,Cost=7
transitive_session_tags = Team
[profile identified]
source_profile = alice
role_arn = arn:aws:iam::123456789012:role/any
source_identity = alice
[profile named]
source_profile = alice
role_arn = arn:aws:iam::123456789012:role/any
role_session_name = somebody
[profile policy]
source_profile = alice
role_arn = arn:aws:iam::123456789012:role/any
session_policy = {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}
[profile managed]
source_profile = alice
role_arn = arn:aws:iam::123456789012:role/any
session_policy_arns = arn:aws:iam::aws:policy/SecurityAudit
[profile careful]
source_profile = alice
role_arn = arn:aws:iam::123456789012:role/careful
agent_access = reads
[session-policy reads]
policy = {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}
[profile services]
source_profile = alice
role_arn = arn:aws:iam::123456789012:role/any
services = own
[services own]
sts =
  endpoint_url = ` + goldenAWS + `/
[profile roots]
source_profile = alice
role_arn = arn:aws:iam::123456789012:role/any
ca_bundle = ca/ca.pem

[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
sso_registration_scopes = sso:account:access
[profile dev]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Dev
[profile ops]
source_profile = dev
role_arn = arn:aws:iam::123456789012:role/any
[profile legacy]
sso_start_url = https://old.awsapps.com/start
sso_region = eu-west-1
sso_account_id = 123456789012
sso_role_name = Dev

[oidc-session corp]
oidc_issuer = ` + goldenAWS + `/_fake/issuer/corp
oidc_client_id = aws-vault
[profile oidc]
oidc_session = corp
role_arn = arn:aws:iam::123456789012:role/web
[profile onoidc]
source_profile = oidc
role_arn = arn:aws:iam::123456789012:role/any

[profile onconsole]
source_profile = console
role_arn = arn:aws:iam::123456789012:role/any

[profile signed]
identity = alice
role_arn = arn:aws:iam::123456789012:role/web
[profile onsigned]
source_profile = signed
role_arn = arn:aws:iam::123456789012:role/any

[profile token]
web_identity_token_file = token
role_arn = arn:aws:iam::123456789012:role/web
role_session_name = filed
[profile tokenprogram]
web_identity_token_process = cat token
role_arn = arn:aws:iam::123456789012:role/web
role_session_name = printed

[profile program]
credential_process = cat program.json
[profile onprogram]
source_profile = program
role_arn = arn:aws:iam::123456789012:role/any

[profile onanywhere]
source_profile = anywhere
role_arn = arn:aws:iam::123456789012:role/any

[profile environment]
credential_source = Environment
role_arn = arn:aws:iam::123456789012:role/any
[profile container]
credential_source = EcsContainer
role_arn = arn:aws:iam::123456789012:role/any
[profile instance]
credential_source = Ec2InstanceMetadata
role_arn = arn:aws:iam::123456789012:role/any
`

// goldenWorld is the fake AWS of the golden home. Its users, keys and roles are always added in the same order, so
// their ids are always the same.
type goldenWorld struct {
	*fakeaws.AWS
	fakeaws.World
	corp      *fakeaws.Issuer
	rita, una fakeaws.Key
	machine   string // the JSON with the credentials of a container or an instance
}

func newGoldenWorld(t *testing.T, home string, now func() time.Time) *goldenWorld {
	t.Helper()
	w := &goldenWorld{AWS: listenGolden(t)}
	w.SetClock(now)
	w.World = w.Example()
	if bob := w.AddUser("123456789012", "bob").AddKey(); bob != goldenBob {
		t.Fatalf("bob's key is %s, want %s", bob.ID, goldenBob.ID)
	}
	w.rita, w.una = w.AddUser("123456789012", "rita").AddKey(), w.AddUser("123456789012", "una").AddKey()
	machine := w.AddUser("123456789012", "machine").AddKey()
	w.machine = fmt.Sprintf(`{"Code":"Success","AccessKeyId":%q,"SecretAccessKey":%q}`, machine.ID, machine.Secret)
	var err error
	if w.corp, err = w.AddIssuer("123456789012", "corp", "aws-vault"); err != nil {
		t.Fatal(err)
	}
	w.corp.People(fakeaws.Login{Subject: "alice@example.com", Auto: true})
	signer := w.AddProviderAt("123456789012", "https://id.example.com/alice", goldenSite+"/site/alice", []string{"https://id.example.com/alice"})
	w.AddRole("arn:aws:iam::123456789012:role/any", fakeaws.Role{Trusts: []string{"*"}})
	w.AddRole("arn:aws:iam::123456789012:role/careful", fakeaws.Role{Trusts: []string{"*"}})
	w.AddRole("arn:aws:iam::123456789012:role/web", fakeaws.Role{Trusts: []string{w.corp.ARN(), signer}})
	w.AddRole("arn:aws:iam::123456789012:role/anywhere", fakeaws.Role{Trusts: []string{"rolesanywhere.amazonaws.com"}})
	for _, url := range []string{"https://corp.awsapps.com/start", "https://old.awsapps.com/start"} {
		portal := w.AddSSO(url, "eu-west-1")
		portal.AutoApprove(true)
		portal.Assign("123456789012", "Dev")
	}
	w.SetLogin("arn:aws:iam::123456789012:user/alice", true)

	mux := http.NewServeMux()
	mux.Handle("/site/", http.FileServer(http.Dir(home)))
	for path, text := range map[string]string{
		"/container":            w.machine,
		"PUT /latest/api/token": "EXAMPLE",
		"/latest/meta-data/iam/security-credentials/":        "machine",
		"/latest/meta-data/iam/security-credentials/machine": w.machine,
	} {
		mux.HandleFunc(path, func(out http.ResponseWriter, _ *http.Request) {
			out.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
			fmt.Fprint(out, text)
		})
	}
	site, err := net.Listen("tcp", strings.TrimPrefix(goldenSite, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: mux}
	go server.Serve(site)
	t.Cleanup(func() { server.Close() })
	return w
}

// addAnywhere registers a certificate authority with Roles Anywhere. The files of this authority are in the home
// directory. addAnywhere returns the config of a profile that uses Roles Anywhere.
func (w *goldenWorld) addAnywhere(t *testing.T, home string) string {
	t.Helper()
	ca, err := os.ReadFile(filepath.Join(home, "ca", "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	anchor, err := w.AddTrustAnchor("123456789012", "eu-west-1", string(ca))
	if err != nil {
		t.Fatal(err)
	}
	profile := w.AddAnywhereProfile("123456789012", "eu-west-1", fakeaws.AnywhereProfile{Roles: []string{"arn:aws:iam::123456789012:role/anywhere"}})
	return fmt.Sprintf(`
[profile anywhere]
trust_anchor_arn = %s
rolesanywhere_profile_arn = %s
role_arn = arn:aws:iam::123456789012:role/anywhere
certificate = alice.pem
private_key = alice.key
`, anchor, profile)
}

// listenGolden starts the fake AWS at goldenAddress. If another run of this test uses that address, listenGolden waits.
func listenGolden(t *testing.T) *fakeaws.AWS {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		aws, err := fakeaws.NewAWSAt(strings.TrimPrefix(goldenAWS, "http://"))
		if err == nil {
			t.Cleanup(aws.Close)
			return aws
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// goldenPath is the HOME of all commands. This path always leads to the working directory of the command, so HOME
// has the same value in each run. The value must not change, because the path of a keystore determines the folder
// of the keystore's sessions.
const goldenPath = "/proc/self/cwd"

// A goldenHome is a home directory, together with the program that runs in it.
type goldenHome struct {
	program string
	dir     string
	environ []string
}

func newGoldenHome(program, dir string, more ...string) goldenHome {
	return goldenHome{program, dir, append([]string{
		"HOME=" + goldenPath, "USER=alice", "SHELL=/bin/sh", "TZ=UTC", "PATH=" + os.Getenv("PATH"), "AWS_VAULT_SSO_FLOW=device", "AWS_VAULT_OIDC_FLOW=device",
		"AWS_VAULT_BACKEND=file", "AWS_VAULT_FILE_PASSPHRASE=horse battery", "AWS_VAULT_SEALED_PASSPHRASE=correct horse",
	}, more...)}
}

func (h goldenHome) command(env []string, args ...string) *exec.Cmd {
	c := exec.Command(h.program, args...)
	c.Dir, c.Env = h.dir, append(slices.Clone(h.environ), env...)
	return c
}

// run runs a command and returns its output. The test fails if the command fails.
func (h goldenHome) run(t *testing.T, env []string, args ...string) string {
	t.Helper()
	c := h.command(env, args...)
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("aws-vault %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

// use runs exec for the goldenUse u, and returns the access key id of the credentials that exec provides.
func (h goldenHome) use(t *testing.T, u goldenUse, flags ...string) string {
	t.Helper()
	args := slices.Concat([]string{"exec"}, flags, u.args, []string{"--", "printenv", "AWS_ACCESS_KEY_ID"})
	return strings.TrimSpace(h.run(t, u.env, args...))
}

func readGoldenRecord(t *testing.T) (r goldenRecord) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(golden, "record.json"))
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// copyGolden returns a copy of the golden home. Other users cannot read its files. The modification time of all files
// is the time when the golden home was written.
func copyGolden(t *testing.T, written time.Time) string {
	t.Helper()
	to := t.TempDir()
	from := filepath.Join(golden, "home")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(to, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o600)
		if e.IsDir() {
			mode = 0o700
		}
		if err := os.Chmod(path, mode); err != nil {
			return err
		}
		return os.Chtimes(path, written, written)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}
