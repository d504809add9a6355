# Prints which share of each package's statements the tests reach, and fails if a share is below its floor. Reads a
# coverage profile. A block that several test programs contain is listed several times, and counts once.
# Variables: module is the module's path; more lists the packages with the high floor; all other packages have the low
# floor; skip lists the packages without a floor.
# The programs in contrib have few tests. make demo runs one of them.

FNR == 1 { next } # "mode: atomic"
index($1, module "/") != 1 { next } # of another module, such as the copy of piv-go
{
	file = $1
	sub(/:.*/, "", file)
	statements[$1] = $2
	if ($3 > 0) reached[$1] = 1
	sub(/\/[^\/]*$/, "", file)
	sub("^" module "/?", "", file)
	package[$1] = file == "" ? "." : file
}

END {
	n = split(more, names, " ")
	for (i = 1; i <= n; i++) floor[names[i]] = high
	for (block in statements) {
		all[package[block]] += statements[block]
		if (block in reached) done[package[block]] += statements[block]
	}
	n = split(skip, names, " ")
	for (i = 1; i <= n; i++) delete all[names[i]]
	for (p in all) {
		if (p ~ /^contrib\//) continue
		share = 100 * done[p] / all[p]
		want = p in floor ? floor[p] : low
		short = share < want
		printf "%-18s %5.1f %%%s\n", p, share, short ? ", want " want " %" : "" | "sort"
		failed += short
	}
	close("sort")
	exit failed > 0
}
