package doctor

import (
	"fmt"
	"time"
)

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
