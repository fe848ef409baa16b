"""What mkdocs generates from the catalogue: a page for each loss, their overview, the contract, and the colours."""

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from piste.losses import catalogue
from piste.report.cards.overview import by_family
from piste.report.cards.page import bases_page, contract_page, loss_page, overview_page
from piste.report.cards.tasks import tasks_page
from piste.report.palette import css_variables
from piste.tasks.base import task_names


def on_config(config: MkDocsConfig) -> None:
    """Put the generated pages where the navigation has room for them."""
    families = by_family(catalogue().values()).items()
    pages = [{family: [{spec.cls.__name__: _path(spec.name)} for spec in of]} for family, of in families]
    for entry in config.nav or ():
        if "Losses" in entry:
            entry["Losses"] = ["losses/index.md", *pages]
        if "Tasks" in entry:
            entry["Tasks"] = ["tasks/index.md", *({name.capitalize(): f"tasks/{name}.md"} for name in task_names())]


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add what is generated."""
    pages = {_path(name): loss_page(spec) for name, spec in catalogue().items()}
    pages["losses/index.md"] = overview_page(catalogue().values())
    pages["tasks/index.md"] = tasks_page()
    pages["contract.md"] = contract_page()
    pages["api/bases.md"] = bases_page(spec for of in by_family(catalogue().values()).values() for spec in of)
    pages["styles/palette.css"] = (
        f":root {{ {css_variables(dark=False)} }}\n[data-md-color-scheme=slate] {{ {css_variables(dark=True)} }}\n"
    )
    for path, content in pages.items():
        files.append(File.generated(config, path, content=content))


def _path(name: str) -> str:
    return f"losses/{name}.md"
