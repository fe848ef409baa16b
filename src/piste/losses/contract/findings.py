"""Holding a user's own loss to every promise that needs no reference: what `piste check` prints."""

import warnings
from dataclasses import dataclass

from piste.losses.contract.subject import Subject, said
from piste.losses.contract.trial import Promise, Trial, basics, promises
from piste.losses.contract.ways import SIZES, TASKS

CALLED = "it can be called as the task calls it"


@dataclass(frozen=True)
class Finding:
    """What one promise came to.

    Args:
        promise: What was promised, as a sentence.
        ok: Whether it held.
        message: What was tried and, if it did not hold, where it failed and by how much.
    """

    promise: str
    ok: bool
    message: str


def run_contract(subject: Subject, task: str) -> list[Finding]:
    """Hold a function or module `subject(prediction, target)` to every promise that needs no reference.

    Args:
        subject: The loss; `mask` and `sample_weight` are tried as well where its signature has them.
        task: One of classification, segmentation, regression, restoration. The first two are tried with
            exclusive classes (softmax), then with independent labels (sigmoid): what it accepts is what is checked.

    Returns:
        One finding a promise; only the first ones if the subject cannot be called, returns no number or has no
        gradient, since nothing else can be tried then.

    Raises:
        ValueError: No such task.
    """
    if task not in TASKS:
        raise ValueError(f"`task` must be one of {', '.join(TASKS)}; got {task!r}.")
    refusals = []
    for way in TASKS[task]:
        trial = Trial(subject, way, SIZES[task])
        try:
            with warnings.catch_warnings(action="ignore"):
                subject(*trial.sample())
        except Exception as error:
            refusals.append(f"with {way.words} it raised {said(error)}")
            continue
        findings = [Finding(CALLED, True, way.words), *(_found(promise, trial) for promise in basics())]
        if all(finding.ok for finding in findings):
            findings += [_found(promise, trial) for promise in promises(trial)]
        return findings
    return [Finding(CALLED, False, "; ".join(refusals))]


def _found(promise: Promise, trial: Trial) -> Finding:
    """Run one promise; whatever the subject raises on the way breaks it."""
    name = promise.__name__.replace("_", " ")
    try:
        return Finding(name, True, promise(trial))
    except AssertionError as broken:
        return Finding(name, False, said(broken).removeprefix("AssertionError: "))
    except Exception as error:
        return Finding(name, False, f"it raised {said(error)}")
