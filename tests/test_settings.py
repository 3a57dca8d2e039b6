"""Settings come from file, environment and command line, and what is wrong is named."""

from pathlib import Path

import pytest

from ringpost.api.test_call import TEST_PBX
from ringpost.errors import RingpostError
from ringpost.intake.validate import API_PBX
from ringpost.settings import PbxSettings, Settings, describe_settings, load_settings

PBX = '[[pbx]]\nhost = "pbx"\ncompany = "acme"\nserial = "1"\nuser = "ringpost"\n'


def write(path: Path, text: str) -> Path:
    file = path / "ringpost.toml"
    file.write_text(text)
    return file


def test_without_anything_the_defaults_hold() -> None:
    assert load_settings(None, {}) == Settings()


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(tmp_path: Path) -> None:
    file = write(tmp_path, 'port = 1001\nhost = "127.0.0.2"\ndata = "file"\n')
    settings = load_settings(file, {"RINGPOST_PORT": "1002", "RINGPOST_DATA": "environment"}, data="given", host=None)
    assert (settings.host, settings.port, settings.data) == ("127.0.0.2", 1002, "given")


def test_lists_and_flags_are_read_from_the_environment() -> None:
    settings = load_settings(
        None,
        {
            "RINGPOST_ALLOW_NETWORKS": "10.0.0.0/8, 127.0.0.1",
            "RINGPOST_RETRY_DELAYS_MS": "100,200",
            "RINGPOST_EXTRA_KEYS": "no",
        },
    )
    assert settings.allow_networks == ("10.0.0.0/8", "127.0.0.1")
    assert settings.retry_delays_ms == (100, 200)
    assert settings.extra_keys is False


@pytest.mark.parametrize(
    ("text", "environment", "code", "field"),
    [
        ("prot = 1\n", {}, "setting_unknown", "prot"),
        ("", {"RINGPOST_PROT": "1"}, "setting_unknown", "prot"),
        ("port = 70000\n", {}, "settings_invalid", "port"),
        ('port = "x"\n', {}, "settings_invalid", "port"),
        ("", {"RINGPOST_PORT": "x"}, "settings_invalid", "port"),
        ("", {"RINGPOST_EXTRA_KEYS": "perhaps"}, "settings_invalid", "extra_keys"),
        ("", {"RINGPOST_ALLOW_NETWORKS": "10.0.0.1/8"}, "settings_invalid", "allow_networks"),
        ('[[pbx]]\nhost = "pbx"\n', {}, "settings_invalid", "pbx[0]"),
        (PBX + "prot = 1\n", {}, "setting_unknown", "pbx[0].prot"),
        (PBX + "port = 0\n", {}, "settings_invalid", "pbx[0].port"),
        ("port = \n", {}, "settings_invalid", None),
        (PBX + PBX.replace('"1"', f'"{API_PBX}"'), {}, "settings_invalid", "pbx[1].serial"),
        (PBX.replace('"1"', f'"{TEST_PBX}"'), {}, "settings_invalid", "pbx[0].serial"),
        (PBX + PBX.replace('"pbx"', '"other"'), {}, "settings_invalid", "pbx[1].serial"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, text: str, environment: dict[str, str], code: str, field: str | None
) -> None:
    with pytest.raises(RingpostError) as refused:
        load_settings(write(tmp_path, text), environment)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_two_companies_may_give_their_pbxs_the_same_serial(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, PBX + PBX.replace('"acme"', '"zeta"') + PBX.replace('"1"', '"2"')), {})
    assert [(pbx.company, pbx.serial) for pbx in settings.pbx] == [("acme", "1"), ("zeta", "1"), ("acme", "2")]


def test_a_file_that_is_not_there_is_told_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(RingpostError, match=r"nowhere\.toml"):
        load_settings(tmp_path / "nowhere.toml", {})


def test_a_pbx_secret_does_not_show_when_settings_are_printed(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, PBX + 'secret = "hush-hush"\n'), {})
    assert settings.pbx[0].secret == "hush-hush"
    assert "hush-hush" not in repr(settings)


@pytest.mark.parametrize("struct", [Settings, PbxSettings])
def test_every_setting_has_a_meaning(struct: type[Settings] | type[PbxSettings]) -> None:
    described = describe_settings(struct)
    assert [setting.name for setting in described] == list(struct.__struct_fields__)
    assert all(setting.meaning.endswith(".") for setting in described)
