"""The ways in which losses are called, by the name that a spec's `call` gives."""

from collections.abc import Mapping

from piste.losses.contract.forms.elements import Elements
from piste.losses.contract.forms.form import Example, Form, bound, value

FORMS: Mapping[str, Form] = {
    "elements": Elements(),
}

__all__ = ["FORMS", "Example", "Form", "bound", "value"]
