"""`cleaning models eval`: how well a classifier does on labelled documents."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from cleaning.models.classifier.classifier import Classifier
from cleaning.models.classifier.examples import read_examples, sources_of
from cleaning.models.classifier.figures import describe_figures, judge
from cleaning.models.classifier.tokens import KINDS
from cleaning.models.commands.train_classifier import add_sources


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--model", required=True, type=Path, metavar="FILE.bin", help="the classifier")
    add_sources(parser)
    parser.add_argument("--threshold", type=float, default=0.5, help="score from which a document counts as positive (default 0.5)")
    parser.add_argument("--unit", choices=KINDS, help="for a model without a card: how it reads text")
    parser.add_argument("--label", help="for a model without a card: the label that is positive")


def run(args: argparse.Namespace) -> int:
    """Score the documents and print the figures."""
    classifier = Classifier.load(args.model, str(args.model), args.unit, args.label)
    examples = read_examples(sources_of(args), classifier.tokens)
    scores = np.nan_to_num(classifier.calibration(classifier.model(examples.joined())), nan=0.5)
    print(describe_figures(judge(scores, examples.positive, args.threshold)))
    counts = examples.about
    left_out = f"{counts['both_labels']:,} texts with both labels and {counts['empty']:,} empty ones are left out"
    print(f"\n{counts['duplicates']:,} duplicates count once; {left_out}")
    return 0
