package cli_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"aws-vault/internal/fakeaws"
)

// goldenVariable names the variable with the path of the program that writes the golden home. goldenCommit names the
// variable with the commit from which that program was built:
//
//	AWS_VAULT_GOLDEN=/path/of/aws-vault AWS_VAULT_GOLDEN_COMMIT=5f5de71 go test ./cli -run TestWriteGoldenHome
const (
	goldenVariable = "AWS_VAULT_GOLDEN"
	goldenCommit   = "AWS_VAULT_GOLDEN_COMMIT"
)

// TestWriteGoldenHome writes the golden home with the program in the variable goldenVariable. The program must be an
// earlier build, because a home that today's program has written would not show whether an update works.
func TestWriteGoldenHome(t *testing.T) {
	program := os.Getenv(goldenVariable)
	if program == "" {
		t.Skip(goldenVariable + " is not set")
	}
	dir := t.TempDir()
	h, w := newGoldenHome(program, dir), newGoldenWorld(t, dir, time.Now)
	record := goldenRecord{Commit: os.Getenv(goldenCommit), Keys: map[string]string{}, Plans: map[string]json.RawMessage{}}
	writeGoldenFiles(t, h, w)

	// AWS accepts each code only once, so each use needs another code. AWS accepts codes that are up to 30 s early
	// or late, so three codes are valid at any time. The variable drift selects a different code for each use.
	drift := -30 * time.Second
	for _, u := range goldenUses {
		var flags []string
		if strings.Contains(u.name, "MFA") {
			w.Advance(drift)
			flags = []string{"--mfa-token", w.MFA.Code()}
			w.Advance(-drift)
			drift += 30 * time.Second
		}
		record.Keys[u.name] = h.use(t, u, flags...)
	}
	for _, u := range goldenUses {
		record.Plans[u.name] = json.RawMessage(h.run(t, u.env, append([]string{"explain", "--json"}, u.args...)...))
	}
	interruptRotations(t, h, w)

	// From now on, the credential_process prints different credentials. A test can then see whether the
	// credential_process ran again.
	writeProgramCredentials(t, h, w.Alice.AddKey())
	saved, err := w.Save()
	if err != nil {
		t.Fatal(err)
	}
	record.Written = w.Now().UTC().Truncate(time.Second)
	text, err := json.MarshalIndent(record, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(golden); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(golden, "home"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"record.json": text, "aws.json": saved} {
		if err := os.WriteFile(filepath.Join(golden, name), append(data, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// writeGoldenFiles writes the config file, stores the keys and signs in.
func writeGoldenFiles(t *testing.T, h goldenHome, w *goldenWorld) {
	t.Helper()
	h.run(t, nil, "certificate", "request", "--subject", "CN=alice,O=Example", "--private-key", "alice.key", "--out", "alice.pem",
		"--self-signed-ca", "ca", "--duration", "87600h")
	if err := os.RemoveAll(filepath.Join(h.dir, "ca", "ca-key.pem")); err != nil { // the CA's private key is not needed any more
		t.Fatal(err)
	}
	token, err := w.corp.Token("machine", map[string]any{"exp": time.Now().AddDate(50, 0, 0).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		".aws/config":      goldenConfig + w.addAnywhere(t, h.dir),
		".aws/credentials": fmt.Sprintf("[infile]\naws_access_key_id = %s\naws_secret_access_key = %s\n", goldenBob.ID, goldenBob.Secret),
		"token":            token,
	} {
		path := filepath.Join(h.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	writeProgramCredentials(t, h, w.Alice.AddKey())
	for name, key := range map[string]fakeaws.Key{"alice": w.Key, "rita": w.rita, "una": w.una} {
		addKey(t, h, nil, name, key)
	}
	sealed := []string{sealedBackend}
	h.run(t, sealed, "sealed", "init", "--without-recovery", "--passphrase", "--name=desk")
	addKey(t, h, sealed, "alice", w.Key)
	h.run(t, nil, "identity", "init", "alice", "--software", "--issuer", "https://id.example.com/alice", "--subject", "alice@example.com", "--dir", "site/alice")
	awsLogin(t, h)
}

func addKey(t *testing.T, h goldenHome, env []string, name string, key fakeaws.Key) {
	t.Helper()
	c := h.command(env, "add", "--stdin", name)
	c.Stdin = strings.NewReader(key.ID + "\n" + key.Secret + "\n")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("add %s: %v\n%s", name, err, out)
	}
}

// writeProgramCredentials sets the credentials that the credential_process prints.
func writeProgramCredentials(t *testing.T, h goldenHome, key fakeaws.Key) {
	t.Helper()
	text := fmt.Sprintf(`{"Version":1,"AccessKeyId":%q,"SecretAccessKey":%q,"Expiration":%q}`, key.ID, key.Secret, time.Now().Add(8*time.Hour).UTC().Format(time.RFC3339))
	if err := os.WriteFile(filepath.Join(h.dir, "program.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// awsLogin runs the command aws-login, and opens the sign-in page whose URL the command prints.
func awsLogin(t *testing.T, h goldenHome) {
	t.Helper()
	c := h.command(nil, "aws-login", "--stdout", "console")
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	address := regexp.MustCompile(`http://\S*/authorize\S*`)
	var output []byte
	for buffer := make([]byte, 4096); !address.Match(output); {
		n, err := stderr.Read(buffer)
		if output = append(output, buffer[:n]...); err != nil {
			t.Fatalf("aws-login: %s", output)
		}
	}
	resp, err := http.Get(address.FindString(string(output)))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if err := c.Wait(); err != nil {
		t.Fatalf("aws-login: %v", err)
	}
}

// interruptRotations leaves two unfinished rotations. For rita, the new key is stored. For una, the response of AWS was
// lost, so aws-vault does not know whether AWS has created a key.
func interruptRotations(t *testing.T, h goldenHome, w *goldenWorld) {
	t.Helper()
	for name, fault := range map[string]fakeaws.Fault{
		"rita": {Action: "UpdateAccessKey", Hangup: true, Times: -1},
		"una":  {Action: "CreateAccessKey", AnswerLost: true, Times: -1},
	} {
		w.Fail(fault)
		out, err := h.command(nil, "rotate", name).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "not finished") {
			t.Fatalf("rotate %s: %v\n%s", name, err, out)
		}
		w.Heal()
	}
}
