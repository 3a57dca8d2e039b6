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
WHERE id IN (SELECT id FROM (SELECT id, time FROM remembered ORDER BY id LIMIT :limit) WHERE time <= :before)

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

-- name: users
SELECT name, company, role, password, created, updated FROM users ORDER BY name

-- name: add_user
INSERT INTO users (name, company, role, password, created, updated) VALUES (?, ?, ?, ?, ?, ?)

-- name: change_password
UPDATE users SET password = ?, updated = ? WHERE name = ?

-- name: remove_user
DELETE FROM users WHERE name = ?

-- name: pbxs
SELECT company, serial, short, registered FROM pbxs ORDER BY registered, company, serial

-- name: pbx
SELECT company, serial, short, registered FROM pbxs WHERE company = ? AND serial = ?

-- name: add_pbx
INSERT INTO pbxs (company, serial, short, registered)
VALUES (:company, :serial, NOT EXISTS (SELECT 1 FROM pbxs WHERE company = :company), :now)
ON CONFLICT DO NOTHING

-- name: people
SELECT company, extension, known, name, email, user_id, department, group_id, group_name, firm, updated FROM people
WHERE (company, extension, known) > (?, ?, ?) ORDER BY company, extension, known LIMIT ?

-- name: put_people
INSERT INTO people (company, extension, known, name, email, user_id, department, group_id, group_name, firm, updated)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
       value ->> 8, value ->> 9, value ->> 10
FROM json_each(?) AS wanted WHERE true
ON CONFLICT DO UPDATE SET
    name = excluded.name, email = excluded.email, user_id = excluded.user_id, department = excluded.department,
    group_id = excluded.group_id, group_name = excluded.group_name, firm = excluded.firm, updated = excluded.updated

-- name: remove_people
DELETE FROM people
WHERE (company, extension, known) IN (SELECT :company, value ->> 0, value ->> 1 FROM json_each(:people) AS wanted)

-- name: numbering_plans
SELECT company, region, trunks, emergency, queues FROM numbering_plans

-- name: put_numbering_plan
INSERT OR REPLACE INTO numbering_plans (company, region, trunks, emergency, queues) VALUES (?, ?, ?, ?, ?)

-- name: next_integration
-- The integration after one, among those that were ever owed something: in the same company, or in the next. (Of a
-- comparison of rows SQLite makes a search for the first that is not less, and would walk along all that this one had.)
SELECT company, integration FROM (
    SELECT * FROM (
        SELECT company, integration FROM deliveries
        WHERE company = :company AND integration > :integration ORDER BY integration LIMIT 1
    )
    UNION ALL
    SELECT * FROM (
        SELECT company, integration FROM deliveries WHERE company > :company ORDER BY company, integration LIMIT 1
    )
)
LIMIT 1

-- name: owed_count
SELECT count(*) FROM deliveries
WHERE company = :company AND integration = :integration AND state IN (0, 1)
  -- A deletion that was broken off leaves deliveries pending for a while.
  AND NOT EXISTS (SELECT 1 FROM integrations WHERE company = :company AND id = :integration AND state = 'deleted')

-- name: owed
SELECT call, seq, attempts, coalesce(due, 0), replay, earlier FROM (
    SELECT * FROM (
        SELECT call, seq, attempts, due, replay, earlier FROM deliveries
        WHERE company = :company AND integration = :integration AND state = 0 AND seq > :after
        ORDER BY seq LIMIT :limit
    )
    UNION ALL
    SELECT * FROM (
        SELECT call, seq, attempts, due, replay, earlier FROM deliveries
        WHERE company = :company AND integration = :integration AND state = 1 AND seq > :after
        ORDER BY seq LIMIT :limit
    )
)
WHERE NOT EXISTS (SELECT 1 FROM integrations WHERE company = :company AND id = :integration AND state = 'deleted')
ORDER BY seq LIMIT :limit

-- name: is_call
SELECT EXISTS (SELECT 1 FROM calls WHERE company = :company AND call = :call)

-- name: owed_in_lane
-- Along the call's chain of events, back from its newest.
WITH RECURSIVE chain (seq, previous) AS (
    SELECT e.seq, e.previous
    FROM calls AS c CROSS JOIN events AS e ON e.seq = c.last
    WHERE c.company = :company AND c.call = :call
    UNION ALL
    SELECT e.seq, e.previous FROM chain CROSS JOIN events AS e ON e.seq = chain.previous
)
SELECT d.call, d.seq, d.attempts, coalesce(d.due, 0), d.replay, d.earlier
FROM chain CROSS JOIN deliveries AS d ON d.seq = chain.seq AND d.integration = :integration
WHERE d.state IN (0, 1)
  AND NOT EXISTS (SELECT 1 FROM integrations WHERE company = :company AND id = :integration AND state = 'deleted')
ORDER BY d.seq LIMIT :limit

-- name: owed_in_lane_of_notices
-- Notices are in no chain; there are few, and they have an index.
SELECT d.call, d.seq, d.attempts, coalesce(d.due, 0), d.replay, d.earlier
FROM events AS e INDEXED BY notices_by_company
CROSS JOIN deliveries AS d ON d.seq = e.seq AND d.integration = :integration
WHERE e.company = :company AND e.type > 'notice:' AND e.call = :call AND d.state IN (0, 1)
  AND NOT EXISTS (SELECT 1 FROM integrations WHERE company = :company AND id = :integration AND state = 'deleted')
ORDER BY d.seq LIMIT :limit

-- name: failings
SELECT company, integration, since, counted, last, warned FROM failings ORDER BY company, integration

-- name: keep_failing
INSERT OR REPLACE INTO failings (company, integration, since, counted, last, warned) VALUES (?, ?, ?, ?, ?, ?)

-- name: drop_failing
DELETE FROM failings WHERE company = ? AND integration = ?

-- name: pending_count
SELECT count(*) FROM deliveries WHERE company = ? AND integration = ? AND state IN (0, 1)

-- name: event
SELECT company, seq, call, sequence, pbx, time, type, accepted, data FROM events WHERE company = ? AND seq = ?

-- name: numbers_after
-- The last of the next so many numbers.
SELECT max(seq) FROM (SELECT seq FROM events WHERE seq > :seq ORDER BY seq LIMIT :limit)

-- name: events_after
SELECT company, seq, call, sequence, pbx, time, type, accepted, data
FROM events WHERE seq > :seq AND seq <= :end AND company = :company ORDER BY seq LIMIT :limit

-- name: event_before
SELECT b.company, b.seq, b.call, b.sequence, b.pbx, b.time, b.type, b.accepted, b.data
FROM events AS e JOIN events AS b ON b.seq = e.previous
WHERE e.company = ? AND e.seq = ?

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

-- name: deliveries_of_notices
-- Of the notices in one lane, newest first. A company's notices are few; those of other lanes are passed over.
SELECT d.company, d.integration, d.seq, d.call, d.type, d.state, d.attempts, d.due, d.created, d.updated, d.status,
       d.error, d.replay
FROM events AS e INDEXED BY notices_by_company CROSS JOIN deliveries AS d ON d.seq = e.seq
WHERE e.company = :company AND e.type > 'notice:' AND e.call = :call
  AND e.seq BETWEEN :since AND :until
  AND (:integration IS NULL OR d.integration = :integration)
  AND (:type IS NULL OR d.type = :type)
ORDER BY e.seq DESC

-- name: notices
SELECT company, seq, call, sequence, pbx, time, type, accepted, data FROM events INDEXED BY notices_by_company
WHERE company = :company AND type > 'notice:' AND seq BETWEEN :since AND :until AND (:type IS NULL OR type = :type)
ORDER BY seq DESC LIMIT :limit

-- name: notices_of_all
SELECT company, seq, call, sequence, pbx, time, type, accepted, data FROM events INDEXED BY notices
WHERE type > 'notice:' AND seq BETWEEN :since AND :until AND (:type IS NULL OR type = :type)
ORDER BY seq DESC LIMIT :limit

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

-- name: count_open_calls
SELECT count(*) FROM (SELECT 1 FROM calls WHERE company = ? AND ended IS NULL LIMIT ?)

-- name: count_all_open_calls
SELECT count(*) FROM (SELECT 1 FROM calls INDEXED BY calls_open WHERE ended IS NULL LIMIT ?)

-- name: failing_count
SELECT count(*) FROM deliveries WHERE company = ? AND integration = ? AND state = 1

-- name: sealed
SELECT company, id, sealed FROM integrations WHERE state <> 'deleted' ORDER BY company, id

-- name: calls_from
-- Calls after a place, as one JSON text, for who then decides which of them to forget.
SELECT json_group_array(json_array(first, last, ended, events))
FROM (SELECT first, last, ended, events FROM calls WHERE first > :after AND first < :before ORDER BY first LIMIT :limit)

-- name: chains_of_calls
-- The newest events of calls, so many of each at most, with what there is of each: as one JSON text.
WITH RECURSIVE chain (first, seq, previous, number) AS (
    SELECT c.first, e.seq, e.previous, 1
    FROM json_each(:firsts) AS wanted CROSS JOIN calls AS c ON c.first = wanted.value
    CROSS JOIN events AS e ON e.seq = c.last
    UNION ALL
    SELECT chain.first, e.seq, e.previous, chain.number + 1
    FROM chain CROSS JOIN events AS e ON e.seq = chain.previous
    WHERE chain.number < :limit
)
SELECT json_group_array(
    json_array(chain.first, chain.seq, chain.previous,
        (SELECT count(*) FROM deliveries AS d WHERE d.seq = chain.seq),
        (SELECT count(*) FROM deliveries AS d WHERE d.seq = chain.seq AND d.state IN (0, 1)),
        (SELECT count(*) FROM attempts AS a WHERE a.seq = chain.seq))
)
FROM chain

-- name: old_notices
SELECT json_group_array(
    json_array(n.seq, n.seq, NULL,
        (SELECT count(*) FROM deliveries AS d WHERE d.seq = n.seq),
        (SELECT count(*) FROM deliveries AS d WHERE d.seq = n.seq AND d.state IN (0, 1)),
        (SELECT count(*) FROM attempts AS a WHERE a.seq = n.seq))
)
FROM (
    SELECT seq FROM events INDEXED BY notices
    WHERE type > 'notice:' AND seq > :after AND seq < :before ORDER BY seq LIMIT :limit
) AS n

-- name: old_attempts
-- Those of events that were accepted before; when each was made, and whether its delivery is pending.
SELECT a.seq, a.integration, a.number, a.time, coalesce(d.state IN (0, 1), 0)
FROM attempts AS a LEFT JOIN deliveries AS d ON d.seq = a.seq AND d.integration = a.integration
WHERE (a.seq, a.integration, a.number) > (:seq, :integration, :number) AND a.seq < :below
ORDER BY a.seq, a.integration, a.number LIMIT :limit

-- name: forget_works
DELETE FROM works
WHERE number IN (SELECT number FROM works WHERE number < :before AND state <> 'running' ORDER BY number LIMIT :limit)

-- name: is_pending
SELECT EXISTS (
    SELECT 1 FROM json_each(:seqs) AS wanted CROSS JOIN deliveries AS d ON d.seq = wanted.value
    WHERE d.state IN (0, 1)
)

-- name: delete_attempts_of_events
DELETE FROM attempts WHERE seq IN (SELECT wanted.value FROM json_each(:seqs) AS wanted)

-- name: delete_deliveries_of_events
DELETE FROM deliveries WHERE seq IN (SELECT wanted.value FROM json_each(:seqs) AS wanted)

-- name: delete_events
DELETE FROM events WHERE seq IN (SELECT wanted.value FROM json_each(:seqs) AS wanted)

-- name: delete_attempts
-- One delivery may have been replayed since they were found: what is pending keeps its attempts.
DELETE FROM attempts
WHERE (seq, integration, number) IN (
    SELECT wanted.value ->> 0, wanted.value ->> 1, wanted.value ->> 2 FROM json_each(:attempts) AS wanted
)
AND NOT EXISTS (
    SELECT 1 FROM deliveries AS d
    WHERE d.seq = attempts.seq AND d.integration = attempts.integration AND d.state IN (0, 1)
)

-- name: cut_call
UPDATE calls SET last = :then WHERE first = :first AND last = :last

-- name: delete_calls
DELETE FROM calls WHERE first IN (SELECT wanted.value FROM json_each(:firsts) AS wanted)

-- name: calls_of_company_from
SELECT json_group_array(json_array(first, last, ended, events, call))
FROM (
    SELECT first, last, ended, events, call FROM calls
    WHERE company = :company AND first > :after ORDER BY first LIMIT :limit
)

-- name: data_of_call
WITH RECURSIVE chain (seq, previous) AS (
    SELECT seq, previous FROM events WHERE seq = :last
    UNION ALL
    SELECT e.seq, e.previous FROM chain CROSS JOIN events AS e ON e.seq = chain.previous
)
SELECT e.data FROM chain CROSS JOIN events AS e ON e.seq = chain.seq

-- name: parts_of_call
WITH RECURSIVE chain (seq, previous) AS (
    SELECT seq, previous FROM events WHERE seq = :last
    UNION ALL
    SELECT e.seq, e.previous FROM chain CROSS JOIN events AS e ON e.seq = chain.previous
)
SELECT count(*),
    coalesce(sum((SELECT count(*) FROM deliveries AS d WHERE d.seq = chain.seq)), 0),
    coalesce(sum((SELECT count(*) FROM deliveries AS d WHERE d.seq = chain.seq AND d.state IN (0, 1))), 0),
    coalesce(sum((SELECT count(*) FROM attempts AS a WHERE a.seq = chain.seq)), 0)
FROM chain

-- name: pending_events_of_call
WITH RECURSIVE chain (seq, previous) AS (
    SELECT e.seq, e.previous
    FROM calls AS c CROSS JOIN events AS e ON e.seq = c.last
    WHERE c.company = :company AND c.call = :call AND c.ended IS NOT NULL
    UNION ALL
    SELECT e.seq, e.previous FROM chain CROSS JOIN events AS e ON e.seq = chain.previous
)
SELECT seq FROM chain
WHERE EXISTS (SELECT 1 FROM deliveries AS d WHERE d.seq = chain.seq AND d.state IN (0, 1))
ORDER BY seq

-- name: cancel_deliveries_of_events
UPDATE deliveries SET state = 4, due = NULL, updated = :now
WHERE seq IN (SELECT wanted.value FROM json_each(:seqs) AS wanted) AND state IN (0, 1)
RETURNING integration

-- name: data_of_event
SELECT data FROM events WHERE seq = ?

-- name: set_data
UPDATE events SET data = ? WHERE seq = ?

-- name: ended_call
SELECT first, last FROM calls WHERE company = ? AND call = ? AND ended IS NOT NULL

-- name: add_work
INSERT INTO works (number, kind, company, request, state, total, done, place, report, error, created, updated)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: work
SELECT number, kind, company, request, state, total, done, place, report, error, created, updated
FROM works WHERE number = :number AND kind = :kind AND (:company IS NULL OR company = :company)

-- name: works
-- There are few: only people ask for them. Those of other companies are passed over.
SELECT number, kind, company, request, state, total, done, place, report, error, created, updated
FROM works
WHERE number < :before AND (:company IS NULL OR company = :company) AND (:kind IS NULL OR kind = :kind)
ORDER BY number DESC LIMIT :limit

-- name: running_works
SELECT number, kind, company, request, state, total, done, place, report, error, created, updated
FROM works INDEXED BY works_running WHERE number > 0 AND state = 'running' ORDER BY number

-- name: advance_work
-- Whom an erasure is about is not kept beyond its end.
UPDATE works
SET state = w.column1, total = w.column2, done = w.column3, place = w.column4, report = w.column5, error = w.column6,
    updated = w.column7,
    request = iif(works.kind = 'erasure' AND w.column1 <> 'running', x'7b7d', w.column8)
FROM (VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)) AS w
WHERE works.number = w.column9

-- name: highest_seq
SELECT coalesce(max(seq), 0) FROM events

-- name: integration_state
SELECT state FROM integrations WHERE company = ? AND id = ?

-- name: replayable_deliveries
-- How many were looked at, the last of them, and those that are wanted.
SELECT count(*), max(seq), json_group_array(seq) FILTER (
    WHERE :type IS NULL
    OR EXISTS (SELECT 1 FROM deliveries AS d WHERE d.seq = looked.seq AND d.integration = :integration AND d.type = :type)
), '[]'
FROM (
    SELECT seq FROM (
        SELECT * FROM (
            SELECT seq FROM deliveries
            WHERE company = :company AND integration = :integration AND state = 2 AND :delivered
              AND seq > :after AND seq <= :until
            ORDER BY seq LIMIT :limit
        )
        UNION ALL
        SELECT * FROM (
            SELECT seq FROM deliveries
            WHERE company = :company AND integration = :integration AND state = 3 AND :exhausted
              AND seq > :after AND seq <= :until
            ORDER BY seq LIMIT :limit
        )
        UNION ALL
        SELECT * FROM (
            SELECT seq FROM deliveries
            WHERE company = :company AND integration = :integration AND state = 4 AND :cancelled
              AND seq > :after AND seq <= :until
            ORDER BY seq LIMIT :limit
        )
    )
    ORDER BY seq LIMIT :limit
) AS looked

-- name: replayable_events
-- How many were looked at, the last of them, those whose delivery ended, and those that were never owed. A notice about
-- the integration is in the lane `own`; a test call is for one integration alone.
SELECT count(*), max(seq), json_group_array(seq) FILTER (WHERE ended), json_group_array(seq) FILTER (WHERE missing)
FROM (
    SELECT e.seq AS seq,
           e.company = :company AND (:type IS NULL OR e.type = :type)
           AND (d.state = 2 AND :delivered OR d.state = 3 AND :exhausted OR d.state = 4 AND :cancelled) AS ended,
           e.company = :company AND d.seq IS NULL AND (:type IS NULL OR e.type = :type)
           AND e.type IN (SELECT value FROM json_each(:never_owed) AS wanted)
           AND e.call <> :own AND NOT (e.pbx = 'test' AND instr(e.call, :company || '_test.') = 1) AS missing
    FROM (
        SELECT seq, company, call, pbx, type FROM events WHERE seq > :after AND seq <= :until ORDER BY seq LIMIT :limit
    ) AS e
    LEFT JOIN deliveries AS d ON d.seq = e.seq AND d.integration = :integration
)

-- name: replayable_of_call
-- The same of a call's events, along its chain back to the place.
WITH RECURSIVE chain (seq, previous, company, call, pbx, type) AS (
    SELECT e.seq, e.previous, e.company, e.call, e.pbx, e.type
    FROM calls AS c CROSS JOIN events AS e ON e.seq = c.last
    WHERE c.company = :company AND c.call = :call
    UNION ALL
    SELECT e.seq, e.previous, e.company, e.call, e.pbx, e.type
    FROM chain CROSS JOIN events AS e ON e.seq = chain.previous
    WHERE e.seq > :after
)
SELECT count(*), max(seq), json_group_array(seq) FILTER (WHERE ended), json_group_array(seq) FILTER (WHERE missing)
FROM (
    SELECT e.seq AS seq,
           (:type IS NULL OR e.type = :type)
           AND (d.state = 2 AND :delivered OR d.state = 3 AND :exhausted OR d.state = 4 AND :cancelled) AS ended,
           d.seq IS NULL AND (:type IS NULL OR e.type = :type)
           AND e.type IN (SELECT value FROM json_each(:never_owed) AS wanted)
           AND NOT (e.pbx = 'test' AND instr(e.call, :company || '_test.') = 1) AS missing
    FROM (
        SELECT seq, call, pbx, type FROM chain WHERE seq > :after AND seq <= :until ORDER BY seq LIMIT :limit
    ) AS e
    LEFT JOIN deliveries AS d ON d.seq = e.seq AND d.integration = :integration
)

-- name: ended_among
-- As one JSON text, so in one step.
SELECT json_group_array(json_array(d.seq, d.call, d.attempts, d.replay))
FROM json_each(:seqs) AS wanted CROSS JOIN deliveries AS d ON d.seq = wanted.value AND d.integration = :integration
WHERE d.company = :company AND (d.state = 2 AND :delivered OR d.state = 3 AND :exhausted OR d.state = 4 AND :cancelled)

-- name: replay_ended
UPDATE deliveries
SET state = iif(error IS NULL, 0, 1), due = :now, updated = :now, replay = replay + 1, earlier = attempts
WHERE (seq, integration) IN (SELECT value, :integration FROM json_each(:seqs) AS wanted)
  AND +company = :company  -- the plus: not by the index of all that the integration has

-- name: never_owed_among
SELECT json_group_array(json_array(e.seq, e.call, 0, 0))
FROM json_each(:seqs) AS wanted CROSS JOIN events AS e ON e.seq = wanted.value
WHERE e.company = :company
  AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.seq = e.seq AND d.integration = :integration)

-- name: owe_never_owed
INSERT INTO deliveries
    (seq, integration, company, call, type, state, attempts, due, created, updated, status, error, replay, earlier)
SELECT e.seq, :integration, e.company, e.call, e.type, 0, 0, :now, :now, :now, NULL, NULL, 1, 0
FROM json_each(:seqs) AS wanted CROSS JOIN events AS e ON e.seq = wanted.value

-- name: call_numbers
SELECT json_group_array(first) FROM (
    SELECT first FROM calls INDEXED BY calls_by_start
    WHERE company = :company AND first BETWEEN :since AND :until ORDER BY first DESC LIMIT :limit
)

-- name: call_numbers_going_on
SELECT json_group_array(first) FROM (
    SELECT first FROM calls INDEXED BY calls_open
    WHERE company = :company AND ended IS NULL AND first BETWEEN :since AND :until ORDER BY first DESC LIMIT :limit
)

-- name: call_numbers_of_all
SELECT json_group_array(first) FROM (
    SELECT first FROM calls WHERE first BETWEEN :since AND :until ORDER BY first DESC LIMIT :limit
)

-- name: call_numbers_going_on_of_all
-- The partial index holds the open calls alone: it is read as a whole and sorted.
SELECT json_group_array(first) FROM (
    SELECT first FROM calls INDEXED BY calls_open
    WHERE ended IS NULL AND first BETWEEN :since AND :until ORDER BY first DESC LIMIT :limit
)

-- name: number_of_call
SELECT first FROM calls WHERE company = :company AND call = :call

-- name: numbers_of_calls
SELECT json_group_array(json_array(c.company, c.call, c.first))
FROM json_each(:calls) AS wanted
CROSS JOIN calls AS c INDEXED BY calls_by_id ON c.company = wanted.value ->> 0 AND c.call = wanted.value ->> 1

-- name: calls_saying
-- Those of these calls in whose first or newest event digits or letters are, wherever.
SELECT c.first, s.data, e.data
FROM json_each(:firsts) AS wanted CROSS JOIN calls AS c ON c.first = wanted.value
CROSS JOIN events AS s ON s.seq = c.first
CROSS JOIN events AS e ON e.seq = c.last
WHERE :digits IS NOT NULL AND (instr(e.data, :digits) OR instr(s.data, :digits))
   OR :letters IS NOT NULL AND (
       instr(lower(CAST(e.data AS TEXT)), :letters) OR instr(lower(CAST(s.data AS TEXT)), :letters)
   )

-- name: calls_going
-- Those of these calls whose newest event has the text, which is a key and its value as the wire writes them.
SELECT json_group_array(c.first)
FROM json_each(:firsts) AS wanted CROSS JOIN calls AS c ON c.first = wanted.value
CROSS JOIN events AS e ON e.seq = c.last
WHERE instr(e.data, :written)

-- name: marks_of_calls
-- How the deliveries of each call fared at each integration, as the rank of the worst (model.call_line.MARKS), and which
-- is the newest in a state; along so many of its newest events at most. As one JSON text, so in one step.
WITH RECURSIVE chain (first, seq, previous, number) AS (
    SELECT c.first, e.seq, e.previous, 1
    FROM json_each(:firsts) AS wanted CROSS JOIN calls AS c ON c.first = wanted.value
    CROSS JOIN events AS e ON e.seq = c.last
    UNION ALL
    SELECT chain.first, e.seq, e.previous, chain.number + 1
    FROM chain CROSS JOIN events AS e ON e.seq = chain.previous
    WHERE chain.number < :limit
)
SELECT json_group_array(json_array(first, integration, rank, newest)) FROM (
    SELECT chain.first AS first, d.integration AS integration,
           max(CASE d.state WHEN 2 THEN 0 WHEN 4 THEN 1 WHEN 0 THEN 2 WHEN 1 THEN 3 ELSE 4 END) AS rank,
           max(d.seq) FILTER (WHERE d.state = :state) AS newest
    FROM chain CROSS JOIN deliveries AS d ON d.seq = chain.seq
    GROUP BY chain.first, d.integration
)

-- name: calls_of_numbers
SELECT c.first, c.company, c.call, c.pbx, c.started, c.updated, c.ended, c.events, e.data
FROM json_each(:firsts) AS wanted CROSS JOIN calls AS c ON c.first = wanted.value
CROSS JOIN events AS e ON e.seq = c.last

-- name: deliveries_looked_through
-- Of one integration in one state: how many were looked at, the last of them, and those that are wanted.
SELECT count(*), min(seq), json_group_array(json_array(
    company, integration, seq, call, type, state, attempts, due, created, updated, status, error, replay
)) FILTER (
    WHERE (:type IS NULL OR type = :type)
      AND (:status IS NULL OR status = :status)
      AND (:error IS NULL OR error = :error)
      AND (:digits IS NULL OR (SELECT instr(data, :digits) FROM events WHERE seq = looked.seq))
      AND (:letters IS NULL
           OR (SELECT instr(lower(CAST(data AS TEXT)), :letters) FROM events WHERE seq = looked.seq))
)
FROM (
    SELECT * FROM deliveries
    WHERE company = :company AND integration = :integration AND state = :state AND seq BETWEEN :since AND :until
    ORDER BY seq DESC LIMIT :limit
) AS looked

-- name: deliveries_walked
-- The same of all integrations, in the order of the rows.
SELECT count(*), min(json_array(printf('%019d', seq), integration)), json_group_array(json_array(
    company, integration, seq, call, type, state, attempts, due, created, updated, status, error, replay
)) FILTER (
    WHERE (:company IS NULL OR company = :company)
      AND (:integration IS NULL OR integration = :integration)
      AND state IN (SELECT value FROM json_each(:states) AS wanted)
      AND (:type IS NULL OR type = :type)
      AND (:status IS NULL OR status = :status)
      AND (:error IS NULL OR error = :error)
      AND (:digits IS NULL OR (SELECT instr(data, :digits) FROM events WHERE seq = looked.seq))
      AND (:letters IS NULL
           OR (SELECT instr(lower(CAST(data AS TEXT)), :letters) FROM events WHERE seq = looked.seq))
)
FROM (
    SELECT * FROM deliveries
    WHERE (seq, integration) < (:seq, :name) AND seq >= :since ORDER BY seq DESC, integration DESC LIMIT :limit
) AS looked

-- name: count_in_states
-- Of one integration, by state, each up to a limit: the index alone is read.
SELECT json_group_array(json_array(wanted.value, (
    SELECT count(*) FROM (
        SELECT 1 FROM deliveries INDEXED BY deliveries_by_state
        WHERE company = :company AND integration = :integration AND state = wanted.value
          AND seq BETWEEN :since AND :until LIMIT :limit
    )
)))
FROM json_each('[0, 1, 2, 3, 4]') AS wanted

-- name: count_owed
SELECT
    (SELECT count(*) FROM (
        SELECT 1 FROM deliveries INDEXED BY deliveries_by_state
        WHERE company = :company AND integration = :integration AND state = 0 LIMIT :limit
    )),
    (SELECT count(*) FROM (
        SELECT 1 FROM deliveries INDEXED BY deliveries_by_state
        WHERE company = :company AND integration = :integration AND state = 1 LIMIT :limit
    ))

-- name: oldest_owed
SELECT min(seq) FROM (
    SELECT min(seq) AS seq FROM deliveries WHERE company = :company AND integration = :integration AND state = 0
    UNION ALL
    SELECT min(seq) FROM deliveries WHERE company = :company AND integration = :integration AND state = 1
)

-- name: add_points
INSERT INTO series
    (company, integration, time, span, calls, events, delivered, failed, exhausted, l0, l1, l2, l3, l4, l5, l6, l7, l8,
     l9, l10, l11)
VALUES [(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)]
ON CONFLICT DO UPDATE SET
    calls = calls + excluded.calls, events = events + excluded.events, delivered = delivered + excluded.delivered,
    failed = failed + excluded.failed, exhausted = exhausted + excluded.exhausted, l0 = l0 + excluded.l0,
    l1 = l1 + excluded.l1, l2 = l2 + excluded.l2, l3 = l3 + excluded.l3, l4 = l4 + excluded.l4, l5 = l5 + excluded.l5,
    l6 = l6 + excluded.l6, l7 = l7 + excluded.l7, l8 = l8 + excluded.l8, l9 = l9 + excluded.l9,
    l10 = l10 + excluded.l10, l11 = l11 + excluded.l11

-- name: points
SELECT json_group_array(json_array(
    at, calls, events, delivered, failed, exhausted, l0, l1, l2, l3, l4, l5, l6, l7, l8, l9, l10, l11
)) FROM (
    SELECT time / :step * :step AS at, sum(calls) AS calls, sum(events) AS events, sum(delivered) AS delivered,
           sum(failed) AS failed, sum(exhausted) AS exhausted, sum(l0) AS l0, sum(l1) AS l1, sum(l2) AS l2,
           sum(l3) AS l3, sum(l4) AS l4, sum(l5) AS l5, sum(l6) AS l6, sum(l7) AS l7, sum(l8) AS l8, sum(l9) AS l9,
           sum(l10) AS l10, sum(l11) AS l11
    FROM series
    WHERE company = :company AND integration = :integration AND time >= :since AND time < :until
    GROUP BY at ORDER BY at
)

-- name: next_series
SELECT company, integration FROM (
    SELECT * FROM (
        SELECT company, integration FROM series
        WHERE company = :company AND integration > :integration ORDER BY integration LIMIT 1
    )
    UNION ALL
    SELECT * FROM (
        SELECT company, integration FROM series WHERE company > :company ORDER BY company, integration LIMIT 1
    )
)
LIMIT 1

-- name: forget_points
DELETE FROM series WHERE company = :company AND integration = :integration AND time < :before

-- name: roll_up_points
-- Spans of less than an hour, before a full hour, added up to hours. The hours themselves are passed over.
INSERT INTO series
    (company, integration, time, span, calls, events, delivered, failed, exhausted, l0, l1, l2, l3, l4, l5, l6, l7, l8,
     l9, l10, l11)
SELECT company, integration, time / 3600000 * 3600000, 3600000, sum(calls), sum(events), sum(delivered), sum(failed),
       sum(exhausted), sum(l0), sum(l1), sum(l2), sum(l3), sum(l4), sum(l5), sum(l6), sum(l7), sum(l8), sum(l9),
       sum(l10), sum(l11)
FROM series
WHERE company = :company AND integration = :integration AND time < :before AND span < 3600000
GROUP BY time / 3600000
ON CONFLICT DO UPDATE SET
    calls = calls + excluded.calls, events = events + excluded.events, delivered = delivered + excluded.delivered,
    failed = failed + excluded.failed, exhausted = exhausted + excluded.exhausted, l0 = l0 + excluded.l0,
    l1 = l1 + excluded.l1, l2 = l2 + excluded.l2, l3 = l3 + excluded.l3, l4 = l4 + excluded.l4, l5 = l5 + excluded.l5,
    l6 = l6 + excluded.l6, l7 = l7 + excluded.l7, l8 = l8 + excluded.l8, l9 = l9 + excluded.l9,
    l10 = l10 + excluded.l10, l11 = l11 + excluded.l11

-- name: forget_rolled_up
DELETE FROM series
WHERE company = :company AND integration = :integration AND time < :before AND span < 3600000
