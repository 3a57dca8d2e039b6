"""`ringpost integrations`: what is installed, through the running service."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import IO, Any, Final

import rich_click as click

from ringpost.model.delays import read_delays
from ringpost.model.notice import company_of_lane
from ringpost.model.outcome import FAILURES
from ringpost.transports.headers import read_header

from .changing import RETRY_HELP, edit, pause, resume
from .client import Client, connect, segment
from .options import service_options, settings_from
from .printing import confirm, harmless, hint, show_table

_WATCH_SECONDS: Final = 35  # an attempt takes 30 s at most
_LOOK_SECONDS: Final = 0.2


@click.group("integrations")
def command() -> None:
    """Install, list, show, change, pause, resume, test and delete integrations.

    Custom headers and secrets change over the API (PATCH /v1/integrations/{id} and /rotate beside it).
    """


command.add_command(edit)
command.add_command(pause)
command.add_command(resume)


@command.command()
@click.argument("kind", type=click.Choice(["webhook", "sqs"]), metavar="webhook|sqs")
@click.argument("target")
@click.option("--company", help="The company to install it for (needed with an operator's key).")
@click.option(
    "--filter",
    "wanted",
    multiple=True,
    help="An event type that is wanted, as call:end; `*`: all of calls, `notice:*`: notices. May repeat.  [default: *]",
)
@click.option("--name", help="A name to know it by.")
@click.option("--retry", help=RETRY_HELP)
@click.option("--aws-key", help="The AWS access key id (sqs).")
@click.option(
    "--secret-file",
    type=click.File("r"),
    help="A file with the signing secret, or the AWS secret key; `-` reads it from standard input. "
    "A webhook's secret is made where none is given.",
)
@click.option("--header-file", type=click.File("r"), help="A file with custom headers, one NAME: VALUE a line.")
@service_options
def install(
    kind: str, target: str, company: str | None, wanted: tuple[str, ...], name: str | None, retry: str | None,
    aws_key: str | None, secret_file: IO[str] | None, header_file: IO[str] | None, config: Path | None,
    data: str | None, url: str | None, key_file: IO[str] | None, as_json: bool,
) -> None:  # fmt: skip
    """Install an integration that delivers to TARGET: a webhook's URL, or the URL of an SQS queue."""
    body: dict[str, Any] = {"type": kind, "url": target}
    optional = {
        "company": company,
        "filter": list(wanted),
        "name": name,
        "key": aws_key,
        "secret": secret_file.read().strip() if secret_file else None,
        "headers": dict(read_header(line) for line in header_file if line.strip()) if header_file else None,
    }
    body |= {field: value for field, value in optional.items() if value}
    if retry is not None:
        body["retryDelaysMs"] = read_delays(retry)
    settings = settings_from(config, data=data)
    made = connect(settings, url, key_file).request("POST", "/v1/integrations", body)
    if as_json:
        click.echo(json.dumps(made, indent=2))
        return
    click.echo(f"Installed {made['id']}: {made['type']} {made['url']}")
    if kind == "webhook" and "secret" not in body:
        click.echo(f"Secret: {made['secret']}   (verify with it; shown again by `integrations show --reveal`)")
    click.echo(f"Try it: {hint(settings, 'integrations test ' + made['id'])}")


@command.command("list")
@click.option("--company", help="Only this company's.")
@service_options
def list_integrations(
    company: str | None, config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None, as_json: bool
) -> None:
    """List what is installed."""
    found = _client(config, data, url, key_file).request("GET", "/v1/integrations", company=company)
    rows = found["result"] if isinstance(found, dict) else found
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        click.echo("Nothing is installed yet. Begin: integrations install webhook https://…")
        return
    show_table(
        ("id", "company", "type", "state", "filter", "name", "target"),
        (
            (
                row["id"],
                row["companyId"],
                row["type"],
                f"paused ({row['pauseReason']})" if row["pauseReason"] else row["state"],
                " ".join(row["filter"]),
                row["name"] or "",
                row["url"],
            )
            for row in rows
        ),
    )


@command.command()
@click.argument("integration")
@click.option("--reveal", is_flag=True, help="Show its secrets too; that is recorded.")
@service_options
def show(
    integration: str, reveal: bool, config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Show one integration."""
    client = _client(config, data, url, key_file)
    found = client.request("GET", f"/v1/integrations/{segment(integration)}")
    if reveal:
        found |= client.request("POST", f"/v1/integrations/{segment(integration)}/reveal")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for field, value in found.items():
        click.echo(f"{field:16} {harmless(value) if isinstance(value, str) else json.dumps(value)}")
    for state in ("failing", "exhausted"):
        if trouble := client.request("GET", "/v1/deliveries", integration=integration, state=state, limit=1)["result"]:
            click.echo(f"{'latest ' + state:16} {trouble[0]['type']} of {trouble[0]['call']}: {_why(trouble[0])}")


@command.command()
@click.argument("integration")
@service_options
def test(
    integration: str, config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None, as_json: bool
) -> None:
    """Send a whole signed test call to one integration, and tell how it went.

    One that wants notices and no call gets a test notice.
    """
    settings = settings_from(config, data=data)
    client = connect(settings, url, key_file)
    found = client.request("GET", f"/v1/integrations/{segment(integration)}")
    if found["pauseReason"] is not None:
        resume = hint(settings, f"integrations resume {found['id']}")
        click.echo(f"It is paused ({found['pauseReason']}), so nothing was sent. To go on: {resume}", err=True)
        sys.exit(1)
    made = client.request("POST", f"/v1/integrations/{segment(integration)}/test")
    if as_json:
        click.echo(json.dumps(made, indent=2))
        return
    kind = "call" if company_of_lane(made["call"]) is None else "notice"
    click.echo(f"A test {kind} is on its way: {made['call']} ({len(made['deliveries'])} events).")
    for delivery in made["deliveries"]:
        if not _watch(client, delivery):
            sys.exit(1)


def _watch(client: Client, delivery: str) -> bool:
    """Tell how the first attempt of a delivery went; whether it was delivered."""
    give_up = time.monotonic() + _WATCH_SECONDS
    while not (found := client.request("GET", f"/v1/deliveries/{segment(delivery)}"))["attempts"]:
        if time.monotonic() > give_up:
            click.echo("It was not attempted yet: the integration was paused meanwhile, or others come first.")
            return False
        time.sleep(_LOOK_SECONDS)
    attempt = found["attempts"][-1]
    if found["state"] == "delivered":
        click.echo(f"{found['type']:12} delivered: {attempt['status']}, {attempt['duration']} ms")
        return True
    click.echo(f"{found['type']:12} {found['state']}: {_why(attempt)}")
    if found["state"] == "pending":
        click.echo("It is tried again, for days if it must be; the later events of the call wait for it.")
    return False


def _why(failed: dict[str, Any]) -> str:
    """Why an attempt failed, in words."""
    status = f" ({failed['status']})" if failed.get("status") else ""
    detail = f" {failed['detail']}" if failed.get("detail") else ""
    return harmless(FAILURES.get(failed["error"] or "", failed["error"] or "") + status + detail)


@command.command()
@click.argument("integration")
@click.option("--yes", is_flag=True, help="Do not ask.")
@service_options
def delete(
    integration: str,
    yes: bool,
    config: Path | None,
    data: str | None,
    url: str | None,
    key_file: IO[str] | None,
    as_json: bool,
) -> None:
    """Delete an integration: what it is owed is cancelled, its history stays."""
    client = _client(config, data, url, key_file)
    if not yes:
        found = client.request("GET", f"/v1/integrations/{segment(integration)}")
        confirm(f"Delete {integration} ({found['url']}) and cancel {found['pending']} deliveries?", err=as_json)
    result = client.request("DELETE", f"/v1/integrations/{segment(integration)}")
    cancelled = result["cancelled"]
    click.echo(json.dumps(result) if as_json else f"Deleted {integration}; {cancelled} deliveries were cancelled.")


def _client(config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None) -> Client:
    return connect(settings_from(config, data=data), url, key_file)
