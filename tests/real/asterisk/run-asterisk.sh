#!/bin/bash
# run-asterisk.sh RUN_DIR
#
# Renders etc/*.in into RUN_DIR/etc and becomes the Asterisk of ASTERISK_CACHE there, in the foreground, on loopback
# alone. Several can run at once, each with its own RUN_DIR and ports. A RUN_DIR that is there already keeps its
# configuration, so that a second start is the same PBX again.
#
#   ASTERISK_CACHE=.cache/asterisk tests/real/asterisk/run-asterisk.sh /tmp/pbx     # Ctrl-C ends it
#   .cache/asterisk/bin/asterisk -C /tmp/pbx/etc/asterisk.conf -rx 'core show channels'
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
CACHE=$(cd "${ASTERISK_CACHE:?the folder that setup-asterisk.sh made}" && pwd)
: "${SIP_PORT:=15060}" "${AMI_PORT:=15038}" "${RTP_START:=20000}" "${RTP_END:=20200}"

mkdir -p "${1:?RUN_DIR}"/{etc,lib/keys,run,log,cache,agi-bin} "$1"/spool/{voicemail,outgoing,tmp,monitor,recording}
RUN=$(cd "$1" && pwd)
if [ ${#RUN} -gt 90 ]; then echo "RUN_DIR is too long for the path of a unix socket: $RUN" >&2; exit 2; fi
ROOT=$CACHE/root
for MODULES in "$ROOT"/usr/lib/*/asterisk/modules "$ROOT/usr/lib/asterisk/modules"; do [ -d "$MODULES" ] && break; done
if [ ! -f "$RUN/etc/asterisk.conf" ]; then
  cp "$HERE"/etc/*.conf "$RUN/etc/"
  for template in "$HERE"/etc/*.conf.in; do
    name=$(basename "${template%.in}")
    sed -e "s|@RUN@|$RUN|g;s|@ROOT@|$ROOT|g;s|@MODDIR@|$MODULES|g" \
        -e "s|@SIP_PORT@|$SIP_PORT|g;s|@AMI_PORT@|$AMI_PORT|g;s|@RTP_START@|$RTP_START|g;s|@RTP_END@|$RTP_END|g" \
        "$template" > "$RUN/etc/$name"
  done
fi
exec "$CACHE/bin/asterisk" -f -n -C "$RUN/etc/asterisk.conf"
