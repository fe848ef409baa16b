"""vary: keywords of a loss that move from epoch to epoch."""

from collections.abc import Callable
from copy import deepcopy
from numbers import Real

from torch import Tensor, nn

from piste.losses.base import Loss
from piste.names import nearest
from piste.objective.ramp import Ramp
from piste.objective.sum import Sum
from piste.objective.terms import Term


def vary(loss: Callable[..., Tensor], **ramps: Ramp) -> Sum:
    """A loss whose keywords move: an objective, and a term where it is added to others.

    The loss is copied, because the copy's attributes are set; the one that came stays as it is.

    Args:
        loss: A loss, or a module whose settings are plain attributes.
        **ramps: A ramp for each keyword that moves. Its epochs are those of the phase in which the loss stands.

    Raises:
        ValueError: The loss has no such keyword, the keyword is not a number, or the loss refuses an end of the ramp.

    Example:
        >>> from piste.losses import Tversky
        >>> vary(Tversky(alpha=0.5, beta=0.5), beta=Ramp(0.5, 0.9, epochs=10))
        Sum(vary(Tversky(alpha=0.5, beta=0.5), beta=Ramp(0.5, 0.9, epochs=10)))
    """
    if not isinstance(loss, nn.Module):
        raise ValueError(f"`loss` must be a module, whose keywords are attributes that can move; got {loss!r}.")
    if not ramps:
        raise ValueError(f"vary needs a ramp for a keyword of {type(loss).__name__}; got none.")
    for keyword, ramp in ramps.items():
        _check(loss, keyword, ramp)
    return Sum(Term(deepcopy(loss), moving=ramps))


def _check(loss: nn.Module, keyword: str, ramp: Ramp) -> None:
    """Refuse a keyword that cannot move, and a ramp that leaves what the loss allows."""
    called = type(loss).__name__
    if not isinstance(ramp, Ramp):
        raise ValueError(f"`{keyword}` must move along a Ramp; got {ramp!r}. A fixed number goes into {called} itself.")
    known = type(loss).__signature__.parameters if isinstance(loss, Loss) else vars(loss)
    if keyword not in known:
        public = [name for name in known if not name.startswith("_") and name != "training"]
        raise ValueError(f"{called} has no keyword {keyword!r} that could move; {nearest(keyword, public)}.")
    value = getattr(loss, keyword)
    if value is not None and (not isinstance(value, Real) or isinstance(value, bool)):
        raise ValueError(f"`{keyword}` of {called} is {value!r}; only a number can move.")
    if isinstance(loss, Loss):
        for end in (ramp.start, ramp.end):
            type(loss)(**{name: getattr(loss, name) for name in known} | {keyword: end})
