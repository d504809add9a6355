package app

// caBundles returns the files in which Linux distributions store the trusted root certificates. If SSL_CERT_FILE or
// SSL_CERT_DIR is set, Go reads the certificates that they name, so caBundles returns no files.
// https://go.dev/src/crypto/x509/root_linux.go
func caBundles(a *App) []string {
	for _, name := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR"} {
		if v, _ := a.Env.Getenv(name); v != "" {
			return nil
		}
	}
	return []string{
		"/etc/ssl/certs/ca-certificates.crt",                // Debian, Ubuntu, Gentoo, Arch
		"/etc/pki/tls/certs/ca-bundle.crt",                  // Fedora, RHEL 6
		"/etc/ssl/ca-bundle.pem",                            // openSUSE
		"/etc/pki/tls/cacert.pem",                           // OpenELEC
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL 7
		"/etc/ssl/cert.pem",                                 // Alpine
	}
}
