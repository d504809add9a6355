package certificate

import (
	"crypto/x509"
	"fmt"
	"strings"
)

// A Registration holds the values of a CloudFormation template that makes AWS trust a certificate authority.
type Registration struct {
	Authority *x509.Certificate
	Name      string // name of the trust anchor and of the Roles Anywhere profile
	Subject   string // CN of the certificates with which the role can be assumed
}

// CloudFormation returns a template in YAML that creates a trust anchor, a Roles Anywhere profile and a role. The
// template's outputs are the ARNs to set in the config file. The role has no permissions until you attach a policy.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_RolesAnywhere.html
func (r Registration) CloudFormation() string {
	pem := strings.TrimRight(string(Encode(r.Authority)), "\n")
	return fmt.Sprintf(`AWSTemplateFormatVersion: "2010-09-09"
Description: Lets the holder of a certificate assume a role with IAM Roles Anywhere
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

// quoted returns a YAML string in double quotes. YAML supports the escapes that Go uses.
func quoted(s string) string { return fmt.Sprintf("%q", s) }
