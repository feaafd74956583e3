"""Every error that this project raises on purpose, and what each means for a run.

CleaningError
├── UserError            the user's input is wrong: exit 2, no traceback, all faults listed, before a worker starts
│   ├── ConfigError      a key, a type, a value, the order of the stages
│   ├── RuleError        a rule file
│   ├── BlacklistError   a list of words
│   └── ModelError       a model that is missing, corrupt or of the wrong kind; the message ends with the command that gets it
├── ShardError           this shard fails, the others go on: exit 1 with the list
├── RetryableError       try the task again (a file changed under us, a lost worker)
└── ConservationError    a document would vanish: a defect of ours, the task is not committed
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CleaningError(Exception):
    """Base of all; `exit_code` is what the command line returns for it."""

    exit_code = 1


class UserError(CleaningError):
    """Something the user wrote is wrong. Holds every fault found, each `where: what, what is allowed`."""

    exit_code = 2

    def __init__(self, faults: str | Iterable[str]) -> None:
        self.faults = [faults] if isinstance(faults, str) else list(faults)
        super().__init__("\n".join(self.faults))


class ConfigError(UserError):
    """A configuration file or a `--set` is wrong."""


class RuleError(UserError):
    """A rule file is wrong."""


class BlacklistError(UserError):
    """A blacklist is wrong."""


class ModelError(UserError):
    """A model is missing, corrupt or of the wrong kind, or what reads it is not installed."""


class ShardError(CleaningError):
    """One shard cannot be processed; the run goes on without it and names it at the end."""


class RetryableError(CleaningError):
    """The task may succeed when it is tried again."""


class ConservationError(CleaningError):
    """Documents in and documents out do not add up."""


def did_you_mean(word: str, allowed: Iterable[str]) -> str:
    """`; did you mean 'symbol_ratio'?` when a name is close enough, else the allowed names (at most twelve).

    >>> did_you_mean("symbl_ratio", ["symbol_ratio", "digit_ratio"])
    "; did you mean 'symbol_ratio'?"
    >>> did_you_mean("xyz", ["a", "b"])
    '; allowed: a, b'
    """
    names = sorted(set(allowed))
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{close[0]}'?"
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"; allowed: {shown}" if names else ""
