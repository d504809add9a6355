package store

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"time"

	"aws-vault/vault/disk"
)

// ProfileHistory remember which profiles a person used, and how much, so that these are offered first.
// They hold names and no secrets, and are a hint: one that is lost costs nothing.
type ProfileHistory struct {
	Dir *disk.Folder // nil to remember nothing
	Now func() time.Time
}

// historyFile is the file in the folder.
const historyFile = "uses"

// A use is what is known of one profile.
type profileUse struct {
	Profile string    `json:"profile"`
	Weight  float64   `json:"weight"` // byName all uses when the last one was made, each halved every week
	Last    time.Time `json:"last"`
}

const (
	halfLife       = 7 * 24 * time.Hour
	maxProfiles    = 500       // profiles that are remembered
	maxHistorySize = 256 << 10 // bytes that are read
	minUseInterval = 5 * time.Minute
)

// Record remembers that a profile was used now. A use soon after the last one counts for
// nothing, and writes nothing.
func (u *ProfileHistory) Record(profile string) error {
	if u.Dir == nil {
		return nil
	}
	all, now := u.read(), u.Now()
	i := slices.IndexFunc(all, func(k profileUse) bool { return k.Profile == profile })
	switch {
	case i < 0:
		all = append(all, profileUse{profile, 1, now})
	case now.Sub(all[i].Last).Abs() < minUseInterval:
		return nil
	default:
		all[i].Weight, all[i].Last = all[i].weight(now)+1, now
	}
	slices.SortStableFunc(all, func(a, b profileUse) int { return cmp.Compare(b.weight(now), a.weight(now)) })
	raw, err := json.Marshal(all[:min(len(all), maxProfiles)])
	if err != nil {
		return err
	}
	return u.Dir.Write(historyFile, raw)
}

// Sort returns the names with those first that were used recently and often, and the others
// behind them in the order they came.
func (u *ProfileHistory) Sort(names []string) []string {
	now, weights := u.Now(), map[string]float64{}
	for _, k := range u.read() {
		weights[k.Profile] = k.weight(now)
	}
	names = slices.Clone(names)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(weights[b], weights[a]) })
	return names
}

// weight is what the uses count for now. A clock that was ahead makes none count for more.
func (k profileUse) weight(now time.Time) float64 {
	age := max(0, now.Sub(k.Last))
	return k.Weight * math.Exp2(-float64(age)/float64(halfLife))
}

// read returns what is remembered: nothing, if it cannot be read.
func (u *ProfileHistory) read() []profileUse {
	raw, err := u.Dir.Read(historyFile, maxHistorySize)
	if err != nil {
		return nil
	}
	var all []profileUse
	if json.Unmarshal(raw, &all) != nil {
		return nil
	}
	return slices.DeleteFunc(all, func(k profileUse) bool { return !(k.Weight >= 0 && k.Weight < math.MaxInt32) })
}
