package store

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"time"

	"aws-vault/vault/disk"
)

// Uses remember which profiles a person used, and how much, so that these are offered first.
// They hold names and no secrets, and are a hint: one that is lost costs nothing.
type Uses struct {
	Dir *disk.Folder // nil to remember nothing
	Now func() time.Time
}

// usesFile is the file in the folder.
const usesFile = "uses"

// A use is what is known of one profile.
type use struct {
	Profile string    `json:"profile"`
	Weight  float64   `json:"weight"` // of all uses when the last one was made, each halved every week
	Last    time.Time `json:"last"`
}

const (
	halfLife = 7 * 24 * time.Hour
	maxUses  = 500       // profiles that are remembered
	maxUsed  = 256 << 10 // bytes that are read
	tooSoon  = 5 * time.Minute
)

// Note remembers that a profile was used now. A use soon after the last one counts for
// nothing, and writes nothing.
func (u *Uses) Note(profile string) error {
	if u.Dir == nil {
		return nil
	}
	all, now := u.read(), u.Now()
	i := slices.IndexFunc(all, func(k use) bool { return k.Profile == profile })
	switch {
	case i < 0:
		all = append(all, use{profile, 1, now})
	case now.Sub(all[i].Last).Abs() < tooSoon:
		return nil
	default:
		all[i].Weight, all[i].Last = all[i].weight(now)+1, now
	}
	slices.SortStableFunc(all, func(a, b use) int { return cmp.Compare(b.weight(now), a.weight(now)) })
	raw, err := json.Marshal(all[:min(len(all), maxUses)])
	if err != nil {
		return err
	}
	return u.Dir.Write(usesFile, raw)
}

// Order returns the names with those first that were used recently and often, and the others
// behind them in the order they came.
func (u *Uses) Order(names []string) []string {
	now, weights := u.Now(), map[string]float64{}
	for _, k := range u.read() {
		weights[k.Profile] = k.weight(now)
	}
	names = slices.Clone(names)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(weights[b], weights[a]) })
	return names
}

// weight is what the uses count for now. A clock that was ahead makes none count for more.
func (k use) weight(now time.Time) float64 {
	age := max(0, now.Sub(k.Last))
	return k.Weight * math.Exp2(-float64(age)/float64(halfLife))
}

// read returns what is remembered: nothing, if it cannot be read.
func (u *Uses) read() []use {
	raw, err := u.Dir.Read(usesFile, maxUsed)
	if err != nil {
		return nil
	}
	var all []use
	if json.Unmarshal(raw, &all) != nil {
		return nil
	}
	return slices.DeleteFunc(all, func(k use) bool { return !(k.Weight >= 0 && k.Weight < math.MaxInt32) })
}
