// Command seven accesses a keystore as aws-vault 7 does, with the same library and the same settings. Tests
// compare our keystores with this program. Its arguments are the name of a keystore, a verb and the name of an
// item.
//
// It is a separate program because the library connects to the session bus before main starts, and starts a bus
// if there is none.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/99designs/keyring"
)

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(backend, verb string, names []string) error {
	service := "aws-vault"
	if other := os.Getenv("SEVEN_SERVICE"); other != "" { // the tests must not change the user's items
		service = other
	}
	ring, err := keyring.Open(keyring.Config{
		AllowedBackends:         []keyring.BackendType{keyring.BackendType(backend)},
		ServiceName:             service,
		LibSecretCollectionName: "awsvault",
		KWalletAppID:            "aws-vault",
		KWalletFolder:           "aws-vault",
		WinCredPrefix:           "aws-vault",
		PassPrefix:              os.Getenv("AWS_VAULT_PASS_PREFIX"),
		FileDir:                 os.Getenv("AWS_VAULT_FILE_DIR"),
		FilePasswordFunc:        keyring.FixedStringPrompt(os.Getenv("AWS_VAULT_FILE_PASSPHRASE")),
		// aws-vault 7 does not set the next two fields. The library cannot open the keyctl keystore without a scope.
		// Without the permissions, other processes of the user could not read the keys.
		KeyCtlScope: "user",
		KeyCtlPerm:  0x3f3f0000,
	})
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	switch verb {
	case "list":
		keys, err := ring.Keys()
		if err != nil {
			return err
		}
		return out.Encode(keys)
	case "get":
		it, err := ring.Get(names[0])
		if err != nil {
			return err
		}
		return out.Encode(it)
	case "set":
		var it keyring.Item
		if err := json.NewDecoder(os.Stdin).Decode(&it); err != nil {
			return err
		}
		return ring.Set(it)
	case "remove":
		return ring.Remove(names[0])
	}
	return fmt.Errorf("verb %q, expected list, get, set or remove", verb)
}
