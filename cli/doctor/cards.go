package doctor

import (
	"context"
	"errors"
	"fmt"

	"aws-vault/vault/card/piv"
	"aws-vault/vault/doctor"
)

// checkCards checks the connected security keys without using a PIN. If no security key is connected, that is an error
// only if --card names a security key.
func (p *probe) checkCards(ctx context.Context) []doctor.Finding {
	if p.locks == nil || !piv.Supported && p.Globals.Card == 0 {
		return nil
	}
	all, err := p.Asker(p.locks).Cards().List(ctx)
	wanted := p.Globals.Card != 0
	switch {
	case wanted && err != nil:
		return []doctor.Finding{doctor.ErrorFinding("security key", err)}
	case errors.Is(err, piv.ErrNoService):
		return nil
	case err != nil:
		f := doctor.ErrorFinding("security key", err)
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
		found = append(found, doctor.ErrorFinding("security key", &piv.NoCardError{Serial: p.Globals.Card, Others: others}))
	}
	return found
}

// cardFindings returns the findings about one security key, from what can be read without a PIN.
func cardFindings(i piv.Info) []doctor.Finding {
	if i.Err != nil {
		f := doctor.ErrorFinding("security key", i.Err)
		f.Severity = doctor.Warning
		return []doctor.Finding{f}
	}
	where := fmt.Sprintf("YubiKey %d", i.Serial)
	found := []doctor.Finding{{Severity: doctor.Note, Where: where, What: fmt.Sprintf("works, firmware %s", i.Version)}}
	if i.TriesLeft == 0 {
		f := doctor.ErrorFinding(where, &piv.BlockedError{Serial: i.Serial})
		f.Severity = doctor.Warning
		found = append(found, f)
	}
	if i.DefaultManagementKey {
		found = append(found, doctor.Finding{
			Severity: doctor.Warning, Where: where, What: "has the default management key, so anyone who has the security key can replace its keys",
			Remedy: "ykman piv access change-management-key --generate --protect",
		})
	}
	return found
}
