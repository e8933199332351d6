#!/bin/sh
# Sees that the programs are there that the tests run, and installs those that a Debian
# machine lacks: as root, or by sudo where that asks for no password. Elsewhere it names
# them and fails: a test that is left out for want of a program would read as green.
set -eu
PATH=$PATH:/usr/sbin:/sbin

missing=
need() { # need PROGRAM PACKAGE
	command -v "$1" >/dev/null || missing="$missing $2"
}
need git git
need ip iproute2
need nft nftables
need sshd openssh-server
need ssh openssh-client
need nc netcat-openbsd
need ar binutils
need zsh zsh
need fish fish
# It has no program: bash reads it.
[ -e /usr/share/bash-completion/bash_completion ] || missing="$missing bash-completion"
need chromium chromium
need prove perl
need xmllint libxml2-utils
need prometheus prometheus
[ -e /usr/lib/python3/dist-packages/junitparser ] || missing="$missing python3-junitparser" # a library
need man man-db
need rpm rpm
need zip zip
need kubectl kubernetes-client
need ansible-playbook ansible-core
# Debian's "ansible" brings the collections to ansible-core.
[ -e /usr/lib/python3/dist-packages/ansible_collections/community/vmware ] || missing="$missing ansible"
[ -e /usr/lib/python3/dist-packages/pyVmomi ] || missing="$missing python3-pyvmomi"
[ -e /usr/lib/python3/dist-packages/requests ] || missing="$missing python3-requests" # of community.vmware
[ -n "$missing" ] || exit 0

fail() {
	echo "the tests need what is missing here: install$missing" >&2
	exit 1
}
command -v apt-get >/dev/null || fail
as_root=
if [ "$(id -u)" != 0 ]; then
	as_root="sudo -n"
	$as_root true 2>/dev/null || fail
fi
echo "installing$missing"
$as_root apt-get update -qq
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
