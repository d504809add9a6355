package awsapi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// startHosts are the domains at which IAM Identity Center has start URLs, as the AWS CLI knows them.
// https://github.com/aws/aws-cli/blob/v2/awscli/customizations/sso/resolve.py
var startHosts = []string{
	"app.aws", "portal.amazonaws.com", "portal.amazonaws.com.cn", "awsapps.com", "awsapps.cn",
	"identitycenter.amazonaws.com", "identitycenter.amazonaws.com.cn",
}

func isStartHost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, h := range startHosts {
		if host == h || strings.HasSuffix(host, "."+h) {
			return true
		}
	}
	return false
}

// startTime is how long an organisation's own start URL may take to answer.
const startTime = 10 * time.Second

// ResolveStartURL returns the start URL that AWS knows: the one that an organisation's own URL redirects to, at once. One
// of AWS's is returned as it is, without a call, and so is one that does not lead to AWS, which refuses it then. The
// region is the one that the host names, if it names one.
func (api *Client) ResolveStartURL(ctx context.Context, bundle, start string) (resolved, region string, err error) {
	u, err := url.Parse(start)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || isStartHost(u.Hostname()) {
		return start, "", nil
	}
	limited, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	resp, err := api.once(limited, http.MethodHead, bundle, start) //nolint:bodyclose // once closes it
	if err == nil && (resp.StatusCode == http.StatusMethodNotAllowed || resp.StatusCode == http.StatusNotImplemented) {
		resp, err = api.once(limited, http.MethodGet, bundle, start) //nolint:bodyclose // once closes it
	}
	if err != nil {
		return "", "", fmt.Errorf("asking where the start URL leads: %w", err)
	}
	to, err := resp.Location()
	if resp.StatusCode/100 != 3 || err != nil || to.Scheme != "https" || !isStartHost(to.Hostname()) {
		api.debug("the start URL leads to no portal of AWS's", "at", Site(u), "status", resp.StatusCode)
		return start, "", nil
	}
	to.User, to.RawQuery, to.Fragment, to.RawFragment = nil, "", "", ""
	to.Path, to.RawPath = strings.TrimRight(to.Path, "/"), ""
	api.debug("the start URL leads to another", "at", Site(u), "to", to.String())
	return to.String(), regionOfStart(to.Hostname()), nil
}

// regionOfStart is the region that the host of a start URL names; empty if it names none.
func regionOfStart(host string) string {
	found := regexp.MustCompile(`(?i)^[^.]+\.(?:portal\.([a-z0-9-]+)\.app\.aws|([a-z0-9-]+)\.portal\.amazonaws\.com(?:\.cn)?)$`).FindStringSubmatch(host)
	if found == nil {
		return ""
	}
	return strings.ToLower(found[1] + found[2])
}
