package oath

import (
	"errors"
	"testing"
)

func TestFind(t *testing.T) {
	all := func(names ...string) (list []Account) {
		for _, n := range names {
			list = append(list, account(n, true))
		}
		return append(list, account("counting", false))
	}
	for _, c := range []struct {
		accounts []Account
		serial   string
		want     string // what Find returns: an account's name, or an error's text
	}{
		{all(serial, serial+"-old"), serial, serial},
		{all("60/" + serial), serial, serial},
		{all("ARN:AWS:IAM::123456789012:MFA/ALICE"), serial, "ARN:AWS:IAM::123456789012:MFA/ALICE"},
		{all(serial + "2"), serial, "error: the key has no TOTP account for " + serial + "; its accounts are " + serial + "2"},
		{all(serial+"2", "AWS:"+serial+" (old)"), serial, "AWS:" + serial + " (old)"},
		{all("work "+serial, "x"), serial, "work " + serial},
		{all("Amazon Web Services:alice@123456789012", "Amazon Web Services:bob@123456789012"), serial, "Amazon Web Services:alice@123456789012"},
		{all("alice@123456789012"), "arn:aws:iam::123456789012:mfa/people/alice", "alice@123456789012"},
		{all("work"), "work", "work"},
		{all("one "+serial, "two "+serial), serial, "error: 2 accounts on the key match " + serial + ": one " + serial + ", two " + serial},
		{all("Amazon:alice@123456789012", "AWS:alice@123456789012"), serial, "error: 2 accounts on the key match " + serial + ": Amazon:alice@123456789012, AWS:alice@123456789012"},
		{all("Amazon:alice@210987654321"), serial, "error: the key has no TOTP account for " + serial + "; its accounts are Amazon:alice@210987654321"},
		{all("1", "2", "3", "4", "5", "6", "7", "8", "9", "10"), serial, "error: the key has no TOTP account for " + serial + "; its accounts are 1, 2, 3, 4, 5, 6, 7, 8 and 2 more"},
		{all(), serial, "error: the key has no TOTP accounts, expected one for " + serial},
		{all(), "counting", "error: the key has no TOTP accounts, expected one for counting"},
		{all("x"), "GAHT12345678", "error: the key has no TOTP account for GAHT12345678; its accounts are x"},
		{all("x"), "arn:aws:iam::123456789012:user/alice", "error: the key has no TOTP account for arn:aws:iam::123456789012:user/alice; its accounts are x"},
	} {
		a, err := Find(c.accounts, c.serial)
		got := a.Name
		if err != nil {
			got = "error: " + err.Error()
			var missing *NotFoundError
			var several *AmbiguousError
			if !errors.As(err, &missing) && !errors.As(err, &several) {
				t.Errorf("%T", err)
			}
		}
		if got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}
