package keystore

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// payload is the JSON form of an item in the format of 99designs/keyring, which aws-vault 7 uses.
// https://pkg.go.dev/github.com/99designs/keyring@v1.2.2#Item
type payload struct {
	Key                         string
	Data                        []byte
	Label                       string
	Description                 string
	KeychainNotTrustApplication bool
	KeychainNotSynchronizable   bool
}

var (
	errNotItem  = errors.New("the content is not an item")
	errTrailing = errors.New("unexpected data after the item")
)

// encodePayload encodes an item as JSON. Encoding cannot fail, because JSON can represent every field.
func encodePayload(it Item) []byte {
	data, _ := json.Marshal(payload{
		Key:                         it.Name,
		Data:                        it.Data,
		Label:                       it.Label,
		Description:                 it.Description,
		KeychainNotTrustApplication: it.Untrusted,
	})
	return data
}

// decodePayload returns the item in data. It hides the error of the JSON decoder, because that error can quote
// the secret.
func decodePayload(data []byte) (Item, error) {
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return Item{}, errNotItem
	}
	d := json.NewDecoder(bytes.NewReader(data))
	var p payload
	if d.Decode(&p) != nil {
		return Item{}, errNotItem
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Item{}, errTrailing
	}
	return Item{
		Name:        p.Key,
		Label:       p.Label,
		Description: p.Description,
		Data:        p.Data,
		Untrusted:   p.KeychainNotTrustApplication,
	}, nil
}
