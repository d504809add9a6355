#!/bin/sh
# Synchronises AWS with the time of a YubiKey's codes: aws-iam-resync-yubikey-mfa.sh PROFILE USER SERIAL
set -eu
codes=$(aws-vault mfa code --pair --serial "${3:?which device?}")
exec aws-vault exec --no-session "$1" -- aws iam resync-mfa-device --user-name "$2" --serial-number "$3" \
	--authentication-code1 "$(echo "$codes" | head -n 1)" --authentication-code2 "$(echo "$codes" | tail -n 1)"
