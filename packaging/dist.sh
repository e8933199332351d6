#!/bin/sh
# Builds the release: packaging/dist.sh OUT GOOS/GOARCH...
# The sources, VERSION and SOURCE_DATE_EPOCH alone decide on the bytes: not the place, the
# user, the clock, nor whether git is there. It needs Go, GNU tar, gzip and zip.
# SBOM= leaves out the bills of materials. TRIMPATH= and CGO=1 are for tests: with
# the flags of a plain go build there is little left to compile. PACKAGES are deb and rpm.
set -eu
cd "$(dirname "$0")/.."
: "${VERSION:?is the version of the release, as 1.2.3}" "${SOURCE_DATE_EPOCH:?is the time of the release in seconds since 1970}"
export VERSION SOURCE_DATE_EPOCH CGO_ENABLED="${CGO:-0}" TZ=UTC LC_ALL=C
umask 022
out=$1
shift
GO=${GO:-go}
SBOM=${SBOM-yes}
PACKAGES=${PACKAGES-deb rpm}
export TRIMPATH="${TRIMPATH--trimpath}"
tool="$GO tool -modfile=packaging/go.mod"

rm -rf "$out"
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d "$out/.work-XXXXXX")
trap 'rm -rf "$work"' EXIT

build() { # build FILE: for GOOS and GOARCH
	$GO build $TRIMPATH -buildvcs=false -ldflags "-s -w -buildid= -X main.version=$VERSION" -o "$1" ./cmd/vic-preflight
}

# What is the same for all platforms, made by a program that runs here.
host=$work/host
mkdir "$host" "$host/completions"
packaging/licenses.sh "$host"
cmp -s "$host/licenses.md" docs/licenses.md || { echo "docs/licenses.md is not up to date: run make licenses" >&2; exit 1; }
build "$host/vic-preflight"
here=$($GO env GOOS)/$($GO env GOARCH)
${MAKE:-make} -s man MAN="$host/man" VERSION="$VERSION"
for shell in bash zsh fish powershell; do
	"$host/vic-preflight" completion $shell >"$host/completions/vic-preflight.$shell"
done

# With the flags of the program itself: they share what the cache holds of Go's library.
[ -z "$PACKAGES" ] || $GO build $TRIMPATH -modfile=packaging/go.mod -o "$work/nfpm" github.com/goreleaser/nfpm/v2/cmd/nfpm
config=$PWD/packaging/nfpm.yaml

for platform; do
	export GOOS="${platform%/*}" GOARCH="${platform#*/}"
	name=vic-preflight_${VERSION}_${GOOS}_$GOARCH
	dir=$work/$name
	program=vic-preflight
	[ "$GOOS" != windows ] || program=vic-preflight.exe
	echo "$name"
	mkdir "$dir"
	if [ "$platform" = "$here" ]; then
		cp "$host/vic-preflight" "$dir/$program"
	else
		build "$dir/$program"
	fi
	cp -R "$host/man" "$host/completions" "$host/THIRD-PARTY-NOTICES" LICENSE README.md "$dir"
	if [ -n "$SBOM" ]; then
		env -u GOOS -u GOARCH $tool cyclonedx-gomod bin -json -std -noserial -notimestamp -version "v$VERSION" \
			-output "$out/$name.cdx.json" "$dir/$program" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
	fi
	find "$dir" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	if [ "$GOOS" = windows ]; then
		(cd "$work" && find "$name" | sort | zip -q -X -9 "$out/$name.zip" -@)
	else
		tar -C "$work" --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mode=go=u,go-w -cf - "$name" | gzip -n9 >"$out/$name.tar.gz"
	fi
	if [ "$GOOS" = linux ]; then
		gzip -n9 "$dir"/man/*
		for format in $PACKAGES; do
			(cd "$dir" && "$work/nfpm" package -f "$config" -p $format -t "$out" >"$work/log" 2>&1) || { cat "$work/log" >&2; exit 1; }
		done
	fi
	rm -rf "$dir"
done
(cd "$out" && sha256sum -- *.* >"$work/sums" && mv "$work/sums" sha256sums)
