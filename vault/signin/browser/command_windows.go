package browser

import "slices"

// places is where browsers are installed; few are on the path.
var places = map[string][]string{
	"firefox":  {`C:\Program Files\Mozilla Firefox\firefox.exe`},
	"chromium": {`C:\Program Files\Chromium\Application\chrome.exe`},
	"chrome":   {`C:\Program Files\Google\Chrome\Application\chrome.exe`, `C:\Program Files (x86)\Google\Chrome\Application\chrome.exe`},
	"brave":    {`C:\Program Files\BraveSoftware\Brave-Browser\Application\brave.exe`},
	"edge":     {`C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe`, `C:\Program Files\Microsoft\Edge\Application\msedge.exe`},
}

func (k kind) command(args []string, look func(string) (string, error)) ([]string, error) {
	return k.inPath(args, slices.Concat(k.programs, places[k.name]), look)
}
