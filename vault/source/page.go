package source

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"aws-vault/vault/awsapi"
	"aws-vault/vault/identity"
)

// PageFetcher returns a function that fetches the published files of an issuer, for [identity.Check]. The function
// trusts the root certificates in the CA bundle, or the system's root certificates if bundle is empty. It returns
// a [*awsapi.TimeoutError] or a network error.
func PageFetcher(api *awsapi.Client, bundle string) (func(context.Context, string) (identity.Response, error), error) {
	t, err := api.Network.Transport(bundle)
	if err != nil {
		return nil, err
	}
	c := &http.Client{Transport: t, CheckRedirect: awsapi.NoRedirect}
	return func(ctx context.Context, address string) (identity.Response, error) {
		limited, cancel := api.WithTimeout(ctx)
		defer cancel()
		page, err := fetchPage(limited, c, address)
		var sending *url.Error
		switch {
		case err != nil && awsapi.TimedOut(limited):
			return page, &awsapi.TimeoutError{Action: "publishing", Endpoint: address, After: api.CallTimeout()}
		case errors.As(err, &sending):
			return page, sending.Err
		}
		return page, err
	}, nil
}

func fetchPage(ctx context.Context, c *http.Client, address string) (identity.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return identity.Response{}, err
	}
	resp, err := c.Do(r)
	if err != nil {
		return identity.Response{}, err
	}
	defer resp.Body.Close()
	page := identity.Response{Status: resp.StatusCode, ContentType: resp.Header.Get("Content-Type"), Location: resp.Header.Get("Location")}
	page.Body, err = io.ReadAll(io.LimitReader(resp.Body, identity.MaxFileSize+1))
	return page, err
}
