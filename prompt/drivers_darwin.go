package prompt

func systemDrivers() []Driver {
	return []Driver{terminal, osascript, pinentry, ykman, yubikey}
}
