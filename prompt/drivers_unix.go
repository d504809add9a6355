//go:build unix && !darwin

package prompt

func systemDrivers() []Driver {
	return []Driver{terminal, kdialog, zenity, pinentry, ykman, yubikey}
}
