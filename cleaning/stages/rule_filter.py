"""Stage `rules`: measure what the rule files ask for, judge, drop lines and documents with their reasons."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from cleaning.rules.blacklist import category_of
from cleaning.rules.rule_set import RuleSet, RulesParams
from cleaning.rules.rule_step import RuleStep
from cleaning.stages.contract import Stage, Step
from cleaning.text.line_metrics import line_matrix


class RuleFilter(Stage):
    """Rules as data."""

    name = "rules"
    version = 3
    about = "measure and judge: every threshold of the rule files, hits / first / only for each rule"
    Params = RulesParams
    file_lists = ("files", "user", "blacklists", "always")

    def files(self) -> list[str]:
        return [*self.params.files, *self.params.user, *self.params.blacklists]

    @cached_property
    def rule_set(self) -> RuleSet:
        """All rules, loaded once."""
        return RuleSet(self.params, self.find)

    def judges(self) -> RuleSet:
        return self.rule_set

    def check(self) -> None:
        self.rule_set  # noqa: B018 - loading is the check

    def warm_up(self) -> None:
        self.rule_set.measures.warm_up()
        if self.rule_set.line_rules:
            line_matrix([["一", "a."]])

    def identity(self) -> dict[str, Any]:
        data = dict(self.params.model_dump(mode="json", exclude={"canary"}))
        lists = [category_of(name) for name in self.params.blacklists]  # a list's name is its category
        always = [self.params.files.index(name) for name in self.params.always]
        return {**data, "files": len(data["files"]), "user": len(data["user"]), "blacklists": lists, "always": always}

    def step_of_rules(self) -> RuleStep:
        """The step, typed: what explains rules asks it to judge single documents."""
        return RuleStep(self.rule_set)

    def step(self) -> Step:
        return self.step_of_rules()
