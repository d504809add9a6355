package doctor

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// maxSkew is the largest difference between this computer's clock and AWS's clock that AWS accepts.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html
const maxSkew = 5 * time.Minute

// slightSkew is the smallest difference between the clocks that is reported. The network delay, and dates
// without fractions of a second, can cause smaller differences.
const slightSkew = time.Minute

// clockRemedy returns how to synchronize the clock on an operating system.
func clockRemedy(system string) string {
	const remedy = "synchronize this computer's clock with the network"
	switch system {
	case "linux":
		return remedy + ": timedatectl set-ntp true"
	case "darwin":
		return remedy + ": sudo sntp -sS time.apple.com"
	case "windows":
		return remedy + ": w32tm /resync"
	}
	return remedy
}

// CheckClock compares this computer's clock with AWS's clock. The parameter system is the operating system, as in
// [runtime.GOOS].
func CheckClock(system string, local, theirs time.Time) []Finding {
	skew := local.Sub(theirs).Round(time.Second)
	f := Finding{Where: "clock", Remedy: clockRemedy(system)}
	switch {
	case skew.Abs() >= maxSkew:
		f.Severity = Warning // not an error, because aws-vault corrects the time of its own calls
		f.What = fmt.Sprintf("this computer's clock is %s AWS's clock: aws-vault corrects the difference, but AWS refuses the requests of other programs", describeSkew(skew))
	case skew.Abs() >= slightSkew:
		f.Severity = Note
		f.What = fmt.Sprintf("this computer's clock is %s AWS's clock", describeSkew(skew))
	default:
		return nil
	}
	return []Finding{f}
}

func describeSkew(skew time.Duration) string {
	if skew < 0 {
		return fmt.Sprintf("%s behind", -skew)
	}
	return fmt.Sprintf("%s ahead of", skew)
}

// CheckProxy checks the value of an environment variable that sets a proxy. If the value is not valid, Go
// ignores it and uses no proxy. The finding does not repeat the value, because it may contain a password.
// https://pkg.go.dev/golang.org/x/net/http/httpproxy
func CheckProxy(variable, text string) []Finding {
	if text == "" || isProxy(text) || !strings.Contains(text, "://") && isProxy("http://"+text) {
		return nil
	}
	return []Finding{{
		Severity: Error, Where: variable, What: "is not a valid URL, so no proxy is used",
		Remedy: variable + "=http://proxy.example.com:3128",
	}}
}

func isProxy(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme != "" && u.Host != ""
}

// expiryWarning is the remaining validity below which a certificate is reported. It leaves enough time to request a
// new certificate.
const expiryWarning = 14 * 24 * time.Hour

// CheckCertificate returns a finding if a certificate expires soon or has expired.
func CheckCertificate(path string, until, now time.Time) []Finding {
	left := until.Sub(now)
	if left > expiryWarning {
		return nil
	}
	what := "the certificate is valid only until "
	if left <= 0 {
		what = "the certificate expired on "
	}
	return []Finding{{
		Severity: Warning, Where: path, What: what + until.UTC().Format(time.DateOnly),
		Remedy: "request a new one: aws-vault certificate request",
	}}
}
