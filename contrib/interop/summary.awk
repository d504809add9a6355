# Turns the output of go test -v into one line per check, and counts the checks. A check is a test without
# subtests. A check that did not end has failed.

/^=== (RUN|NAME|CONT) / { current = $3; next }
/^=== / { next }
/^(PASS|FAIL|ok|exit status)/ { current = ""; next }
/^ *--- (PASS|FAIL|SKIP): / {
	result[$3] = substr($2, 1, 4)
	order[++n] = $3
	above = $3
	while (sub(/\/[^\/]*$/, "", above)) parent[above] = 1
	next
}
{ talk[current] = talk[current] "\n    " $0; last[current] = $0 }

END {
	for (name in talk) if (!(name in result)) {
		result[name] = "FAIL"
		order[++n] = name
	}
	for (i = 1; i <= n; i++) {
		name = order[i]
		if ((name in parent) && !(result[name] == "FAIL" && name in talk)) continue
		shown = name == "" ? "build" : substr(name, 5) # without "Test"
		gsub(/_/, " ", shown)
		count[result[name]]++
		if (result[name] == "PASS") print "ok " shown
		if (result[name] == "FAIL") print "not ok " shown talk[name]
		if (result[name] == "SKIP") { sub(/^ *[^ ]*:[0-9]+: /, "", last[name]); print "skipped " shown ": " last[name] }
	}
	printf "%d passed, %d failed, %d skipped\n", count["PASS"], count["FAIL"], count["SKIP"]
}
