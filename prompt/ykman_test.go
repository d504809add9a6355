package prompt

import (
	"strings"
	"testing"
)

const serial = "arn:aws:iam::111122223333:mfa/alice"

func TestYKManArguments(t *testing.T) {
	for _, c := range []struct {
		vars map[string]string
		r    Request
		want string
	}{
		{nil, Request{Device: serial}, "oath accounts code --single " + serial},
		{map[string]string{"YKMAN_OATH_CREDENTIAL_NAME": "work", "YKMAN_OATH_DEVICE_SERIAL": "123"}, Request{Device: serial},
			"--device 123 oath accounts code --single work"},
		{map[string]string{"AWS_VAULT_YKMAN_VERSION": "3"}, Request{Device: serial}, "oath code --single " + serial},
		{map[string]string{"AWS_VAULT_YKMAN_VERSION": "4"}, Request{Device: serial}, "oath accounts code --single " + serial},
		{map[string]string{"AWS_VAULT_YKMAN_VERSION": "four"}, Request{Device: serial},
			`AWS_VAULT_YKMAN_VERSION is "four", expected a number from 1 to 5`},
		{nil, Request{}, `the name of the TOTP account is "", expected the MFA device's serial`},
		{nil, Request{Device: "--help"}, `the name of the TOTP account is "--help", expected the MFA device's serial`},
		{nil, Request{Kind: Passphrase, Device: serial}, "cannot answer a request for a passphrase, only for a code"},
	} {
		w := newFakeEnv(t)
		w.vars = c.vars
		w.programs, w.outputs = []string{"ykman"}, []string{"123456\n"}
		got, err := ykman.Ask(t.Context(), w.env(), c.r)
		if err != nil {
			if err.Error() != c.want {
				t.Errorf("%v: %q, want %q", c.vars, err, c.want)
			}
			continue
		}
		if argv := strings.Join(w.ran[0], " "); argv != "/bin/ykman "+c.want || got != "123456" {
			t.Errorf("%v: ran %s with the answer %q, want %s", c.vars, argv, got, c.want)
		}
		if w.stdin[0] != nil {
			t.Errorf("ykman did not get the terminal")
		}
	}
}

func TestYKManWorks(t *testing.T) {
	for _, c := range []struct {
		serials, want string
		fails         error
		err           string
	}{
		{serials: "123\n456\n"},
		{serials: "123\n456\n", want: "456"},
		{serials: "\n", err: "no YubiKey is plugged in"},
		{serials: "123\n", want: "456", err: `YKMAN_OATH_DEVICE_SERIAL is "456", but only these YubiKeys are plugged in: 123`},
		{fails: failed(2, "no such option"), err: "program: exit status 2: no such option"},
	} {
		w := newFakeEnv(t)
		w.programs, w.outputs, w.errs = []string{"ykman"}, []string{c.serials}, []error{c.fails}
		if c.want != "" {
			w.vars["YKMAN_OATH_DEVICE_SERIAL"] = c.want
		}
		err := ykman.Works(w.env())
		if err == nil && c.err != "" || err != nil && err.Error() != c.err {
			t.Errorf("with keys %q: %v, want %q", c.serials, err, c.err)
		}
	}
	if ykman.Works(newFakeEnv(t).env()) == nil {
		t.Error("ykman works without its program")
	}
	if _, err := ykman.Ask(t.Context(), newFakeEnv(t).env(), Request{}); err == nil {
		t.Error("ykman asks without its program")
	}
}
