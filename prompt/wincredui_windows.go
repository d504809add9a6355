package prompt

import (
	"context"
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

// wincredui asks the user in the Windows credential dialog.
var wincredui = Driver{
	Name:  "wincredui",
	Works: wincreduiWorks,
	Ask:   askWinCredUI,
}

var (
	credui               = windows.NewLazySystemDLL("credui.dll")
	promptForCredentials = credui.NewProc("CredUIPromptForCredentialsW")
)

// wincreduiWorks returns an error if this process runs in session 0, as services and SSH sessions do. A dialog in
// session 0 is never visible.
func wincreduiWorks(Env) error {
	if err := promptForCredentials.Find(); err != nil {
		return err
	}
	var session uint32
	if err := windows.ProcessIdToSessionId(windows.GetCurrentProcessId(), &session); err != nil {
		return fmt.Errorf("find the Windows session of this process: %w", err)
	}
	if session == 0 {
		return errors.New("the process runs in session 0, which has no desktop")
	}
	return nil
}

// askWinCredUI opens a dialog and waits for the answer. If ctx ends first, askWinCredUI returns, but it cannot
// close the dialog. An answer that the user types after that is discarded.
func askWinCredUI(ctx context.Context, _ Env, r Request) (string, error) {
	type result struct {
		answer string
		err    error
	}
	done := make(chan result, 1)
	go func() {
		var d result
		if r.Kind == Confirm {
			d.answer, d.err = messageBox(r)
		} else {
			d.answer, d.err = credentialDialog(r)
		}
		done <- d
	}()
	select {
	case d := <-done:
		return d.answer, d.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func messageBox(r Request) (string, error) {
	text, err := windows.UTF16PtrFromString(r.message())
	if err != nil {
		return "", err
	}
	caption, err := windows.UTF16PtrFromString(title)
	if err != nil {
		return "", err
	}
	const idYes = 6
	pressed, err := windows.MessageBox(0, text, caption,
		windows.MB_YESNO|windows.MB_DEFBUTTON2|windows.MB_ICONQUESTION|windows.MB_SETFOREGROUND)
	if pressed == 0 {
		return "", err
	}
	return confirmAnswer(pressed == idYes), nil
}

// A creduiInfo is a structure CREDUI_INFOW.
// https://learn.microsoft.com/windows/win32/api/wincred/ns-wincred-credui_infow
type creduiInfo struct {
	size    uint32
	parent  windows.HWND
	message *uint16
	caption *uint16
	banner  windows.Handle
}

// These are flags and lengths of the credential dialog.
// https://learn.microsoft.com/windows/win32/api/wincred/nf-wincred-creduipromptforcredentialsw
const (
	creduiDoNotPersist       = 0x2
	creduiAlwaysShowUI       = 0x80
	creduiGenericCredentials = 0x40000
	creduiKeepUserName       = 0x100000

	creduiMaxUserName = 513 // length in UTF-16 code units
	creduiMaxPassword = 256
)

func credentialDialog(r Request) (string, error) {
	message, err := windows.UTF16PtrFromString(r.message())
	if err != nil {
		return "", err
	}
	caption, err := windows.UTF16PtrFromString(title)
	if err != nil {
		return "", err
	}
	info := creduiInfo{message: message, caption: caption}
	info.size = uint32(unsafe.Sizeof(info))
	user := make([]uint16, creduiMaxUserName+1)
	copy(user[:creduiMaxUserName], windows.StringToUTF16(dialogUserName(r)))
	password := make([]uint16, creduiMaxPassword+1)
	defer clear(password)
	var save int32
	status, _, _ := promptForCredentials.Call(
		uintptr(unsafe.Pointer(&info)),
		uintptr(unsafe.Pointer(caption)),
		0, 0,
		uintptr(unsafe.Pointer(&user[0])), uintptr(len(user)),
		uintptr(unsafe.Pointer(&password[0])), uintptr(len(password)),
		uintptr(unsafe.Pointer(&save)),
		creduiDoNotPersist|creduiAlwaysShowUI|creduiGenericCredentials|creduiKeepUserName)
	switch e := windows.Errno(status); e {
	case windows.ERROR_SUCCESS:
		return windows.UTF16ToString(password), nil
	case windows.ERROR_CANCELLED:
		return "", ErrCancelled
	default:
		return "", fmt.Errorf("CredUIPromptForCredentials: %w", e)
	}
}

// dialogUserName returns the text for the dialog's user name field. This field is read-only and must not be empty.
func dialogUserName(r Request) string {
	for _, s := range []string{r.Profile, r.Device} {
		if s != "" {
			return sanitize(s)
		}
	}
	return title
}
