package source

import "aws-vault/vault/store"

// A looseToken is one that could not be kept: whoever brought it is not asked again by this
// process. One that was kept is not remembered, for a sign-out ends it.
type looseToken struct {
	name  string
	token store.Token
}

// looseToken returns the token of that name that could not be kept, or else the zero Token.
func (d *Deps) looseToken(name string) store.Token {
	d.lock.Lock()
	defer d.lock.Unlock()
	if d.loose.name != name {
		return store.Token{}
	}
	return d.loose.token
}

// keepLoose remembers a token that was made just now, if it could not be kept.
func (d *Deps) keepLoose(name string, k store.Token, loose bool) {
	d.lock.Lock()
	defer d.lock.Unlock()
	d.loose = looseToken{}
	if loose {
		d.loose = looseToken{name, k}
	}
}
