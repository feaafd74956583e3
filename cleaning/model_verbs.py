"""`cleaning models COMMAND`: each command is a module of `cleaning/models/commands/`, loaded when it is asked for."""

from __future__ import annotations

import argparse
import importlib

from cleaning.errors import UserError, did_you_mean

EXAMPLE = "example: cleaning models fetch lid.176.ftz"
COMMANDS = {
    "list": "models that are known or present",
    "fetch": "get a published model, and verify it",
    "train-lm": "train an n-gram language model on shards",
    "train-classifier": "train a fastText classifier on good and bad documents",
    "mine-ads": "propose phrases of advertising, for a person to prune into a blacklist",
    "calibrate": "percentiles of a language model's scores on your own data",
    "eval": "precision, recall and AUC of a classifier on labelled documents",
    "card": "what is known of a model",
}


def run_command(arguments: list[str]) -> int:
    """Run one command and return its exit code. Raises UserError for an unknown one."""
    if not arguments or arguments[0] in ("-h", "--help"):
        lines = [f"  {name:<18} {about}" for name, about in COMMANDS.items()]
        print("usage: cleaning models COMMAND …", "\n".join(lines), EXAMPLE, sep="\n\n")
        return 0 if arguments else 2
    name = arguments[0]
    if name not in COMMANDS:
        raise UserError(f"models: unknown command '{name}'{did_you_mean(name, COMMANDS)}")
    command = importlib.import_module(f"cleaning.models.commands.{name.replace('-', '_')}")
    parser = argparse.ArgumentParser(prog=f"cleaning models {name}", description=COMMANDS[name])
    command.add_arguments(parser)
    code: int = command.run(parser.parse_args(arguments[1:]))
    return code
