package store

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"time"

	"aws-vault/vault/disk"
)

// A ProfileHistory remembers how often and how recently the user used each profile, so that the most used
// profiles can be offered first. The history contains no secrets, and losing it does no harm.
type ProfileHistory struct {
	Dir *disk.Folder // if nil, nothing is remembered
	Now func() time.Time
}

// historyFile is the name of the history file in Dir.
const historyFile = "uses"

// A profileUse records how often and how recently a profile was used.
type profileUse struct {
	Profile string    `json:"profile"`
	Weight  float64   `json:"weight"` // number of uses until the time Last, where an older use counts for less
	Last    time.Time `json:"last"`
}

const (
	halfLife       = 7 * 24 * time.Hour
	maxProfiles    = 500       // maximum number of remembered profiles
	maxHistorySize = 256 << 10 // maximum size of the history file in bytes
	minUseInterval = 5 * time.Minute
)

// Record records that a profile is used now. It does nothing if the last recorded use of the profile is less than
// minUseInterval ago.
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

// Sort returns the profile names sorted, with recently and frequently used profiles first. Unused profiles keep
// their order.
func (u *ProfileHistory) Sort(names []string) []string {
	now, weights := u.Now(), map[string]float64{}
	for _, k := range u.read() {
		weights[k.Profile] = k.weight(now)
	}
	names = slices.Clone(names)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(weights[b], weights[a]) })
	return names
}

// weight returns the weight at the time now. The weight halves every halfLife. If the clock was set back, the
// weight does not increase.
func (k profileUse) weight(now time.Time) float64 {
	age := max(0, now.Sub(k.Last))
	return k.Weight * math.Exp2(-float64(age)/float64(halfLife))
}

// read returns the recorded uses, or nil if the file cannot be read.
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
