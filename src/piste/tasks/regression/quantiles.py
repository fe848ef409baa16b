"""Several quantiles at once: the loss that goes with them gets their shares."""

from collections.abc import Mapping, Sequence
from typing import Any

from piste.losses import Loss, Quantile, spec_of
from piste.objective import Objective

NAMES = ("name", "until")  # keys whose text is no loss


def with_shares(loss: Any, quantiles: Sequence[float] | None) -> Any:
    """A `loss:` section in which every quantile loss has the shares that the model answers for.

    Args:
        loss: as it was written.
        quantiles: `model.quantiles`; None leaves the section as it is.

    Raises:
        ValueError: a quantile loss has other shares.

    Example:
        >>> with_shares({"sum": ["quantile"]}, [0.1, 0.9])
        {'sum': [{'quantile': {'q': [0.1, 0.9]}}]}
    """
    if quantiles is None:
        return loss
    if loss == "quantile":
        return {"quantile": {"q": list(quantiles)}}
    if isinstance(loss, Mapping):
        return {key: _entry(key, value, quantiles) for key, value in loss.items()}
    if isinstance(loss, list):
        return [with_shares(each, quantiles) for each in loss]
    return loss


def _entry(key: str, value: Any, quantiles: Sequence[float]) -> Any:
    if key in NAMES:
        return value
    if key != "quantile" or not isinstance(value, Mapping | None):
        return with_shares(value, quantiles)
    given = dict(value or {})
    if given.setdefault("q", list(quantiles)) != list(quantiles):
        raise ValueError(
            f"`loss`: quantile.q is {given['q']}, and model.quantiles {list(quantiles)}: leave q out, or the quantiles"
        )
    return given


def refuse_other_losses(objective: Objective, quantiles: Sequence[float] | None) -> None:
    """Refuse losses that do not fit the number of answers.

    Raises:
        ValueError: names the loss.
    """
    for loss in objective.modules():
        if not isinstance(loss, Loss):
            continue
        several = isinstance(loss, Quantile) and not isinstance(loss.q, int | float)
        name = spec_of(loss).name
        if several and quantiles is None:
            raise ValueError(f"`loss`: quantile has several q, {loss.q}: list them as model.quantiles, and leave q out")
        if not several and quantiles is not None:
            raise ValueError(
                f"`model.quantiles` asks for {len(quantiles)} numbers, each priced at its own share, and `{name}` knows"
                " of none: set loss=quantile, or take the quantiles away"
            )
