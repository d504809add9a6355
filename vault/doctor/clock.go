package doctor

import (
	"fmt"
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
