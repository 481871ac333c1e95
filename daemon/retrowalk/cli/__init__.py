"""The command `retrowalk`: one module a command, imported only when that command is called.

The command NAME is the attribute NAME of the module `retrowalk.cli.NAME`.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

import click

from retrowalk import __version__
from retrowalk.cli.errors import Exit, UserError

COMMANDS = {
    "demo": "A whole session on a simulated treadmill: no hardware, no broker needed.",
    "run": "Run the daemon.",
    "scan": "List the fitness machines in the air.",
    "inspect": "Connect read-only and tell what retrowalk will and will not do with a machine.",
    "commission": "Test the empty belt of a machine, by a person at it, and keep what is found.",
    "decode": "Turn the octets of a Bluetooth characteristic into JSON.",
    "programs": "Interval programs: list, show, check.",
    "session": "Talk to the running daemon: start, pause, resume, skip, stop, watch, ...",
    "config": "Check, show and describe the configuration.",
    "simulate": "The simulated treadmill alone, as a real Bluetooth peripheral.",
    "replay": "Run a flight-recorder file through the same core again.",
    "park": "Stop the belt now if it may be moving.",
    "version": "Print the version.",
}
"""Each command and its line in `retrowalk --help`, so that asking for help imports nothing."""

_DEMO_LIBRARIES = {"amqtt", "bumble", "rich"}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        return list(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002  (click's signature)
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"retrowalk.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from None

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002  (click's signature)
        formatter: click.HelpFormatter,
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of a bug (also: RETROWALK_DEBUG=1).")
@click.version_option(__version__, message="%(prog)s %(version)s")
def retrowalk(debug: bool) -> None:
    """Walk backward on a treadmill: interval sessions with enforced speed caps.

    The Bluetooth stop is a convenience. The safety cord is the emergency stop: clip it on.
    """
    if debug:
        os.environ["RETROWALK_DEBUG"] = "1"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code. Every mistake is told in one line on stderr."""
    if isinstance(sys.stdout, TextIOWrapper):  # a machine's name may have letters that the terminal has not
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        result = retrowalk.main(args=argv, prog_name="retrowalk", standalone_mode=False)
        sys.stdout.flush()
    except UserError as error:
        error.show()
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return Exit.DONE
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "retrowalk"
        told = error.format_message()
        click.echo(
            f"{command}: {told}{'' if told.endswith(('.', '?')) else '.'} See {command} --help.", err=True
        )
        return Exit.USAGE
    except click.ClickException as error:
        click.echo(f"retrowalk: {error.format_message()}", err=True)
        return Exit.USAGE
    except BrokenPipeError:  # `retrowalk ... | head`: nobody reads on, and the interpreter must not try again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED
    except click.Abort as error:
        if isinstance(error.__cause__, EOFError):
            return _bug(error.__cause__)
        return Exit.INTERRUPTED
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except ModuleNotFoundError as error:
        if error.name not in _DEMO_LIBRARIES:
            return _bug(error)
        click.echo(f"retrowalk: {error.name} is not installed: pip install 'retrowalk[demo]'", err=True)
        return Exit.USAGE
    except Exception as error:
        return _bug(error)
    return result if isinstance(result, int) else Exit.DONE


def _bug(error: BaseException) -> int:
    if os.environ.get("RETROWALK_DEBUG"):
        import traceback

        traceback.print_exception(error)
    told = " ".join(f"{type(error).__name__}: {error}".split())
    click.echo(
        f"retrowalk: this is a bug: {told} (run it again with RETROWALK_DEBUG=1 and report it)", err=True
    )
    return Exit.FAILED
