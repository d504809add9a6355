#!/bin/sh
# Creates an MFA device whose secret is on a YubiKey: aws-iam-create-yubikey-mfa.sh PROFILE [NAME]
exec aws-vault mfa enroll "${1:?which profile?}" --create "${2:-${MFA_DEVICE_NAME:-$USER}}"
