package console

import (
	"errors"
	"testing"
)

// TestSignInHostsAndPages checks the sign-in host and the console page in each partition that has a console.
func TestSignInHostsAndPages(t *testing.T) {
	for _, tt := range []struct {
		arn          string
		to           Destination
		signIn, page string
	}{
		{"arn:aws:sts::1:assumed-role/r/s", Destination{}, "signin.aws.amazon.com", "https://console.aws.amazon.com/"},
		{"arn:aws:sts::1:assumed-role/r/s", Destination{Path: "s3/home"}, "signin.aws.amazon.com", "https://console.aws.amazon.com/s3/home"},
		{"arn:aws:sts::1:assumed-role/r/s", Destination{Region: "eu-west-1"}, "signin.aws.amazon.com", "https://eu-west-1.console.aws.amazon.com/console/home?region=eu-west-1"},
		{"arn:aws:sts::1:assumed-role/r/s", Destination{Region: "eu-west-1", Path: "s3/home"}, "signin.aws.amazon.com", "https://eu-west-1.console.aws.amazon.com/s3/home?region=eu-west-1"},
		{"arn:aws:sts::1:assumed-role/r/s", Destination{Region: "eu-west-1", Path: "/s3/home?tab=a#b"}, "signin.aws.amazon.com", "https://eu-west-1.console.aws.amazon.com/s3/home?tab=a&region=eu-west-1#b"},
		{"arn:aws:sts::1:assumed-role/r/s", Destination{Region: "eu-west-1", Path: "//evil.example.com/@x"}, "signin.aws.amazon.com", "https://eu-west-1.console.aws.amazon.com/evil.example.com/@x?region=eu-west-1"},
		{"arn:aws:sts::1:assumed-role/r/s", Destination{Region: "eu-west-1", Path: "cloudwatch/home?region=us-west-2#alarmsV2:"}, "signin.aws.amazon.com", "https://us-west-2.console.aws.amazon.com/cloudwatch/home?region=us-west-2#alarmsV2:"},
		{"arn:aws:sts::1:assumed-role/r/s", Destination{Path: "ec2/home?region=us-west-2"}, "signin.aws.amazon.com", "https://us-west-2.console.aws.amazon.com/ec2/home?region=us-west-2"},
		{"arn:aws:sts::1:assumed-role/r/s", Destination{Region: "eu-west-1", Path: "ec2/home?region=cn-north-1"}, "signin.aws.amazon.com", "https://console.aws.amazon.com/ec2/home?region=cn-north-1"},
		{"arn:aws:sts::1:assumed-role/r/s", Destination{Region: "eu-west-1", Path: "ec2?region=evil.example.com/"}, "signin.aws.amazon.com", "https://console.aws.amazon.com/ec2?region=evil.example.com/"},
		{"arn:aws:sts::1:assumed-role/r/s", Destination{Region: "cn-north-1"}, "signin.aws.amazon.com", "https://console.aws.amazon.com/"},
		{"arn:aws:sts::1:assumed-role/r/s", Destination{Region: "aws-global"}, "signin.aws.amazon.com", "https://console.aws.amazon.com/"},
		{"arn:aws-cn:sts::1:assumed-role/r/s", Destination{}, "signin.amazonaws.cn", "https://console.amazonaws.cn/"},
		{"arn:aws-cn:sts::1:assumed-role/r/s", Destination{Region: "cn-north-1"}, "signin.amazonaws.cn", "https://cn-north-1.console.amazonaws.cn/console/home?region=cn-north-1"},
		{"arn:aws-us-gov:sts::1:assumed-role/r/s", Destination{Region: "us-gov-west-1", Path: "ec2"}, "signin.amazonaws-us-gov.com", "https://us-gov-west-1.console.amazonaws-us-gov.com/ec2?region=us-gov-west-1"},
		{"arn:aws-eusc:sts::1:assumed-role/r/s", Destination{Region: "eusc-de-east-1"}, "eusc-de-east-1.signin.amazonaws-eusc.eu", "https://eusc-de-east-1.console.amazonaws-eusc.eu/console/home?region=eusc-de-east-1"},
	} {
		s, err := siteForARN(tt.arn)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.page(tt.to); s.signInHost() != tt.signIn || got != tt.page {
			t.Errorf("%s, %+v: got host %s and page %s, want %s and %s", tt.arn, tt.to, s.signInHost(), got, tt.signIn, tt.page)
		}
	}
}

func TestNoConsole(t *testing.T) {
	for _, arn := range []string{"arn:aws-iso:sts::1:assumed-role/r/s", "arn", ""} {
		_, err := siteForARN(arn)
		var e *NoConsoleError
		if !errors.As(err, &e) {
			t.Errorf("%q: got %v, want a NoConsoleError", arn, err)
		}
	}
}

func TestLogout(t *testing.T) {
	for _, tt := range []struct{ arn, base, want string }{
		{"arn:aws:iam::1:user/a", "https://signin.aws.amazon.com", "https://us-east-1.signin.aws.amazon.com/oauth"},
		{"arn:aws-cn:iam::1:user/a", "https://signin.amazonaws.cn", "https://signin.amazonaws.cn/oauth"},
		{"arn:aws:iam::1:user/a", "http://127.0.0.1:1", "http://127.0.0.1:1/oauth"},
	} {
		s, err := siteForARN(tt.arn)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.logout(tt.base); got != tt.want {
			t.Errorf("%s at %s: got %s, want %s", tt.arn, tt.base, got, tt.want)
		}
	}
}
