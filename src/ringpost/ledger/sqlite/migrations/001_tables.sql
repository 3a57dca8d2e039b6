-- Whatever grows with the calls is kept in the order of seq, the ledger-wide number of an event. New rows are then
-- appended to the end of each tree, and a transaction writes few pages however many companies it serves. Each lookup
-- names the company beside the seq. An index that begins with the company costs about one page a row: there are few.

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- `last` is the highest seq ever given out, `probe` what the check of the service writes.
INSERT INTO meta (name, value) VALUES ('last', 0), ('probe', 0);

-- The events of a call are a chain: calls.last is the newest, each names the one before it.
CREATE TABLE events (
    seq      INTEGER NOT NULL PRIMARY KEY,
    company  TEXT NOT NULL,
    call     TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    previous INTEGER,
    pbx      TEXT NOT NULL,
    time     INTEGER NOT NULL,
    type     TEXT NOT NULL,
    accepted INTEGER NOT NULL,
    data     BLOB NOT NULL
) STRICT;
-- Notices are rare, and are found without looking at any other event.
CREATE INDEX notices ON events (seq, type) WHERE type > 'notice:';
CREATE INDEX notices_by_company ON events (company, seq, type, call) WHERE type > 'notice:';

CREATE TABLE calls (
    first   INTEGER NOT NULL PRIMARY KEY,  -- the seq of its call:start
    company TEXT NOT NULL,
    call    TEXT NOT NULL,
    pbx     TEXT NOT NULL,
    origin  TEXT NOT NULL,                 -- of its call:start: api or source
    started INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    ended   INTEGER,
    events  INTEGER NOT NULL,
    last    INTEGER NOT NULL               -- the seq of its newest event
) STRICT;
CREATE UNIQUE INDEX calls_by_id ON calls (company, call);
CREATE INDEX calls_by_start ON calls (company, first);
CREATE INDEX calls_open ON calls (company, first) WHERE ended IS NULL;

-- state: 0 pending, 1 pending and its last attempt failed, 2 delivered, 3 exhausted, 4 cancelled. One index serves
-- what is pending, every list, and finding which integrations there are.
CREATE TABLE deliveries (
    seq         INTEGER NOT NULL,
    integration TEXT NOT NULL,
    company     TEXT NOT NULL,
    call        TEXT NOT NULL,
    type        TEXT NOT NULL,
    state       INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    due         INTEGER,
    created     INTEGER NOT NULL,
    updated     INTEGER NOT NULL,
    status      INTEGER,
    error       TEXT,
    replay      INTEGER NOT NULL,
    earlier     INTEGER NOT NULL,  -- attempts made before the last replay
    PRIMARY KEY (seq, integration)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_by_state ON deliveries (company, integration, state, seq);

CREATE TABLE attempts (
    seq         INTEGER NOT NULL,
    integration TEXT NOT NULL,
    number      INTEGER NOT NULL,
    company     TEXT NOT NULL,
    time        INTEGER NOT NULL,
    duration    INTEGER NOT NULL,
    status      INTEGER,
    error       TEXT,
    detail      TEXT,
    reply       TEXT,
    replay      INTEGER NOT NULL,
    PRIMARY KEY (seq, integration, number)
) STRICT, WITHOUT ROWID;

-- Rows are appended, so the lowest ids are the oldest: no index on time is needed to forget them.
CREATE TABLE remembered (
    id          INTEGER NOT NULL PRIMARY KEY,
    company     TEXT NOT NULL,
    key         TEXT NOT NULL,
    time        INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    answer      BLOB NOT NULL,
    UNIQUE (company, key)
) STRICT;

CREATE TABLE integrations (
    company TEXT NOT NULL,
    id      TEXT NOT NULL UNIQUE,
    type    TEXT NOT NULL,
    name    TEXT,
    url     TEXT NOT NULL,
    filter  TEXT NOT NULL,                 -- a JSON list
    state   TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    sealed  BLOB NOT NULL,
    retry_delays_ms TEXT,                  -- a JSON list; null: those of the settings
    paused          INTEGER,
    pause_reason    TEXT,
    PRIMARY KEY (company, id)
) STRICT, WITHOUT ROWID;

-- Integrations that had no success since their first failure.
CREATE TABLE failings (
    company     TEXT NOT NULL,
    integration TEXT NOT NULL,
    since       INTEGER NOT NULL,
    counted     INTEGER NOT NULL,
    last        INTEGER NOT NULL,
    warned      INTEGER NOT NULL,
    PRIMARY KEY (company, integration)
) STRICT, WITHOUT ROWID;

CREATE TABLE reveals (
    id          INTEGER NOT NULL PRIMARY KEY,
    company     TEXT NOT NULL,
    integration TEXT NOT NULL,
    time        INTEGER NOT NULL,
    key         TEXT NOT NULL
) STRICT;
CREATE INDEX reveals_by_integration ON reveals (company, integration);

CREATE TABLE keys (
    id      TEXT NOT NULL PRIMARY KEY,
    company TEXT,
    role    TEXT NOT NULL,
    name    TEXT NOT NULL,
    created INTEGER NOT NULL,
    revoked INTEGER,
    hash    BLOB NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

-- Who signs in to the console; password: its Argon2id hash.
CREATE TABLE users (
    name     TEXT NOT NULL PRIMARY KEY,
    company  TEXT,
    role     TEXT NOT NULL,
    password TEXT NOT NULL,
    created  INTEGER NOT NULL,
    updated  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pbxs (
    company    TEXT NOT NULL,
    serial     TEXT NOT NULL,
    short      INTEGER NOT NULL,
    registered INTEGER NOT NULL,
    PRIMARY KEY (company, serial)
) STRICT, WITHOUT ROWID;

-- Curves (model.point): counts of a span that begins at a time. Written about once a minute, so that here an index
-- that begins with the company costs little. l0, l1 …: how many deliveries each class of latency has.
CREATE TABLE series (
    company     TEXT NOT NULL,             -- empty: the whole service
    integration TEXT NOT NULL,             -- empty: the whole company
    time        INTEGER NOT NULL,
    span        INTEGER NOT NULL,
    calls       INTEGER NOT NULL,
    events      INTEGER NOT NULL,
    delivered   INTEGER NOT NULL,
    failed      INTEGER NOT NULL,
    exhausted   INTEGER NOT NULL,
    l0 INTEGER NOT NULL, l1 INTEGER NOT NULL, l2 INTEGER NOT NULL, l3 INTEGER NOT NULL, l4 INTEGER NOT NULL,
    l5 INTEGER NOT NULL, l6 INTEGER NOT NULL, l7 INTEGER NOT NULL, l8 INTEGER NOT NULL, l9 INTEGER NOT NULL,
    l10 INTEGER NOT NULL, l11 INTEGER NOT NULL,
    PRIMARY KEY (company, integration, time, span)
) STRICT, WITHOUT ROWID;

-- Who is behind an extension, by what was entered and by what the PBX showed.
CREATE TABLE people (
    company    TEXT NOT NULL,
    extension  TEXT NOT NULL,
    known      TEXT NOT NULL,              -- entered or pbx
    name       TEXT,
    email      TEXT,
    user_id    TEXT,
    department TEXT,
    group_id   TEXT,
    group_name TEXT,
    firm       TEXT,                       -- the company as events show it
    updated    INTEGER NOT NULL,
    PRIMARY KEY (company, extension, known)
) STRICT, WITHOUT ROWID;

CREATE TABLE numbering_plans (
    company   TEXT NOT NULL PRIMARY KEY,
    region    TEXT,
    trunks    TEXT NOT NULL,               -- JSON lists
    emergency TEXT NOT NULL,
    queues    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Work that takes a while. The number is that of its id, so later ones come after.
CREATE TABLE works (
    number  INTEGER NOT NULL PRIMARY KEY,
    kind    TEXT NOT NULL,
    company TEXT NOT NULL,
    request BLOB NOT NULL,
    state   TEXT NOT NULL,
    total   INTEGER,
    done    INTEGER NOT NULL,
    place   BLOB NOT NULL,
    report  BLOB NOT NULL,
    error   TEXT,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT;
CREATE INDEX works_running ON works (number) WHERE state = 'running';
