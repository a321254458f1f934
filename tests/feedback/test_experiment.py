"""A/B verdicts: faults before harm, harm before haste, haste before the result."""

import json
from datetime import timedelta

import numpy as np
import pytest

from noria.feedback.experiment import GO_ON, PROMOTE, STOP, Arm, Guard, Rules, Verdict, timely, verdict
from noria.stats.sequential import Sample

RULES = Rules("accuracy", effect=0.03, guards=(Guard("fast", 0.02),), least=100)


def arm(version: int, weight: float, answers: int, right: float, fast: float = 0.9, known: float = 1.0) -> Arm:
    count = int(answers * known)
    samples = {
        name: Sample.of_share(int(share * count), count) for name, share in (("accuracy", right), ("fast", fast))
    }
    return Arm(version, weight, answers, samples)


def test_what_does_harm_is_told_apart_from_what_is_no_better() -> None:
    base = arm(1, 50, 20000, 0.70)
    assert verdict(base, arm(2, 50, 20000, 0.80, fast=0.8), RULES).harm
    assert not verdict(base, arm(2, 50, 20000, 0.60), RULES).harm


@pytest.mark.parametrize(
    ("word", "harm", "days", "becomes"),
    [
        (PROMOTE, False, 6, GO_ON),
        (PROMOTE, False, 7, PROMOTE),
        (STOP, False, 6, GO_ON),
        (STOP, True, 0, STOP),
        (GO_ON, False, 29, GO_ON),
        (GO_ON, False, 30, STOP),
        (PROMOTE, False, 31, PROMOTE),
        (PROMOTE, False, -400, GO_ON),  # the clock went back
        (GO_ON, False, -400, GO_ON),
    ],
)
def test_a_verdict_has_its_time(word: str, harm: bool, days: int, becomes: str) -> None:
    rules = Rules("accuracy", 0.03, shortest=7 * 86400, longest=30 * 86400)
    assert timely(Verdict(word, "so it is", {}, harm), timedelta(days=days), rules).word == becomes


def test_rules_are_read_back_as_they_were_kept() -> None:
    rules = Rules("accuracy", 0.03, (Guard("-brier", 0.01), Guard("accuracy@sex=f", 0.02)), 50, 0.01, 60.0, None)
    assert Rules.of(json.loads(json.dumps(rules.plain()))) == rules


@pytest.mark.parametrize(
    ("champion", "challenger", "word", "said"),
    [
        (arm(1, 50, 9000, 0.70), arm(2, 50, 5000, 0.90), STOP, "not divided as the route says"),
        (arm(1, 90, 9000, 0.70), arm(2, 10, 1000, 0.80), GO_ON, "a guard may still be broken"),
        (arm(1, 50, 20000, 0.70), arm(2, 50, 20000, 0.80), PROMOTE, "accuracy is better by 0.1 (from"),
        (arm(1, 50, 20000, 0.70), arm(2, 50, 20000, 0.80, fast=0.8), STOP, "fast is worse by 0.1"),
        (arm(1, 50, 20000, 0.70), arm(2, 50, 20000, 0.60), STOP, "accuracy is worse by 0.1"),
        (arm(1, 50, 50000, 0.70), arm(2, 50, 50000, 0.701), STOP, "differs by less than 0.03"),
        (arm(1, 50, 1000, 0.70), arm(2, 50, 1000, 0.71), GO_ON, "not yet known"),
        (arm(1, 50, 1000, 0.10, known=0.05), arm(2, 50, 1000, 0.99, known=0.05), GO_ON, "of 50 answers is known, 100"),
        (arm(1, 90, 0, 0.0), arm(2, 10, 0, 0.0), GO_ON, "of 0 answers is known"),
    ],
)
def test_what_is_said(champion: Arm, challenger: Arm, word: str, said: str) -> None:
    found = verdict(champion, challenger, RULES)
    assert found.word == word
    assert said in found.why
    assert found.evidence["versions"] == [1, 2]


def test_of_a_loss_less_is_better() -> None:
    known = [Sample(5000, mean, 5000.0) for mean in (3.0, 2.5)]
    a, b = (Arm(n, 50, 5000, {"cost": one}) for n, one in enumerate(known, 1))
    rules = Rules("-cost", effect=0.1)
    assert verdict(a, b, rules).word == PROMOTE
    assert verdict(b, a, rules).word == STOP


def test_who_peeks_at_every_hundredth_answer_is_rarely_misled() -> None:
    random = np.random.default_rng(3)
    lives, wrong = 200, 0
    for _ in range(lives):
        right = (random.random((2, 4000)) < 0.7).cumsum(axis=1)
        for n in range(100, 4001, 100):
            arms = [Arm(k, 50, n, {"accuracy": Sample.of_share(int(right[k, n - 1]), n)}) for k in (0, 1)]
            found = verdict(*arms, Rules("accuracy", effect=0.03))
            if found.word != GO_ON:
                wrong += "differs by less" not in found.why
                break
    assert wrong / lives <= 0.05 + 3 * (0.05 * 0.95 / lives) ** 0.5
