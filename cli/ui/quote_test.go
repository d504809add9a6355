package ui

import "testing"

// TestQuoting checks how words are quoted. The scripts in cli/testdata check the quoted words with real shells.
func TestQuoting(t *testing.T) {
	for _, tt := range []struct{ text, posix, fish, powershell string }{
		{"plain/+=", "plain/+=", "plain/+=", "'plain/+='"},
		{"", "", "", "''"},
		{"a b", "'a b'", "'a b'", "'a b'"},
		{`it's $x \ "`, `'it'\''s $x \ "'`, `'it\'s $x \\ "'`, `'it''s $x \ "'`},
	} {
		for _, q := range []struct {
			name  string
			quote func(string) (string, error)
			want  string
		}{{"posix", PosixQuote, tt.posix}, {"fish", FishQuote, tt.fish}, {"powershell", PowershellQuote, tt.powershell}} {
			if got, err := q.quote(tt.text); err != nil || got != q.want {
				t.Errorf("%s quotes %q as %q, %v, want %q", q.name, tt.text, got, err, q.want)
			}
		}
	}
	if _, err := CmdQuote("100%"); err == nil {
		t.Error("CmdQuote accepts a percent sign, expected an error")
	}
}
