"""The ways in which losses are called, by the name that a spec's `call` gives."""

from collections.abc import Mapping

from piste.losses.contract.forms.anchors import Anchors
from piste.losses.contract.forms.boxes import Boxes
from piste.losses.contract.forms.elements import Elements
from piste.losses.contract.forms.form import Example, Form, bound, value
from piste.losses.contract.forms.guided import Guided
from piste.losses.contract.forms.images import Images
from piste.losses.contract.forms.lines import Lines
from piste.losses.contract.forms.maps import Maps
from piste.losses.contract.forms.penalties import Penalties
from piste.losses.contract.forms.players import Players
from piste.losses.contract.forms.scored import Scored
from piste.losses.contract.forms.spatial import Spatial

FORMS: Mapping[str, Form] = {
    "elements": Elements(),
    "penalties": Penalties(),
    "guided": Guided(),
    "anchors": Anchors(),
    "scored": Scored(),
    "lines": Lines(),
    "spatial": Spatial(),
    "maps": Maps(),
    "images": Images(),
    "boxes": Boxes(),
    "players": Players(),
}

__all__ = ["FORMS", "Example", "Form", "bound", "value"]
