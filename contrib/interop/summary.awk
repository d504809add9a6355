# Turns the output of go test -v into one line per check, and counts the checks. A check is a test without
# subtests, or a package that cannot be built. A test that did not end has failed. The exit status is 1 if a check
# failed. Output outside of tests, such as "go: downloading", is printed at the end and is not a check.

/^=== (RUN|NAME|CONT) / { current = $3; next }
/^=== / { next }
/^FAIL.*\[(build|setup) failed\]/ {
	result["Test" "build of " $2] = "FAIL"
	order[++n] = "Test" "build of " $2
}
/^(PASS|FAIL|ok|exit status)/ { current = ""; next }
/^ *--- (PASS|FAIL|SKIP): / {
	result[$3] = substr($2, 1, 4)
	order[++n] = $3
	above = $3
	while (sub(/\/[^\/]*$/, "", above)) parent[above] = 1
	next
}
current == "" { outside = outside "\n    " $0; next }
{ talk[current] = talk[current] "\n    " $0; last[current] = $0 }

END {
	for (name in talk) if (!(name in result)) {
		result[name] = "FAIL"
		order[++n] = name
	}
	for (i = 1; i <= n; i++) {
		name = order[i]
		if ((name in parent) && !(result[name] == "FAIL" && name in talk)) continue
		shown = substr(name, 5) # without "Test"
		gsub(/_/, " ", shown)
		count[result[name]]++
		if (result[name] == "PASS") print "ok " shown
		if (result[name] == "FAIL") print "not ok " shown talk[name]
		if (result[name] == "SKIP") { sub(/^ *[^ ]*:[0-9]+: /, "", last[name]); print "skipped " shown ": " last[name] }
	}
	if (outside != "") print "output outside of tests:" outside
	printf "%d passed, %d failed, %d skipped\n", count["PASS"], count["FAIL"], count["SKIP"]
	exit count["FAIL"] > 0
}
