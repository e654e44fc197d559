"""main: runs the command; what goes wrong is one line on stderr and an exit code, never a stack trace."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from cowalk.errors import CowalkError, disk_full

INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """The exit code: 0, 2 (usage), 3 (data), 130 (interrupted); 1 is a defect of cowalk."""
    warnings.showwarning = _warn
    try:
        return _call(list(arguments))
    except CowalkError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail(_interrupted(arguments), INTERRUPTED)
    except BrokenPipeError:  # the reader of a pipe has gone (`cowalk ... | head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _fail(_os_words(error), 3)
    except MemoryError:
        return _fail("out of memory; lower --memory-limit or --vector-size, or use a larger machine", 3)
    except Exception as error:
        if os.environ.get("COWALK_DEBUG"):
            raise
        name = type(error).__name__
        return _fail(f"a defect of cowalk: {name}: {error}; COWALK_DEBUG=1 shows where, please report it", 1)


def _call(arguments: list[str]) -> int:
    """Parse and run; a wrong option is a usage error in one line too."""
    import typer

    from cowalk.cli.app import app

    # typer brings click along under its own name since 0.2x; both are reached through a public class
    shown: type[Exception] = next(
        kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
    )

    try:
        code = app(args=arguments or ["--help"], standalone_mode=False, prog_name="cowalk")
    except typer.Abort:
        raise KeyboardInterrupt from None
    except shown as error:
        return _fail(f"{_message(error)}; see `cowalk{_command(error)} --help`", 2)
    if code == INTERRUPTED:  # typer catches Ctrl-C itself
        raise KeyboardInterrupt
    return code if isinstance(code, int) else 0


def _message(error: Any) -> str:
    words: str = error.format_message()
    return words.strip().rstrip(".")


def _command(error: Any) -> str:
    """The command that was called, with a space before it."""
    context = getattr(error, "ctx", None)
    return "" if context is None else context.command_path.removeprefix("cowalk")


def _interrupted(arguments: Sequence[str]) -> str:
    if arguments and arguments[0] in ("fit", "update", "rank"):
        return "interrupted; run the same command again to go on from the last finished epoch"
    if arguments and arguments[0] == "tune":
        return "interrupted; run the same command again to go on after the last trial"
    return "interrupted"


def _os_words(error: OSError) -> str:
    what = f"{error.filename}: " if error.filename else ""
    if disk_full(error):
        return f"{what}no space left on the disk; free some and run the same command again"
    return f"{what}{(error.strerror or str(error)).lower()}"


def _fail(words: str, code: int) -> int:
    print("cowalk: " + " ".join(words.split()), file=sys.stderr)
    return code


def _warn(message: object, *_: object, **__: object) -> None:
    """A warning as a note in one line."""
    print(f"cowalk: {message}", file=sys.stderr)
