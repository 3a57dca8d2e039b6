"""The one error type and every error code: API, command line, console and docs read them here.

A code is stable: programs act on it. The message is for a person and may change. Anything raised that is no
`RingpostError` is a fault of ours: it is logged for the operator and shown to nobody.
"""

from __future__ import annotations

from typing import NamedTuple


class ErrorKind(NamedTuple):
    """What one code means: the HTTP status that goes with it, and what helps."""

    status: int
    meaning: str
    help: str


ERRORS: dict[str, ErrorKind] = {
    # the request as bytes
    "invalid_json": ErrorKind(400, "The body is not valid JSON.", "Send one JSON document in UTF-8."),
    "body_too_large": ErrorKind(413, "The body is larger than is taken.", "An event takes up to 262144 bytes; send a batch in parts."),
    "headers_too_large": ErrorKind(431, "The request's line and headers are larger than is taken.", "Send up to 32768 bytes of them."),
    "request_too_slow": ErrorKind(408, "The request did not arrive in time; nothing was accepted.", "Send it again, without a pause in it."),
    "duplicate_key": ErrorKind(422, "An object has one key twice.", "Keep one; receivers could read either."),
    "nesting_too_deep": ErrorKind(422, "Objects or lists are nested too deep.", "Nest up to 32 levels."),
    "lone_surrogate": ErrorKind(422, "A text has half of a surrogate pair.", "Send whole characters, in UTF-8 or as a pair of \\u escapes."),
    "forbidden_character": ErrorKind(422, "A text has a character that SQS cannot carry.", "Leave out U+FFFE and U+FFFF."),
    "number_not_representable": ErrorKind(422, "A number is one that JavaScript cannot hold exactly.", "Send integers beyond 9007199254740991 as strings."),
    # the request as values
    "missing_field": ErrorKind(422, "A field that is needed is not there.", "Add the field that is named."),
    "unknown_field": ErrorKind(422, "A field is not known.", "Remove it, or check its spelling."),
    "wrong_type": ErrorKind(422, "A value is of another type than the field takes.", "See the field in the API reference."),
    "invalid_value": ErrorKind(422, "A value is not one that the field takes.", "See the message for what would be right."),
    "unknown_event_type": ErrorKind(422, "The event type is not known.", "Use call:start, call:update or call:end."),
    "unknown_filter": ErrorKind(422, "The filter names no event type.", "Use call:start, call:update, call:end, call:* or *; for notices notice:* or a type of `GET /v1/event-types`."),
    "too_many_events": ErrorKind(422, "The batch has too many events.", "Send up to 1000 events a batch."),
    "target_invalid": ErrorKind(422, "The target is no URL that can be used.", "Use http:// or https:// with a host name."),
    "target_has_credentials": ErrorKind(422, "The target has a user or password in its URL.", "Put credentials into a custom header."),
    "target_refused": ErrorKind(422, "The target points to an address that is not public.", "Use a public address, or have the operator allow the network (allow_networks)."),
    "queue_url_invalid": ErrorKind(422, "The queue URL is not one of AWS SQS.", "Copy it from the SQS console: https://sqs.<region>.amazonaws.com/<account>/<queue>."),
    "header_invalid": ErrorKind(422, "A custom header is not one that HTTP allows.", "Use letters, digits and dashes in its name, printable characters in its value."),
    "header_reserved": ErrorKind(422, "A custom header has a name that is reserved.", "Use another name, such as x-my-token."),
    "secret_invalid": ErrorKind(422, "The secret cannot be used.", "Use 8 to 256 printable characters, or whsec_ and base64 of 24 to 64 bytes; or leave it out to have one made."),
    "type_fixed": ErrorKind(422, "An integration's transmission type cannot be changed.", "Install another integration of that type."),
    "idempotency_key_invalid": ErrorKind(422, "The Idempotency-Key is not usable.", "Use 1 to 255 printable ASCII characters."),
    "idempotency_key_reused": ErrorKind(422, "The Idempotency-Key came before with another body.", "Use a new key for a new request."),
    "idempotency_in_flight": ErrorKind(409, "A request with this Idempotency-Key is being worked on.", "Try again in a second."),
    "cursor_invalid": ErrorKind(422, "The cursor is not one of ours.", "Use the `next` of the page before, or leave it out."),
    # who asks
    "key_missing": ErrorKind(401, "No API key was given.", "Send `Authorization: Bearer <key>`; `ringpost keys create` makes one."),
    "key_invalid": ErrorKind(401, "The API key is not known or was revoked.", "Check it; `ringpost keys create` makes a new one."),
    "role_too_small": ErrorKind(403, "The key's role does not allow this.", "Use a key with the role that is named."),
    "company_foreign": ErrorKind(403, "The key belongs to another company.", "Use a key of that company, or leave the company out."),
    "company_missing": ErrorKind(422, "An operator's key belongs to no company, so the company must be named.", "Add `company`."),
    # signing in to the console
    "sign_in_refused": ErrorKind(401, "That does not sign you in.", "Check name and password, or the key. `ringpost users password` sets a new password; `ringpost users link` prints a link that signs you in."),
    "sign_in_too_often": ErrorKind(429, "There were too many wrong sign-ins from here or for this name.", "Wait some minutes and try again; `ringpost users link` prints a link that signs you in."),
    "link_invalid": ErrorKind(401, "That link was used already, or is too old.", "`ringpost users link` prints a new one."),
    "not_signed_in": ErrorKind(401, "You are not signed in.", "Sign in."),
    "form_not_ours": ErrorKind(403, "The form was not sent from a page of yours here, so nothing was done.", "Load the page again and send the form from there."),
    "password_too_weak": ErrorKind(422, "The password is too short or too long.", "Use 12 to 200 characters; a few words do well."),
    # what is there
    "not_found": ErrorKind(404, "There is nothing at this address.", "See /v1/openapi.json for what there is."),
    "method_not_allowed": ErrorKind(405, "This address does not take that method.", "See /v1/openapi.json."),
    "page_not_found": ErrorKind(404, "There is no such page.", "Begin at the first page; what you look for may have been deleted."),
    "integration_not_found": ErrorKind(404, "There is no such integration.", "`GET /v1/integrations` lists them."),
    "call_not_found": ErrorKind(404, "There is no such call.", "`GET /v1/calls` lists them."),
    "event_not_found": ErrorKind(404, "There is no such event.", "An event's id begins with evt_."),
    "delivery_not_found": ErrorKind(404, "There is no such delivery.", "`GET /v1/deliveries` lists them."),
    "pbx_not_found": ErrorKind(404, "There is no such PBX.", "`GET /v1/pbxs` and the console's page PBXs list those that are listened to."),
    "key_not_found": ErrorKind(404, "There is no such key.", "`ringpost keys list` lists them."),
    "user_not_found": ErrorKind(404, "There is no such user of the console.", "`ringpost users list` lists them."),
    "work_not_found": ErrorKind(404, "There is no such replay or other long work.", "`GET /v1/replays` lists the replays."),
    "integration_deleted": ErrorKind(409, "The integration was deleted.", "Install it anew."),
    "nothing_to_replay": ErrorKind(409, "Nothing that ended matches, so there is nothing to replay; nothing was made.", "Count with `dryRun`, or ask for another `state` or time."),
    "delivery_pending": ErrorKind(409, "The delivery is still going on.", "Wait for it to end, or delete the integration."),
    "call_already_started": ErrorKind(409, "The call has its call:start already.", "Send call:update, or a new call id."),
    "call_not_started": ErrorKind(409, "The call has no call:start yet.", "Send its call:start first."),
    "call_already_ended": ErrorKind(409, "The call has ended: nothing follows call:end.", "Use a new call id."),
    "call_of_source": ErrorKind(409, "The call comes from a PBX that Ringpost listens to itself; its events come from there alone.", "Use a new call id."),
    # what we could not do
    "ledger_full": ErrorKind(503, "The disk of the ledger is full; nothing was accepted.", "Free space; the service goes on by itself."),
    "ledger_unavailable": ErrorKind(503, "The ledger could not be written; nothing was accepted.", "Try again; if it lasts, see the service's log."),
    "ledger_newer": ErrorKind(500, "The ledger was written by a newer Ringpost.", "Install that version, or restore a backup made before it."),
    "ledger_invalid": ErrorKind(500, "The file is not a Ringpost ledger, or it is damaged.", "Check the setting `ledger`, or restore a backup."),
    "ledger_in_use": ErrorKind(500, "Another Ringpost process has this ledger open.", "Stop that one first, or give this one a ledger of its own."),
    "backup_exists": ErrorKind(409, "There is a file where the backup is to be.", "Choose another name, or overwrite it with --force."),
    "backup_failed": ErrorKind(500, "The backup could not be written; the ledger is as it was.", "Check the space and the rights of its folder."),
    "sealing_key_invalid": ErrorKind(500, "The sealing key file cannot be used.", "Restore the key file that belongs to this ledger; without it the stored secrets cannot be read."),
    "overloaded": ErrorKind(503, "More is coming in than can be taken right now; nothing was accepted.", "Try again after `Retry-After`."),
    "stopping": ErrorKind(503, "The service is stopping; nothing was accepted.", "Try again after `Retry-After`."),
    "not_ready": ErrorKind(503, "The service is starting or stopping.", "Try again after `Retry-After`."),
    "internal": ErrorKind(500, "Something went wrong on our side.", "See the service's log under the request id."),
    # setting up
    "settings_invalid": ErrorKind(500, "A setting has a value that it does not take.", "See `ringpost settings`."),
    "setting_unknown": ErrorKind(500, "A setting is not known.", "See `ringpost settings` for those there are."),
    "port_taken": ErrorKind(500, "The port is in use by another program.", "Choose another: --port or RINGPOST_PORT."),
    "service_unreachable": ErrorKind(503, "No Ringpost service answers there.", "Start it with `ringpost serve`, or give its address with --url."),
    # the PBX
    "pbx_unreachable": ErrorKind(503, "The PBX does not answer on its manager port.", "Check host, port, firewall and `enabled = yes` in manager.conf."),
    "pbx_login_refused": ErrorKind(503, "The PBX refused the login.", "Check user and secret, and `permit` in manager.conf."),
    "pbx_permission_missing": ErrorKind(503, "The manager user may not read what is needed.", "Give it read=system,call,agent and write=reporting."),
    "pbx_too_old": ErrorKind(503, "The PBX runs an Asterisk that is too old.", "Asterisk 14 or later is needed."),
    # the directory
    "person_not_found": ErrorKind(404, "There is nobody with this extension in the directory.", "`GET /v1/directory/people` lists who is."),
    "directory_full": ErrorKind(422, "The directory has as many people as it takes.", "A company's directory takes 100000; remove those that are not needed."),
    "directory_invalid": ErrorKind(422, "The directory's file cannot be read.", "Mend the line that is named and try again."),
}  # fmt: skip


class RingpostError(Exception):
    """A refusal or failure with a code of `ERRORS`.

    field: the path of what is wrong in the input, such as `data.caller.type`, where there is one.
    """

    def __init__(self, code: str, message: str | None = None, *, field: str | None = None) -> None:
        self.kind = ERRORS[code]
        self.code = code
        self.message = message or f"{self.kind.meaning} {self.kind.help}"
        self.field = field
        super().__init__(self.message)

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code."""
        return self.kind.status
