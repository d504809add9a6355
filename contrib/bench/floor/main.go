// Floor does only what every Go program must do to provide cached credentials from the file keystore. Floor links
// net/http, reads the config file, derives the keystore's key from a passphrase, and replaces itself with the
// command. Without arguments, floor exits at once. The program bench compares aws-vault with floor.
package main

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"syscall"
)

// The parameters of the file keystore's key derivation; see vault/keystore/jwe.go.
const (
	rounds  = 8192
	keySize = 16
)

func main() {
	if len(os.Args) == 1 {
		return
	}
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: floor [CONFIG COMMAND]")
		os.Exit(2)
	}
	if err := become(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func become(config, command string) error {
	if _, err := os.ReadFile(config); err != nil {
		return err
	}
	salt := []byte("PBES2-HS256+A128KW\x00 and the item's own")
	if _, err := pbkdf2.Key(sha256.New, "correct-horse", salt, rounds, keySize); err != nil {
		return err
	}
	// The environment variable FLOOR_URL is never set, so http.Get is never called. Without the call, the linker
	// would leave out net/http.
	if url := os.Getenv("FLOOR_URL"); url != "" {
		if _, err := http.Get(url); err != nil {
			return err
		}
	}
	return syscall.Exec(command, []string{command}, os.Environ())
}
