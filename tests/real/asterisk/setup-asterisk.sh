#!/bin/bash
# setup-asterisk.sh CACHE_DIR
#
# Puts a real Asterisk and SIPp (Debian's, from its signed archive, no build) in a folder, without touching the
# machine: no apt source added, nothing installed, no chroot, no root.
#   - apt-get runs with its own state and an EMPTY dpkg status file, so that it resolves and downloads the complete
#     closure (libc6 included) of the chosen suite;
#   - every .deb is unpacked with dpkg -x (no maintainer scripts);
#   - bin/asterisk and bin/sipp start the programs through the closure's own ld.so.
# Idempotent: a finished folder is left alone. Relocatable: all paths are worked out at run time. Two at once: the
# second waits. The last line that it prints says what is there, or what went wrong.
#
#   AST_SUITE   Debian suite (default: sid, the only one with Asterisk 22; Debian 12 itself has no Asterisk)
#   AST_MIRROR  Debian mirror (default: the one that this machine's apt uses)
#   AST_DEBS    folder of .deb files to use in place of a mirror
set -euo pipefail
umask 022

fail() { echo "$*" >&2; exit 1; }

[ $# -eq 1 ] || fail 'usage: setup-asterisk.sh CACHE_DIR'
for tool in apt-get dpkg flock; do
  command -v "$tool" >/dev/null || fail "$tool is not on this machine (a real Asterisk can be set up on Debian and its kin)"
done
mkdir -p "$1"; DEST=$(cd "$1" && pwd)
SUITE=${AST_SUITE:-sid}
STAMP=$DEST/.ready-$SUITE

sipp_version() { "$DEST/bin/sipp" -v 2>/dev/null | sed -n 's/^ *\(SIPp v[0-9.]*\).*/\1/p' || true; }   # it exits with 99
there() { [ -f "$STAMP" ] && "$DEST/bin/asterisk" -V >/dev/null 2>&1 && [ -n "$(sipp_version)" ]; }

exec 9>"$DEST/.lock"; flock 9
if there; then echo "$(cat "$STAMP") in $DEST"; exit 0; fi

DEBS=$DEST/debs; mkdir -p "$DEBS/partial"
if [ -n "${AST_DEBS:-}" ]; then
  cp -n "$AST_DEBS"/*.deb "$DEBS/"
else
  # Where this machine's apt would look, lists fetched or not: '<mirror>/dists/<suite>/main/binary-…'. Third parties may
  # end in /debian too; they have no such suite, and the next candidate is tried.
  MIRRORS=${AST_MIRROR:-$(apt-get update --print-uris 2>/dev/null |
    sed -n "s|^'\([^']*/debian[^']*\)/dists/[a-z]*/main/binary-.*|\1|p" | awk '!seen[$0]++')}
  [ -n "$MIRRORS" ] || fail 'no Debian mirror in the apt configuration of this machine: name one in AST_MIRROR'
  KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -f "$KEYRING" ] || fail "$KEYRING is missing (package debian-archive-keyring)"
  A=$DEST/apt; rm -rf "$A"; mkdir -p "$A/lists/partial" "$A/empty.d"
  : > "$A/status"
  APT=(apt-get -qq
    -o Dir::Etc::SourceList="$A/sources.list"   -o Dir::Etc::SourceParts="$A/empty.d"
    -o Dir::Etc::Preferences=/dev/null          -o Dir::Etc::PreferencesParts="$A/empty.d"
    -o Dir::State="$A"                          -o Dir::State::Lists="$A/lists"
    -o Dir::State::Status="$A/status"           -o Dir::State::Extended_States="$A/extended_states"
    -o Dir::Cache="$A"                          -o Dir::Cache::Archives="$DEBS"
    -o APT::Install-Recommends=false            -o APT::Sandbox::User=
    -o APT::Architectures=                      -o DPkg::Post-Invoke=
    -o APT::Update::Post-Invoke=                -o APT::Update::Post-Invoke-Success=
    -o APT::Keep-Downloaded-Packages=true       -o Acquire::Languages=none
    -o Acquire::Retries=3                       -o Debug::NoLocking=true
    # a mirror that lags or stands still will do: what it has is signed all the same, and only tests run it
    -o Acquire::Check-Valid-Until=false         -o Acquire::Check-Date=false)
  fetched=no
  for mirror in $MIRRORS $MIRRORS; do             # twice: it may be renewed between the list and the download
    echo "deb [signed-by=$KEYRING] $mirror $SUITE main" > "$A/sources.list"
    if "${APT[@]}" update && "${APT[@]}" -y --download-only install asterisk sip-tester; then fetched=yes; break; fi
  done
  [ "$fetched" = yes ] || fail "Asterisk and SIPp of Debian $SUITE could not be fetched from the mirror of this machine"
fi
ls "$DEBS"/asterisk_*.deb "$DEBS"/sip-tester_*.deb >/dev/null || fail "no asterisk or sip-tester among the packages in $DEBS"

NEW=$DEST/root.new; rm -rf "$NEW"; mkdir -p "$NEW"
trap 'rm -rf "$NEW"' EXIT
for deb in "$DEBS"/*.deb; do
  case ${deb##*/} in                              # not needed to run either
    perl-modules*|gnupg*|gpg*|dirmngr*|pinentry*|libperl*|adduser_*|passwd_*|debconf_*|libpam*|tzdata_*|libc-gconv*) continue;;
  esac
  dpkg -x "$deb" "$NEW"
done
# what asterisk-core-sounds-en's maintainer script does through alternatives
SOUNDS=$NEW/usr/share/asterisk/sounds
[ -e "$SOUNDS/en" ] || ln -s en_US_f_Allison "$SOUNDS/en"
rm -rf "$NEW"/usr/share/{doc,man,locale,perl} "$NEW"/usr/lib/*-linux-gnu*/perl*
rm -rf "$DEST/root"; mv "$NEW" "$DEST/root"

mkdir -p "$DEST/bin"
for program in usr/sbin/asterisk usr/bin/sipp; do
  cat > "$DEST/bin/${program##*/}" <<W
#!/bin/sh
# starts $program of this folder through the folder's own loader and libraries
H=\$(cd "\$(dirname "\$(readlink -f "\$0")")/.." && pwd)
for L in "\$H"/root/usr/lib/*-linux-gnu*/ld-linux-*.so.[12] "\$H"/root/lib/*-linux-gnu*/ld-linux-*.so.[12]; do
  # (a package's own /lib64/ld-linux link may be absolute and lead to the machine's loader: not used)
  [ -f "\$L" ] && case \$(readlink -f "\$L") in "\$H"/*) break;; esac
done
P=\$(ls -d "\$H"/root/usr/lib/*-linux-gnu* "\$H"/root/lib/*-linux-gnu* "\$H"/root/usr/lib "\$H"/root/lib 2>/dev/null | tr '\\n' ':')
exec "\$L" --library-path "\${P%:}" "\$H/root/$program" "\$@"
W
  chmod +x "$DEST/bin/${program##*/}"
done
ASTERISK=$("$DEST/bin/asterisk" -V) || fail 'the unpacked Asterisk does not start'
SIPP=$(sipp_version)
[ -n "$SIPP" ] || fail 'the unpacked SIPp does not start'
echo "${ASTERISK%%+*}, $SIPP" > "$STAMP"
rm -rf "$DEBS" "$DEST/apt"
echo "$(cat "$STAMP") in $DEST"
