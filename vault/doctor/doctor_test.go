package doctor_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"aws-vault/vault/doctor"
	"aws-vault/vault/plan"
	"aws-vault/vault/profile"
)

// findingsText returns the findings as text, one per line.
func findingsText(all []doctor.Finding) string {
	var b strings.Builder
	for _, f := range all {
		fmt.Fprintf(&b, "%s %s: %s [%s]\n", f.Severity, f.Where, f.What, f.Remedy)
	}
	return b.String()
}

func check(t *testing.T, config, credentials string, keys ...string) []doctor.Finding {
	t.Helper()
	f, err := profile.Parse("config", []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	c, err := profile.ParseCredentials("credentials", []byte(credentials))
	if err != nil {
		t.Fatal(err)
	}
	h := plan.Holdings{Keys: map[string]string{}}
	for _, k := range keys {
		h.Keys[k] = "listed"
	}
	in := profile.Inputs{Credentials: c}
	return doctor.Config{File: f, Inputs: in, Plan: func(name string) (plan.Plan, error) {
		p, err := f.Resolve(name, in)
		if err != nil {
			return plan.Plan{}, err
		}
		return plan.Make(p, h, plan.Options{SessionName: "test"})
	}}.Check()
}

const plainKey = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n"

func TestConfig(t *testing.T) {
	for _, test := range []struct{ name, config, credentials, want string }{
		{"nothing", "", "", ""},
		{"a good profile", "[profile a]\nregion = eu-west-1\n", "", ""},
		{"a name that leads nowhere", "[profile b]\nregion = x-1\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = aa\n", "",
			"error config:4: profile b cannot be used: source_profile is \"aa\", expected the name of a profile or of a stored key []\n"},
		{"a section that is not there", "[profile a]\nregion = x-1\nsso_session = gone\n", "",
			"error config:3: profile a cannot be used: sso_session is \"gone\", expected the name of an existing sso-session section []\n"},
		{"policies", "[session-policy bad]\npolicy = {\n[session-policy none]\n[session-policy good]\npolicy_arns = arn:aws:iam::aws:policy/A\n[profile a]\nregion = x-1\nagent_access = gone\n[session-policy f]\npolicy = file:///nowhere\n", "",
			"error config:8: agent_access is \"gone\", but no session policy has that name, so coding agents are refused [add a section [session-policy gone], or use read-only, off, deny or an ARN]\n" +
				"note config:8: agent_access (profile a) has no effect if you use the profile with the AWS CLI alone []\n" +
				"error config:2: session policy bad cannot be used: session policy is not JSON (unexpected end of JSON input), expected an IAM policy document []\n" +
				"error config:3: session policy none cannot be used: session-policy is \"none\", expected a section with policy or policy_arns []\n"},
		{"a loop, once", "[profile b]\nsource_profile = c\n[profile c]\nsource_profile = b\n[profile d]\nsource_profile = b\n", "",
			"error config:4: profile b cannot be used: source_profile refers back to the same profile: b → c → b []\n" +
				"error config:2: profile c cannot be used: source_profile refers back to the same profile: c → b → c []\n"},
		{"a bad line, once", "[profile a]\njunk\n[profile b]\ninclude_profile = a\n", "",
			"error config:2: profile a cannot be used: found a line without \"=\" or \":\", expected KEY = VALUE []\n"},
		{"a bad value", "[profile a]\nduration_seconds = 1h\n", "",
			"error config:2: profile a cannot be used: duration_seconds is \"1h\", expected a number of seconds from 900 to 43200, such as 3600 []\n"},
		{"given twice", "[profile a]\nregion = x-1\nregion = x-2\n", "",
			"warning config:3: region is already set in line 2; the value in this line is used []\n"},
		{"a slip", "[profile a]\nregion = x-1\nregoin = x-1\n", "",
			"warning config:3: regoin is not a known setting and has no effect [did you mean region?]\n"},
		{"no region", "[profile a]\n", "",
			"note : profile a: no region is set, so aws-vault uses the default region of the partition (us-east-1 in most cases), and commands get no region [add a line: region = eu-west-1]\n"},
		{"no credentials", "[profile x]\nregion = x-1\n[profile y]\n", "",
			"note : profiles x and y: no key is stored under this name, and no source of credentials is set [aws-vault add x]\n"},
		{"a plain key", "", "[a]\nregion = x-1\n" + plainKey,
			"warning credentials:3: profile a has a long-lived key in plain text [aws-vault import --delete a]\n"},
		{"from default", "[default]\nregion = x-1\n[profile a]\n[profile b]\ncredential_process = x\n[profile c]\nregion = x-2\ncredential_process = x\n", "",
			"note : profile default: no key is stored under this name, and no source of credentials is set [aws-vault add default]\n" +
				"note config:2: aws-vault also uses region for profiles a and b; the AWS CLI does not use settings of [default] for other profiles [set it in each profile that you also use with the AWS CLI alone]\n"},
		{"our own settings", "[profile a]\nregion = x-1\nmfa_process = x\n", "",
			"note config:3: mfa_process (profile a) has no effect if you use the profile with the AWS CLI alone []\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := findingsText(check(t, test.config, test.credentials, "a")); got != test.want {
				t.Errorf("found\n%swant\n%s", got, test.want)
			}
		})
	}
}

// TestConfigWithoutKeys checks that there are no findings about credentials if Plan is nil.
func TestConfigWithoutKeys(t *testing.T) {
	f, err := profile.Parse("config", []byte("[profile a]\n[profile b]\nsource_profile = gone\nrole_arn = arn:aws:iam::123456789012:role/r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := (doctor.Config{File: f}).Check(); len(got) != 0 {
		t.Errorf("found\n%s", findingsText(got))
	}
}

func TestFindingListsFewProfiles(t *testing.T) {
	var text strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&text, "[profile p%d]\nregion = x-1\n", i)
	}
	got := check(t, text.String(), "")
	if len(got) != 1 || !strings.HasPrefix(got[0].What, "profiles p0, p1, p2 and 4997 more: ") {
		t.Errorf("found\n%.500s", findingsText(got))
	}
}

func TestCheckClock(t *testing.T) {
	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		skew time.Duration
		want doctor.Severity
		says string
	}{
		{0, "", ""}, {59 * time.Second, "", ""}, {-59 * time.Second, "", ""},
		{time.Minute, doctor.Note, "1m0s ahead of AWS's"}, {-4 * time.Minute, doctor.Note, "4m0s behind AWS's"},
		{5 * time.Minute, doctor.Warning, "5m0s ahead of AWS's"}, {-time.Hour, doctor.Warning, "1h0m0s behind AWS's"},
	} {
		got := doctor.CheckClock("linux", noon.Add(test.skew), noon)
		if test.want == "" && len(got) == 0 {
			continue
		}
		if len(got) != 1 || got[0].Severity != test.want || !strings.Contains(got[0].What, test.says) {
			t.Errorf("clock error %s: %s", test.skew, findingsText(got))
		}
	}
}

// TestClockRemedy checks that the command that sets the clock belongs to the operating system.
func TestClockRemedy(t *testing.T) {
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	for system, want := range map[string]string{"linux": "timedatectl", "darwin": "sntp", "windows": "w32tm", "freebsd": "with the network"} {
		got := doctor.CheckClock(system, now.Add(time.Hour), now)
		if len(got) != 1 || !strings.Contains(got[0].Remedy, want) || system != "linux" && strings.Contains(got[0].Remedy, "timedatectl") {
			t.Errorf("%s: %s", system, findingsText(got))
		}
	}
}

func TestCheckPermissions(t *testing.T) {
	const self, other = 1000, 1001
	for _, test := range []struct {
		name string
		file doctor.File
		want string
	}{
		{"ours", doctor.File{Mode: 0o644, Owner: self}, ""},
		{"ours and private", doctor.File{Mode: 0o600, Owner: self, Private: true}, ""},
		{"writable", doctor.File{Path: "~/.aws", Mode: fs.ModeDir | 0o775, Owner: self}, "warning ~/.aws: other users can write to it (mode 0775) [chmod go-w ~/.aws]\n"},
		{"readable", doctor.File{Path: "c", Mode: 0o644, Owner: self, Private: true}, "warning c: other users can access it (mode 0644) [chmod go= c]\n"},
		{"another's", doctor.File{Path: "c", Mode: 0o600, Owner: other}, "error c: belongs to user 1001, expected user 1000 [make the user who runs aws-vault its owner, with chown]\n"},
		{"root's", doctor.File{Mode: 0o644, Owner: 0}, ""},
		{"root's and private", doctor.File{Path: "c", Mode: 0o600, Owner: 0, Private: true}, "error c: belongs to user 0, expected user 1000 [make the user who runs aws-vault its owner, with chown]\n"},
		{"/tmp", doctor.File{Mode: fs.ModeDir | fs.ModeSticky | 0o777, Owner: 0}, ""},
		{"on Windows", doctor.File{Mode: 0o666, Owner: -1, Private: true}, ""},
	} {
		if got := findingsText(doctor.CheckPermissions(test.file, self)); got != test.want {
			t.Errorf("%s: found %q, want %q", test.name, got, test.want)
		}
	}
}

func TestCheckLeftover(t *testing.T) {
	const temp, copied = ".aws-vault-0123456789abcdef.tmp", "config.aws-vault-0123456789abcdef.old"
	for _, test := range []struct {
		name string
		age  time.Duration
		want doctor.Severity
	}{
		{temp, time.Minute, ""}, {temp, time.Hour, doctor.Note}, {copied, 0, doctor.Warning}, {"config", time.Hour, ""},
	} {
		got := doctor.CheckLeftover("~/.aws", test.name, test.age)
		if (test.want == "") != (len(got) == 0) || len(got) == 1 && got[0].Severity != test.want {
			t.Errorf("%s after %s: %s", test.name, test.age, findingsText(got))
		}
	}
}

func TestSort(t *testing.T) {
	all := []doctor.Finding{{Severity: doctor.Note, What: "1"}, {Severity: doctor.Warning, What: "2"}, doctor.ErrorFinding("x", errors.New("3")), {Severity: doctor.Note, What: "4"}}
	doctor.Sort(all)
	order := ""
	for _, f := range all {
		order += f.What
	}
	if order != "3214" || doctor.Count(all, doctor.Note) != 2 || doctor.Count(all, doctor.Error) != 1 {
		t.Errorf("sorted to %s", order)
	}
}

func TestCheckProxy(t *testing.T) {
	for _, good := range []string{"", "http://proxy.example.com:3128", "https://user:hunter2@proxy.example.com", "socks5://localhost:1080", "proxy.example.com:3128", "proxy"} {
		if got := doctor.CheckProxy("HTTPS_PROXY", good); len(got) != 0 {
			t.Errorf("%q: %s", good, findingsText(got))
		}
	}
	for _, bad := range []string{"http://a:hunter2%zz", "http://user:hunter2@[::1", "://hunter2\x00"} {
		if got := doctor.CheckProxy("HTTPS_PROXY", bad); len(got) != 1 || strings.Contains(findingsText(got), "hunter2") {
			t.Errorf("%q: %s", bad, findingsText(got))
		}
	}
}

func TestCheckCertificate(t *testing.T) {
	now := time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)
	for left, want := range map[time.Duration]string{
		15 * 24 * time.Hour: "", 13 * 24 * time.Hour: "valid only until 2030-01-15", time.Hour: "valid only until 2030-01-02",
		0: "expired on 2030-01-02", -48 * time.Hour: "expired on 2029-12-31",
	} {
		got := doctor.CheckCertificate("alice.pem", now.Add(left), now)
		if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || !strings.HasSuffix(got[0].What, want)) {
			t.Errorf("%s before its end: %v, want %q", left, got, want)
		}
	}
}
