package app

import (
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"aws-vault/prompt"
	"aws-vault/vault/ascii"
	"aws-vault/vault/keystore"
	"aws-vault/vault/plan"
	"aws-vault/vault/policy"
	"aws-vault/vault/profile"
)

// globals contains the flags that every command has.
type globals struct {
	Backend    string
	Prompt     string
	keychain   string
	collection string
	passDir    string
	passCmd    string
	passPrefix string
	FileDir    string
	sealedDir  string
	Card       uint32
	timeout    time.Duration
}

// Bind registers the global flags.
func (g *globals) Bind(k *kingpin.Application) {
	k.Flag("backend", "Keystore to use: "+strings.Join(keystore.Backends(), ", ")+". Default: the first one available on this system.").
		Envar("AWS_VAULT_BACKEND").PlaceHolder("NAME").StringVar(&g.Backend)
	k.Flag("prompt", "How to ask for an MFA code: "+strings.Join(PromptNames(), ", ")+". Default: the first one that works here.").
		Envar("AWS_VAULT_PROMPT").PlaceHolder("NAME").StringVar(&g.Prompt)
	k.Flag("timeout", "How long to wait for a response from AWS, or for another aws-vault if you cannot be prompted.").Envar("AWS_VAULT_TIMEOUT").PlaceHolder("TIME").Default("30s").SetValue(DurationFlag{&g.timeout, "--timeout or AWS_VAULT_TIMEOUT"})
	k.Flag("keychain", "macOS keychain to use.").Envar("AWS_VAULT_KEYCHAIN_NAME").PlaceHolder("NAME").Default("aws-vault").StringVar(&g.keychain)
	k.Flag("secret-service-collection", "Secret Service collection to use.").Envar("AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME").
		PlaceHolder("NAME").Default("awsvault").StringVar(&g.collection)
	k.Flag("pass-dir", "Directory of the password store.").Envar("AWS_VAULT_PASS_PASSWORD_STORE_DIR").PlaceHolder("DIR").StringVar(&g.passDir)
	k.Flag("pass-cmd", "Name or path of the pass program.").Envar("AWS_VAULT_PASS_CMD").PlaceHolder("NAME").Default("pass").StringVar(&g.passCmd)
	k.Flag("pass-prefix", "Folder in the password store.").Envar("AWS_VAULT_PASS_PREFIX").PlaceHolder("FOLDER").StringVar(&g.passPrefix)
	k.Flag("file-dir", "Directory of the file keystore.").Envar("AWS_VAULT_FILE_DIR").PlaceHolder("DIR").Default("~/.awsvault/keys/").StringVar(&g.FileDir)
	k.Flag("sealed-dir", "Directory of the sealed keystore.").Envar("AWS_VAULT_SEALED_DIR").PlaceHolder("DIR").StringVar(&g.sealedDir)
	k.Flag("card", "Serial number of the security key to use, if several are connected.").Envar("AWS_VAULT_CARD").PlaceHolder("SERIAL").Uint32Var(&g.Card)
}

// PromptNames returns the names of the prompt drivers, in the order in which aws-vault tries them.
func PromptNames() []string {
	var names []string
	for _, d := range prompt.Drivers() {
		names = append(names, d.Name)
	}
	return names
}

// Check validates the flags that kingpin does not validate.
func (g *globals) Check() error {
	if known := PromptNames(); g.Prompt != "" && !slices.Contains(known, g.Prompt) {
		return &prompt.UnknownDriverError{Name: g.Prompt, Known: known}
	}
	return nil
}

// CredentialFlags contains the flags of commands that create credentials, or that explain how credentials are created.
type CredentialFlags struct {
	Profile   string
	Duration  time.Duration
	NoSession bool
	Region    string
	Code      string
	Limits    limitFlags
	AsAgent   string // the coding agent to explain the plan for; if empty, the plan is for the agent or person that runs the command
	SignIn    SignInFlags
}

// BindPlan registers the flags that change the plan.
func (f *CredentialFlags) BindPlan(c *kingpin.CmdClause) {
	c.Arg("profile", "Profile to use.").Envar("AWS_PROFILE").StringVar(&f.Profile)
	c.Flag("duration", "How long the credentials are valid, such as 2h.").Short('d').Envar("AWS_VAULT_DURATION").PlaceHolder("TIME").
		SetValue(DurationFlag{&f.Duration, "--duration or AWS_VAULT_DURATION"})
	c.Flag("no-session", "Use a stored access key directly, without a session token.").Short('n').BoolVar(&f.NoSession)
	c.Flag("region", "AWS region.").PlaceHolder("REGION").StringVar(&f.Region)
	f.Limits.Bind(c)
}

// Bind registers the flags of BindPlan, and the flags that are used only when credentials are created.
func (f *CredentialFlags) Bind(c *kingpin.CmdClause) {
	f.BindPlan(c)
	c.Flag("mfa-token", "MFA code, if you do not want to be prompted for it.").Short('t').PlaceHolder("CODE").StringVar(&f.Code)
	f.SignIn.Bind(c)
	f.SignIn.BindShare(c)
}

func (f *CredentialFlags) options(a *App) plan.Options {
	o := plan.Options{NoSession: f.NoSession, Duration: f.Duration, SessionName: SessionName(a.Env.User), Agent: a.Env.Agent(), Limits: f.Limits.limits()}
	if f.AsAgent != "" {
		o.Agent = policy.Agent{Name: policy.AgentName(f.AsAgent), Variable: "--agent"}
	}
	return o
}

// inputs returns the flags that replace settings of the profile. The keys of the map are the names of the
// settings.
func (f *CredentialFlags) inputs() map[string]profile.Flag {
	flags := map[string]profile.Flag{}
	if f.Region != "" {
		flags["region"] = profile.Flag{Name: "--region", Text: f.Region}
	}
	return flags
}

// SessionName returns the role session name for a user. It replaces each character that AWS does not accept with "-",
// and limits the name to 64 characters.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func SessionName(user string) string {
	const maxLength = 64
	name := "aws-vault-" + strings.Map(func(r rune) rune {
		if ascii.IsAlphanumeric(r) || strings.ContainsRune("_+=,.@-", r) {
			return r
		}
		return '-'
	}, user)
	if user == "" {
		name = "aws-vault"
	}
	return name[:min(len(name), maxLength)]
}
