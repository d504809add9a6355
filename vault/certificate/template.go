package certificate

import (
	"crypto/x509"
	"fmt"
	"strings"
)

// Registration is what CloudFormation needs to make AWS trust an authority.
type Registration struct {
	Authority *x509.Certificate
	Name      string // of the trust anchor and the profile
	Subject   string // the CN that may take the role
}

// CloudFormation returns the template that registers a trust anchor, a profile and a role,
// in YAML. Its outputs are what a profile of the config file names. The role has no rights
// until it is given some.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_RolesAnywhere.html
func (r Registration) CloudFormation() string {
	pem := strings.TrimRight(string(Encode(r.Authority)), "\n")
	return fmt.Sprintf(`AWSTemplateFormatVersion: "2010-09-09"
Description: Lets the holder of a certificate take a role by IAM Roles Anywhere
Resources:
  TrustAnchor:
    Type: AWS::RolesAnywhere::TrustAnchor
    Properties:
      Name: %[1]s
      Enabled: true
      Source:
        SourceType: CERTIFICATE_BUNDLE
        SourceData:
          X509CertificateData: |
            %[2]s
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal:
              Service: rolesanywhere.amazonaws.com
            Action:
              - sts:AssumeRole
              - sts:SetSourceIdentity
              - sts:TagSession
            Condition:
              StringEquals:
                aws:PrincipalTag/x509Subject/CN: %[3]s
              ArnEquals:
                aws:SourceArn: !GetAtt TrustAnchor.TrustAnchorArn
  Profile:
    Type: AWS::RolesAnywhere::Profile
    Properties:
      Name: %[1]s
      Enabled: true
      RoleArns:
        - !GetAtt Role.Arn
Outputs:
  TrustAnchorArn:
    Value: !GetAtt TrustAnchor.TrustAnchorArn
  ProfileArn:
    Value: !GetAtt Profile.ProfileArn
  RoleArn:
    Value: !GetAtt Role.Arn
`, quoted(r.Name), strings.ReplaceAll(pem, "\n", "\n            "), quoted(r.Subject))
}

// quoted writes a text as YAML, whose strings between double quotes know Go's escapes.
func quoted(s string) string { return fmt.Sprintf("%q", s) }
