"""The pages that pictures are taken of, and that must be sound in every look and width."""

from __future__ import annotations

from typing import Final, Literal

# a name: the address; those who build a screen add theirs
PAGES: Final = {
    "inbox": "/inbox",
    "overview": "/overview",
    "overview-week": "/overview?last=week&company=acme_gmbh",
    "calls": "/calls",
    "call": "/calls/acme_gmbh_k1?company=acme_gmbh",
    "call-again": "/calls/acme_gmbh_k1/replay?company=acme_gmbh",
    "deliveries": "/deliveries",
    "deliveries-of-one": "/deliveries?company=acme_gmbh",
    "deliveries-exact": "/deliveries?company=acme_gmbh&state=delivered&from=2026-11-01T00:00&status=200",
    "replays": "/replays",
    "integrations": "/integrations",
    "integrations-install": "/integrations/install",
    "pbxs": "/pbxs",
    "pbx": "/pbxs/PBX1?company=acme_gmbh",
    "pbx-not-there": "/pbxs/PBX2?company=acme_gmbh",
    "pbx-add": "/add-pbx",
    "people": "/people?company=acme_gmbh",
    "keys": "/keys",
    "notices": "/notices",
    "account": "/account",
    "refused": "/keys/none/revoke",
}
BEFORE_SIGNING_IN: Final = {"sign-in": "/sign-in"}
LOOKS: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
WIDTHS: Final = (1280, 390)  # pixels: a desk, a phone
