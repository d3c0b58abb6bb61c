"""The entry point: one table of exit codes, one error at a time, no traceback unless AWO_DEBUG is set."""

from __future__ import annotations

import os
import sys

CLOSED_PIPE = 141  # as a shell names the end by SIGPIPE; never 0, which would say "verified"


def main() -> None:
    """Runs one command and ends the process with its documented exit code."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        from awo import __version__

        sys.stdout.write(f"awo {__version__}\n")
        sys.stdout.flush()
        os._exit(0)  # nothing is open: the interpreter's clean-up would double the time
    sys.exit(_run(arguments))


def _run(arguments: list[str]) -> int:
    import click

    from awo.cli.app import app
    from awo.cli.printing import print_error
    from awo.errors import AwoError, Interrupted, UsageError

    as_json = "--json" in arguments
    try:
        result = app.main(args=arguments, prog_name="awo", standalone_mode=False)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return UsageError.exit_code
    except click.ClickException as error:
        where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "awo"
        print_error(UsageError(error.format_message().rstrip("."), hint=f"{where} --help"), as_json=as_json)
        return UsageError.exit_code
    except AwoError as error:
        print_error(error, as_json=as_json)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        print_error(Interrupted("interrupted", hint="`awo resume` goes on with a run"), as_json=as_json)
        return Interrupted.exit_code
    except (BrokenPipeError, SystemExit):  # click's answer to a reader that has gone away is to exit
        return CLOSED_PIPE
    except Exception as error:
        if os.environ.get("AWO_DEBUG"):
            raise
        fault = AwoError(
            f"AWO has a fault: {type(error).__name__}: {error}",
            hint="run the command again with AWO_DEBUG=1 in the environment and report what it prints",
        )
        print_error(fault, as_json=as_json)
        return fault.exit_code
    return result if isinstance(result, int) else 0
