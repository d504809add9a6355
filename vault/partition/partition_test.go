package partition

import "testing"

func TestPseudoRegions(t *testing.T) {
	for region, want := range map[string]string{
		"aws-global": "aws", "aws-cn-global": "aws-cn", "aws-us-gov-global": "aws-us-gov", "aws-iso-global": "aws-iso",
		"aws-iso-b-global": "aws-iso-b", "aws-iso-e-global": "aws-iso-e", "aws-iso-f-global": "aws-iso-f",
	} {
		if got := Of(region); !IsPseudo(region) || got != want {
			t.Errorf("region %s: IsPseudo = %v, partition %s, want true, %s", region, IsPseudo(region), got, want)
		}
	}
	for _, region := range []string{"eu-west-1", "cn-north-1", "eu-global", "-global", ""} {
		if IsPseudo(region) {
			t.Errorf("IsPseudo(%q) = true, want false", region)
		}
	}
}

func TestKnown(t *testing.T) {
	for region, want := range map[string]bool{
		"eu-west-1": true, "mx-central-1": true, "cn-north-1": true, "us-isob-east-1": true, "eusc-de-east-1": true,
		"us-isog-east-1": false, "mars-1": false, "": false,
	} {
		if got := Known(region); got != want {
			t.Errorf("Known(%q) = %v, want %v", region, got, want)
		}
	}
}

func TestHomeRegion(t *testing.T) {
	for arn, want := range map[string]string{
		"":                                "us-east-1",
		"GAHT12345678":                    "us-east-1",
		"arn:aws-cn:iam::1:role/r":        "cn-north-1",
		"arn:aws-us-gov:iam::1:role/r":    "us-gov-west-1",
		"arn:aws-eusc:iam::1:role/r":      "eusc-de-east-1",
		"arn:aws-iso-b:iam::1:role/r":     "us-isob-east-1",
		"arn:aws-unheard-of:iam::1:mfa/x": "us-east-1",
	} {
		if got := Home(arn); got != want {
			t.Errorf("Home(%q) = %s, want %s", arn, got, want)
		}
	}
	for region, want := range map[string]string{"eu-west-1": "aws", "cn-north-1": "aws-cn", "us-gov-east-1": "aws-us-gov", "us-isob-east-1": "aws-iso-b", "us-iso-east-1": "aws-iso"} {
		if got := Of(region); got != want {
			t.Errorf("Of(%q) = %s, want %s", region, got, want)
		}
	}
}

func TestAccountOf(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:sts::123456789012:assumed-role/a/b": "123456789012", "": "", "arn:aws:sts": "",
	} {
		if got := AccountOf(arn); got != want {
			t.Errorf("AccountOf(%q) = %q, want %q", arn, got, want)
		}
	}
}
