-- Every statement of the SQLite ledger, by name. `[(?, ?)]` is a row that is repeated for as many as are written at
-- once (`sql.Many`).

-- name: last_seq
SELECT max((SELECT value FROM meta WHERE name = 'last'), coalesce((SELECT max(seq) FROM events), 0))

-- name: keep_last_seq
UPDATE meta SET value = ? WHERE name = 'last'

-- name: probe
UPDATE meta SET value = value + 1 WHERE name = 'probe' RETURNING value

-- name: read_probe
SELECT value FROM meta WHERE name = 'probe'

-- name: find_calls
-- All found ones as one JSON text, so in one step: each step of a statement hands the interpreter over to others.
SELECT json_group_array(
    json_array(c.company, c.call, c.pbx, c.origin, c.first, c.started, c.updated, c.ended, c.events, c.last)
)
FROM (VALUES [(?, ?)]) AS wanted
CROSS JOIN calls AS c ON c.company = wanted.column1 AND c.call = wanted.column2

-- name: put_calls
INSERT INTO calls (company, call, pbx, origin, first, started, updated, ended, events, last)
VALUES [(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)]
ON CONFLICT (first) DO UPDATE
SET updated = excluded.updated, ended = excluded.ended, events = excluded.events, last = excluded.last

-- name: add_events
INSERT INTO events (seq, company, call, sequence, previous, pbx, time, type, accepted, data)
VALUES [(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)]

-- name: add_deliveries
INSERT INTO deliveries
    (seq, integration, company, call, type, state, attempts, due, created, updated, status, error, replay, earlier)
VALUES [(?, ?, ?, ?, ?, ?, 0, ?, ?, ?, NULL, NULL, 0, 0)]

-- name: add_attempts
-- Those of a delivery that there is. One that was recorded before (its answer was lost) is replaced by itself.
INSERT OR REPLACE INTO attempts
    (company, seq, integration, number, time, duration, status, error, detail, reply, replay)
SELECT a.*
FROM (VALUES [(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)]) AS a
CROSS JOIN deliveries AS d ON d.seq = a.column2 AND d.integration = a.column3 AND d.company = a.column1

-- name: settle_deliveries
UPDATE deliveries
SET state = iif(deliveries.state <= 1, r.column4, deliveries.state),
    due = iif(deliveries.state <= 1, r.column5, deliveries.due),
    attempts = max(deliveries.attempts, r.column6),
    updated = max(deliveries.updated, r.column7),
    status = r.column8,
    error = r.column9
FROM (VALUES [(?, ?, ?, ?, ?, ?, ?, ?, ?)]) AS r
WHERE deliveries.company = r.column1 AND deliveries.seq = r.column2 AND deliveries.integration = r.column3

-- name: replayable
SELECT d.call, d.state, d.attempts, d.replay, coalesce(i.state, 'active')
FROM deliveries AS d
LEFT JOIN integrations AS i ON i.company = d.company AND i.id = d.integration
WHERE d.company = ? AND d.seq = ? AND d.integration = ?

-- name: replay
UPDATE deliveries
SET state = iif(error IS NULL, 0, 1), due = :now, updated = :now, replay = replay + 1, earlier = attempts
WHERE company = :company AND seq = :seq AND integration = :integration

-- name: remembered
SELECT fingerprint, answer FROM remembered WHERE company = ? AND key = ? AND time > ?

-- name: remember
INSERT OR REPLACE INTO remembered (company, key, time, fingerprint, answer) VALUES (?, ?, ?, ?, ?)

-- name: forget_old
DELETE FROM remembered
WHERE id IN (SELECT id FROM (SELECT id, time FROM remembered ORDER BY id LIMIT 50) WHERE time <= ?)

-- name: integrations
SELECT company, id, type, name, url, filter, state, created, updated, sealed, retry_delays_ms, paused, pause_reason
FROM integrations WHERE state <> 'deleted' ORDER BY created, company, id

-- name: deleted_integrations
SELECT company, id FROM integrations WHERE state = 'deleted'

-- name: add_integration
INSERT INTO integrations (
    company, id, type, name, url, filter, state, created, updated, sealed, retry_delays_ms, paused, pause_reason
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: change_integration
UPDATE integrations
SET type = ?, name = ?, url = ?, filter = ?, state = ?, created = ?, updated = ?, sealed = ?, retry_delays_ms = ?,
    paused = ?, pause_reason = ?
WHERE company = ? AND id = ? AND state <> 'deleted'

-- name: delete_integration
UPDATE integrations SET state = 'deleted', sealed = x'', updated = ? WHERE company = ? AND id = ? AND state <> 'deleted'

-- name: cancel_deliveries
UPDATE deliveries SET state = 4, due = NULL, updated = :now
WHERE (seq, integration) IN (
    SELECT seq, integration FROM deliveries
    WHERE company = :company AND integration = :integration AND state IN (0, 1) LIMIT :limit
)

-- name: add_reveal
INSERT INTO reveals (company, integration, time, key) VALUES (?, ?, ?, ?)

-- name: reveals
SELECT time, key FROM reveals WHERE company = ? AND integration = ? ORDER BY id DESC

-- name: keys
SELECT id, company, role, name, created, revoked, hash FROM keys ORDER BY created, id

-- name: add_key
INSERT INTO keys (id, company, role, name, created, revoked, hash) VALUES (?, ?, ?, ?, ?, ?, ?)

-- name: revoke_key
UPDATE keys SET revoked = coalesce(revoked, ?) WHERE id = ?

-- name: pbxs
SELECT company, serial, short, registered FROM pbxs ORDER BY registered, company, serial

-- name: pbx
SELECT company, serial, short, registered FROM pbxs WHERE company = ? AND serial = ?

-- name: add_pbx
INSERT INTO pbxs (company, serial, short, registered)
VALUES (:company, :serial, NOT EXISTS (SELECT 1 FROM pbxs WHERE company = :company), :now)
ON CONFLICT DO NOTHING

-- name: next_integration
-- The integration after one, among those that were ever owed something.
SELECT company, integration FROM deliveries
WHERE (company, integration) > (?, ?) ORDER BY company, integration LIMIT 1

-- name: owed
SELECT * FROM (
    SELECT * FROM (
        SELECT company, integration, call, seq, attempts, coalesce(due, 0), replay, earlier FROM deliveries
        WHERE company = :company AND integration = :integration AND state = 0 AND seq > :after
        ORDER BY seq LIMIT :limit
    )
    UNION ALL
    SELECT * FROM (
        SELECT company, integration, call, seq, attempts, coalesce(due, 0), replay, earlier FROM deliveries
        WHERE company = :company AND integration = :integration AND state = 1 AND seq > :after
        ORDER BY seq LIMIT :limit
    )
)
-- A deletion that was broken off leaves deliveries pending for a while.
WHERE NOT EXISTS (SELECT 1 FROM integrations WHERE company = :company AND id = :integration AND state = 'deleted')
ORDER BY seq LIMIT :limit

-- name: pending_count
SELECT count(*) FROM deliveries WHERE company = ? AND integration = ? AND state IN (0, 1)

-- name: event
SELECT company, seq, call, sequence, pbx, time, type, accepted, data FROM events WHERE company = ? AND seq = ?

-- name: bodies
SELECT e.company, e.seq, e.call, e.sequence, e.pbx, e.time, e.type, e.accepted, e.data
FROM json_each(:seqs) AS wanted CROSS JOIN events AS e ON e.seq = wanted.value
WHERE e.company = :company

-- name: seqs_of_call
-- The numbers of a call's events after one, back from its newest. An event's data, the last column, is not read.
WITH RECURSIVE chain (seq, previous, sequence) AS (
    SELECT e.seq, e.previous, e.sequence
    FROM calls AS c CROSS JOIN events AS e ON e.seq = c.last
    WHERE c.company = :company AND c.call = :call
    UNION ALL
    SELECT e.seq, e.previous, e.sequence
    FROM chain CROSS JOIN events AS e ON e.seq = chain.previous
    WHERE chain.sequence > :after + 1
)
SELECT seq FROM chain WHERE sequence BETWEEN :after + 1 AND :after + :limit

-- name: deliveries_of_call
-- Newest event first, from a place on where that is an event of the call; read only as far as rows are taken.
WITH RECURSIVE chain (seq, previous) AS (
    SELECT seq, previous FROM events
    WHERE seq = coalesce(
        (SELECT seq FROM events WHERE seq = :place AND company = :company AND call = :call),
        (SELECT last FROM calls WHERE company = :company AND call = :call)
    )
    UNION ALL
    SELECT e.seq, e.previous
    FROM chain CROSS JOIN events AS e ON e.seq = chain.previous
    WHERE chain.seq > :since
)
SELECT d.company, d.integration, d.seq, d.call, d.type, d.state, d.attempts, d.due, d.created, d.updated, d.status,
       d.error, d.replay
FROM chain CROSS JOIN deliveries AS d ON d.seq = chain.seq
WHERE d.seq BETWEEN :since AND :until
  AND (:integration IS NULL OR d.integration = :integration)
  AND (:type IS NULL OR d.type = :type)

-- name: deliveries_of_events
SELECT d.company, d.integration, d.seq, d.call, d.type, d.state, d.attempts, d.due, d.created, d.updated, d.status,
       d.error, d.replay
FROM json_each(:seqs) AS wanted CROSS JOIN deliveries AS d ON d.seq = wanted.value
WHERE d.company = :company
ORDER BY d.seq, d.integration

-- name: attempts_of_events
SELECT a.company, a.seq, a.integration, a.number, a.time, a.duration, a.status, a.error, a.detail, a.reply, a.replay
FROM json_each(:seqs) AS wanted CROSS JOIN attempts AS a ON a.seq = wanted.value
WHERE a.company = :company
ORDER BY a.seq, a.integration, a.number

-- name: delivery
SELECT company, integration, seq, call, type, state, attempts, due, created, updated, status, error, replay
FROM deliveries WHERE company = ? AND seq = ? AND integration = ?

-- name: attempts
SELECT company, seq, integration, number, time, duration, status, error, detail, reply, replay
FROM attempts WHERE company = ? AND seq = ? AND integration = ? ORDER BY number

-- name: deliveries_in_state
-- Of one integration in one state, newest first, up to a place: one of the streams that a list is merged from.
SELECT company, integration, seq, call, type, state, attempts, due, created, updated, status, error, replay
FROM deliveries
WHERE company = :company AND integration = :integration AND state = :state
  AND seq BETWEEN :since AND :until
  AND (:type IS NULL OR type = :type)
ORDER BY seq DESC

-- name: deliveries_of_all
SELECT company, integration, seq, call, type, state, attempts, due, created, updated, status, error, replay
FROM deliveries
WHERE seq BETWEEN :since AND :until AND (:type IS NULL OR type = :type)
ORDER BY seq DESC, integration DESC

-- name: companies_of_call
-- Which companies have a call of this id: one look into the index for each company that there is.
WITH RECURSIVE company_names (name) AS (
    SELECT min(company) FROM calls
    UNION ALL
    SELECT (SELECT min(company) FROM calls WHERE company > name) FROM company_names WHERE name IS NOT NULL
)
SELECT name FROM company_names
WHERE name IS NOT NULL AND EXISTS (SELECT 1 FROM calls WHERE company = name AND call = ?)

-- name: call
SELECT c.first, c.company, c.call, c.pbx, c.started, c.updated, c.ended, c.events, e.data
FROM calls AS c JOIN events AS e ON e.seq = c.last
WHERE c.company = ? AND c.call = ?

-- name: calls
SELECT c.first, c.company, c.call, c.pbx, c.started, c.updated, c.ended, c.events, e.data
FROM (SELECT * FROM calls WHERE company = :company AND first < :before ORDER BY first DESC LIMIT :limit) AS c
JOIN events AS e ON e.seq = c.last
ORDER BY c.first DESC

-- name: calls_going_on
SELECT c.first, c.company, c.call, c.pbx, c.started, c.updated, c.ended, c.events, e.data
FROM (
    SELECT * FROM calls WHERE company = :company AND first < :before AND ended IS NULL ORDER BY first DESC LIMIT :limit
) AS c
JOIN events AS e ON e.seq = c.last
ORDER BY c.first DESC

-- name: calls_of_all
SELECT c.first, c.company, c.call, c.pbx, c.started, c.updated, c.ended, c.events, e.data
FROM (SELECT * FROM calls WHERE first < :before ORDER BY first DESC LIMIT :limit) AS c
JOIN events AS e ON e.seq = c.last
ORDER BY c.first DESC

-- name: calls_going_on_of_all
-- The partial index holds the open calls alone: it is read as a whole and sorted.
SELECT c.first, c.company, c.call, c.pbx, c.started, c.updated, c.ended, c.events, e.data
FROM (
    SELECT * FROM calls INDEXED BY calls_open WHERE first < :before AND ended IS NULL ORDER BY first DESC LIMIT :limit
) AS c
JOIN events AS e ON e.seq = c.last
ORDER BY c.first DESC

-- name: open_calls
SELECT c.first, c.company, c.call, c.pbx, c.started, c.updated, c.ended, c.events, e.data
FROM calls AS c JOIN events AS e ON e.seq = c.last
WHERE c.company = ? AND c.pbx = ? AND c.origin = 'source' AND c.ended IS NULL
ORDER BY c.first
