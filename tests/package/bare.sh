# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Helpers of bare_root.sh and bare_wheel.sh: a bare Debian 12. Needs root, debootstrap and the network.

# open_root [ROOT]: sets root to a bare Debian 12. ROOT is kept, and made only if it is missing; without it, the root is
# removed in the end.
open_root() {
	if [ $# -gt 0 ]; then
		root=$(realpath -m "$1")
	else
		folder=$(mktemp -d)
		root=$folder/root
		trap 'rm -rf --one-file-system "$folder"' EXIT
	fi
	[ -x "$root/bin/sh" ] || debootstrap --variant=minbase bookworm "$root"
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	[ ! -d /etc/apt/apt.conf.d ] || cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d"
}

# run_in_root: runs the script on standard input there, and says that it passed.
run_in_root() {
	cat >"$root/test.sh"
	unset "${!CMAKE_@}" # they name programs that a bare system lacks
	unshare --mount bash -c \
		"mount -t proc proc '$root/proc' && mount --rbind /dev '$root/dev' && chroot '$root' bash /test.sh"
	echo "bare root: passed"
}
