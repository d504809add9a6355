package doctor

import (
	"context"
	"errors"
	"fmt"

	"aws-vault/vault/card/piv"
	"aws-vault/vault/doctor"
)

// checkCards looks at the hardware keys, without a PIN. That there are none is nothing to say, unless one was named.
func (p *probe) checkCards(ctx context.Context) []doctor.Finding {
	if p.locks == nil || !piv.Supported && p.Globals.Card == 0 {
		return nil
	}
	all, err := p.Asker(p.locks).Cards().List(ctx)
	wanted := p.Globals.Card != 0
	switch {
	case wanted && err != nil:
		return []doctor.Finding{doctor.Met("hardware key", err)}
	case errors.Is(err, piv.ErrNoService):
		return nil
	case err != nil:
		f := doctor.Met("hardware key", err)
		f.Severity = doctor.Warning
		return []doctor.Finding{f}
	}
	var found []doctor.Finding
	var others []uint32
	for _, i := range all {
		found = append(found, cardFindings(i)...)
		if i.Err == nil {
			others = append(others, i.Serial)
		}
		wanted = wanted && i.Serial != p.Globals.Card
	}
	if wanted {
		found = append(found, doctor.Met("hardware key", &piv.NoCardError{Serial: p.Globals.Card, Others: others}))
	}
	return found
}

// cardFindings judge one card by what it tells everybody.
func cardFindings(i piv.Info) []doctor.Finding {
	if i.Err != nil {
		f := doctor.Met("hardware key", i.Err)
		f.Severity = doctor.Warning
		return []doctor.Finding{f}
	}
	where := fmt.Sprintf("YubiKey %d", i.Serial)
	found := []doctor.Finding{{Severity: doctor.Note, Where: where, What: fmt.Sprintf("it answers, with firmware %s", i.Version)}}
	if i.TriesLeft == 0 {
		f := doctor.Met(where, &piv.BlockedError{Serial: i.Serial})
		f.Severity = doctor.Warning
		found = append(found, f)
	}
	if i.DefaultManagementKey {
		found = append(found, doctor.Finding{
			Severity: doctor.Warning, Where: where, What: "its management key is the one that all are made with: whoever gets at the card can replace its keys",
			Remedy: "ykman piv access change-management-key --generate --protect",
		})
	}
	return found
}
