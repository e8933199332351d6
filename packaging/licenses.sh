#!/bin/sh
# Whose code the program holds, and under which licences: packaging/licenses.sh DIR writes
# DIR/licenses.md, which docs has, and DIR/THIRD-PARTY-NOTICES, which goes with a release,
# both for all systems at once. A licence that is not allowed is an error.
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
# They may go into a program under Apache-2.0, and ask for no more than their text.
allowed='Apache-2.0 BSD-2-Clause BSD-3-Clause ISC MIT'
GO=${GO:-go}
unset GOOS GOARCH
export LC_ALL=C CGO_ENABLED=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tool=$($GO tool -modfile=tools/go.mod -n go-licenses)
# go-licenses asks the modules' sites for addresses that are of no use here. A proxy that
# refuses keeps it from waiting for them, so the modules are fetched before.
$GO mod download
for GOOS in linux darwin windows freebsd; do
	export GOOS
	$GO list -deps -f '{{with .Module}}{{with .Version}}{{$.Module.Path}} {{.}}{{end}}{{end}}' ./cmd/vic-preflight >>"$work/modules"
	licenses() {
		HTTP_PROXY=http://127.0.0.1:9 HTTPS_PROXY=http://127.0.0.1:9 "$tool" "$@" ./cmd/vic-preflight \
			--ignore github.com/vic-preflight/vic-preflight 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
	}
	licenses report --template packaging/licenses.tmpl >>"$work/libraries"
	licenses save --save_path "$work/texts/$GOOS"
done
sort -u -o "$work/modules" "$work/modules"

# of replaces a library, the first word of each line of a file, by its module and the
# module's version.
of() {
	awk 'NR == FNR { version[$1] = $2; next }
		NF == 0 { next }
		{ for (m = $1; m != "" && !(m in version); ) if (!sub("/[^/]*$", "", m)) m = ""
		  if (m == "") { print "no module has " $1 > "/dev/stderr"; exit 1 }
		  $1 = m " " version[m]; print }' "$work/modules" "$1" >"$1.of"
	sort -u -o "$1" "$1.of"
}

of "$work/libraries"
awk -v allowed="$allowed" 'BEGIN { split(allowed, list, " "); for (i in list) ok[list[i]] = 1 }
	!($3 in ok) { print "packaging/licenses.sh: the licence of " $1 " " $2 " is " $3 ", which is not allowed" > "/dev/stderr"; bad = 1 }
	END { exit bad }' "$work/libraries"

{
	cat packaging/licenses.head.md
	awk '{ if ($1 == last) printf ", %s", $3; else printf "%s| `%s` | %s | %s", last ? " |\n" : "", $1, $2, $3; last = $1 }
		END { print " |" }' "$work/libraries"
} >"$out/licenses.md"

text() { # text FILE NAME VERSION
	printf '\n%s\n%s %s: %s\n\n' -------------------------------------------------------------------------------- "$2" "$3" "${1##*/}"
	cat "$1"
}
{
	echo "vic-preflight is under the Apache License 2.0 (LICENSE). It holds code of others, whose"
	echo "licences and notices follow."
	text "$($GO env GOROOT)/LICENSE" Go "$($GO env GOVERSION)"
	cd "$work/texts"
	# A text that a module has at several places is there once.
	find . -type f | while read -r file; do
		library=${file#./*/}
		echo "${library%/*} $(cksum <"$file" | tr ' ' -) $file"
	done >"$work/files"
	of "$work/files"
	sort -s -u -k 1,3 "$work/files" | while read -r module version _ file; do
		text "$file" "$module" "$version"
	done
} >"$out/THIRD-PARTY-NOTICES"
