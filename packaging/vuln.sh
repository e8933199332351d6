#!/bin/sh
# Known vulnerabilities in what the program calls, its dependencies and Go's library:
# packaging/vuln.sh [PACKAGE...]. VULNDB is another database than Go's own (a mirror's
# address, or file://). It ends with 1 where something is known, and with 3 where nothing
# could be found out: a database that was not read is never green.
set -eu
cd "$(dirname "$0")/.."
VULNDB=${VULNDB:-https://vuln.go.dev}
export CGO_ENABLED=0
tool=$(${GO:-go} tool -modfile=tools/go.mod -n govulncheck)
[ $# -gt 0 ] || set -- ./...

found=0
for GOOS in ${SYSTEMS:-linux darwin windows freebsd}; do
	export GOOS
	status=0
	out=$("$tool" -show version -db "$VULNDB" "$@" 2>&1) || status=$?
	printf '%s:\n%s\n' "$GOOS" "$out"
	case $out in *"DB updated: 0001-01-01"*) status=no-date ;; esac # an empty folder passes for a database
	case $status in
	0) ;;
	3) found=1 ;;
	*)
		echo "Whether there are known vulnerabilities could not be found out: $VULNDB was not read, or the code was not." >&2
		echo "Run it on a machine that reaches $VULNDB, or name a mirror: make vuln VULNDB=https://mirror.example" >&2
		exit 3
		;;
	esac
done
exit $found
