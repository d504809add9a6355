package browser

import "slices"

// installPaths are the usual paths of browsers. The PATH variable rarely contains them.
var installPaths = map[string][]string{
	"firefox":  {`C:\Program Files\Mozilla Firefox\firefox.exe`},
	"chromium": {`C:\Program Files\Chromium\Application\chrome.exe`},
	"chrome":   {`C:\Program Files\Google\Chrome\Application\chrome.exe`, `C:\Program Files (x86)\Google\Chrome\Application\chrome.exe`},
	"brave":    {`C:\Program Files\BraveSoftware\Brave-Browser\Application\brave.exe`},
	"edge":     {`C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe`, `C:\Program Files\Microsoft\Edge\Application\msedge.exe`},
}

func (k kind) command(args []string, look func(string) (string, error)) ([]string, error) {
	return k.findProgram(args, slices.Concat(k.programs, installPaths[k.name]), look)
}
