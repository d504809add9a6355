package doctor

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// maxSkew is how wrong AWS lets a signer's clock be.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html
const maxSkew = 5 * time.Minute

// slightSkew is what makes one think: an answer's date is a second coarse, and as late as
// the network is slow.
const slightSkew = time.Minute

// Clock judges this computer's clock by AWS's.
func Clock(local, theirs time.Time) []Finding {
	skew := local.Sub(theirs).Round(time.Second)
	f := Finding{Where: "clock", Remedy: "let the network set this computer's clock (timedatectl set-ntp true)"}
	switch {
	case skew.Abs() >= maxSkew:
		f.Severity = Warning // aws-vault corrects itself; what it runs need not
		f.What = fmt.Sprintf("this computer's clock is %s AWS's: aws-vault makes up for that, other programs are refused", off(skew))
	case skew.Abs() >= slightSkew:
		f.Severity = Note
		f.What = fmt.Sprintf("this computer's clock is %s AWS's", off(skew))
	default:
		return nil
	}
	return []Finding{f}
}

func off(skew time.Duration) string {
	if skew < 0 {
		return fmt.Sprintf("%s behind", -skew)
	}
	return fmt.Sprintf("%s ahead of", skew)
}

// Proxy judges the text of a variable that names a proxy. One that cannot be read is passed
// over in silence by the library that reads it, and so is the proxy. The text, which may hold
// a password, is not repeated.
// https://pkg.go.dev/golang.org/x/net/http/httpproxy
func Proxy(variable, text string) []Finding {
	if text == "" || isProxy(text) || !strings.Contains(text, "://") && isProxy("http://"+text) {
		return nil
	}
	return []Finding{{
		Severity: Error, Where: variable, What: "cannot be read, so that no proxy is used, want a URL",
		Remedy: variable + "=http://proxy.example.com:3128",
	}}
}

func isProxy(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme != "" && u.Host != ""
}

// soon is how long before its end a certificate is spoken of: somebody may have to sign the next.
const soon = 14 * 24 * time.Hour

// Certificate judges how long a certificate is good.
func Certificate(path string, until, now time.Time) []Finding {
	left := until.Sub(now)
	if left > soon {
		return nil
	}
	return []Finding{{
		Severity: Warning, Where: path, What: fmt.Sprintf("the certificate is good until %s alone", until.UTC().Format(time.DateOnly)),
		Remedy: "have a new one issued: aws-vault certificate request",
	}}
}
