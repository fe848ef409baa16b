"""The tasks as a page of the docs: what each is, its built-in recipes, and the losses that suit it."""

import yaml

from piste.losses import catalogue
from piste.objective.recipe.schema import suiting
from piste.report.cards.overview import by_family
from piste.tasks.base import task_class, task_names
from piste.training.recipe import builtin_recipes


def tasks_page() -> str:
    """Every task, and the table of which loss suits which."""
    recipes: dict[str, list[str]] = {}
    for recipe, text in builtin_recipes().items():
        recipes.setdefault(yaml.safe_load(text)["task"], []).append(f"`{recipe}`")
    names = task_names()
    lines = [
        "# Tasks",
        "",
        "A recipe begins with its task. The task decides which data it reads, which models there are, which losses suit"
        " and which metrics judge; everything else, from the objective to the report, is the same for all.",
        "",
        "| task | what it is | built-in recipes | losses |",
        "|---|---|---|---:|",
    ]
    for name in names:
        built_in = ", ".join(recipes.get(name, ["none"]))
        lines.append(f"| [{name}]({name}.md) | {task_class(name).summary} | {built_in} | {len(suiting(name))} |")
    lines += [
        "",
        "`piste recipes` lists the recipes and `piste recipes lakes` prints one to start from. `piste schema` writes"
        " the JSON Schema of all recipes, by which editors complete and check them: with `piste schema --out"
        " piste.schema.json` beside it, begin a recipe with `# yaml-language-server: $schema=piste.schema.json`.",
        "",
        "## What the built-in recipes reach",
        "",
        '--8<-- "benchmarks/recipes.md:3"',
        "",
        "## Which loss suits which task",
        "",
        "Read from the losses' own declarations, as are the errors of recipes (“`dice` does not suit text; these do:"
        " ctc, focal_ctc”), `piste losses --task` and the schema.",
        "",
        f"| loss | {' | '.join(names)} |",
        f"|---|{':-:|' * len(names)}",
    ]
    for specs in by_family(catalogue().values()).values():
        for spec in specs:
            marks = " | ".join("●" if name in spec.tasks else "" for name in names)
            lines.append(f"| [`{spec.name}`](../losses/{spec.name}.md) | {marks} |")
    return "\n".join(lines) + "\n"
