#!/bin/bash
# setup-chromium.sh CACHE_DIR
#
# Puts Debian's Chromium in a folder, without touching the machine: nothing installed, no root. What this machine's own
# Debian suite has of it, with all that it needs but the C library, is downloaded by apt-get in a state of its own,
# unpacked with dpkg -x, and started by CACHE_DIR/bin/chromium with the unpacked libraries. A chromium that is installed
# is used as it is, unless CHROMIUM_FETCH is set. Idempotent; the last line that it prints says what is there, or what
# went wrong.
set -euo pipefail
umask 022

fail() { echo "$*" >&2; exit 1; }

[ $# -eq 1 ] || fail 'usage: setup-chromium.sh CACHE_DIR'
if [ -z "${CHROMIUM_FETCH:-}" ] && installed=$(command -v chromium); then
  echo "$("$installed" --version 2>/dev/null | cut -d' ' -f1,2), installed"
  exit 0
fi
for tool in apt-get dpkg flock; do
  command -v "$tool" >/dev/null || fail "$tool is not on this machine (Chromium can be set up on Debian and its kin; or install chromium)"
done
mkdir -p "$1"; DEST=$(cd "$1" && pwd)
exec 9>"$DEST/.lock"; flock 9
version() { "$DEST/bin/chromium" --version 2>/dev/null | cut -d' ' -f1,2; }
if [ -f "$DEST/.ready" ] && [ -n "$(version)" ]; then echo "$(version) in $DEST"; exit 0; fi

A=$DEST/apt; rm -rf "$A" "$DEST/root.new"; mkdir -p "$A/lists/partial" "$A/archives/partial"
: > "$A/status"   # empty: the complete closure, whatever this machine has
APT=(apt-get -qq -o Dir::State="$A" -o Dir::State::Lists="$A/lists" -o Dir::State::Status="$A/status"
  -o Dir::State::Extended_States="$A/extended_states" -o Dir::Cache="$A" -o Dir::Cache::Archives="$A/archives"
  -o APT::Install-Recommends=false -o APT::Sandbox::User= -o APT::Update::Post-Invoke= -o DPkg::Post-Invoke=
  -o APT::Update::Post-Invoke-Success= -o Acquire::Languages=none -o Acquire::Retries=3 -o Debug::NoLocking=true)
"${APT[@]}" update && "${APT[@]}" -y --download-only install chromium fonts-dejavu-core ||
  fail "Chromium could not be fetched from the mirror of this machine's apt"
for deb in "$A"/archives/*.deb; do
  case ${deb##*/} in libc6_*|libc-bin_*|perl*|libperl*|dpkg_*|debconf*|adwaita*|*systemd*) continue;; esac
  dpkg -x "$deb" "$DEST/root.new"
done
rm -rf "$DEST/root"; mv "$DEST/root.new" "$DEST/root"; rm -rf "$A"

mkdir -p "$DEST/bin"
cat > "$DEST/bin/chromium" <<'W'
#!/bin/sh
# starts the chromium of this folder with the folder's libraries before the machine's
H=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
P=$(ls -d "$H"/root/usr/lib/*-linux-gnu* "$H"/root/lib/*-linux-gnu* "$H"/root/usr/lib/*-linux-gnu*/* 2>/dev/null | tr '\n' ':')
export LD_LIBRARY_PATH="${P%:}" FONTCONFIG_PATH="${FONTCONFIG_PATH:-$([ -d /etc/fonts ] && echo /etc/fonts || echo "$H/root/etc/fonts")}"
exec "$H/root/usr/lib/chromium/chromium" "$@"
W
chmod +x "$DEST/bin/chromium"
[ -n "$(version)" ] || fail 'the unpacked Chromium does not start'
touch "$DEST/.ready"
echo "$(version) in $DEST"
