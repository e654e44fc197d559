"""The errors that people see: one clear line each, with the mend in it, and the exit code of the command."""

import errno


class CowalkError(Exception):
    """Base of every error that cowalk raises on purpose; `exit_code` is what the command line exits with."""

    exit_code = 3


class UsageError(CowalkError, ValueError):
    """The call is off: an unknown name, a value out of range, options that do not go together."""

    exit_code = 2


class MissingExtraError(UsageError, ImportError):
    """An optional library is not installed; the message says which extra brings it."""


class DataError(CowalkError, ValueError):
    """The data are off: a missing file or column, nulls where ids must be, a log that cleaning empties."""


class ModelError(DataError):
    """A model folder cannot be read: truncated, foreign, newer than this version, or half of one."""


class StoreAwayError(CowalkError):
    """A store (Redis, SQLite) does not answer or takes nothing just now; it may be well again later."""


class DivergedError(DataError):
    """Learning left the finite numbers; the message names the epoch and the setting to lower."""


class UnknownIdError(CowalkError, KeyError):
    """An id is not in the vocabulary and the policy is `error`."""

    def __str__(self) -> str:  # KeyError shows the repr of its argument, quotes and all
        return str(self.args[0]) if self.args else ""


def disk_full(error: Exception) -> bool:
    """Whether it tells of a full disk, by its number or in the words of numpy and DuckDB, which have none."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return True
    return "No space left" in str(error) or (isinstance(error, OSError) and "requested and" in str(error))
