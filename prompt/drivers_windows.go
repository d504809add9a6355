package prompt

func systemDrivers() []Driver {
	return []Driver{terminal, wincredui, pinentry, ykman, yubikey}
}
