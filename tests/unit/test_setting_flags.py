"""Every setting is a flag of `sessiond serve`, and reaches it."""

from __future__ import annotations

import click
import msgspec
import pytest
from click.testing import CliRunner

from sessiond.gateway.cli_serve import serve
from sessiond.gateway.setting_flags import flags_for_the_rest
from sessiond.gateway.settings import Settings

FLAGS = {parameter.name: parameter for parameter in serve.params}


@pytest.mark.parametrize("name", [field.name for field in msgspec.structs.fields(Settings)])
def test_every_setting_has_a_flag_which_says_what_it_does(name: str) -> None:
    option = FLAGS[name]
    assert isinstance(option, click.Option)
    assert option.help
    assert len(option.help) > 10


def test_what_is_given_is_typed_and_what_is_not_is_left_out() -> None:
    @click.command()
    @flags_for_the_rest
    def tell(**flags: object) -> None:
        given = {name: value for name, value in flags.items() if value not in (None, ())}
        click.echo(msgspec.json.encode(msgspec.structs.asdict(Settings.read({}, **given))))

    arguments = ["--max-header", "2048", "--idle-s", "1.5", "--no-access-log", "--log-level", "error"]
    arguments += ["--allowed-hosts", "a.org", "--allowed-hosts", "b.org", "--jwt-algorithm", "EdDSA"]
    found = msgspec.json.decode(CliRunner().invoke(tell, arguments).stdout)
    expected = {"max_header": 2048, "idle_s": 1.5, "access_log": False, "log_level": "error"}
    expected |= {"allowed_hosts": ["a.org", "b.org"], "jwt_algorithm": "EdDSA", "max_body": 1_048_576}
    assert {name: found[name] for name in expected} == expected


def test_a_value_out_of_its_limits_is_refused_before_anything_is_served() -> None:
    result = CliRunner().invoke(serve, ["--max-depth", "513"])
    assert result.exit_code == 2
    assert "max_depth" in result.output
